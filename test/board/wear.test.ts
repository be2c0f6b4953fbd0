import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/prng.ts";
import { installFrom } from "../../src/board/install.ts";
import type { MemoryBoard } from "../../src/board/memory-board.ts";
import type { TargetStore } from "../../src/board/target-store.ts";
import { flashMap } from "../../src/flash/geometry.ts";
import { type ImageSource, memoryImage } from "../../src/image/image-source.ts";
import { trustedKeyOf } from "../../src/image/keys.ts";
import { CUTS, PowerCut } from "../../src/sim/power-cuts/power-cut.ts";
import { TornStorage } from "../../src/sim/power-cuts/torn-storage.ts";
import { flashCutAt } from "../flash/support.ts";
import { board, feed, fields, GEOMETRY, image, randomData, signer, spoil, stranger } from "./support.ts";

/** Erases of the sectors of each kind since the board was made. */
function wearOf({ nor }: MemoryBoard): { record: number[]; manifests: number[]; slot: number } {
  const erases = ({ offset, size }: { offset: number; size: number }): number[] => {
    const { first, last } = nor.map.sectors.range(offset, size);
    return Array.from({ length: last - first + 1 }, (_, i) => nor.wear(first + i));
  };
  return {
    record: nor.map.record.flatMap(erases),
    manifests: nor.map.manifests.flatMap(erases),
    slot: Math.max(...nor.map.slots.flatMap(erases)),
  };
}

/** A session that brings `blocks` new blocks, and ends. */
function session(store: TargetStore, source: ImageSource, blocks: number): void {
  expect(store.checkManifest(source.envelope).tag).toBe("accepted");
  feed(store, source, (done) => done === blocks);
  store.abandon();
}

/** A board that does not boot, whose slot holds something else. */
function foreign(): MemoryBoard {
  const made = board();
  spoil(made, 0, randomData(GEOMETRY.slotSize, 77));
  return made;
}

const SEEDS = [1, 2, 3, 4];

/** Operations that change the flash. */
const changes = ({ nor }: MemoryBoard): number => nor.counters.erases + nor.counters.programs;

describe("what sessions of one image wear out", () => {
  it.each([
    ["a sector each", 4096, 16],
    ["four to a sector", 1024, 64],
    ["four sectors each", 16_384, 4],
  ])("is each sector of slot and manifest once in 300, whose blocks are %s", (_size, blockSize, blocks) => {
    const source = image(randomData(65_536), { blockSize });
    const made = foreign();
    const store = made.store();
    for (let sessions = 0; sessions < 300; sessions++) session(store, source, sessions % 2);
    // A fresh sector of the record at the first event, and none for the journal, which has room for more.
    expect(wearOf(made)).toEqual({ record: [1, 1], manifests: [1, 0], slot: 1 });
    expect(store.checkManifest(source.envelope).tag).toBe("accepted");
    expect(feed(store, source).wanted).toEqual([]);
    expect(store.commit().tag).toBe("bootable");
    expect(wearOf(made).slot).toBe(1);
    expect(source.manifest.leafCount).toBe(blocks);
  });

  it("is each sector of the record once with manifests in them, and one of the two once more for each other image", () => {
    const [a, b] = [image(randomData(65_536, 1)), image(randomData(65_536, 2))];
    const made = board({ geometry: { ...GEOMETRY, manifests: "record" } });
    spoil(made, 0, randomData(GEOMETRY.slotSize, 77));
    const store = made.store();
    for (let sessions = 0; sessions < 300; sessions++) session(store, a, sessions % 2);
    expect(wearOf(made)).toEqual({ record: [1, 1], manifests: [], slot: 1 });
    session(store, b, 1);
    expect(wearOf(made).record).toEqual([2, 1]);
    session(store, a, 1);
    expect(wearOf(made).record).toEqual([2, 2]);
    // The next run begins a sector without the manifest that is replaced.
    const next = board({ geometry: { ...GEOMETRY, manifests: "record" }, storage: made.storage });
    session(next.store(), b, 1);
    expect(wearOf(next).record).toEqual([1, 1]);
  });

  it("is nothing where nothing is new: not an entry, not an erase", () => {
    const source = image(randomData(65_536), { blockSize: 1024 });
    const made = foreign();
    const store = made.store();
    session(store, source, 5);
    const before = changes(made);
    for (let sessions = 0; sessions < 50; sessions++) {
      // Looks, asks, and has the same block brought again.
      expect(store.checkManifest(source.envelope).tag).toBe("accepted");
      feed(store, source, () => true);
      expect(store.writeBlock(3, source.readBlockSync(3))).toBe("written");
      expect(store.writeBlock(9, source.readBlockSync(3))).toBe("mismatch");
      store.abandon();
      session(store, image(randomData(3000, sessions)), 0);
    }
    expect(changes(made)).toBe(before);
  });

  it("is two erases of the record at a power-up with a new block, and none of the manifest", () => {
    const source = image(randomData(65_536));
    let made = foreign();
    session(made.store(), source, 1);
    for (let powerUps = 0; powerUps < 10; powerUps++) {
      made = board({ storage: made.storage });
      session(made.store(), source, 1);
      expect(wearOf(made)).toEqual({ record: [1, 1], manifests: [0, 0], slot: 1 });
    }
  });

  it("does not depend on whose signature is offered: a manifest that another trusted key signed stays", () => {
    const keys = [trustedKeyOf(signer, ["app"]), trustedKeyOf(stranger, ["app"])];
    const made = board({ policy: { keys, allowUnsigned: false } });
    const store = made.store();
    const data = randomData(65_536);
    const images = [image(data), memoryImage(data, fields(), stranger)] as const;
    expect(images[0].digest).toEqual(images[1].digest);
    for (const source of [...images, ...images]) session(store, source, 1);
    expect(wearOf(made).manifests).toEqual([1, 0]);
  });
});

