import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addAllCommands } from "../support/all-commands.ts";
import { asRoot } from "../support/as-root.ts";
import { type BashRun, runBash } from "../support/run-bash.ts";
import { NOBODY } from "../two-users/other-user.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
/** A link that fails at once, so that nothing but the path is the subject. */
const LINK = "--link tcp:127.0.0.1:1 --once --timeout 0.3";
const TARGET = "--link tcp:127.0.0.1:1 --timeout 0.3";
const NEW = "--hardware acme/widget --flash-size 64K";

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
  // The other user has to reach what is in it.
  chmodSync(bench.dir, 0o755);
  await bench.board("board", bench.path("fw.mdy"));
  mkdirSync(bench.path("images"));
  writeFileSync(bench.path("plain"), "x");
  symlinkSync("circle", bench.path("circle"));
});
afterAll(() => bench.close());

/** A server that is not there: what is wrong with a path is seen before it is asked. */
const PULL = "--from http://127.0.0.1:1/ --allow-address 127.0.0.1";

/** A broker that is not there: likewise. */
const BROKER = "--broker mqtts://127.0.0.1:1 --fleet pumps";

/**
 * Each place where a command takes a path, as "COMMAND ARGUMENT" or "COMMAND --FLAG", and a command line with PATH there. What is
 * given besides is right.
 */
