import { describe, expect, it, vi } from "vitest";
import type { Millis } from "../../src/base/units.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { applyTargetEffect } from "../../src/node/target-effects.ts";
import type { RescuerEvent } from "../../src/session/rescuer/rescuer-events.ts";
import type { TargetEvent } from "../../src/session/target/target-events.ts";
import { VirtualRescue, type VirtualRescueOptions } from "../support/virtual-rescue.ts";

type Event = TargetEvent | RescuerEvent;

/** A rescue in which effects take `msOf` milliseconds, one after another on each side; Infinity: they never end. */
function rescueWith(
  msOf: (event: Event) => Millis,
  options: Partial<VirtualRescueOptions> = {},
): { rescue: VirtualRescue; said: { at: Millis; what: string; forMs: Millis }[] } {
  const clock = new VirtualClock();
  const said: { at: Millis; what: string; forMs: Millis }[] = [];
  let freeAt = 0;
  const inItsTime = (event: Event, proceed: () => void): void => {
    const ms = msOf(event);
    if (ms === 0) {
      proceed();
      return;
    }
    freeAt = Math.max(freeAt, clock.now()) + ms;
    if (Number.isFinite(freeAt)) clock.after(freeAt - clock.now(), proceed);
  };
  const all = { seed: 1, size: 32_768, baud: 115_200, clock, ...options };
  const rescue = new VirtualRescue({ ...all, onTargetEvent: inItsTime, onRescuerEvent: inItsTime });
  for (const { link } of [rescue.targetEnd, rescue.rescuerEnd]) {
    const send = link.send.bind(link);
    vi.spyOn(link, "send").mockImplementation((message, prove) => {
      if (message.tag === "busy" || message.tag === "later")
        said.push({ at: clock.now(), what: message.tag, forMs: message.forMs });
      send(message, prove);
    });
  }
  return { rescue, said };
}

const lossesOf = ({ targetEvents, rescuerEvents }: VirtualRescue): string[] =>
  [...targetEvents, ...rescuerEvents].flatMap((event) => (event.tag === "sessionLost" ? [event.why] : []));

/** Times between one and the next. */
const stepsOf = (times: readonly Millis[]): Millis[] => times.slice(1).map((at, i) => at - (times[i] ?? 0));

describe("a target that works", () => {
  it.each([
    ["commit", 32_768, 0],
    ["checkManifest", 32_768, 1_000],
    ["checkManifest", 16 * 1024 * 1024 + 1, 0],
  ] as const)("says busy for 10 s and every 5 s: %s of %i bytes, after %i ms", (tag, size, after) => {
    let begunAt = Number.NaN;
    const { rescue, said } = rescueWith(
      (event) => {
        if (event.tag !== tag) return 0;
        begunAt = rescue.clock.now();
        return 12_000;
      },
      { size },
    );
    rescue.run(60_000, () => rescue.clock.now() > begunAt + 12_000);
    const during = said.filter(({ at }) => at >= begunAt && at < begunAt + 12_000);
    expect(during.map(({ at, what, forMs }) => [Math.round(at - begunAt), what, forMs])).toEqual([
      [after, "busy", 10_000],
      [after + 5_000, "busy", 10_000],
      [after + 10_000, "busy", 10_000],
    ]);
  });

  it("says nothing of blocks that it writes quickly, and of slow ones after a second, then at once", () => {
    const quick = rescueWith((event) => (event.tag === "writeBlock" ? 200 : 0));
    expect(quick.rescue.run(60_000)).toBe(true);
    expect(quick.said.filter(({ what }) => what === "busy")).toHaveLength(1);
    const begun: Millis[] = [];
    const slow = rescueWith(
      (event) => {
        if (event.tag !== "writeBlock") return 0;
        begun.push(slow.rescue.clock.now());
        return 1_500;
      },
      { blockSize: 32_768, slotSize: 65_536, size: 65_536 },
    );
    expect(slow.rescue.run(60_000)).toBe(true);
    const busy = slow.said.map(({ at }) => at);
    expect(begun).toHaveLength(2);
    expect(busy[0]).toBe((begun[0] ?? 0) + 1_000);
    expect(busy).toContain(begun[1]);
  });

  it("keeps its session while one block takes ten minutes", () => {
    const { rescue } = rescueWith((event) => (event.tag === "writeBlock" ? 600_000 : 0), { size: 4_096 });
    expect(rescue.run(700_000)).toBe(true);
    expect(lossesOf(rescue)).toEqual([]);
  });

  it("is answered with the time after the work, not before it", () => {
    const clock = new VirtualClock();
    const answers: [string, Millis][] = [];
    const note =
      (what: string) =>
      (now: Millis): void => {
        answers.push([what, now]);
      };
    const target = {
      holds: () => true,
      setStatus: () => {},
      handleManifestChecked: note("manifest"),
      handleRunChecked: note("run"),
      handleBlockWritten: note("block"),
      handleCommitted: note("commit"),
    };
    const { store } = new VirtualRescue({ seed: 1 });
    const slowly = <Result>(result: Result): Result => {
      clock.after(2_000, () => {});
      clock.runNext();
      return result;
    };
    const slowStore = {
      ...store,
      status: () => store.status(),
      checkManifest: () => slowly({ tag: "refused", reason: "manifest", detail: "" } as const),
      checkRun: () => slowly({ tag: "bad" } as const),
      writeBlock: () => slowly("written" as const),
      commit: () => slowly({ tag: "not-bootable", reason: "hash" } as const),
    } as unknown as typeof store;
    const run = { node: { level: 4, index: 0 }, kind: 2, payload: new Uint8Array(32) } as const;
    const events: TargetEvent[] = [
      { tag: "checkManifest", session: 1, envelope: new Uint8Array() },
      { tag: "checkRun", session: 1, run },
      { tag: "writeBlock", session: 1, block: 0, bytes: new Uint8Array() },
      { tag: "commit", session: 1 },
    ];
    for (const event of events) applyTargetEffect(clock, event, target, slowStore);
    expect(answers).toEqual([
      ["manifest", 2_000],
      ["run", 4_000],
      ["block", 6_000],
      ["commit", 8_000],
    ]);
  });
});

