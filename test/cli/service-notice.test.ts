import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { ServiceNotice } from "../../src/cli/service-notice.ts";
import type { NodeEvent } from "../../src/node/node-event.ts";

const READY: NodeEvent = { event: "ready", link: "/dev/ttyUSB0" };
const HEALED: NodeEvent = {
  event: "healed",
  link: "/dev/tty\nUSB0",
  peer: "0123456789abcdef",
  proven: false,
  digest: "ff",
  version: "1.0.0",
  blocks: 1,
  bytesTx: 1,
  seconds: 1,
};
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A process that a service manager started with these variables. */
function started(env: Record<string, string>, fails = false) {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const sent: string[] = [];
  const warnings: string[] = [];
  const send = async (socket: string, words: readonly string[]): Promise<void> => {
    if (fails) throw new Error("not there");
    sent.push(`${socket}: ${words.join(" ")}`);
  };
  const variables: Record<string, string | undefined> = { ...env };
  const warn = (text: string): void => {
    warnings.push(text);
  };
  const notice = ServiceNotice.take(variables, { warn, signal: stop.signal, clock, send });
  return { clock, stop, sent, warnings, variables, notice };
}

describe("a service manager", () => {
  test("hears that the process is ready, heals, lives and ends", async () => {
    const run = started({ NOTIFY_SOCKET: "@s", WATCHDOG_USEC: "4000000", WATCHDOG_PID: String(process.pid) });
    expect(run.sent).toEqual([]);
    run.notice?.handle(READY);
    run.notice?.handle(READY);
    await settled();
    expect(run.sent.splice(0)).toEqual(["@s: READY=1 STATUS=no board healed yet"]);
    run.notice?.handle(HEALED);
    await settled();
    expect(run.sent.splice(0)).toEqual(["@s: STATUS=1 healed board, the last is 01234567 on /dev/tty USB0"]);
    for (let i = 1; i <= 3; i++) {
      run.clock.advanceTo(run.clock.now() + 2000);
      await settled();
      expect(run.sent.splice(0)).toEqual(["@s: WATCHDOG=1"]);
    }
    run.stop.abort("SIGTERM");
    run.clock.advanceTo(run.clock.now() + 60_000);
    await settled();
    expect(run.sent).toEqual(["@s: STOPPING=1"]);
  });

  test("is not spoken to by the hooks of the process: its variables are taken out", () => {
    const run = started({ NOTIFY_SOCKET: "@s", WATCHDOG_USEC: "1", WATCHDOG_PID: "1", PATH: "/bin" });
    expect(run.variables).toEqual({ PATH: "/bin" });
  });

  test("gets no watchdog messages that are meant for another process, nor any without a socket", async () => {
    const run = started({ NOTIFY_SOCKET: "@s", WATCHDOG_USEC: "1000000", WATCHDOG_PID: "1" });
    run.notice?.handle(READY);
    await settled();
    run.clock.advanceTo(60_000);
    await settled();
    expect(run.sent).toHaveLength(1);
    expect(started({}).notice).toBeUndefined();
  });

  test("that cannot be reached is one warning, and messages do not pile up", async () => {
    const run = started({ NOTIFY_SOCKET: "@s", WATCHDOG_USEC: "2000000" }, true);
    run.notice?.handle(READY);
    for (let i = 0; i < 100; i++) run.notice?.handle(HEALED);
    await settled();
    run.clock.advanceTo(60_000);
    await settled();
    expect(run.warnings).toEqual(["the service manager was not told READY=1: not there"]);
  });
});
