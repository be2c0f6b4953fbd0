import { describe, expect, it } from "vitest";
import { randomBelow, randomBytes, randomFraction, SeededRandom } from "../../src/base/prng.ts";
import { memoryImage } from "../../src/image/image-source.ts";
import type { SlowEffects } from "../support/slow-effects.ts";
import { testKey, VirtualRescue, type VirtualRescueOptions } from "../support/virtual-rescue.ts";

const SEEDS = 200;
const SIZE = 24_576;
/** On a machine that is busy with other tests. */
const LIMIT_MS = 60_000;
const WORKS: readonly SlowEffects["works"][] = ["first", "last"];
const FAULTS = { frames: { loss: 0.1, corrupt: 0.05, duplicate: 0.05 } } as const;

/** What was seen of effects under way in all runs of a test: a test in which none is late or overtaken shows nothing. */
interface Seen {
  most: number;
  overtaken: number;
  late: number;
  interruptions: number;
}

const nothing = (): Seen => ({ most: 0, overtaken: 0, late: 0, interruptions: 0 });

function note(seen: Seen, rescue: VirtualRescue): void {
  for (const side of rescue.underWay ?? []) {
    seen.most = Math.max(seen.most, side.most);
    seen.overtaken += side.overtaken;
    seen.late += side.late;
  }
}

/** What the slot holds that the board boots; undefined if it boots none. */
function booted({ board }: VirtualRescue, size: number): Uint8Array | undefined {
  const boot = board.boot();
  const region = boot.tag === "boot" ? board.nor.map.slots[boot.slot] : undefined;
  return region && board.storage.read(region.offset, size);
}

/** A firmware with uniform parts, and a slot that holds it but for some places. */
function spoilt(random: SeededRandom, size: number): { data: Uint8Array; slot: Uint8Array } {
  const data = randomBytes(random, size);
  for (const byte of [0x00, 0xff, 0x07, 0x55]) {
    const at = randomBelow(random, size - 5000);
    data.fill(byte, at, at + randomBelow(random, 5000));
  }
  const slot = data.slice();
  for (let i = 0; i < 1 + randomBelow(random, 6); i++)
    slot.set(randomBytes(random, 1 + randomBelow(random, 100)), randomBelow(random, size - 100));
  return { data, slot };
}

describe.each(WORKS)("with effects that take 1, 50 or 500 ms, the work being done %s,", (works) => {
  const slow: SlowEffects = { works };

  it.each([
    ["clean", {}],
    ["bad", { faults: FAULTS }],
  ])(
    `${SEEDS} transfers over a %s line are exact, and no board commits while anything is under way`,
    (_name, more) => {
      const seen = nothing();
      for (let seed = 0; seed < SEEDS; seed++) {
        let commits = 0;
        const rescue: VirtualRescue = new VirtualRescue({
          seed,
          size: SIZE,
          blockSize: [1024, 2048, 4096][seed % 3] ?? 4096,
          slow,
          ...more,
          onTargetEvent: (event, proceed) => {
            if (event.tag === "commit") {
              commits++;
              expect(rescue.underWay?.[0].count, `seed ${seed}`).toBe(0);
            }
            proceed();
          },
        });
        expect(rescue.run(), `seed ${seed} did not end`).toBe(true);
        expect(Buffer.compare(rescue.flashed, rescue.data), `seed ${seed}`).toBe(0);
        expect([rescue.board.boot().tag, commits], `seed ${seed}`).toEqual(["boot", 1]);
        note(seen, rescue);
      }
      expect(seen.most).toBeGreaterThanOrEqual(8);
      expect(seen.overtaken).toBeGreaterThan(SEEDS);
    },
    LIMIT_MS,
  );

  it.each([
    ["the target's power fails", "target"],
    ["the rescuer is replaced by another", "rescuer"],
    ["both start again", "both"],
  ] as const)(
    `${SEEDS} boards are healed exactly although up to six times %s`,
    (_name, who) => {
      const seen = nothing();
      for (let seed = 0; seed < SEEDS; seed++) {
        const random = new SeededRandom(seed ^ 0x9e1);
        const rescue = new VirtualRescue({ seed, size: SIZE, blockSize: 2048, slow });
        for (let i = 0; i < 6 && !rescue.run(50 + 2500 * randomFraction(random)); i++) {
          if (rescue.hasEvent("finished")) break;
          seen.interruptions++;
          if (who !== "rescuer") rescue.restartTarget();
          if (who !== "target") rescue.restartRescuer();
        }
        // A start of a board that boots calls nobody.
        const isOver = (): boolean =>
          rescue.hasEvent("finished") || (who !== "rescuer" && rescue.board.boot().tag === "boot");
        expect(rescue.run(3_600_000, isOver), `seed ${seed} did not end`).toBe(true);
        expect(Buffer.compare(booted(rescue, SIZE) ?? new Uint8Array(), rescue.data), `seed ${seed}`).toBe(0);
        note(seen, rescue);
      }
      expect(seen.interruptions).toBeGreaterThan(SEEDS);
      if (who === "rescuer") expect(seen.late).toBeGreaterThan(SEEDS / 4);
    },
    LIMIT_MS,
  );

  it.each(["single", "ab"] as const)(
    "boards of the layout %s end with one of two images, whole, although sides start again and images change in the middle",
    (layout) => {
      const seen = nothing();
      const reasons = new Set<string>();
      for (let seed = 0; seed < SEEDS; seed++) {
        const random = new SeededRandom(seed ^ 0xa11);
        const size = SIZE - (seed % 3) * 700;
        const blockSize = [1024, 2048, 4096, 8192][seed % 4] ?? 4096;
        const { data, slot } = spoilt(random, size);
        const newer = data.slice();
        newer.set(randomBytes(random, 3000), 5_000);
        const fields = {
          vendor: "acme",
          hardwareClass: "gate",
          version: { major: 1, minor: 2, patch: 4 },
          blockSize,
        };
        const other = memoryImage(newer, fields, testKey);
        let offersOther = false;
        const options: VirtualRescueOptions = {
          ...{ seed, data, blockSize, layout, slotSize: 28_672, slow },
          ...(seed % 5 === 0 ? {} : { slot }),
          ...(seed % 2 === 0 ? {} : { faults: FAULTS }),
          others: [{ name: "other", data: newer, digest: other.digest }],
          pick: () => (offersOther ? other : rescue.image),
        };
        const rescue: VirtualRescue = new VirtualRescue(options);
        const isOver = (): boolean => rescue.hasEvent("finished") || rescue.board.boot().tag === "boot";
        for (let i = 0; i < 5 && !rescue.run(30 + 1500 * randomFraction(random), isOver); i++) {
          seen.interruptions++;
          offersOther = !offersOther;
          if (randomBelow(random, 3) === 0) rescue.restartTarget();
          else rescue.restartRescuer();
        }
        expect(rescue.run(3_600_000, isOver), `seed ${seed} did not end`).toBe(true);
        const bytes = booted(rescue, size) ?? new Uint8Array();
        const isOneOfThem = [data, newer].some((image) => Buffer.compare(bytes, image) === 0);
        expect(isOneOfThem, `seed ${seed}`).toBe(true);
        for (const event of rescue.targetEvents) if (event.tag === "refused") reasons.add(event.reason);
        note(seen, rescue);
      }
      expect(seen.interruptions).toBeGreaterThan(SEEDS);
      expect(seen.late).toBeGreaterThan(0);
      // No effect of one session spoils another: that would end it as a failure of the flash.
      expect([...reasons].filter((reason) => reason !== "healthy")).toEqual([]);
    },
    LIMIT_MS,
  );
});

