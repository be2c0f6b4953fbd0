import { describe, expect, it } from "vitest";
import { memoryBoard } from "../../src/board/memory-board.ts";
import { trustedKeyOf } from "../../src/image/keys.ts";
import { shortDigest } from "../../src/image/manifest.ts";
import type { Beacon } from "../../src/wire/messages.ts";
import { testKey } from "../support/virtual-rescue.ts";
import {
  bytesOf,
  countOf,
  HARDWARE,
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
function neighboursUntilHealed({ rescue }: Watched, most: number): number {
  for (let n = 1; n <= most; n++) {
    if (rescue.run(15_000)) return n;
    rescue.stopRescuer();
    rescue.run(6_000);
    rescue.restartRescuer();
  }
  return Number.POSITIVE_INFINITY;
}

describe("which image a board is brought to", () => {
  it("shows fault F2: distress after a lost session does not name the image that is being received", async ({
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
    rescue.run(3_000, () => false);
    await annotate(
      `${calls.length} calls, with digest being received: ${calls.map((c) => c.receivingDigest)}`,
    );
    expect(calls.length).toBeGreaterThanOrEqual(2);
    expect(calls.map(({ receivingDigest }) => receivingDigest)).toEqual(calls.map(() => undefined));
    // So the next rescuer begins the other image, and what was written of the first is given up.
    expect(rescue.store.status().receivingDigest8).toEqual(shortDigest(newer.digest));
  });

  it("shows fault F3: neighbours with two images in turn never heal a board, neighbours with one do", async ({
    annotate,
  }) => {
    const { older, newer, options } = twoImages(262_144);
    let turn = 0;
    const two = watched(() => ({ ...options, pick: () => (turn++ % 2 === 0 ? older : newer) }));
    expect(neighboursUntilHealed(two, 20)).toBe(Number.POSITIVE_INFINITY);
    const one = watched(() => ({ ...options, pick: () => older }));
    const needed = neighboursUntilHealed(one, 20);
    const { erases } = two.rescue.board.nor.counters;
    await annotate(
      `two images: not healed by 20 neighbours, ${erases} erases; one image: healed by ${needed}`,
    );
    expect(erases).toBeGreaterThan(500);
    expect(needed).toBe(2);
  });

  it("shows fault F4: two genuine images, offered in turn, erase one sector 300 times a minute", async ({
    annotate,
  }) => {
    const { older, newer, options } = twoImages(65_536);
    const erases = new Map<number, number>();
    const board = memoryBoard({
      geometry: { sectorSize: 4096, slotSize: 65_536, layout: "single" },
      identity: { nodeId: new Uint8Array(8).fill(7), hardware: HARDWARE, revision: 3 },
      policy: { keys: [trustedKeyOf(testKey, ["app"])], allowUnsigned: false },
      before: (operation) => {
        if (operation.tag === "erase") erases.set(operation.sector, (erases.get(operation.sector) ?? 0) + 1);
      },
    });
    let turn = 0;
    const pick = () => (turn++ % 2 === 0 ? older : newer);
    const { rescue, clock } = watched(() => ({ ...options, board, baud: 921_600, pick }));
    let sessions = 0;
    while (clock.now() < MINUTE_MS) {
      const { programs } = board.nor.counters;
      rescue.run(20_000, () => clock.now() >= MINUTE_MS || board.nor.counters.programs >= programs + 3);
      rescue.rescuerEnd.stop();
      rescue.pump();
      rescue.run(5, () => false);
      rescue.restartRescuer();
      sessions++;
    }
    const [sector, most] = [...erases].sort(([, a], [, b]) => b - a)[0] ?? [-1, 0];
    const manifests = board.nor.map.manifests.map(({ offset }) => offset / 4096);
    await annotate(`${sessions} sessions, ${board.nor.counters.erases} erases, ${most} of sector ${sector}`);
    expect(sessions).toBeGreaterThan(250);
    expect(manifests).toContain(sector);
    expect(most).toBeGreaterThan(250);
  });

  it.each(["single", "ab"] as const)(
    "shows fault F6: a board of layout %s that asks for an update is first offered what it runs",
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
      const { installed } = update.rescue.store.status();
      expect(linesAbout(update.target, "refused")).toHaveLength(1);
      expect(offers).toEqual(["1.0.0", "2.0.0"]);
      expect(installed?.version).toEqual({ major: 2, minor: 0, patch: 0 });
    },
  );

  it("shows ambiguity A10: after a refusal the next call waits for the running back-off, not for 0.5 s", async ({
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
    expect(Math.max(...gaps)).toBeGreaterThan(20);
  });
});
