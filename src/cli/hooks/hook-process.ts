import { type ChildProcess, spawn } from "node:child_process";
import type { Clock, Timer } from "../../base/clock.ts";
import { errnoOf } from "../../base/errno.ts";
import { errorWords } from "../../base/system-error.ts";
import type { Millis } from "../../base/units.ts";
import type { HookProgram } from "./hook-program.ts";

/** After this long a hook is killed, if it does not end when it is asked to; and given up, if that does not end it. */
export const HOOK_GRACE_MS: Millis = 5_000;
/** How often is looked whether the children of a hook that was ended have ended too. */
const GROUP_POLL_MS: Millis = 50;

/** How a hook ended. */
export type HookEnd =
  | { readonly tag: "ended"; readonly status: number }
  /** By a signal of somebody else. */
  | { readonly tag: "killed"; readonly signal: NodeJS.Signals }
  /** It ran longer than its limit, whatever its status was when it was ended. */
  | { readonly tag: "timeout" }
  /** It could not be started. */
  | { readonly tag: "failed"; readonly detail: string }
  /** The node stops, and the hook still runs. */
  | { readonly tag: "left" }
  /** The node stops, and the hook has not begun. */
  | { readonly tag: "not-run" };

/** Variables that a hook gets besides those of this process; one that is undefined is taken from it. */
export type HookEnvironment = Readonly<Record<string, string | undefined>>;

/** What watches over a hook. */
export interface HookWatch {
  readonly warn: (text: string) => void;
  readonly clock: Clock;
  readonly limitMs: Millis;
}

/**
 * One run of a hook, in a process group of its own. Its output goes to stderr, since stdout is for results. Warns of
 * every end but that with status 0. A process that the hook leaves behind when it ends by itself is not ended.
 */
export class HookProcess {
  /** Never rejects. */
  readonly ended: Promise<HookEnd>;
  readonly #program: HookProgram;
  readonly #watch: HookWatch;
  readonly #child: ChildProcess | undefined;
  #resolve: (end: HookEnd) => void = () => {};
  #state: "running" | "asked" | "killed" | "over" = "running";
  #hasExited = false;
  /** Its limit, then the grace. */
  #timer: Timer | undefined;
  #poll: Timer | undefined;

  constructor(program: HookProgram, environment: HookEnvironment, watch: HookWatch) {
    this.#program = program;
    this.#watch = watch;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#child = this.#spawn(environment);
    if (this.#child === undefined) return;
    this.#timer = watch.clock.after(watch.limitMs, () => this.#ask());
    this.#child.on("error", (error) => this.#fail(error));
    this.#child.on("exit", (status, signal) => this.#handleExit(status, signal));
  }

  /** The node stops: a hook that runs is left to itself, and one that ran over its limit is killed at once. */
  leave(): void {
    const pid = this.#child?.pid;
    // Without a number it was not started, and its error is on the way.
    if (pid === undefined || this.#state === "over") return;
    if (this.#state !== "running") {
      this.#signal("SIGKILL");
      this.#finish({ tag: "timeout" });
    } else {
      this.#watch.warn(`${this.#program.name} still runs (process ${pid})`);
      this.#finish({ tag: "left" });
    }
  }

  /** Some errors of a start are thrown (E2BIG, a zero byte in a word), others are events (ENOENT, EAGAIN). */
  #spawn(environment: HookEnvironment): ChildProcess | undefined {
    const [program, ...args] = this.#program.words;
    const env = { ...process.env, ...environment };
    try {
      return spawn(program, args, { env, stdio: ["ignore", 2, 2], detached: true });
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #fail(error: unknown): void {
    if (this.#state === "over") return;
    const detail = errorWords(error);
    this.#watch.warn(`${this.#program.name} could not be run: ${detail}`);
    this.#finish({ tag: "failed", detail });
  }

  #handleExit(status: number | null, signal: NodeJS.Signals | null): void {
    this.#hasExited = true;
    if (this.#state === "over") return;
    const { name, words } = this.#program;
    if (status !== 0) this.#watch.warn(`${name} ended with ${signal ?? `status ${status}`}: ${words[0]}`);
    if (this.#state === "asked") this.#awaitGroup();
    else if (this.#state === "killed") this.#finish({ tag: "timeout" });
    else if (signal !== null) this.#finish({ tag: "killed", signal });
    else this.#finish({ tag: "ended", status: status ?? 1 });
  }

  #ask(): void {
    const { warn, clock, limitMs } = this.#watch;
    warn(`${this.#program.name} was ended: it ran for ${limitMs / 1000} s`);
    this.#state = "asked";
    this.#signal("SIGTERM");
    this.#timer = clock.after(HOOK_GRACE_MS, () => this.#kill());
  }

  /** The hook has ended, and its children have the rest of the grace. */
  #awaitGroup(): void {
    if (!this.#signal(0)) this.#finish({ tag: "timeout" });
    else this.#poll = this.#watch.clock.after(GROUP_POLL_MS, () => this.#awaitGroup());
  }

  #kill(): void {
    this.#state = "killed";
    this.#signal("SIGKILL");
    if (this.#hasExited) this.#finish({ tag: "timeout" });
    else this.#timer = this.#watch.clock.after(HOOK_GRACE_MS, () => this.#giveUp());
  }

  /** It waits in the kernel, or runs as another user. */
  #giveUp(): void {
    this.#watch.warn(`${this.#program.name} cannot be ended (process ${this.#child?.pid})`);
    this.#finish({ tag: "timeout" });
  }

  #finish(end: HookEnd): void {
    this.#state = "over";
    this.#timer?.cancel();
    this.#poll?.cancel();
    // Does nothing to a process that has ended; one that has not must not keep this one from its end.
    this.#child?.unref();
    this.#resolve(end);
  }

  /** Sends a signal to the group; false when nothing is left of it. */
  #signal(signal: NodeJS.Signals | 0): boolean {
    const pid = this.#child?.pid;
    if (pid === undefined) return false;
    try {
      return process.kill(-pid, signal);
    } catch (error) {
      return errnoOf(error) !== "ESRCH";
    }
  }
}
