import { getEventListeners } from "node:events";
import { rmSync } from "node:fs";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HOOK_LIMIT_MS } from "../../../src/cli/hooks/hook-runner.ts";
import { HookBench, isProcess, SUCCESS, TIMEOUT, until } from "./hook-bench.ts";

let bench: HookBench;
beforeEach(() => {
  bench = new HookBench();
});
afterEach(() => bench.remove());

describe("a node that stops", () => {
  it("leaves a hook to itself after 1.5 s, and says no more of it when it ends", async () => {
    const stop = new AbortController();
    const runner = bench.runner(stop.signal);
    const end = bench.run(runner, bench.hook("while [ ! -e $0.go ]; do sleep 0.02; done; exit 3", "$$"));
    const waiting = bench.run(runner, "true");
    const pid = await bench.processOf();
    stop.abort();
    bench.clock.advanceTo(1_499);
    expect(bench.warnings).toEqual([]);
    bench.clock.advanceTo(1_500);
    expect(await end).toEqual({ tag: "left" });
    expect(await waiting).toEqual({ tag: "not-run" });
    expect(bench.warnings).toEqual([`on-test still runs (process ${pid})`]);
    await bench.expectNothingLeft();
    await bench.run(bench.runner(), "touch", { args: [bench.path("hook.sh.go")] });
    await until(() => !isProcess(pid));
    expect(bench.warnings).toHaveLength(1);
  });

  it("waits for hooks that end in that time, those that are asked for then too", async () => {
    const stop = new AbortController();
    const runner = bench.runner(stop.signal);
    const ends = [bench.run(runner, "true")];
    stop.abort();
    ends.push(bench.run(runner, "true"));
    expect(await Promise.all(ends)).toEqual([SUCCESS, SUCCESS]);
    runner.close();
    expect(await bench.run(runner, "true")).toEqual({ tag: "not-run" });
    expect(bench.warnings).toEqual([]);
    await bench.expectNothingLeft();
  });

  it("kills a hook that was asked to end and has not", async () => {
    const runner = bench.runner();
    const end = bench.run(runner, bench.deafHook());
    const pid = await bench.processOf();
    await bench.ready();
    bench.clock.advanceTo(HOOK_LIMIT_MS);
    runner.close();
    expect(await end).toEqual(TIMEOUT);
    await until(() => !isProcess(pid));
    expect(bench.warnings).toEqual([expect.stringContaining("was ended")]);
    await bench.expectNothingLeft();
  });

  it("that was stopped before its runner was made closes it too", async () => {
    const stop = AbortSignal.abort();
    bench.runner(stop);
    expect(bench.clock.runningTimers).toBe(1);
    bench.clock.advanceTo(1_500);
    await bench.expectNothingLeft();
  });

  it("is heard no more once the runner is closed, which may be done twice", async () => {
    const stop = new AbortController();
    const runner = bench.runner(stop.signal);
    expect(getEventListeners(stop.signal, "abort")).toHaveLength(1);
    runner.close();
    runner.close();
    expect(getEventListeners(stop.signal, "abort")).toHaveLength(0);
    stop.abort();
    await bench.expectNothingLeft();
  });

  it("closes with a hook whose start has just failed", async () => {
    const hook = bench.hook();
    rmSync(hook);
    const runner = bench.runner();
    const end = bench.run(runner, hook);
    runner.close();
    expect(await end).toMatchObject({ tag: "failed" });
    await bench.expectNothingLeft();
  });
});

describe("hooks that share a runner", () => {
  it("run one at a time: urgent ones first, otherwise in the order of their calls, and none is interrupted", async () => {
    const hook = bench.hook("", "$1");
    const calls = fc.array(fc.boolean(), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(calls, async (urgent) => {
        const runner = bench.runner();
        const before = bench.lines().length;
        const ends = urgent.map((isUrgent, i) => bench.run(runner, hook, { args: [`${i}`], isUrgent }));
        await Promise.all(ends);
        const numbers = urgent.map((_, i) => i);
        const later = numbers.slice(1);
        const order = [0, ...later.filter((i) => urgent[i]), ...later.filter((i) => !urgent[i])];
        const expected = order.flatMap((i) => [`begin ${i}`, "end"]);
        expect(bench.lines().slice(before)).toEqual(expected);
      }),
      { seed: 1, numRuns: 15 },
    );
    await bench.expectNothingLeft();
  });
});
