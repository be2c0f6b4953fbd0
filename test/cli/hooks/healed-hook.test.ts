import { rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Clock } from "../../../src/base/clock.ts";
import { VirtualClock } from "../../../src/base/virtual-clock.ts";
import { HealedHook, HOOKS_WAITING_MAX } from "../../../src/cli/hooks/healed-hook.ts";
import { HookRunner } from "../../../src/cli/hooks/hook-runner.ts";
import { HookBench, healed } from "./hook-bench.ts";

let bench: HookBench;
beforeEach(() => {
  bench = new HookBench();
});
afterEach(() => bench.remove());

interface Limits {
  readonly clock?: Clock;
  readonly limitMs?: number;
  readonly signal?: AbortSignal;
}

/** The hook that a flag sets, with a runner of its own. */
function ofFlag(command: string, limits: Limits = {}): HealedHook {
  const { warn } = bench;
  return HealedHook.ofFlag(command, { warn, runner: new HookRunner({ warn, ...limits }) });
}

describe("the program that runs after each healed board", () => {
  it("gets its words as they are, and what is known of the board", async () => {
    const command = ofFlag(`${bench.hook()} 'a b' "c"`);
    command.handle(healed("p1", true));
    await command.finished();
    expect(bench.lines()).toEqual(["begin p1 1 a b c", "end"]);
    expect(bench.warnings).toEqual([]);
  });

  it("runs one at a time, and once for each board that waits, for 1,000 heals that ten ids claim", async () => {
    const command = ofFlag(bench.hook("sleep 0.05"));
    for (let i = 0; i < 1000; i++) command.handle(healed(`p${i % 10}`));
    await command.finished();
    const seen = bench.lines();
    expect(seen.length).toBeGreaterThanOrEqual(20);
    expect(seen.length).toBeLessThanOrEqual(22);
    for (const [i, line] of seen.entries()) expect(line.split(" ")[0]).toBe(i % 2 === 0 ? "begin" : "end");
    expect(new Set(seen.map((line) => line.split(" ")[1]).filter(Boolean)).size).toBe(10);
  });

  it(`is run for the last ${HOOKS_WAITING_MAX} boards when more wait, and says how many were left out`, async () => {
    const command = ofFlag(bench.hook());
    for (let i = 0; i < 1 + HOOKS_WAITING_MAX + 20; i++) command.handle(healed(`p${i}`));
    await command.finished();
    const begun = bench.lines().filter((line) => line.startsWith("begin"));
    expect(begun).toHaveLength(HOOKS_WAITING_MAX + 1);
    expect(begun.at(-1)).toContain(`p${HOOKS_WAITING_MAX + 20}`);
    expect(bench.warnings).toEqual([
      expect.stringContaining("too slow"),
      expect.stringMatching(/not run for 20 /),
    ]);
  });

  it("is ended, with its children, when it runs too long; and the next board has its run", async () => {
    const command = ofFlag(bench.hook("[ $MAYDAY_PEER = p1 ] && sleep 60"), { limitMs: 200 });
    command.handle(healed("p1"));
    command.handle(healed("p2"));
    await command.finished();
    expect(bench.lines()).toEqual(["begin p1 0 ", "begin p2 0 ", "end"]);
    expect(bench.warnings).toEqual([
      expect.stringContaining("was ended"),
      expect.stringContaining("SIGTERM"),
    ]);
  });

  it("is left to itself when the node stops before its end, and no other run begins", async () => {
    const clock = new VirtualClock();
    const stop = new AbortController();
    const command = ofFlag(bench.hook("sleep 0.3"), { clock, signal: stop.signal });
    command.handle(healed("p1"));
    command.handle(healed("p2"));
    stop.abort();
    while (clock.runNext(10_000));
    await command.finished();
    expect(bench.warnings).toEqual([
      expect.stringMatching(/still runs/),
      expect.stringMatching(/not run for 1 /),
    ]);
    while (!bench.lines().includes("end")) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(bench.lines().filter((line) => line.startsWith("begin"))).toEqual(["begin p1 0 "]);
  });

  it("says when it fails, and runs for the next board", async () => {
    const command = ofFlag(bench.hook("exit 3"));
    command.handle(healed("p1"));
    await command.finished();
    expect(bench.warnings).toEqual([expect.stringContaining("status 3")]);
  });

  it.each(["/no/such/program", "no-such-program-here x", "/etc/passwd"])(
    "is refused at the start when it cannot be run: %s",
    (text) => {
      const missing = expect.objectContaining({ code: "command-missing", exitCode: 2 });
      expect(() => ofFlag(text)).toThrow(missing);
    },
  );

  it.each(["logger $MAYDAY_PEER", "echo a | cat", "echo a > b", "echo a && b"])(
    "comes with a warning when it looks like shell text: %s",
    (text) => {
      ofFlag(text);
      expect(bench.warnings).toEqual([expect.stringContaining("without a shell")]);
    },
  );

  it("is refused at the start when its words cannot be split", () => {
    expect(() => ofFlag("sh -c 'a")).toThrow(expect.objectContaining({ code: "command-quotes" }));
  });

  it("fails for the boards that wait, and for no more, when it has gone and 5,000 heals are claimed", async () => {
    const path = bench.hook();
    const command = ofFlag(path);
    rmSync(path);
    for (let i = 0; i < 5000; i++) command.handle(healed(`p${i}`));
    await command.finished();
    const failed = bench.warnings.filter((text) => text.includes("could not be run"));
    expect(failed).toHaveLength(1 + HOOKS_WAITING_MAX);
    expect(bench.warnings.at(-1)).toContain(`not run for ${4999 - HOOKS_WAITING_MAX} `);
  });

  it("is not run for boards that are healed once its runner is closed", async () => {
    const runner = bench.runner();
    const hook = new HealedHook("on-healed", [bench.hook()], { runner, warn: bench.warn });
    runner.close();
    for (let i = 0; i < 3; i++) hook.handle(healed(`p${i}`));
    await hook.finished();
    expect(bench.lines()).toEqual([]);
    expect(bench.warnings).toEqual(["on-healed was not run for 3 healed boards"]);
  });

  it("can be set as words, by another name, or not at all", async () => {
    const { warn } = bench;
    const runner = bench.runner();
    const hook = new HealedHook("on-healed", [bench.hook("exit 3"), "a  b"], { runner, warn });
    const none = new HealedHook("on-healed", undefined, { runner, warn });
    for (const each of [hook, none]) each.handle(healed("p1"));
    await Promise.all([hook.finished(), none.finished()]);
    expect(bench.lines()).toEqual(["begin p1 0 a  b"]);
    expect(bench.warnings).toEqual([expect.stringMatching(/^on-healed ended with status 3: /)]);
  });
});