describe("a rescuer that does not have yet what the target wants", () => {
  it.each(["readRun", "readBlock"] as const)(
    "says later for 4 s after a second, and every 2 s: %s",
    (tag) => {
      let isFirst = true;
      let begunAt = Number.NaN;
      const { rescue, said } = rescueWith((event) => {
        if (event.tag !== tag || !isFirst) return 0;
        isFirst = false;
        begunAt = rescue.clock.now();
        return 8_000;
      });
      expect(rescue.run(60_000)).toBe(true);
      expect(lossesOf(rescue)).toEqual([]);
      const later = said.filter(({ what }) => what === "later");
      expect(later.map(({ at }) => Math.round(at - begunAt))).toEqual([1_000, 3_000, 5_000, 7_000]);
      expect(later.every(({ forMs }) => forMs === 4_000)).toBe(true);
    },
  );

  it("says nothing while it reads each block within a second", () => {
    const { rescue, said } = rescueWith((event) => (event.tag === "readBlock" ? 100 : 0));
    expect(rescue.run(60_000)).toBe(true);
    expect(said.filter(({ what }) => what === "later")).toEqual([]);
  });

  it("asks once for what is being read, however often the target repeats its request", () => {
    let runs = 0;
    const { rescue } = rescueWith(
      (event) => {
        if (event.tag !== "readRun") return 0;
        runs++;
        return 5_000;
      },
      { baud: 921_600 },
    );
    expect(rescue.run(60_000)).toBe(true);
    expect(runs).toBe(1);
  });

  it("is waited for for a minute and a lease if nothing of it is right", () => {
    const { rescue, said } = rescueWith((event) =>
      event.tag === "readBlock" ? Number.POSITIVE_INFINITY : 0,
    );
    rescue.run(120_000, () => lossesOf(rescue).length > 0);
    expect(lossesOf(rescue)).toContain("lease");
    expect(rescue.clock.now()).toBeGreaterThan(64_000);
    expect(rescue.clock.now()).toBeLessThan(68_000);
    expect(stepsOf(said.filter(({ what }) => what === "later").map(({ at }) => at))).toContain(2_000);
  });
});

/** A rescue amid its blocks whose target has said that it is busy for 10 s, and neither hears nor speaks. */
function rescueOfBusy() {
  const { rescue } = rescueWith(() => 0, { size: 65_536 });
  const isSending = (): boolean => rescue.rescuerEnd.counters.bytesSent > 20_000;
  expect(rescue.run(60_000, isSending)).toBe(true);
  rescue.targetEnd.link.send({ tag: "busy", forMs: 10_000 });
  rescue.pump();
  rescue.targetEnd.handleLinkUp(rescue.clock.now(), false);
  rescue.run(100, () => false);
  return rescue;
}

describe("a rescuer whose target is busy", () => {
  it("sends nothing until the target speaks, as it is mute before its probe each second is due", () => {
    const rescue = rescueOfBusy();
    const { framesSent, probesSent } = rescue.rescuerEnd.counters;
    rescue.run(8_400, () => false);
    const counters = rescue.rescuerEnd.counters;
    expect(counters.probesSent - probesSent).toBe(0);
    expect(counters.framesSent - framesSent).toBe(0);
  });

  it("sends one probe a second and nothing else on a link where it never is mute", () => {
    const rescue = rescueOfBusy();
    rescue.rescuerEnd.link.foreign.muting.setOn(rescue.clock.now(), false);
    const { framesSent, probesSent } = rescue.rescuerEnd.counters;
    rescue.run(8_400, () => false);
    const counters = rescue.rescuerEnd.counters;
    expect(counters.probesSent - probesSent).toBe(8);
    expect(counters.framesSent - framesSent).toBe(8);
  });
});
