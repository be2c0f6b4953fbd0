import { describe, expect, it } from "vitest";
import { concatBytes } from "../../src/base/bytes.ts";
import { flashMap } from "../../src/flash/geometry.ts";
import { NorFlash } from "../../src/flash/nor-flash.ts";
import { BootRecord } from "../../src/flash/record/boot-record.ts";
import { encodeEntry, type RecordEntry } from "../../src/flash/record/record-codec.ts";
import { MemoryStorage } from "../../src/flash/storage.ts";
import { KNOWN_CODECS } from "../../src/session/codecs.ts";
import { TreeDescent } from "../../src/session/target/tree-descent.ts";
import { AnnounceType, RescuerControlType, TargetControlType } from "../../src/wire/constants.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import type { DataChunk } from "../../src/wire/messages.ts";
import { withCrc } from "../support/with-crc.ts";
import { FAULT_VECTORS, bytesOf as fromHex } from "../wire/wire-vectors.ts";

const NONCES = `${"1011121314151617"}${"2021222324252627"}`;

describe("what version 1 can still be given", () => {
  it("is not forbidden by frozen vectors: those of unknown types name types that are never given (fault F1, repaired)", () => {
    const unknown = FAULT_VECTORS.filter(({ fault }) => fault.fault === "unknown");
    const named = unknown.map(({ name, bytes }) => ({ name, head: [...bytes.subarray(0, 2)] }));
    const next = {
      announcement: Math.max(...Object.values(AnnounceType)) + 1,
      targetControl: Math.max(...Object.values(TargetControlType)) + 1,
      rescuerControl: Math.max(...Object.values(RescuerControlType)) + 1,
    };
    expect(next).toEqual({ announcement: 0x0e, targetControl: 6, rescuerControl: 4 });
    const types = named.filter(({ name }) => name.startsWith("announcement type")).map(({ head }) => head[1]);
    expect(types).toEqual([0, 0xff]);
    expect(named.find(({ name }) => name === "target control type 15")?.head[0]).toBe(0xf1);
    expect(named.find(({ name }) => name === "rescuer control type 15")?.head[0]).toBe(0xf2);
    expect(named).toHaveLength(5);
  });

  it("is heard as a refusal, or a bye, with a reason of a later version (fault F11, repaired)", () => {
    const refuse = withCrc(fromHex(`1007${NONCES}368cf2c9522a83860f`), undefined);
    expect(decodeFrame(refuse, undefined)).toMatchObject({ tag: "refuse", reason: "other" });
    const bye = withCrc(fromHex(`1008${NONCES}09`), undefined);
    expect(decodeFrame(bye, undefined)).toMatchObject({ tag: "bye", reason: 1 });
  });

  it("takes an object of an unknown kind, and data of an unknown codec, as a packet (note at F1)", () => {
    const object = withCrc(fromHex("330009082a000000000100ff"), 5);
    expect(decodeFrame(object, 5)).toMatchObject({ tag: "object", name: { kind: 9 } });
    const data = withCrc(fromHex("3d12800400ff00"), 5);
    expect(decodeFrame(data, 5)).toMatchObject({ tag: "data", codec: 2 });
  });
});

describe("which block a chunk belongs to", () => {
  /** A walk with 4 KiB blocks, of which these differ and `openMax` are open. */
  function walk(blocks: readonly number[], openMax: number): TreeDescent {
    const plan = { digest: new Uint8Array(8), size: 16 << 20, blockSize: 4096, leafCount: 4096 };
    const descent = new TreeDescent(plan, { nodes: [], blocks }, openMax);
    descent.advance(0);
    return descent;
  }
  const chunk = (position: number, byte: number, attempt: number): DataChunk => {
    const payload = new Uint8Array(2048).fill(byte);
    return { tag: "data", packetNumber: 0, codec: 0, attempt, position, payload };
  };
  const grantOf = (descent: TreeDescent) => descent.blocks.takeGrant(true)?.entries;

  it("is told by the attempt where the position does not: a late copy of block 0 is not taken into block 512 (fault F13, repaired)", () => {
    const descent = walk([0, 512], 4);
    expect(grantOf(descent)).toMatchObject([{ first: 0, count: 1, attempt: 0 }]);
    descent.blocks.handleData(chunk(0, 1, 0));
    expect(descent.blocks.handleData(chunk(64, 1, 0))?.block).toBe(0);
    descent.blocks.settle(0, true);
    descent.advance(0);
    expect(grantOf(descent)).toMatchObject([{ first: 512, count: 1, attempt: 1 }]);
    descent.blocks.handleData(chunk(0, 1, 0)); // of block 0, on its way for long
    expect(descent.blocks.handleData(chunk(64, 2, 1))).toBeUndefined();
    const whole = descent.blocks.handleData(chunk(0, 2, 1));
    expect(whole?.block).toBe(512);
    expect([...concatBytes(whole?.bytes.subarray(0, 1) ?? new Uint8Array())]).toEqual([2]);
  });

  it("is the attempt after the last one of the block before, with all codecs, and 8 tries whatever it begins with", () => {
    const descent = walk([0, 512, 1024, 1536], 4);
    const complete = (attempt: number): void => {
      descent.blocks.handleData(chunk(0, 1, attempt & 1));
      descent.blocks.handleData(chunk(64, 1, attempt & 1));
    };
    complete(0);
    descent.blocks.settle(0, false);
    complete(1);
    descent.blocks.settle(0, true);
    descent.advance(0);
    expect(grantOf(descent)).toEqual([{ first: 512, count: 1, attempt: 0, codecs: KNOWN_CODECS }]);
    complete(0);
    descent.blocks.settle(512, true);
    descent.advance(0);
    expect(grantOf(descent)).toEqual([{ first: 1024, count: 1, attempt: 1, codecs: KNOWN_CODECS }]);
    for (let failures = 1; failures <= 8; failures++) {
      complete(failures);
      expect(descent.blocks.settle(1024, false), `${failures} failures`).toBe(failures < 8);
      expect(grantOf(descent)).toEqual([{ first: 1024, count: 1, attempt: 1 + failures, codecs: 1 }]);
    }
  });
});

