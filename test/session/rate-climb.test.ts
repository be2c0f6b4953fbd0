import { describe, expect, it } from "vitest";
import { RatedRescue } from "../support/rated-rescue.ts";

const MIB = 1_048_576;
const LIMIT_MS = 600_000;

/** Runs to the end; the milliseconds that it took. */
function msToHeal(rescue: RatedRescue): number {
  const from = rescue.clock.now();
  expect(rescue.run(LIMIT_MS)).toBe(true);
  expect(rescue.isHealed).toBe(true);
  return rescue.clock.now() - from;
}

/** The same at a rate that both ends are set to. */
function msAtFixedRate(baud: number, size: number): number {
  const rescue = new RatedRescue({ size, max: [undefined, undefined] });
  for (const end of rescue.line.ends) end.fix(baud);
  rescue.restartTarget();
  rescue.restartRescuer();
  return msToHeal(rescue);
}

describe("the rate of the line", () => {
  it("climbs from 115200 to 3,000,000 bit/s at once, and 1 MiB takes at most 1.3 times what it takes there", () => {
    const rescue = new RatedRescue({ size: MIB });
    const ms = msToHeal(rescue);
    expect(rescue.reported).toEqual([{ baud: 3_000_000, why: "faster" }]);
    expect(rescue.setBy(0)).toEqual([3_000_000]);
    expect(ms / msAtFixedRate(3_000_000, MIB)).toBeLessThan(1.3);
  });

  it("ends at the best rate that works when the highest one and one in the middle are garbled", () => {
    const rescue = new RatedRescue({ size: MIB, garbled: [1_500_000, 3_000_000] });
    const ms = msToHeal(rescue);
    expect(rescue.reported).toEqual([
      { baud: 115_200, why: "unproven" },
      { baud: 921_600, why: "faster" },
      { baud: 2_000_000, why: "faster" },
    ]);
    expect(ms / msAtFixedRate(2_000_000, MIB)).toBeLessThan(1.3);
  });

  it("skips a garbled rate in the middle on its way to a higher one", () => {
    const rescue = new RatedRescue({ size: MIB, garbled: [921_600, 3_000_000] });
    msToHeal(rescue);
    expect(rescue.reported.at(-1)).toEqual({ baud: 2_000_000, why: "faster" });
  });

  it("finds the only rate that works above the meeting rate", () => {
    const garbled = [460_800, 921_600, 1_500_000, 2_000_000, 3_000_000];
    const rescue = new RatedRescue({ size: MIB, garbled });
    msToHeal(rescue);
    expect(rescue.setBy(1).at(-1)).toBe(230_400);
  });

  it("stays at the meeting rate for an image that saves less than a trial may cost", () => {
    const rescue = new RatedRescue({ size: 4096 });
    msToHeal(rescue);
    expect(rescue.line.set).toEqual([]);
  });

  it("stays there for the repair of one sector, and climbs for one of sixteen", () => {
    const data = Uint8Array.from({ length: 262_144 }, (_, i) => (i * 31) ^ (i >> 8));
    const damaged = (sectors: number): Uint8Array =>
      data.map((byte, i) => (i < 4096 * sectors ? byte ^ 1 : byte));
    const one = new RatedRescue({ data, slot: damaged(1) });
    msToHeal(one);
    expect(one.line.set).toEqual([]);
    const many = new RatedRescue({ data, slot: damaged(16) });
    msToHeal(many);
    expect(many.reported.at(0)).toEqual({ baud: 3_000_000, why: "faster" });
  });

  it.each([
    ["a target", [undefined, 3_000_000]],
    ["a rescuer", [3_000_000, undefined]],
  ] as const)(
    "stays there when %s cannot change its rate, or was made before rates could change",
    (_, max) => {
      const rescue = new RatedRescue({ max });
      msToHeal(rescue);
      expect(rescue.line.set).toEqual([]);
    },
  );

  it("climbs no higher than both ends can", () => {
    const rescue = new RatedRescue({ size: MIB, max: [1_000_000, 3_000_000] });
    msToHeal(rescue);
    expect(rescue.reported).toEqual([{ baud: 921_600, why: "faster" }]);
  });

  it.each([0, 1] as const)("tries the next one when a port (end %i) refuses to be set", (end) => {
    const refused = [3_000_000, 2_000_000];
    const rescue = new RatedRescue({ size: MIB, refused: end === 0 ? [refused, []] : [[], refused] });
    msToHeal(rescue);
    expect(rescue.setBy(1).at(-1)).toBe(1_500_000);
    expect(rescue.setBy(0).at(-1)).toBe(1_500_000);
  });

  it("steps down when the line worsens at half of the image, and the image arrives", () => {
    const rescue = new RatedRescue({
      size: MIB,
      errorsAt: (baud, now) => (now > 1_800 && baud >= 1_500_000 ? 0.02 : 0),
    });
    msToHeal(rescue);
    expect(rescue.reported[0]).toEqual({ baud: 3_000_000, why: "faster" });
    expect(rescue.reported.some(({ why }) => why === "lowered")).toBe(true);
    expect(rescue.setBy(1).at(-1)).toBeLessThan(1_500_000);
  });

  it("meets again when nothing comes through any more at half of the image, and climbs to what still works", () => {
    const rescue = new RatedRescue({
      size: MIB,
      errorsAt: (baud, now) => (now > 1_800 && baud >= 1_500_000 ? 0.6 : 0),
    });
    msToHeal(rescue);
    expect(rescue.reported.slice(0, 2)).toEqual([
      { baud: 3_000_000, why: "faster" },
      { baud: 115_200, why: "silence" },
    ]);
    // A first try may end unproven: the target asks who is there, as a shell might have come in the place of its rescuer.
    const later = rescue.reported.slice(2).filter(({ why }) => why !== "unproven");
    expect(later).toEqual([{ baud: 921_600, why: "faster" }]);
    expect(rescue.setBy(1).at(-1)).toBe(921_600);
  });

  it("goes back up when a lower rate has as many errors", () => {
    const rescue = new RatedRescue({ size: MIB, errorsAt: () => 0.003 });
    msToHeal(rescue);
    expect(rescue.setBy(1).at(-1)).toBe(3_000_000);
  });

  it.each([115_200, 460_800])(
    "comes down to what a line carries whose ports take any rate: %i bit/s",
    (carries) => {
      const rescue = new RatedRescue({ size: MIB, carries });
      const ms = msToHeal(rescue);
      expect(rescue.setBy(1)).toEqual([3_000_000, carries]);
      expect(ms / msAtFixedRate(carries, MIB)).toBeLessThan(1.05);
    },
  );

  it("returns to the meeting rate when the session is over: at once at the target, after a second at the rescuer", () => {
    const rescue = new RatedRescue({});
    msToHeal(rescue);
    const endedAt = rescue.clock.now();
    rescue.run(endedAt + 5_000, () => rescue.bauds.every((baud) => baud === 115_200));
    expect(rescue.bauds).toEqual([115_200, 115_200]);
    expect(rescue.clock.now() - endedAt).toBeLessThan(1_100);
  });

  it("remembers on its link that a rate did not work, and takes the best one at once in the next session", () => {
    const rescue = new RatedRescue({ size: MIB, garbled: [3_000_000] });
    msToHeal(rescue);
    rescue.clock.advanceTo(rescue.clock.now() + 2_000);
    const before = rescue.line.set.length;
    rescue.board.storage.write(rescue.board.nor.map.slots[0]?.offset ?? 0, new Uint8Array(MIB / 2));
    rescue.restartTarget();
    expect(
      rescue.run(LIMIT_MS, () => rescue.rescuerEvents.filter(({ tag }) => tag === "healed").length === 2),
    ).toBe(true);
    const set = rescue.line.set.slice(before).map(([, baud]) => baud);
    expect(set).not.toContain(3_000_000);
    expect(set).toContain(2_000_000);
  });
});