describe("a commit whose session is lost before it is answered", () => {
  /**
   * A rescue in which the board has committed, the rescuer has left, and the answer is under way for `delayMs`. Effects
   * after it take twice as long, so that the next session has an effect under way when the answer comes.
   */
  function leftInCommit(delayMs: number, options: Partial<VirtualRescueOptions> = {}): VirtualRescue {
    let isCommitted = false;
    const delaysMs = [1];
    const rescue: VirtualRescue = new VirtualRescue({
      seed: 3,
      size: 16_384,
      slow: { works: "first", delaysMs, isPickSlow: false },
      onTargetEvent: (event, proceed) => {
        if (isCommitted) delaysMs[0] = 2 * delayMs;
        isCommitted ||= event.tag === "commit";
        if (event.tag === "commit") delaysMs[0] = delayMs;
        proceed();
      },
      ...options,
    });
    expect(rescue.run(60_000, () => isCommitted)).toBe(true);
    rescue.rescuerEnd.stop();
    rescue.pump();
    expect(rescue.run(100, () => rescue.hasEvent("sessionLost"))).toBe(true);
    expect([rescue.hasEvent("finished"), rescue.board.boot().tag]).toEqual([false, "boot"]);
    return rescue;
  }

  it("leaves a board that boots, so that it calls no more: it is finished, not heard", () => {
    const rescue = leftInCommit(300);
    expect(rescue.run(1_000, () => rescue.hasEvent("finished"))).toBe(true);
    expect(rescue.targetEvents.at(-1)).toEqual({ tag: "finished", isHeard: false });
    const { framesSent } = rescue.targetEnd.counters;
    rescue.run(120_000, () => false);
    expect(rescue.targetEnd.counters.framesSent).toBe(framesSent);
  });

  it("ends the call, too, when another rescuer has begun a session meanwhile, which hears that the board is healthy", () => {
    const rescue = leftInCommit(3_000);
    rescue.restartRescuer();
    expect(rescue.run(2_900, () => rescue.target.isServed)).toBe(true);
    expect(rescue.run(60_000, () => rescue.hasEvent("finished"))).toBe(true);
    const tags = rescue.targetEvents.map(({ tag }) => tag);
    expect(tags.slice(tags.indexOf("sessionLost"))).toEqual(
      expect.arrayContaining(["sessionLost", "offered", "refused", "finished"]),
    );
    const reasonsOf = (events: readonly { readonly tag: string }[]): unknown[] =>
      events.flatMap((event) => (event.tag === "refused" && "reason" in event ? [event.reason] : []));
    expect(reasonsOf(rescue.targetEvents)).toEqual(["healthy"]);
    rescue.run(1_000, () => false);
    expect(reasonsOf(rescue.rescuerEvents)).toEqual(["healthy"]);
  });

  it("ends the call of a board that was asked to call, if no other session has begun", () => {
    const rescue = leftInCommit(300, { isForced: true });
    expect(rescue.run(1_000, () => rescue.hasEvent("finished"))).toBe(true);
  });

  it("does not end a session of a board that was asked to call: it may be an update", () => {
    const rescue = leftInCommit(3_000, { isForced: true });
    const { target } = rescue;
    rescue.restartRescuer();
    expect(rescue.run(2_000, () => target.isServed)).toBe(true);
    expect(rescue.run(60_000, () => rescue.hasEvent("refused"))).toBe(true);
    expect(rescue.underWay?.[0].late).toBe(1);
    rescue.run(1_000, () => false);
    expect(rescue.hasEvent("finished")).toBe(false);
  });
});