const PLACES: Readonly<Record<string, string>> = {
  "demo --firmware": "demo --firmware PATH",
  "keygen --out": "keygen --out PATH",
  "keygen --link-key": "keygen --link-key PATH",
  "image build --in": "image build --in PATH --hardware a/w --version 1.0.0 --out never.mdy",
  "image build --out": "image build --in firmware.bin --hardware a/w --version 1.0.0 --out PATH",
  "image build --key":
    "image build --in firmware.bin --hardware a/w --version 1.0.0 --out never.mdy --key PATH",
  "image inspect <file>": "image inspect PATH",
  "image verify <file>": "image verify PATH --trust owner.pub",
  "image verify --trust": "image verify fw.mdy --trust PATH",
  "repo add <files...>": "repo add PATH --repo images",
  "repo add --repo": "repo add fw.mdy --repo PATH",
  "repo list --repo": "repo list --repo PATH",
  "repo remove --repo": "repo remove abcdef --repo PATH",
  "repo verify --repo": "repo verify --repo PATH",
  "repo publish --repo": "repo publish --repo PATH --out never",
  "repo publish --out": "repo publish --repo images --out PATH --allow-unsigned",
  "repo publish --key": "repo publish --repo images --out never --key PATH",
  "repo pull --repo": `repo pull --repo PATH ${PULL} --trust owner.pub`,
  "repo pull --trust": `repo pull --repo never ${PULL} --trust PATH`,
  "repo pull --ca": `repo pull --repo never ${PULL} --trust owner.pub --ca PATH`,
  "repo pull --cert": `repo pull --repo never ${PULL} --trust owner.pub --cert PATH --cert-key owner.key`,
  "repo pull --cert-key": `repo pull --repo never ${PULL} --trust owner.pub --cert owner.pub --cert-key PATH`,
  "board init <dir>": `board init PATH ${NEW} --allow-unsigned`,
  "board init --flash": `board init never ${NEW} --allow-unsigned --flash file:PATH`,
  "board init --trust": `board init never ${NEW} --trust PATH`,
  "board init --link-key": `board init never ${NEW} --allow-unsigned --link-key PATH`,
  "board init --image": `board init never ${NEW} --allow-unsigned --image PATH`,
  "board boot <dir>": "board boot PATH",
  "board status <dir>": "board status PATH",
  "board confirm <dir>": "board confirm PATH",
  "board trust <dir>": "board trust PATH",
  "board trust --key": "board trust board --key PATH --max-step 5",
  "board trust --remove": "board trust board --remove PATH",
  "board read <dir>": "board read PATH --out never.bin",
  "board read --out": "board read board --out PATH",
  "board damage <dir>": "board damage PATH",
  "board install <dir>": "board install PATH fw.mdy",
  "board install <file>": "board install board PATH",
  "distress --board": `distress ${TARGET} --board PATH`,
  "distress --link-key": `distress ${TARGET} --board board --force --link-key PATH`,
  "distress --log": `distress ${TARGET} --board board --log PATH`,
  "rescue --repo": `rescue ${LINK} --repo PATH`,
  "rescue --image": `rescue ${LINK} --image PATH`,
  "rescue --link-key": `rescue ${LINK} --repo images --link-key PATH`,
  "rescue --log": `rescue ${LINK} --repo images --log PATH`,
  "dispatch --repo": `dispatch ${LINK} --repo PATH`,
  "dispatch --link-key": `dispatch ${LINK} --repo images --link-key PATH`,
  "dispatch --log": `dispatch ${LINK} --repo images --log PATH`,
  "distress --console": `distress ${TARGET} --board board --console PATH`,
  "rescue --console": `rescue ${LINK} --repo images --console PATH`,
  "dispatch --console": `dispatch ${LINK} --repo images --console PATH`,
  "node --console": `node ${TARGET} --console PATH`,
  "node --config": "node --config PATH",
  "node --board": `node ${TARGET} --board PATH`,
  "node --repository": `node ${TARGET} --repository PATH`,
  "node --link-key": `node ${TARGET} --repository images --link-key PATH`,
  "node --log": `node ${TARGET} --log PATH`,
  "status --node": "status --node PATH",
  "status --link-key": "status --link tcp:127.0.0.1:1 --timeout 0.3 --link-key PATH",
  "collect --out": "collect --broker mqtt://127.0.0.1:1 --fleet pumps --out PATH",
  "collect --ca": `collect ${BROKER} --out never --ca PATH`,
  "collect --cert": `collect ${BROKER} --out never --cert PATH --key owner.key`,
  "collect --key": `collect ${BROKER} --out never --cert owner.pub --key PATH`,
  "fleet status --dir": "fleet status --dir PATH",
  "fleet status --html": "fleet status --dir images --html PATH",
  "fleet offer --image": `fleet offer ${BROKER} --sign owner.key --image PATH`,
  "fleet offer --sign": `fleet offer ${BROKER} --image fw.mdy --sign PATH`,
  "fleet offer --ca": `fleet offer ${BROKER} --image fw.mdy --sign owner.key --ca PATH`,
  "fleet offer --cert": `fleet offer ${BROKER} --image fw.mdy --sign owner.key --cert PATH --key owner.key`,
  "fleet offer --key": `fleet offer ${BROKER} --image fw.mdy --sign owner.key --cert owner.pub --key PATH`,
  "fleet stop --sign": `fleet stop ${BROKER} --digest 0123456789abcdef --sign PATH`,
  "fleet stop --ca": `fleet stop ${BROKER} --digest 0123456789abcdef --sign owner.key --ca PATH`,
  "fleet stop --cert": `fleet stop ${BROKER} --digest 0123456789abcdef --sign owner.key --cert PATH --key owner.key`,
  "fleet stop --key": `fleet stop ${BROKER} --digest 0123456789abcdef --sign owner.key --cert owner.pub --key PATH`,
  "sim --svg": "sim --topology line --nodes 2 --seed 1 --svg PATH",
};

/**
 * Not among them: links that the helper of the cable makes, a file after a run of minutes, a socket without which a node runs all the
 * same, and a flag that only sounds like a path.
 */
const OTHERS = [
  "cable --a",
  "cable --b",
  "board torture --report",
  "node --socket",
  "board init --manifests",
];

const EXITS_OK = [1, 2, 3];

/** Runs a command line in the bench's folder, as `nobody` if `isOther`, or behind `prefix`. */
function run(line: string, { isOther = false, prefix = "" } = {}): Promise<BashRun> {
  const asOther = `setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups`;
  const command = `${prefix} ${isOther ? asOther : ""} ${process.execPath} ${MAIN} ${line} --json`;
  return runBash(command, { cwd: bench.dir });
}

