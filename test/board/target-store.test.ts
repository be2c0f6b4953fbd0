import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { equalBytes } from "../../src/base/bytes.ts";
import { installFrom } from "../../src/board/install.ts";
import type { MemoryBoard } from "../../src/board/memory-board.ts";
import { flashMap } from "../../src/flash/geometry.ts";
import { MemoryStorage } from "../../src/flash/storage.ts";
import { type ImageSource, memoryImage } from "../../src/image/image-source.ts";
import { shortDigest } from "../../src/image/manifest.ts";
import { board, feed, fields, GEOMETRY, image, randomData, signer, slotBytes, spoil } from "./support.ts";

/** Random, but with runs of 0x00 and 0xFF and of one other byte, as firmware has. */
function patchwork(size: number, seed: number): Uint8Array {
  const data = randomData(size, seed);
  for (let at = (seed % 7) * 512; at < size; at += 8192)
    data.fill([0x00, 0xff, 0x41][(at >> 13) % 3] ?? 0, at, at + 4096);
  return data;
}

function expectHolds(made: MemoryBoard, data: Uint8Array, sectorSize: number): void {
  const bytes = slotBytes(made);
  expect(equalBytes(bytes.subarray(0, data.length), data)).toBe(true);
  const tail = bytes.subarray(data.length, Math.ceil(data.length / sectorSize) * sectorSize);
  expect(tail.every((byte) => byte === 0xff)).toBe(true);
}

function receive(made: MemoryBoard, source: ImageSource): { wanted: number[]; runs: number } {
  const store = made.store();
  expect(store.checkManifest(source.envelope).tag).toBe("accepted");
  const { wanted, runs } = feed(store, source);
  expect(store.commit()).toMatchObject({ tag: "bootable", slot: 0 });
  return { wanted: [...wanted], runs };
}

