// Terminals of tmux, in which a shell runs: what a person types and sees, at any width.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MAIN } from "../../hw-loopback/lib.mjs";

const ROWS = 50;
const POLL_MS = 100;
const START_LIMIT_MS = 10_000;
/** The shell's prompt says how the command before it ended. */
const PROMPT = /^\[(\d+)\] \$/;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A tmux server of its own, whose shells start in `dir` and find `mayday`, this checkout's, in PATH. */
export class Terminals {
  #dir;
  #bin;
  #count = 0;

  constructor(dir) {
    this.#dir = dir;
    this.#bin = join(dir, ".bin");
    mkdirSync(this.#bin);
    const program = join(this.#bin, "mayday");
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
    chmodSync(program, 0o755);
  }

  /** Opens a terminal of so many columns; resolves when its shell waits for a command. */
  async open(columns) {
    const name = `t${++this.#count}`;
    const size = ["-x", String(columns), "-y", String(ROWS)];
    const variables = [`PATH=${this.#bin}:${process.env.PATH}`, "PS1=[$?] $ ", "LC_ALL=C.UTF-8"];
    const shell = ["env", "-u", "NO_COLOR", ...variables, "sh"];
    this.tmux("new-session", "-d", "-s", name, ...size, "-c", this.#dir, ...shell);
    const terminal = new Terminal(this, name, columns);
    await terminal.ended(START_LIMIT_MS);
    return terminal;
  }

  /** Runs tmux; its output. */
  tmux(...args) {
    const socket = join(this.#dir, ".tmux");
    const env = { ...process.env, LC_ALL: "C.UTF-8", SHELL: "/bin/sh" };
    const result = spawnSync("tmux", ["-u", "-S", socket, "-f", "/dev/null", ...args], {
      encoding: "utf8",
      env,
    });
    if (result.error)
      throw new Error(`tmux cannot be started (${result.error.message}): apt-get install tmux`);
    if (result.status !== 0) throw new Error(`tmux ${args[0]}: ${result.stderr.trim()}`);
    return result.stdout;
  }

  /** Ends all terminals and what runs in them. */
  close() {
    if (this.#count > 0) this.tmux("kill-server");
  }
}

class Terminal {
  columns;
  #terminals;
  #name;
  /** Prompts that were there when the last command was typed. */
  #promptsBefore = 0;

  constructor(terminals, name, columns) {
    this.#terminals = terminals;
    this.#name = name;
    this.columns = columns;
  }

  /** Types a command and Enter. */
  type(command) {
    this.#promptsBefore = promptsOf(this.screen());
    this.#terminals.tmux("send-keys", "-t", this.#name, "-l", command);
    this.#terminals.tmux("send-keys", "-t", this.#name, "Enter");
  }

  interrupt() {
    this.#terminals.tmux("send-keys", "-t", this.#name, "C-c");
  }

  /** What is on the screen: its rows, and the lines as they were written, which the terminal may have wrapped. */
  screen() {
    const { columns } = this;
    const text = this.#terminals.tmux("capture-pane", "-p", "-J", "-t", this.#name);
    const lines = text
      .trimEnd()
      .split("\n")
      .map((line) => line.trimEnd());
    return {
      columns,
      lines,
      rows: lines.flatMap((line) => line.match(new RegExp(`.{1,${columns}}`, "gu")) ?? [""]),
    };
  }

  /** Resolves with the screen as soon as `isThere(screen)`; throws after `limitMs`. */
  async until(isThere, limitMs) {
    const end = performance.now() + limitMs;
    for (;;) {
      const screen = this.screen();
      if (isThere(screen)) return screen;
      if (performance.now() > end)
        throw new Error(`not seen within ${limitMs} ms:\n${screen.rows.join("\n")}`);
      await sleep(POLL_MS);
    }
  }

  /** Resolves when the shell waits for a command again: the screen, and the exit code of the command before. */
  async ended(limitMs) {
    const isOver = (screen) => promptsOf(screen) > this.#promptsBefore && screen.lines.at(-1).endsWith(" $");
    const screen = await this.until(isOver, limitMs);
    return { ...screen, code: Number(PROMPT.exec(screen.lines.at(-1))[1]) };
  }
}

/** How often the shell has waited for a command. */
function promptsOf({ lines }) {
  return lines.filter((line) => PROMPT.test(line)).length;
}
