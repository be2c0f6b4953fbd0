import { describe, expect, it } from "vitest";
import { equalBytes, toHex } from "../../src/base/bytes.ts";
import { memoryBoard } from "../../src/board/memory-board.ts";
import type { Region } from "../../src/flash/geometry.ts";
import { trustedKeyOf } from "../../src/image/keys.ts";
import { shortDigest } from "../../src/image/manifest.ts";
import type { Beacon } from "../../src/wire/messages.ts";
import { testKey } from "../support/virtual-rescue.ts";
import {
  bytesOf,
  countOf,
  HARDWARE,
  HOUR_MS,
  imageOf,
  linesAbout,
  MINUTE_MS,
  originalOf,
  pickFrom,
  type Watched,
  watched,
} from "./support.ts";

/** Two signed images of one board, 1.0.0 and 2.0.0, as options that make both known to the flash oracle. */
function twoImages(size: number) {
  const older = imageOf(3, size, 1);
  const newer = imageOf(4, size, 2);
  const originals = [originalOf(3, size, older), originalOf(4, size, newer)];
  return { older, newer, options: { seed: 1, data: bytesOf(3, size), others: originals } };
}

/** Neighbours of 15 s each, one after another with 6 s between them, until one heals or `most` were there. */
function neighboursUntilHealed({ rescue }: Watched, most: number, onNext = () => {}): number {
  for (let n = 1; n <= most; n++) {
    if (rescue.run(15_000)) return n;
    rescue.stopRescuer();
    rescue.run(6_000);
    onNext();
    rescue.restartRescuer();
  }
  return Number.POSITIVE_INFINITY;
}