/** What holds for every failure because of a path. */
function expectSentence({ code, stdout, stderr }: BashRun, name: string): void {
  const all = `${name}\n${stderr}`;
  const verdict = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Record<string, unknown>;
  expect(EXITS_OK, all).toContain(code);
  expect(verdict, all).toMatchObject({ event: "verdict", ok: false, code });
  const message = String(verdict["message"]);
  expect(message, all).not.toMatch(
    /\bE(?!D25519)[A-Z]{3,}\b|errno|syscall|internal error|undefined|\[object/,
  );
  expect(stderr, all).not.toMatch(/^\s+at |node:internal|uncaught/im);
  // What was seen, and what to do.
  expect(message, all).toMatch(/[;:,] (?:[a-z]|\/)/);
  expect(verdict["reason"], all).not.toMatch(/internal-error|port|connect|timeout/);
}

function eachPlace(): readonly (readonly [string, string])[] {
  return Object.entries(PLACES);
}

const inPlace = (line: string, path: string): string => line.replace("PATH", path);

test("every argument and flag that takes a path is among the places", () => {
  const found: string[] = [];
  const walk = (command: Command, path: string): void => {
    const names = /file|dir|folder|path|pub|base|where|socket|key$/i;
    for (const argument of command.registeredArguments) {
      const shown = `<${argument.name()}${argument.variadic ? "..." : ""}>`;
      if (names.test(argument.name())) found.push(`${path} ${shown}`);
    }
    for (const option of command.options) {
      const value = /[<[]([^>\]]+)/.exec(option.flags)?.[1];
      if (value !== undefined && names.test(value)) found.push(`${path} ${option.long}`);
    }
    for (const inner of command.commands) walk(inner, `${path} ${inner.name()}`.trim());
  };
  walk(addAllCommands(new Command()), "");
  const known = [...Object.keys(PLACES), ...OTHERS];
  expect(found.filter((place) => !known.includes(place))).toEqual([]);
  expect(found.length).toBeGreaterThan(30);
});

describe("a path that cannot be used is a sentence with what to do", () => {
  test.each(eachPlace())("when a part of it is a file: %s", { timeout: 30_000 }, async (name, line) => {
    expectSentence(await run(inPlace(line, "plain/x/y")), name);
  });

  test.each(eachPlace())("when it is too long: %s", { timeout: 30_000 }, async (name, line) => {
    expectSentence(await run(inPlace(line, "x".repeat(300))), name);
  });

  test.each(eachPlace())(
    "when a folder on the way is a circle of links: %s",
    { timeout: 30_000 },
    async (name, line) => {
      expectSentence(await run(inPlace(line, "circle/x")), name);
    },
  );

  for (const [name, line] of eachPlace()) {
    // What is given besides belongs to root, and what the other user may not use of it comes first.
    if (/ board |--key|board --/.test(inPlace(line, ""))) continue;
    asRoot(`when another user has closed its folder: ${name}`, async () => {
      mkdirSync(bench.path("closed/in"), { recursive: true });
      chmodSync(bench.path("closed"), 0o700);
      expectSentence(await run(inPlace(line, "closed/in/x"), { isOther: true }), name);
    });
  }
});

describe("a path that is written to", () => {
  const WRITES = [
    ["keygen --out", "keygen --out PATH/k"],
    ["keygen --link-key", "keygen --link-key PATH/k"],
    ["image build --out", "image build --in firmware.bin --hardware a/w --version 1.0.0 --out PATH/o.mdy"],
    ["repo add --repo", "repo add fw.mdy --repo PATH/r"],
    ["repo publish --out", "repo publish --repo images --out PATH/w --allow-unsigned"],
    ["board init <dir>", `board init PATH/b ${NEW} --allow-unsigned`],
    ["board init in place", `board init PATH ${NEW} --allow-unsigned`],
    ["board init --flash", `board init never ${NEW} --allow-unsigned --flash file:PATH/flash`],
    ["board read --out", "board read board --out PATH/o.bin"],
    ["sim --svg", "sim --topology line --nodes 2 --seed 1 --svg PATH/o.svg"],
    ["rescue --log", `rescue ${LINK} --repo images --log PATH/log`],
  ] as const;

  for (const [name, line] of WRITES) {
    asRoot(`is a sentence when its file system is read-only: ${name}`, async () => {
      const dir = bench.path("read-only");
      mkdirSync(dir, { recursive: true });
      execFileSync("mount", ["-t", "tmpfs", "-o", "ro", "tmpfs", dir]);
      try {
        const result = await run(inPlace(line, bench.path("read-only")));
        expectSentence(result, name);
        expect(result.stderr, name).toMatch(/the file system is read-only; mount it for writing/);
        expect(result.code).toBe(1);
      } finally {
        execFileSync("umount", [dir]);
      }
    });
  }

  for (const [name, line] of WRITES.slice(0, -1)) {
    asRoot(`is a sentence when there is no room, and works when there is: ${name}`, async () => {
      const dir = bench.path("full");
      mkdirSync(dir, { recursive: true });
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=4k,mode=755", "tmpfs", dir]);
      try {
        writeFileSync(`${dir}/.DS_Store`, new Uint8Array(4096));
        const result = await run(inPlace(line, dir));
        expectSentence(result, name);
        expect(result.stderr, name).toMatch(/no room is left on the file system; remove what is not needed/);
        expect(result.code).toBe(1);
        execFileSync("mount", ["-o", "remount,size=4m", dir]);
        expect((await run(inPlace(line, dir))).code, name).toBe(0);
      } finally {
        execFileSync("umount", [dir]);
        rmSync(bench.path("never"), { recursive: true, force: true });
      }
    });
  }

  test("is a sentence when the current folder was removed", async () => {
    for (const line of [
      "image inspect fw.mdy",
      "board boot .",
      `board init . ${NEW} --allow-unsigned`,
      "keygen --out k",
    ]) {
      mkdirSync(bench.path("gone"), { recursive: true });
      const prefix = `cd gone && rmdir "$PWD" &&`;
      expectSentence(await run(line, { prefix }), line);
    }
  });

  test("is a sentence in the warning of a node that cannot have its socket there", async () => {
    for (const path of ["plain/x/y", "x".repeat(100), "circle/x", "none/x"]) {
      const { stderr } = await run(`node ${TARGET} --repository images --socket ${path}`);
      expect(stderr, path).toMatch(/warning: no control socket: .*[;:] /);
      expect(stderr, path).not.toMatch(/\bENO[A-Z]+|ELOOP|EACCES|EINVAL/);
    }
  });

  test("is a sentence when the process may open no more files", async () => {
    const result = await run("board confirm board", { prefix: "ulimit -n 18;" });
    // How many files Node itself opens differs between its versions: either there were enough, or this is said.
    if (result.code !== 0) expectSentence(result, "open files");
  });
});

describe("a board that may only be read", () => {
  asRoot(
    "is shown, booted and read from a read-only file system, and a writing command says why it cannot",
    async () => {
      const dir = bench.path("ro-board");
      mkdirSync(dir);
      execFileSync("mount", ["--bind", bench.path("board"), dir]);
      try {
        execFileSync("mount", ["-o", "remount,bind,ro", dir]);
        for (const line of [
          "board boot ro-board",
          "board status ro-board",
          "board trust ro-board",
          "board read ro-board --out read.bin",
        ]) {
          expect(await run(line), line).toMatchObject({
            code: 0,
            stderr: expect.not.stringMatching(/warning|cannot/),
          });
        }
        for (const line of [
          "board confirm ro-board",
          "board damage ro-board",
          "board install ro-board fw.mdy",
        ]) {
          const result = await run(line);
          expectSentence(result, line);
          expect(result.stderr, line).toMatch(/the file system is read-only; mount it for writing/);
        }
      } finally {
        execFileSync("umount", [dir]);
      }
    },
  );
});
