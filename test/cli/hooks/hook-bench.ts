import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { VirtualClock } from "../../../src/base/virtual-clock.ts";
import type { HookEnd, HookEnvironment } from "../../../src/cli/hooks/hook-process.ts";
import { HookRunner } from "../../../src/cli/hooks/hook-runner.ts";
import type { HealedEvent } from "../../../src/node/node-event.ts";

export const SUCCESS: HookEnd = { tag: "ended", status: 0 };
export const TIMEOUT: HookEnd = { tag: "timeout" };

interface Run {
  readonly args?: readonly string[];
  readonly env?: HookEnvironment;
  readonly isUrgent?: boolean;
}

/** A folder with hooks that write down what they do, and the warnings about them. */
export class HookBench {
  readonly dir: string = mkdtempSync(join(tmpdir(), "mayday-hook-"));
  readonly clock: VirtualClock = new VirtualClock();
  readonly warnings: string[] = [];
  readonly #log: string = join(this.dir, "log");

  constructor() {
    writeFileSync(this.#log, "");
  }

  readonly warn = (text: string): void => {
    this.warnings.push(text);
  };

  /** A program that notes its begin with `told`, a shell's words, then does `body`, and notes its end. */
  hook(body = "", told = "$MAYDAY_PEER $MAYDAY_PROVEN $*"): string {
    const path = join(this.dir, "hook.sh");
    const log = this.#log;
    writeFileSync(path, `#!/bin/sh\necho "begin ${told}" >> ${log}\n${body}\necho end >> ${log}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  /** A program that ignores SIGTERM, and so do its children. Its file `ready` says that it does. */
  deafHook(): string {
    return this.hook(`trap '' TERM; : > ${this.path("ready")}; while :; do sleep 0.02; done`, "$$");
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  runner(signal?: AbortSignal): HookRunner {
    return new HookRunner({
      warn: this.warn,
      clock: this.clock,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** Runs a program as a hook of the name on-test. */
  run(
    runner: HookRunner,
    program: string,
    { args = [], env = {}, isUrgent = false }: Run = {},
  ): Promise<HookEnd> {
    const words = [program, ...args] as const;
    return runner.run({ program: { name: "on-test", words }, environment: () => env, isUrgent });
  }

  /** Lines that the hooks wrote. */
  lines(): string[] {
    return readFileSync(this.#log, "utf8").split("\n").filter(Boolean);
  }

  /** The process that wrote "begin N" as the line `index`, once it has. */
  async processOf(index = 0): Promise<number> {
    await until(() => this.lines()[index] !== undefined);
    return Number(this.lines()[index]?.split(" ")[1]);
  }

  /** Waits for the file `ready`. */
  async ready(): Promise<void> {
    await until(() => existsSync(this.path("ready")));
  }

  /** Checks that no timer is left, and no process that keeps this one from its end. */
  async expectNothingLeft(): Promise<void> {
    expect(this.clock.runningTimers).toBe(0);
    // A handle is closed a little after the end of its process.
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(process.getActiveResourcesInfo()).not.toContain("ProcessWrap");
  }

  remove(): void {
    rmSync(this.dir, { recursive: true });
  }
}

/** A board that was healed. */
export function healed(peer: string, proven = false): HealedEvent {
  const about = { link: "tcp:x:1", digest: "aa", version: "1.0.0", blocks: 1, bytesTx: 1, seconds: 1 };
  return { event: "healed", peer, proven, ...about };
}

/** Waits for something that another process does. */
export async function until(isDone: () => boolean): Promise<void> {
  while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Whether there is a process of this number, as a zombie too. */
export function isProcess(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

/** Whether a process of this group is left. */
export function isGroup(pid: number): boolean {
  try {
    return process.kill(-pid, 0);
  } catch {
    return false;
  }
}