describe("installing", () => {
  it("makes an empty board bootable, with the exact image, as seen after each power-up", () => {
    const source = image(randomData(50_000));
    const made = board();
    const store = made.store();
    expect(store.status()).toMatchObject({
      isBootable: false,
      failure: "empty",
      counterFloor: 0,
      revision: 3,
    });
    const { outcome, blocks } = installFrom(store, source);
    expect(outcome).toEqual({ tag: "bootable", slot: 0, version: { major: 1, minor: 0, patch: 0 } });
    expect(blocks).toEqual(Array.from({ length: 13 }, (_, i) => i));
    const again = board({ storage: made.storage });
    expect(again.boot()).toMatchObject({ tag: "boot", slot: 0, isTrial: false });
    expect(again.store().status()).toMatchObject({
      isBootable: true,
      installed: { digest8: shortDigest(source.digest), sequence: 2 ** 32 },
    });
    expect(again.store().status()).not.toHaveProperty("receivingDigest8");
  });

  it.each([1, 15, 1024, 4096, 4097, 65_535, 65_536])("installs an image of %d bytes", (size) => {
    const data = randomData(size);
    const made = board();
    receive(made, image(data));
    expectHolds(made, data, 4096);
  });

  it("erases nothing on a blank slot, and programs no byte of 0xFF blocks", () => {
    const data = randomData(65_536).fill(0xff, 8192, 61_440);
    const made = board();
    const { wanted } = receive(made, image(data));
    expect(wanted).toEqual([0, 1, 15]);
    const map = made.nor.map;
    const firstSlotSector = (map.slots[0]?.offset ?? 0) / 4096;
    for (let sector = firstSlotSector; sector < map.size / 4096; sector++)
      expect(made.nor.wear(sector)).toBe(0);
  });

  it("writes a uniform image without any data of blocks", () => {
    const made = board();
    const data = new Uint8Array(60_000).fill(0x41);
    const { wanted, runs } = receive(made, image(data, { blockSize: 1024 }));
    expect({ wanted, runs }).toEqual({ wanted: [], runs: 1 });
    expectHolds(made, data, 4096);
  });

  it("never erases or programs the recovery image", () => {
    const made = board();
    receive(made, image(randomData(65_536)));
    expect(made.storage.read(0, made.nor.map.recovery.size).every((byte) => byte === 0xff)).toBe(true);
    for (let sector = 0; sector < made.nor.map.recovery.size / 4096; sector++)
      expect(made.nor.wear(sector)).toBe(0);
  });

  it("is byte-exact and boots for any size, block size, sector size, and old content", () => {
    fc.assert(
      fc.property(
        fc.record({
          size: fc.integer({ min: 1, max: 150_000 }),
          spare: fc.nat(70_000),
          block: fc.integer({ min: 10, max: 16 }),
          sector: fc.integer({ min: 10, max: 16 }),
          seed: fc.nat(1000),
          old: fc.constantFrom("blank", "random", "alike"),
        }),
        ({ size, spare, block, sector, seed, old }) => {
          const sectorSize = 2 ** sector;
          const geometry = { sectorSize, slotSize: size + spare, layout: "single" as const };
          const made = board({ geometry });
          const data = patchwork(size, seed);
          if (old === "random") spoil(made, 0, randomData(size + spare, seed + 1));
          if (old === "alike") {
            spoil(made, 0, data);
            spoil(made, seed % size, randomData(1, seed + 2));
          }
          receive(made, image(data, { blockSize: 2 ** block }));
          expectHolds(made, data, sectorSize);
          expect(board({ geometry, storage: made.storage }).boot().tag).toBe("boot");
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("repairing", () => {
  it("asks for the damaged sector alone", () => {
    const data = randomData(65_536);
    const source = image(data);
    const made = board();
    receive(made, source);
    spoil(made, 5 * 4096 + 17, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    const again = board({ storage: made.storage });
    expect(again.boot()).toEqual({ tag: "recovery", reason: "hash" });
    expect(receive(again, source)).toEqual({ wanted: [5], runs: 1 });
    expectHolds(again, data, 4096);
  });

  it.each([
    ["sectors of many blocks", 65_536, 1024, 64],
    ["sectors and blocks alike", 4096, 4096, 1],
    ["blocks of many sectors", 1024, 16_384, 1],
  ])("asks for the whole repair unit of %s, once", (_name, sectorSize, blockSize, blocks) => {
    const geometry = { sectorSize, slotSize: 400_000, layout: "single" as const };
    const data = randomData(400_000);
    const source = image(data, { blockSize });
    const made = board({ geometry });
    receive(made, source);
    spoil(made, 140_000, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    const again = board({ geometry, storage: made.storage });
    const { wanted } = receive(again, source);
    const unit = Math.max(sectorSize, blockSize);
    const first = (Math.floor(140_000 / unit) * unit) / blockSize;
    expect(wanted.sort((a, b) => a - b)).toEqual(Array.from({ length: blocks }, (_, i) => first + i));
    expectHolds(again, data, sectorSize);
    const slotSector = (made.nor.map.slots[0]?.offset ?? 0) / sectorSize;
    let erases = 0;
    for (let i = slotSector; i < made.nor.map.size / sectorSize; i++) erases += again.nor.wear(i);
    expect(erases).toBe(unit / sectorSize);
  });

  it("programs without an erase where only bits are cleared", () => {
    const old = randomData(65_536);
    const data = old.slice();
    data.set(
      old.subarray(8192, 12_288).map((byte) => byte & 0x5a),
      8192,
    );
    const made = board();
    spoil(made, 0, old);
    expect(receive(made, image(data)).wanted).toEqual([2]);
    expect(made.nor.wear((made.nor.map.slots[0]?.offset ?? 0) / 4096 + 2)).toBe(0);
    expectHolds(made, data, 4096);
  });

  it("erases what an older image left after the last byte", () => {
    const data = randomData(5000);
    const made = board();
    spoil(made, 0, randomData(65_536, 2));
    spoil(made, 0, data);
    expect(receive(made, image(data)).wanted).toEqual([1]);
    expectHolds(made, data, 4096);
  });

  it("needs only the manifest when only the boot record was lost", () => {
    const source = image(randomData(60_000));
    const made = board();
    receive(made, source);
    const map = made.nor.map;
    made.storage.write(map.record[0].offset, new Uint8Array(2 * 4096).fill(0xff));
    const again = board({ storage: made.storage });
    expect(again.boot()).toEqual({ tag: "recovery", reason: "empty" });
    expect(receive(again, source)).toEqual({ wanted: [], runs: 0 });
  });

  it("replaces a transfer by another image", () => {
    const made = board();
    const store = made.store();
    const first = image(randomData(40_000, 1));
    const second = image(randomData(50_000, 2));
    store.checkManifest(first.envelope);
    expect(feed(store, first, (done) => done === 4).isComplete).toBe(false);
    expect(store.status().receivingDigest8).toEqual(shortDigest(first.digest));
    expect(store.checkManifest(second.envelope).tag).toBe("accepted");
    feed(store, second);
    expect(store.commit().tag).toBe("bootable");
    expectHolds(made, randomData(50_000, 2), 4096);
  });
});

describe("hostile and broken answers", () => {
  it("never programs a block that does not match", () => {
    const source = image(randomData(65_536));
    const made = board();
    const store = made.store();
    store.checkManifest(source.envelope);
    const start = store.start();
    expect(start).toEqual({ tag: "good", nodes: [{ level: 4, index: 0 }], blocks: [] });
    const before = { ...made.nor.counters };
    expect(store.writeBlock(0, source.readBlockSync(0))).toBe("mismatch"); // its hash is not known yet
    store.checkRun({ level: 4, index: 0 }, source.tree.run({ level: 4, index: 0 }));
    expect(store.writeBlock(0, source.readBlockSync(1))).toBe("mismatch");
    expect(store.writeBlock(0, source.readBlockSync(0).subarray(1))).toBe("mismatch");
    expect(store.writeBlock(16, source.readBlockSync(0))).toBe("mismatch");
    expect(store.writeBlock(-1, source.readBlockSync(0))).toBe("mismatch");
    expect(store.writeBlock(0.5, source.readBlockSync(0))).toBe("mismatch");
    expect(made.nor.counters.programs).toBe(before.programs);
    expect(made.nor.counters.erases).toBe(before.erases);
    expect(store.commit()).toEqual({ tag: "not-bootable", reason: "receiving" });
  });

  it("ignores runs of hashes that do not lead to the root", () => {
    const source = image(randomData(500_000), { blockSize: 1024 });
    const made = board({ geometry: { ...GEOMETRY, slotSize: 500_000 } });
    const store = made.store();
    store.checkManifest(source.envelope);
    store.start();
    const root = { level: 9, index: 0 };
    const run = source.tree.run(root);
    const wrong = run.slice();
    wrong[40] = (wrong[40] ?? 0) ^ 1;
    expect(store.checkRun(root, wrong)).toEqual({ tag: "bad" });
    expect(store.checkRun(root, run.subarray(32))).toEqual({ tag: "bad" });
    expect(store.checkRun(root, new Uint8Array(0))).toEqual({ tag: "bad" });
    expect(store.checkRun({ level: 8, index: 0 }, source.tree.run({ level: 8, index: 0 }))).toEqual({
      tag: "bad",
    });
    expect(store.checkRun({ level: 99, index: 0 }, run)).toEqual({ tag: "bad" });
    expect(store.checkRun({ level: 0, index: 0 }, run)).toEqual({ tag: "bad" });
    expect(store.checkRun({ level: 9, index: -1 }, run)).toEqual({ tag: "bad" });
    expect(store.checkUniform(root, 0x00)).toEqual({ tag: "bad" });
    expect(store.checkUniform({ level: 4, index: 3 }, 0x00)).toEqual({ tag: "bad" });
    expect(store.checkRun(root, run).tag).toBe("good");
    expect(made.nor.counters.programs).toBe(0);
  });

  it("accepts duplicate runs and blocks without writing twice", () => {
    const source = image(randomData(65_536));
    const made = board();
    const store = made.store();
    store.checkManifest(source.envelope);
    store.start();
    const node = { level: 4, index: 0 };
    store.checkRun(node, source.tree.run(node));
    store.writeBlock(3, source.readBlockSync(3));
    const before = made.nor.counters.programs;
    expect(store.writeBlock(3, source.readBlockSync(3))).toBe("written");
    expect(made.nor.counters.programs).toBe(before);
    const again = store.checkRun(node, source.tree.run(node));
    expect(again.tag === "good" && again.blocks).toEqual([
      0,
      1,
      2,
      ...Array.from({ length: 12 }, (_, i) => i + 4),
    ]);
  });

  it("answers 'failed' instead of throwing when there is no transfer", () => {
    const store = board().store();
    expect(store.start()).toEqual({ tag: "failed" });
    expect(store.checkRun({ level: 1, index: 0 }, new Uint8Array(64))).toEqual({ tag: "failed" });
    expect(store.checkUniform({ level: 1, index: 0 }, 0)).toEqual({ tag: "failed" });
    expect(store.writeBlock(0, new Uint8Array(1))).toBe("failed");
    expect(store.commit()).toEqual({ tag: "not-bootable", reason: "receiving" });
    store.abandon();
  });

  it("reports a flash that does not keep what is written, and can start again", () => {
    /** Loses one bit of every write into the slot's third sector, as long as it is worn. */
    class WornStorage extends MemoryStorage {
      isWorn = true;
      override write(offset: number, bytes: Uint8Array): void {
        const at = slotOffset + 2 * 4096 + 100 - offset;
        const worn = bytes.slice();
        if (this.isWorn && at >= 0 && at < worn.length) worn[at] = (worn[at] ?? 0) & 0xfe;
        super.write(offset, worn);
      }
    }
    const map = flashMap(GEOMETRY);
    const slotOffset = map.slots[0]?.offset ?? 0;
    const storage = new WornStorage(map.size);
    const source = image(new Uint8Array(65_536).map((_, i) => (i % 251) | 1));
    const made = board({ storage });
    const store = made.store();
    store.checkManifest(source.envelope);
    expect(() => feed(store, source)).toThrow(expect.objectContaining({ code: "flash-failed" }));
    expect(store.writeBlock(3, source.readBlockSync(3))).toBe("failed");
    storage.isWorn = false;
    expect(store.checkManifest(source.envelope).tag).toBe("accepted");
    expect(feed(store, source).wanted[0]).toBe(2);
    expect(store.commit().tag).toBe("bootable");
  });

  it("does not commit while a block is missing", () => {
    const source = image(randomData(65_536));
    const made = board();
    const store = made.store();
    store.checkManifest(source.envelope);
    feed(store, source, (done) => done === 15);
    expect(store.commit()).toEqual({ tag: "not-bootable", reason: "receiving" });
    expect(store.status()).toMatchObject({ isBootable: false, failure: "receiving" });
    expect(made.boot()).toEqual({ tag: "recovery", reason: "receiving" });
  });
});

describe("updating", () => {
  const newer = (data: Uint8Array): ImageSource =>
    memoryImage(data, fields({ version: { major: 1, minor: 1, patch: 0 } }), signer);

  it("in ab never writes the slot that boots, and takes blocks from it", () => {
    const geometry = { ...GEOMETRY, layout: "ab" as const };
    const old = randomData(60_000);
    const made = board({ geometry });
    installFrom(made.store(), image(old));
    const kept = slotBytes(made, 0);
    const data = old.slice();
    data.set(randomData(100, 5), 20_000);
    const again = board({ geometry, storage: made.storage });
    const { outcome, blocks } = installFrom(again.store({ allowUpdate: true }), newer(data));
    expect(outcome).toMatchObject({ tag: "bootable", slot: 1 });
    expect(blocks).toEqual([4]);
    expect(equalBytes(slotBytes(again, 0), kept)).toBe(true);
    expect(equalBytes(slotBytes(again, 1).subarray(0, 60_000), data)).toBe(true);
    const third = board({ geometry, storage: made.storage });
    spoil(third, 0, Uint8Array.of(0, 0, 0, 0), 1);
    expect(third.boot()).toMatchObject({ tag: "boot", slot: 0 });
  });

  it("in ab repairs the newer slot while the older one boots", () => {
    const geometry = { ...GEOMETRY, layout: "ab" as const };
    const made = board({ geometry });
    installFrom(made.store(), image(randomData(60_000)));
    const source = newer(randomData(60_000, 3));
    installFrom(made.store({ allowUpdate: true }), source);
    spoil(made, 4096, Uint8Array.of(0, 0, 0, 0), 1);
    expect(made.boot()).toMatchObject({ tag: "boot", slot: 0 });
    const kept = slotBytes(made, 0);
    const third = memoryImage(
      randomData(50_000, 4),
      fields({ version: { major: 3, minor: 0, patch: 0 } }),
      signer,
    );
    for (const next of [source, third]) {
      spoil(made, 4096, Uint8Array.of(0, 0, 0, 0), 1);
      const { outcome } = installFrom(made.store({ allowUpdate: true }), next);
      expect(outcome).toMatchObject({ tag: "bootable", slot: 1 });
      expect(equalBytes(slotBytes(made, 0), kept)).toBe(true);
    }
  });

  it("in ab boots the old image when the update was cut", () => {
    const geometry = { ...GEOMETRY, layout: "ab" as const };
    const made = board({ geometry });
    installFrom(made.store(), image(randomData(60_000)));
    const store = made.store({ allowUpdate: true });
    const source = newer(randomData(60_000, 3));
    store.checkManifest(source.envelope);
    feed(store, source, (done) => done === 5);
    expect(store.status()).toMatchObject({ isBootable: true, receivingDigest8: shortDigest(source.digest) });
    expect(board({ geometry, storage: made.storage }).boot()).toMatchObject({ tag: "boot", slot: 0 });
  });

  it("in single overwrites the bootable image only when allowed to", () => {
    const made = board();
    installFrom(made.store(), image(randomData(60_000)));
    const source = newer(randomData(60_000, 3));
    expect(made.store({ allowUpdate: true }).checkManifest(source.envelope)).toMatchObject({
      reason: "healthy",
    });
    const store = made.store({ allowUpdate: true, allowSingleUpdate: true });
    expect(installFrom(store, source).outcome.tag).toBe("bootable");
  });
});
