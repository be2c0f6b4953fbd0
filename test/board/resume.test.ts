import { describe, expect, it } from "vitest";
import { equalBytes } from "../../src/base/bytes.ts";
import { SeededRandom } from "../../src/base/prng.ts";
import { confirmBoot } from "../../src/board/boot.ts";
import { installFrom } from "../../src/board/install.ts";
import { memoryBoard } from "../../src/board/memory-board.ts";
import { type FlashGeometry, flashMap } from "../../src/flash/geometry.ts";
import type { NorFlash } from "../../src/flash/nor-flash.ts";
import type { ImageSource } from "../../src/image/image-source.ts";
import { CUTS, type CutKind, PowerCut } from "../../src/sim/power-cuts/power-cut.ts";
import { TornStorage } from "../../src/sim/power-cuts/torn-storage.ts";
import { flashCutAt } from "../flash/support.ts";
import { board, feed, identity, image, policy, randomData, slotBytes, spoil } from "./support.ts";

describe("resuming after the session ended", () => {
  it.each([
    ["block and sector alike", 1024, 1024],
    ["sectors of four blocks", 4096, 1024],
    ["blocks of four sectors", 1024, 4096],
  ])(
    "at every block ends with the exact image and writes at most the open unit again: %s",
    (_name, sectorSize, blockSize) => {
      const geometry: FlashGeometry = { sectorSize, slotSize: 14_000, layout: "single" };
      const data = randomData(14_000);
      const source = image(data, { blockSize });
      const count = source.manifest.leafCount;
      const perUnit = Math.max(1, sectorSize / blockSize);
      for (let stop = 0; stop < count; stop++) {
        for (const isAbandoned of [true, false]) {
          const made = board({ geometry });
          const store = made.store();
          store.checkManifest(source.envelope);
          const { wanted } = feed(store, source, (done) => done === stop);
          expect(wanted).toHaveLength(stop);
          if (isAbandoned) store.abandon();
          const again = board({ geometry, storage: made.storage });
          const next = again.store();
          expect(next.checkManifest(source.envelope).tag).toBe("accepted");
          const rest = feed(next, source).wanted;
          // Without an orderly end, one closed unit may still be marked as open beside the one being written.
          const inUnit = stop % perUnit;
          const repeated = inUnit + (isAbandoned || stop < perUnit ? 0 : perUnit);
          expect(rest.length).toBeLessThanOrEqual(count - stop + repeated);
          expect(next.commit().tag).toBe("bootable");
          expect(equalBytes(slotBytes(again).subarray(0, data.length), data)).toBe(true);
        }
      }
    },
  );

  it("continues in the same store without writing the open unit again", () => {
    const geometry: FlashGeometry = { sectorSize: 4096, slotSize: 14_000, layout: "single" };
    const source = image(randomData(14_000), { blockSize: 1024 });
    const store = board({ geometry }).store();
    store.checkManifest(source.envelope);
    feed(store, source, (done) => done === 6);
    store.checkManifest(source.envelope);
    expect(feed(store, source).wanted).toHaveLength(source.manifest.leafCount - 6);
    expect(store.commit().tag).toBe("bootable");
  });

  it("rewrites a unit that is marked as open, even if its hashes are right", () => {
    const geometry: FlashGeometry = { sectorSize: 1024, slotSize: 8192, layout: "single" };
    const data = randomData(8192);
    const source = image(data, { blockSize: 1024 });
    const made = board({ geometry });
    const store = made.store();
    store.checkManifest(source.envelope);
    feed(store, source, (done) => done === 3);
    spoil(made, 0, data); // by chance, all of it reads right; block 2 is still marked
    const again = board({ geometry, storage: made.storage });
    expect(again.parts.record.state.openSectors).toHaveLength(1);
    const next = again.store();
    next.checkManifest(source.envelope);
    expect(next.commit()).toEqual({ tag: "not-bootable", reason: "receiving" });
    expect(feed(next, source).wanted).toEqual([2]);
    expect(again.nor.wear((again.nor.map.slots[0]?.offset ?? 0) / 1024 + 2)).toBe(1);
    expect(next.commit().tag).toBe("bootable");
    expect(again.parts.record.state.openSectors).toEqual([]);
  });
});

/** A board whose power goes at one operation. Undefined when it never came to that. */
function installUntilCut(
  geometry: FlashGeometry,
  storage: TornStorage,
  random: SeededRandom,
  source: ImageSource,
  at: number,
  cut: CutKind,
): boolean {
  try {
    const wrap = (nor: NorFlash) => flashCutAt(nor, storage, random, at, cut);
    const made = memoryBoard({ geometry, identity, policy, storage, wrap });
    installFrom(made.store({ allowUpdate: true, allowSingleUpdate: true }), source);
    return false;
  } catch (error) {
    if (error instanceof PowerCut) return true;
    throw error;
  }
}

describe("power cuts", () => {
  const sizes = { sectorSize: 1024, slotSize: 5000 };
  const oldImage = image(randomData(5000, 1), { blockSize: 1024, counter: 1 });
  const newData = randomData(4500, 2).fill(0x00, 2048, 3072);
  const version = { major: 2, minor: 0, patch: 0 };
  const newImage = image(newData, { blockSize: 2048, counter: 2, version });

  for (const layout of ["single", "ab"] as const) {
    it.each(CUTS)(
      `${layout}: at every operation of an update (%s) leave a board that boots or calls for help, and that can be healed`,
      (cut) => {
        const geometry: FlashGeometry = { ...sizes, layout };
        const map = flashMap(geometry);
        for (let at = 1; ; at++) {
          const random = new SeededRandom(at);
          const storage = new TornStorage(map, random);
          storage.write(map.slots.at(-1)?.offset ?? 0, randomData(5000, 3));
          installUntilCut(geometry, storage, random, oldImage, 0, cut);
          confirmBoot(memoryBoard({ geometry, identity, policy, storage }).parts);
          if (!installUntilCut(geometry, storage, random, newImage, at, cut)) {
            expect(at).toBeGreaterThan(20);
            break;
          }
          const wrap = (nor: NorFlash) => flashCutAt(nor, storage, random, 0, cut);
          const seen = memoryBoard({ geometry, identity, policy, storage, wrap });
          const boot = seen.boot();
          if (layout === "ab") expect(boot.tag, `cut ${at}`).toBe("boot");
          if (boot.tag === "recovery") expect(["receiving", "hash", "manifest"]).toContain(boot.reason);
          expect(seen.parts.record.state.counterFloor).toBeGreaterThanOrEqual(1);
          const mender = new SeededRandom(at + 1);
          seen.parts.record.settle();
          const settled = seen.boot();
          const isDone = settled.tag === "boot" && settled.image.manifest.counter === 2;
          if (!isDone) installUntilCut(geometry, storage, mender, newImage, 0, cut);
          for (let reads = 0; reads < 3; reads++) {
            const healed = memoryBoard({ geometry, identity, policy, storage }).boot();
            expect(healed, `cut ${at}`).toMatchObject({ tag: "boot", image: { manifest: { counter: 2 } } });
          }
        }
      },
    );
  }
});