describe("a walk over very many blocks that differ", () => {
  it.each([
    [2 ** 18, 2 ** 18],
    [2 ** 20, 2 ** 15],
  ])("of %i blocks opens and settles the first %i without delay (fault F16, repaired)", (count, settled) => {
    const plan = { digest: new Uint8Array(8), size: 2 ** 30, blockSize: 1024, leafCount: 2 ** 20 };
    const blocks = Array.from({ length: count }, (_, i) => i);
    const descent = new TreeDescent(plan, { nodes: [], blocks }, 64);
    for (let block = 0; block < settled; block++) {
      descent.advance(0);
      descent.blocks.settle(block, true);
    }
    expect(descent.blocks.written).toBe(settled);
    expect(descent.isFinished).toBe(settled === count);
  });

  it.each([2 ** 18, 2 ** 20])("takes %i nodes and blocks in one answer (fault F16, repaired)", (count) => {
    const plan = { digest: new Uint8Array(8), size: 2 ** 30, blockSize: 1024, leafCount: 2 ** 20 };
    const nodes = Array.from({ length: count }, (_, index) => ({ level: 4, index }));
    const descent = new TreeDescent(plan, { nodes, blocks: nodes.map(({ index }) => index) }, 64);
    descent.advance(0);
    expect(descent.blocks.count).toBe(count);
    expect(descent.blocks.takeGrant()?.entries).toHaveLength(1);
  });
});

describe("the boot record's sequence number", () => {
  const map = flashMap({ sectorSize: 1024, slotSize: 1024, layout: "ab" });

  /** The record of a flash in which these entries lie: sector, place, entry, sequence number. */
  function recordOf(...entries: readonly (readonly [0 | 1, number, RecordEntry, number])[]): BootRecord {
    const storage = new MemoryStorage(map.size, 0xff);
    for (const [sector, place, entry, sequence] of entries)
      storage.write(map.record[sector].offset + place * 32, encodeEntry(entry, sequence));
    const flash = new NorFlash(storage, map);
    flash.arm(...map.record);
    return new BootRecord(flash);
  }
  const floorOf = (floor: number): RecordEntry => ({ tag: "event", event: { tag: "floor", floor } });

  it("elects the newer sector after a power cut across 2^32 (F15)", () => {
    const record = recordOf(
      [0, 1, floorOf(5), 0xffff_fff8],
      [0, 0, { tag: "header", count: 1 }, 0xffff_fff9],
      [0, 2, { tag: "seal" }, 0xffff_fffa],
      [1, 1, floorOf(6), 0xffff_fffe],
      [1, 0, { tag: "header", count: 1 }, 0xffff_ffff],
      [1, 2, { tag: "seal" }, 0],
    );
    expect(record.state.counterFloor).toBe(6);
  });

  it("is right at clean power-ups across 2^32 (control of F15)", () => {
    const storage = new MemoryStorage(map.size, 0xff);
    const { offset } = map.record[0];
    storage.write(offset + 32, encodeEntry(floorOf(5), 0xffff_ffe8));
    storage.write(offset, encodeEntry({ tag: "header", count: 1 }, 0xffff_ffe9));
    storage.write(offset + 64, encodeEntry({ tag: "seal" }, 0xffff_ffea));
    for (let floor = 5; floor < 17; floor++) {
      const flash = new NorFlash(storage, map);
      flash.arm(...map.record);
      const record = new BootRecord(flash);
      expect(record.state.counterFloor).toBe(floor);
      record.append({ tag: "floor", floor: floor + 1 });
    }
  });
});
