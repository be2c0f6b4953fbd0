import { chmodSync, readlinkSync, rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { HOOK_GRACE_MS } from "../../../src/cli/hooks/hook-process.ts";
import { HOOK_LIMIT_MS } from "../../../src/cli/hooks/hook-runner.ts";
import { HookBench, isGroup, isProcess, SUCCESS, TIMEOUT, until } from "./hook-bench.ts";

let bench: HookBench;
/** Processes that a test has left behind. */
const left: number[] = [];
beforeEach(() => {
  bench = new HookBench();
});
afterEach(() => {
  vi.restoreAllMocks();
  for (const pid of left.splice(0)) process.kill(pid, "SIGKILL");
  bench.remove();
});

describe("a hook", () => {
  it("gets its words as they are and variables besides those of the process, which it can lose", async () => {
    const told = "$MAYDAY_ONE $(env | grep -c '^MAYDAY_TWO=\\|^PATH=') $*";
    vi.stubEnv("MAYDAY_TWO", "outer");
    const env = { MAYDAY_ONE: "$(one)", MAYDAY_TWO: undefined };
    const end = await bench.run(bench.runner(), bench.hook("", told), { args: ["a  b", "'c'", "*"], env });
    vi.unstubAllEnvs();
    expect(end).toEqual(SUCCESS);
    expect(bench.lines()).toEqual(["begin $(one) 1 a  b 'c' *", "end"]);
    expect(bench.warnings).toEqual([]);
    await bench.expectNothingLeft();
  });

  it("writes to stderr, reads nothing and has a group of its own", async () => {
    const fds = [0, 1, 2].map((fd) => `$(readlink /proc/$$/fd/${fd})`);
    await bench.run(bench.runner(), bench.hook("", `$$ $(cut -d' ' -f5 /proc/$$/stat) ${fds.join(" ")}`));
    const [, pid, group, ...files] = bench.lines()[0]?.split(" ") ?? [];
    expect(group).toBe(pid);
    const stderr = readlinkSync("/proc/self/fd/2");
    expect(files).toEqual(["/dev/null", stderr, stderr]);
  });

  it("resolves with its status, and there is a warning of every other than 0", async () => {
    expect(await bench.run(bench.runner(), bench.hook("exit 7"))).toEqual({ tag: "ended", status: 7 });
    expect(bench.warnings).toEqual([`on-test ended with status 7: ${bench.dir}/hook.sh`]);
  });

  it("resolves when it ends, though a process that it has started in the background continues", async () => {
    const hook = bench.hook("sleep 60 &", "$$");
    expect(await bench.run(bench.runner(), hook)).toEqual(SUCCESS);
    const pid = await bench.processOf();
    // The background process has the group of the hook, which has gone.
    left.push(-pid);
    expect(isProcess(pid)).toBe(false);
    expect(process.kill(-pid, 0)).toBe(true);
    await bench.expectNothingLeft();
  });

  it("resolves when it ends, and not when it closes what it could read and write", async () => {
    const hook = bench.hook("exec 0<&- 1>&- 2>&-; sleep 0.1; exit 4");
    expect(await bench.run(bench.runner(), hook)).toEqual({ tag: "ended", status: 4 });
    await bench.expectNothingLeft();
  });
});

describe("the time limit of a hook", () => {
  it(`is ${HOOK_LIMIT_MS / 1000} s, after which it is asked to end`, async () => {
    const end = bench.run(bench.runner(), bench.hook("exec sleep 60", "$$"));
    const pid = await bench.processOf();
    bench.clock.advanceTo(HOOK_LIMIT_MS - 1);
    expect(bench.warnings).toEqual([]);
    bench.clock.advanceTo(HOOK_LIMIT_MS);
    expect(bench.warnings).toEqual(["on-test was ended: it ran for 300 s"]);
    expect(await end).toEqual(TIMEOUT);
    expect(bench.warnings[1]).toContain("ended with SIGTERM");
    expect(isProcess(pid)).toBe(false);
    await bench.expectNothingLeft();
  });

  it("counts when the hook ends with 0 because it was asked to", async () => {
    const body = `trap 'exit 0' TERM; : > ${bench.path("ready")}; while :; do sleep 0.02; done`;
    const end = bench.run(bench.runner(), bench.hook(body));
    await bench.ready();
    bench.clock.advanceTo(HOOK_LIMIT_MS);
    expect(await end).toEqual(TIMEOUT);
    expect(bench.warnings).toHaveLength(1);
  });

  it("is followed by SIGKILL for a hook that ignores SIGTERM", async () => {
    const end = bench.run(bench.runner(), bench.deafHook());
    const pid = await bench.processOf();
    await bench.ready();
    bench.clock.advanceTo(HOOK_LIMIT_MS + HOOK_GRACE_MS - 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(isProcess(pid)).toBe(true);
    bench.clock.advanceTo(HOOK_LIMIT_MS + HOOK_GRACE_MS);
    expect(await end).toEqual(TIMEOUT);
    expect(bench.warnings[1]).toContain("ended with SIGKILL");
    expect(isProcess(pid)).toBe(false);
    await bench.expectNothingLeft();
  });

  it("ends also the child that ignores SIGTERM, and the next run waits for that", async () => {
    const child = `sh -c 'trap "" TERM; : > ${bench.path("ready")}; exec sleep 60' & wait`;
    const runner = bench.runner();
    const end = bench.run(runner, bench.hook(child, "$$"));
    const next = bench.run(runner, "true");
    let hasEnded = false;
    void end.then(() => {
      hasEnded = true;
    });
    const pid = await bench.processOf();
    await bench.ready();
    bench.clock.advanceTo(HOOK_LIMIT_MS);
    await until(() => bench.warnings.length === 2);
    expect(isProcess(pid)).toBe(false);
    bench.clock.advanceTo(HOOK_LIMIT_MS + HOOK_GRACE_MS - 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(hasEnded).toBe(false);
    bench.clock.advanceTo(HOOK_LIMIT_MS + HOOK_GRACE_MS);
    expect(await end).toEqual(TIMEOUT);
    expect(await next).toEqual(SUCCESS);
    // Init may take its time to collect the child.
    await until(() => !isGroup(pid));
    await bench.expectNothingLeft();
  });

  it("gives up a hook that cannot be killed, and the next one has its run", async () => {
    const runner = bench.runner();
    const end = bench.run(runner, bench.hook("exec sleep 60", "$$"));
    const next = bench.run(runner, "true");
    const pid = await bench.processOf();
    left.push(pid);
    const forbid = vi.spyOn(process, "kill").mockImplementation(() => {
      throw Object.assign(new Error("not permitted"), { code: "EPERM" });
    });
    bench.clock.advanceTo(HOOK_LIMIT_MS + 2 * HOOK_GRACE_MS);
    expect(await end).toEqual(TIMEOUT);
    expect(bench.warnings.at(-1)).toBe(`on-test cannot be ended (process ${pid})`);
    expect(forbid).toHaveBeenCalledWith(-pid, "SIGKILL");
    expect(await next).toEqual(SUCCESS);
    await bench.expectNothingLeft();
  });
});

describe("a hook that cannot be run or is killed", () => {
  const huge = { MAYDAY_HUGE: "x".repeat(200_000) };
  it.each([
    ["has gone", (path: string) => rmSync(path), {}, "does not exist"],
    ["has lost its mode", (path: string) => chmodSync(path, 0o644), {}, "permission is denied"],
    ["would get a variable that is too long", () => {}, huge, "E2BIG"],
    ["would get a zero byte", () => {}, { MAYDAY_ZERO: "a\0b" }, "zero byte"],
  ])(
    "has failed, with a warning, when it %s; and the next one has its run",
    async (_what, spoil, env, text) => {
      const hook = bench.hook();
      spoil(hook);
      const runner = bench.runner();
      const end = bench.run(runner, hook, { env });
      const next = bench.run(runner, "true");
      expect(await end).toEqual({ tag: "failed", detail: expect.stringContaining(text) });
      expect(bench.warnings).toEqual([expect.stringMatching(/^on-test could not be run: /)]);
      expect(await next).toEqual(SUCCESS);
      await bench.expectNothingLeft();
    },
  );

  it("was killed when a signal of somebody else ends it", async () => {
    const end = bench.run(bench.runner(), bench.hook("kill -KILL $$"));
    expect(await end).toEqual({ tag: "killed", signal: "SIGKILL" });
    expect(bench.warnings).toEqual([expect.stringContaining("ended with SIGKILL")]);
    await bench.expectNothingLeft();
  });
});
