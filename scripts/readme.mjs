#!/usr/bin/env node
// Follows README.md by copy and paste: in a clean clone of the last commit, with an empty home, at an interactive shell on a terminal.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, stripVTControlCharacters } from "node:util";
import { headLines, recordHead, runBench, tableText, writeRecord } from "../hw-loopback/lib.mjs";

const USAGE = `usage: npm run evidence:readme -- [--out docs/evidence/readme]

Clones the last commit, and pastes into a bash with an empty home, on a terminal: the first of README.md's two commands, and both
blocks of its quick start. Exit 0: each line ended with 0 or with the exit code that its remark names, the boards were healed, and
the first one within 60 s of the first key. 1: not so. 2: usage.
`;
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FIRST_HEALED_LIMIT_S = 60;
const BLOCK_LIMIT_MS = 240_000;
const HEALED = /\bhealed\b/;
/** Blocks that need wires, another machine, or an hour; their flags are checked by test/tidy/commands.test.ts. */
const NOT_PASTED = /\/dev\/tty|raspberrypi|--install/;

/** Lines of the README's blocks of shell commands that may be pasted anywhere, in order. */
function blocksOf(readme) {
  const blocks = [...readme.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block]) =>
    block.split("\n").filter((line) => line.trim() !== "" && !NOT_PASTED.test(line)),
  );
  const all = [...readme.matchAll(/^```sh\n/gm)].length;
  const [commands, build, story] = blocks;
  if (!/npm ci && npm run demo/.test(commands?.[0] ?? "") || !/mayday cable/.test(story?.[0] ?? ""))
    throw new Error("README.md no longer begins with its two commands and the quick start");
  return { pasted: [commands.slice(0, 1), build, story], all };
}

/** A bash at a terminal, as a new user has it. It says the exit code of each line. */
class Shell {
  #child;
  #raw = "";
  output = "";

  constructor(cwd, home) {
    const env = {
      PATH: process.env.PATH,
      HOME: home,
      TERM: "xterm",
      SHELL: "/bin/bash",
      PROMPT_COMMAND: 'printf "[exit %s]\\n" $?',
    };
    this.#child = spawn("script", ["-qfec", "bash --norc --noprofile -i", "/dev/null"], { cwd, env });
    this.#child.stdout.setEncoding("utf8").on("data", (text) => {
      this.#raw += text;
      this.output = stripVTControlCharacters(this.#raw).replaceAll("\r", "");
    });
  }

  /** Waits for the first prompt. */
  async isReady() {
    while (!this.output.includes("[exit 0]")) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Pastes lines at once. What they showed, how each ended, and seconds until the first board was healed. */
  async paste(lines) {
    const from = this.output.length;
    const begun = performance.now();
    const seconds = () => (performance.now() - begun) / 1000;
    this.#child.stdin.write(`${lines.join("\n")}\n`);
    let healedAfter;
    for (;;) {
      const shown = this.output.slice(from);
      if (HEALED.test(shown.replaceAll(/^.*# .*$/gm, ""))) healedAfter ??= seconds();
      const exits = [...shown.matchAll(/\[exit (\d+)\]/g)].map(([, code]) => Number(code));
      if (exits.length >= lines.length || seconds() * 1000 > BLOCK_LIMIT_MS)
        return { lines, exits, shown, healedAfter, seconds: seconds() };
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async close() {
    const over = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.stdin.end("\nexit\n");
    await Promise.race([over, new Promise((resolve) => setTimeout(resolve, 5000))]);
    this.#child.kill("SIGKILL");
  }
}

const statedExit = (line) => Number(/# exit (\d+)/.exec(line)?.[1] ?? 0);

function stumblesOf({ lines, exits }) {
  return lines.flatMap((line, i) => {
    const [wanted, got] = [statedExit(line), exits[i]];
    return got === wanted ? [] : [`${line}: ${got === undefined ? "not reached" : `exit ${got}`}`];
  });
}

async function main() {
  const { values } = parseArgs({ options: { out: { type: "string" } } });
  const { pasted, all } = blocksOf(readFileSync(join(ROOT, "README.md"), "utf8"));
  const dir = mkdtempSync(join(tmpdir(), "mayday-readme-"));
  const [clone, home, story] = ["clone", "home", "story"].map((name) => join(dir, name));
  let shell;
  try {
    execFileSync("git", ["clone", "--quiet", ROOT, clone]);
    for (const folder of [home, story]) mkdirSync(folder);
    shell = new Shell(clone, home);
    await shell.isReady();
    const results = [];
    for (const [i, lines] of pasted.entries()) {
      // "In an empty folder"
      if (i === 2) await shell.paste([`cd ${story}`]);
      results.push(await shell.paste(lines));
    }
    const stumbles = results.flatMap(stumblesOf);
    const first = results[0].healedAfter;
    const isHealed = first !== undefined && results[2].healedAfter !== undefined;
    if (!isHealed) stumbles.push("no board was healed");
    else if (first > FIRST_HEALED_LIMIT_S) stumbles.push(`first board healed after ${first.toFixed(1)} s`);
    if (stumbles.length > 0) process.stdout.write(`${results.map(({ shown }) => shown).join("")}\n`);
    const cached = `${all} blocks of shell commands in README.md, ${pasted.length} of them pasted`;
    const head = recordHead("readme", cached, []);
    const rows = results.map(({ lines, seconds, healedAfter }) => [
      `\`${lines[0].replace(/ +#.*/, "")}\`${lines.length > 1 ? ` and ${lines.length - 1} more` : ""}`,
      seconds.toFixed(1),
      healedAfter?.toFixed(1) ?? "",
    ]);
    const markdown = [
      "# README.md by copy and paste",
      "",
      "Pasted into an interactive bash on a terminal, in a clean clone of the commit, with an empty home: no cache of npm, no settings.",
      "Packages come over the network. The other blocks need wires or another machine. Again: `npm run evidence:readme`.",
      "",
      ...headLines(head),
      "",
      ...tableText(["block", "seconds", "first board healed after, seconds"], rows),
      "",
      stumbles.length === 0 ? "No stumble." : stumbles.map((what) => `- ${what}`).join("\n"),
      "",
    ].join("\n");
    process.stdout.write(`${markdown}\n`);
    writeRecord(values.out, { ...head, results: rows, stumbles }, markdown);
    return stumbles.length === 0;
  } finally {
    await shell?.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

await runBench(USAGE, main);