describe("which image a board is brought to", () => {
  it("names the image that is being received in each distress after a lost session, and the next rescuer continues it", async ({
    annotate,
  }) => {
    const { older, newer, options } = twoImages(262_144);
    let repository = [older];
    const calls: Beacon[] = [];
    const { rescue } = watched(() => ({
      ...options,
      pick: (beacon, refused) => {
        calls.push(beacon);
        return pickFrom(repository, beacon, refused);
      },
    }));
    rescue.run(12_000, () => false);
    expect(rescue.store.status().receivingDigest8).toEqual(shortDigest(older.digest));
    rescue.stopRescuer();
    rescue.run(8_000, () => false);
    repository = [older, newer];
    rescue.restartRescuer();
    expect(rescue.run(MINUTE_MS)).toBe(true);
    const named = calls.map(({ receivingDigest }) => receivingDigest && toHex(receivingDigest));
    await annotate(`${calls.length} calls, with digest being received: ${named}`);
    expect(named[0]).toBeUndefined();
    expect(named.slice(1)).toEqual(named.slice(1).map(() => toHex(shortDigest(older.digest))));
    expect(rescue.store.status().installed?.version.major).toBe(1);
  });

  it("is healed by the third neighbour at the latest when each lasts 15 s and they have two images in turn", async ({
    annotate,
  }) => {
    const { older, newer, options } = twoImages(262_144);
    let turn = 0;
    const two = watched(() => ({ ...options, pick: () => (turn % 2 === 0 ? older : newer) }));
    const needed = neighboursUntilHealed(two, 20, () => turn++);
    const one = watched(() => ({ ...options, pick: () => older }));
    const { erases } = two.rescue.board.nor.counters;
    await annotate(`two images: healed by neighbour ${needed}, ${erases} erases`);
    expect(needed).toBeLessThanOrEqual(3);
    expect(neighboursUntilHealed(one, 20)).toBe(2);
  });

  it("wears no sector out when two genuine images are offered in turn for an hour", async ({ annotate }) => {
    const size = 524_288;
    const { older, newer, options } = twoImages(size);
    const erases = new Map<number, number>();
    const board = memoryBoard({
      geometry: { sectorSize: 4096, slotSize: size, layout: "single" },
      identity: { nodeId: new Uint8Array(8).fill(7), hardware: HARDWARE, revision: 3 },
      policy: { keys: [trustedKeyOf(testKey, ["app"])], allowUnsigned: false },
      before: (operation) => {
        if (operation.tag === "erase") erases.set(operation.sector, (erases.get(operation.sector) ?? 0) + 1);
      },
    });
    let turn = 0;
    const pick = () => (turn % 2 === 0 ? older : newer);
    const { rescue, clock } = watched(() => ({ ...options, board, baud: 921_600, pick }));
    let changes = 0;
    // Each neighbour leaves as soon as it has brought a block; the next one comes ten seconds after it.
    for (let at = 10_000; at <= HOUR_MS; at += 10_000) {
      const { programs } = board.nor.counters;
      const before = rescue.store.status().receivingDigest8;
      rescue.run(at - clock.now(), () => board.nor.counters.programs > programs);
      const after = rescue.store.status().receivingDigest8;
      if (before !== undefined && after !== undefined && !equalBytes(before, after)) changes++;
      rescue.rescuerEnd.stop();
      rescue.pump();
      rescue.run(at - clock.now(), () => false);
      rescue.restartRescuer();
      turn++;
    }
    expect(rescue.hasEvent("finished")).toBe(false);
    const mostOf = (regions: readonly Region[]): number =>
      Math.max(
        ...[...erases].map(([sector, times]) =>
          regions.some(
            ({ offset, size: length }) => offset <= sector * 4096 && sector * 4096 < offset + length,
          )
            ? times
            : 0,
        ),
      );
    const { map } = board.nor;
    const most = { slots: mostOf(map.slots), manifests: mostOf(map.manifests), record: mostOf(map.record) };
    await annotate(`${turn} neighbours, ${changes} changes of image, most erases: ${JSON.stringify(most)}`);
    expect(changes).toBeGreaterThan(2);
    expect(most.slots).toBeLessThanOrEqual(20);
    expect(most.manifests).toBeLessThanOrEqual(20);
    expect(most.record).toBeLessThanOrEqual(60);
  });

  it.each(["single", "ab"] as const)(
    "offers a board of layout %s that asks for an update nothing but what is newer",
    async (layout) => {
      const { older, newer, options } = twoImages(32_768);
      const first = watched(() => ({ ...options, layout, pick: () => older }));
      expect(first.rescue.run(MINUTE_MS)).toBe(true);
      const { board } = first.rescue;
      const offers: string[] = [];
      const update = watched(() => ({
        ...options,
        board,
        isForced: true,
        store: { allowUpdate: true, allowSingleUpdate: true },
        pick: (beacon, refused) => {
          const image = pickFrom([older, newer], beacon, refused);
          offers.push(image === newer ? "2.0.0" : "1.0.0");
          return image;
        },
      }));
      expect(update.rescue.run(4 * MINUTE_MS)).toBe(true);
      expect(offers).toEqual(["2.0.0"]);
      expect(linesAbout(update.target, "refused")).toEqual([]);
      expect(update.rescue.store.status().installed?.version).toEqual({ major: 2, minor: 0, patch: 0 });
    },
  );

  it("calls again half a second after a refusal, and is soon heard again (ambiguity A10, decided)", async ({
    annotate,
  }) => {
    const foreign = Array.from({ length: 20 }, (_, i) => imageOf(100 + i, 4096, 1, { vendor: "other" }));
    const { rescue, target } = watched(() => ({
      seed: 1,
      data: bytesOf(2, 4096),
      slotSize: 65_536,
      pick: () => foreign.shift(),
    }));
    rescue.run(200_000, () => false);
    const at = linesAbout(target, "refused").map((line) => Number.parseInt(line, 10) / 1000);
    const gaps = at.slice(1).map((time, i) => time - (at[i] ?? 0));
    await annotate(`seconds between refusals: ${gaps.map((gap) => gap.toFixed(1)).join(" ")}`);
    expect(countOf(target, "refused/hardware")).toBe(at.length);
    // What is longer than half a second is what the rescuer was struck for.
    expect(at.length).toBeGreaterThan(10);
    expect(Math.max(...gaps)).toBeLessThan(20);
  });
});
