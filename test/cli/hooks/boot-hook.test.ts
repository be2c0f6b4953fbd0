import { rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BootHook } from "../../../src/cli/hooks/boot-hook.ts";
import { HealedHook } from "../../../src/cli/hooks/healed-hook.ts";
import { HOOK_LIMIT_MS, type HookRunner } from "../../../src/cli/hooks/hook-runner.ts";
import { HookBench, healed } from "./hook-bench.ts";

const IMAGE = { version: "1.2.3", digest: "ab".repeat(32), slot: 1, isTrial: true };

let bench: HookBench;
let runner: HookRunner;
beforeEach(() => {
  bench = new HookBench();
  runner = bench.runner();
});
afterEach(() => {
  runner.close();
  bench.remove();
});

const bootHook = (words?: readonly string[]): BootHook =>
  new BootHook("on-boot", words, { runner, warn: bench.warn, board: "/boards/a b" });

describe("the program that runs when the board turns bootable", () => {
  const told = "$MAYDAY_VERSION $MAYDAY_DIGEST $MAYDAY_SLOT $MAYDAY_TRIAL <$MAYDAY_FAILURE> $MAYDAY_BOARD $*";

  it("gets its words, and what is known of the image and the board", async () => {
    expect(await bootHook([bench.hook("", told), "a b"]).run(IMAGE)).toBe(true);
    expect(bench.lines()).toEqual([`begin 1.2.3 ${IMAGE.digest} 1 1 <> /boards/a b a b`, "end"]);
    expect(bench.warnings).toEqual([]);
  });

  it("is told when the image is no trial, and why the board did not boot before", async () => {
    await bootHook([bench.hook("", told)]).run({ ...IMAGE, isTrial: false, failure: "hash" });
    expect(bench.lines()[0]).toBe(`begin 1.2.3 ${IMAGE.digest} 1 0 <hash> /boards/a b `);
  });

  it("is content with every image when there is none", async () => {
    expect(await bootHook().run(IMAGE)).toBe(true);
  });

  it.each([
    ["its status is not 0", "exit 1", /^on-boot ended with status 1: /],
    ["it is killed", "kill -KILL $$", /^on-boot ended with SIGKILL: /],
  ])("is not content when %s", async (_what, body, text) => {
    expect(await bootHook([bench.hook(body)]).run(IMAGE)).toBe(false);
    expect(bench.warnings).toEqual([expect.stringMatching(text)]);
  });

  it("is not content when it runs too long", async () => {
    const end = bootHook([bench.hook("exec sleep 60", "$$")]).run(IMAGE);
    await bench.processOf();
    bench.clock.advanceTo(HOOK_LIMIT_MS);
    expect(await end).toBe(false);
    expect(bench.warnings[0]).toBe("on-boot was ended: it ran for 300 s");
  });

  it("is not content when it cannot be run", async () => {
    const path = bench.hook();
    const hook = bootHook([path]);
    rmSync(path);
    expect(await hook.run(IMAGE)).toBe(false);
    expect(bench.warnings).toEqual([expect.stringMatching(/^on-boot could not be run: .*does not exist/)]);
  });

  it("is not content when the node stops before it has ended or begun", async () => {
    const hook = bootHook([bench.hook("exec sleep 60", "$$")]);
    const [running, waiting] = [hook.run(IMAGE), hook.run(IMAGE)];
    const pid = await bench.processOf();
    runner.close();
    process.kill(pid, "SIGKILL");
    expect([await running, await waiting]).toEqual([false, false]);
    const notRun = "on-boot was not run: the node stops";
    expect(bench.warnings.sort()).toEqual([`on-boot still runs (process ${pid})`, notRun].sort());
  });

  it("runs after the hook of a healed board that runs, and before those that wait", async () => {
    const path = bench.hook("sleep 0.05", "$MAYDAY_PEER$MAYDAY_SLOT");
    const onHealed = new HealedHook("on-healed", [path], { runner, warn: bench.warn });
    for (const peer of ["p1", "p2", "p3"]) onHealed.handle(healed(peer));
    expect(await bootHook([path]).run(IMAGE)).toBe(true);
    expect(bench.lines().slice(0, 4)).toEqual(["begin p1", "end", "begin 1", "end"]);
    await onHealed.finished();
    expect(bench.lines().slice(4)).toEqual(["begin p2", "end", "begin p3", "end"]);
  });

  it("is refused at the start when it cannot be run", () => {
    const missing = expect.objectContaining({ code: "command-missing", exitCode: 2 });
    expect(() => bootHook(["/no/such/program"])).toThrow(missing);
  });
});