describe("a change of image", () => {
  it("wears the manifest's sector once, ten of them ten times", () => {
    const [a, b] = [image(randomData(65_536, 1)), image(randomData(65_536, 2))];
    const made = foreign();
    const store = made.store();
    session(store, a, 1);
    for (let change = 0; change < 10; change++) session(store, change % 2 === 0 ? b : a, 1);
    const { record, manifests, slot } = wearOf(made);
    expect([manifests, slot]).toEqual([[11, 0], 11]);
    expect(Math.max(...record)).toBeLessThanOrEqual(2);
    expect(made.parts.record.state.openSectors).toEqual([]);
  });

  it("says that the area is not whole before it erases it, in every order of power cuts", () => {
    const geometry = { ...GEOMETRY, slotSize: 8192 };
    const map = flashMap(geometry);
    const [a, b] = [image(randomData(8192, 1)), image(randomData(8192, 2))];
    let cuts = 0;
    for (const [seed, cut] of SEEDS.flatMap((seed) => CUTS.map((cut) => [seed, cut] as const))) {
      for (let at = 1; ; at++) {
        const random = new SeededRandom(100 * seed + at);
        const storage = new TornStorage(map, random);
        const powerUp = (cutAt: number): MemoryBoard =>
          board({
            geometry,
            storage,
            wrap: (nor) => flashCutAt(nor, storage, random, cutAt, cut, true),
          });
        session(powerUp(0).store(), a, 1);
        const made = powerUp(at);
        let isCut = false;
        try {
          session(made.store(), b, 1);
        } catch (error) {
          if (!(error instanceof PowerCut)) throw error;
          isCut = true;
        }
        if (!isCut) break;
        cuts++;
        // The image of before is received to its end. What it boots from reads the same for ever.
        installFrom(powerUp(0).store(), a);
        const [slot] = powerUp(0).parts.record.state.slots;
        const area = map.manifests[slot?.area ?? -1];
        if (area === undefined) expect.fail("an image is installed");
        expect(storage.isTorn(area), `seed ${seed}, ${cut} ${at}`).toBe(false);
        expect(powerUp(0).boot()).toMatchObject({ tag: "boot", image: { digest: a.digest } });
      }
    }
    expect(cuts).toBeGreaterThan(300);
  });
});

describe("a session that was left", () => {
  it("is resumed by the same image in the middle of a repair unit, without an erase", () => {
    const source = image(randomData(65_536), { blockSize: 1024 });
    const made = foreign();
    const store = made.store();
    session(store, source, 2);
    const { erases } = made.nor.counters;
    expect(store.checkManifest(source.envelope).tag).toBe("accepted");
    const { wanted } = feed(store, source, (done) => done === 2);
    expect(wanted).toEqual([2, 3]);
    expect(made.nor.counters.erases).toBe(erases);
    // At the next power-up nobody knows what was programmed last: the unit is written again.
    store.abandon();
    const again = board({ storage: made.storage });
    const next = again.store();
    next.checkManifest(source.envelope);
    expect(feed(next, source).wanted[0]).toBe(4);
    expect(next.commit().tag).toBe("bootable");
  });

  it("is forgotten once another image was begun", () => {
    const [a, b] = [image(randomData(65_536, 1), { blockSize: 1024 }), image(randomData(65_536, 2))];
    const made = foreign();
    const store = made.store();
    session(store, a, 2);
    session(store, b, 1);
    store.checkManifest(a.envelope);
    expect(feed(store, a).wanted.slice(0, 4)).toEqual([0, 1, 2, 3]);
    expect(store.commit().tag).toBe("bootable");
  });
});
