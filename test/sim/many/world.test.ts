import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../../src/base/prng.ts";
import { damageUnseen, flipBits } from "../../../src/sim/many/frame-damage.ts";
import { runScenario, type Scenario, transferTime, worldOf } from "../../../src/sim/many/scenario.ts";
import { decodeCobs, encodeDelimited } from "../../../src/wire/cobs.ts";
import { frameCrc } from "../../../src/wire/crc.ts";
import { withCrc } from "../../support/with-crc.ts";

const LINE: Scenario = {
  ...{ topology: "line", nodes: 4, seed: 1, update: false, size: 8_192, baud: 115_200 },
  ...{ loss: 0, faults: false, layout: "ab" },
};

describe("a world of boards", () => {
  it("of boards that store and forward is healed in about the time of one transfer a hop, each board once", async () => {
    const scenario: Scenario = { ...LINE, storeAndForward: true };
    const { story, isWell, behind } = await runScenario(scenario);
    expect([isWell, behind, story.violations]).toEqual([true, [], []]);
    expect(story.spreads.map(({ board, by, cause }) => [board, by, cause])).toEqual([
      [1, 0, "heal"],
      [2, 1, "heal"],
      [3, 2, "heal"],
    ]);
    const last = story.spreads.at(-1)?.at ?? 0;
    expect(last / (await transferTime(scenario))).toBeCloseTo(3, 1);
  });

  it("updates its boards and heals broken ones in the same run", async () => {
    const { story, isWell } = await runScenario({ ...LINE, nodes: 6, update: true, broken: 0.4 });
    expect(isWell).toBe(true);
    expect(story.brokenAtStart).toHaveLength(2);
    const causes = new Set(story.spreads.map(({ cause }) => cause));
    expect([...causes].sort()).toEqual(["heal", "update"]);
  });

  it("of one board, or with nothing broken, is well at once", async () => {
    expect((await runScenario({ ...LINE, nodes: 1 })).isWell).toBe(true);
    const { story, isWell } = await runScenario({ ...LINE, broken: 0 });
    expect([isWell, story.spreads]).toEqual([true, []]);
  });

  it("does not count a board that is off as well, and nothing of it is heard or written", async () => {
    const world = worldOf(LINE);
    expect(await world.run(60_000)).toBe(true);
    world.powerOff(2);
    expect(world.behind).toEqual([2]);
    const sent = world.boards[2]?.bytesSent;
    await world.continue(120_000);
    expect(world.boards[2]?.bytesSent).toBe(sent);
    expect(world.isWell).toBe(false);
    world.boards[2]?.powerOn();
    await world.continue(121_000);
    expect(world.isWell).toBe(true);
  });

  it("is not said to be well when the flash of a board is not", async () => {
    const world = worldOf(LINE);
    await world.run(60_000);
    world.boards[3]?.storage.write(
      world.boards[3].open().nor.map.slots[0]?.offset ?? 0,
      Uint8Array.of(1, 2, 3),
    );
    world.checkers.checkEnd(world.newest, world);
    expect(world.checkers.violations.join()).toMatch(
      /board 3 is said to be well, and .* is not whole in its flash/,
    );
  });
});

describe("damage of frames", () => {
  const random = new SeededRandom(1);
  const payload = Uint8Array.from({ length: 60 }, (_, i) => i);
  const data = withCrc(Uint8Array.of(0x08, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...payload), 0x1234);

  it("may fit the CRC of any session, and then changes the payload of a data frame alone", () => {
    const damaged = damageUnseen(encodeDelimited(data), random);
    const body = decodeCobs(damaged?.subarray(1, -1) ?? new Uint8Array()) ?? new Uint8Array();
    const crc = new DataView(body.buffer, body.byteOffset).getUint32(body.length - 4, true);
    expect(crc).toBe(frameCrc(body.subarray(0, -4), 0x1234));
    expect(body.subarray(0, 10)).toEqual(data.subarray(0, 10));
    expect(body.subarray(10, -4)).not.toEqual(payload);
    expect(
      damageUnseen(encodeDelimited(withCrc(Uint8Array.of(0x10, 2, 3), undefined)), random),
    ).toBeUndefined();
  });

  it("otherwise flips bits, and leaves what was handed over as it was", () => {
    const frame = encodeDelimited(data);
    const before = frame.slice();
    expect(flipBits(frame, random)).not.toEqual(before);
    expect(frame).toEqual(before);
  });
});
