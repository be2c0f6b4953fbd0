import { type ChildProcess, spawn } from "node:child_process";
import { type Clock, systemClock, type Timer } from "../base/clock.ts";
import { UsageError } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import { programPaths } from "../files/program-path.ts";
import type { HealedEvent, NodeEvent } from "../node/node-event.ts";
import { splitWords } from "./words.ts";

/** A command that runs longer is ended. */
export const HOOK_LIMIT_MS: Millis = 300_000;
/** After this long it is killed, if it does not end when it is asked to. */
const HOOK_GRACE_MS: Millis = 5_000;
/** Once the node stops, what runs and waits has this long; less than a command has to end (`run.ts`). */
const HOOK_STOP_MS: Millis = 1_500;
/** Boards that wait for their run; when more do, the one that waits longest is left out. */
export const HOOKS_WAITING_MAX = 64;

const FLAG = "--on-healed";
/** What a shell would act on: as a word of its own it is more likely a mistake than an argument. */
const SHELL_WORDS = /^(?:[|&;<>]+|\d?>.*)$|\$\{?[A-Za-z_]/;

/** Where the command's limits come from; the defaults unless given. */
export interface HealedCommandOptions {
  readonly warn: (text: string) => void;
  readonly clock?: Clock;
  readonly limitMs?: Millis;
  /** The node stops: after a moment no more runs begin, and one that has begun is left to itself. */
  readonly signal?: AbortSignal;
}

/**
 * Runs the user's program after each healed board: one at a time, since without a link key anybody on the wire can say that a
 * board was healed. A board that is healed again while it waits is run for once. If the program fails, there is a warning
 * and nothing else.
 */
export class HealedCommand {
  readonly #words: readonly [string, ...string[]] | undefined;
  readonly #options: HealedCommandOptions;
  readonly #clock: Clock;
  /** The last heal of each board that waits, the oldest first. */
  readonly #waiting: Map<string, HealedEvent> = new Map();
  #running: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #child: ChildProcess | undefined;
  #stopTimer: Timer | undefined;
  #leftOut = 0;

  /** `command`: words, without a shell. UsageError when they cannot be split or name no program that can be run. */
  constructor(command: string | undefined, options: HealedCommandOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    if (command === undefined) return;
    this.#words = splitWords(command, FLAG);
    requireProgram(this.#words[0]);
    const odd = this.#words.slice(1).find((word) => SHELL_WORDS.test(word));
    if (odd !== undefined && !isShell(this.#words[0]))
      options.warn(`${FLAG} runs without a shell: ${odd} is passed on as it is; for a shell: sh -c '...'`);
    this.#stopped = new Promise((resolve) => {
      options.signal?.addEventListener("abort", () => {
        this.#stopTimer = this.#clock.after(HOOK_STOP_MS, () => {
          this.#stop();
          resolve();
        });
      });
    });
  }

  /** Takes every event of the node. */
  handle(event: NodeEvent): void {
    if (event.event !== "healed" || this.#words === undefined) return;
    const name = `${event.peer} ${event.link}`;
    this.#waiting.delete(name);
    this.#waiting.set(name, event);
    if (this.#waiting.size > HOOKS_WAITING_MAX) this.#leaveOut();
    this.#running ??= this.#runAll(this.#words);
  }

  #leaveOut(): void {
    const [oldest] = this.#waiting.keys();
    if (oldest !== undefined) this.#waiting.delete(oldest);
    if (this.#leftOut++ === 0)
      this.#options.warn(`${FLAG} is too slow: more than ${HOOKS_WAITING_MAX} boards wait for it`);
  }

  /** Resolves when all runs have ended, or the node has to stop without them. */
  async finished(): Promise<void> {
    await Promise.race([this.#running, this.#stopped]);
    this.#stopTimer?.cancel();
    if (this.#leftOut > 0) this.#options.warn(`${FLAG} was not run for ${this.#leftOut} healed boards`);
  }

  async #runAll(words: readonly [string, ...string[]]): Promise<void> {
    for (const [name, event] of this.#waiting) {
      this.#waiting.delete(name);
      await this.#run(words, event);
    }
    this.#running = undefined;
  }

  #run([program, ...args]: readonly [string, ...string[]], event: HealedEvent): Promise<void> {
    const { link, peer, digest, version, proven } = event;
    const env = {
      ...process.env,
      MAYDAY_LINK: link,
      MAYDAY_PEER: peer,
      MAYDAY_DIGEST: digest,
      MAYDAY_VERSION: version,
      MAYDAY_PROVEN: proven ? "1" : "0",
    };
    const { warn, limitMs = HOOK_LIMIT_MS } = this.#options;
    return new Promise((resolve) => {
      // Its output goes to stderr, since stdout is for results. A group of its own, so that its children end with it.
      const child = spawn(program, args, { env, stdio: ["ignore", 2, 2], detached: true });
      this.#child = child;
      const limit = this.#clock.after(limitMs, () => {
        warn(`${FLAG} was ended: it ran for ${limitMs / 1000} s`);
        this.#end(child);
      });
      const over = (text: string | undefined): void => {
        limit.cancel();
        this.#child = undefined;
        if (text !== undefined) warn(text);
        resolve();
      };
      child.once("error", (error) => over(`${FLAG} could not be run: ${error.message}`));
      child.once("exit", (status, signal) =>
        over(status === 0 ? undefined : `${FLAG} ended with ${signal ?? `status ${status}`}: ${program}`),
      );
    });
  }

  #stop(): void {
    this.#leftOut += this.#waiting.size;
    this.#waiting.clear();
    if (this.#child?.pid === undefined) return;
    this.#options.warn(`${FLAG} still runs (process ${this.#child.pid})`);
    this.#child.unref();
  }

  #end(child: ChildProcess): void {
    killGroup(child, "SIGTERM");
    const timer = this.#clock.after(HOOK_GRACE_MS, () => killGroup(child, "SIGKILL"));
    child.once("exit", () => timer.cancel());
  }
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended.
  }
}

function isShell(program: string): boolean {
  return /(?:^|\/)(?:ba|da|z|k|a)?sh$/.test(program);
}

/** UsageError `command-missing` unless this is a program that can be run, by its path or in PATH. */
function requireProgram(program: string): void {
  if (programPaths(program).length > 0) return;
  const where = program.includes("/") ? "" : " in PATH";
  const message = `${FLAG}: no program ${program}${where}; the first word is a program, for shell commands: sh -c '...'`;
  throw new UsageError("command-missing", message, { program });
}
