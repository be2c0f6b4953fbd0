import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { equalBytes, uniformByte } from "../../src/base/bytes.ts";
import { nodesOnLevel, rootLevel } from "../../src/base/tree-shape.ts";
import { attemptBoot, type BootOutcome, confirmBoot } from "../../src/board/boot.ts";
import { installFrom } from "../../src/board/install.ts";
import { manifestRegion } from "../../src/board/manifest-area.ts";
import type { MemoryBoard } from "../../src/board/memory-board.ts";
import { ownSource, slotSource } from "../../src/board/slot-source.ts";
import { TRIAL_BOOTS_MAX } from "../../src/flash/record/boot-decision.ts";
import { type ImageSource, memoryImage } from "../../src/image/image-source.ts";
import { board, code, fields, GEOMETRY, image, randomData, spoil } from "./support.ts";

/** Five blocks: random, 0x00, 0xFF, 0xFF, and a shorter one of 0x41. */
const data = randomData(17_000).fill(0, 4096, 8192).fill(0xff, 8192, 16_384).fill(0x41, 16_384);

function installed(source: ImageSource, made: MemoryBoard = board()): MemoryBoard {
  expect(installFrom(made.store({ allowUpdate: true }), source).outcome.tag).toBe("bootable");
  return made;
}

function sourceOf(made: MemoryBoard): ImageSource {
  return slotSource(made.parts, booting(made).image);
}

function booting(made: MemoryBoard): Extract<BootOutcome, { tag: "boot" }> {
  const outcome = made.boot();
  if (outcome.tag !== "boot") throw new Error(`not bootable: ${outcome.reason}`);
  return outcome;
}

/** Value of every node, level by level. */
function uniformNodes(source: ImageSource): readonly (readonly (number | undefined)[])[] {
  const { leafCount } = source.manifest;
  return Array.from({ length: rootLevel(leafCount) + 1 }, (_, level) =>
    Array.from({ length: nodesOnLevel(leafCount, level) }, (_, index) =>
      source.uniformByteOf({ level, index }),
    ),
  );
}

function spoilManifest(made: MemoryBoard, area: number, at: number): void {
  const region = manifestRegion(made.parts, area);
  if (region === undefined) throw new Error(`no area ${area}`);
  made.storage.write(region.offset + at, Uint8Array.of(0));
}

describe("the image in a slot as a source", () => {
  it("heals another board byte for byte, with the envelope that was installed", () => {
    const original = image(data, { counter: 4 });
    const source = sourceOf(installed(original));
    expect(source).toMatchObject({ manifest: original.manifest, isSigned: true });
    expect(equalBytes(source.envelope, original.envelope)).toBe(true);
    expect(equalBytes(source.digest, original.digest)).toBe(true);
    expect(equalBytes(source.tree.root, original.tree.root)).toBe(true);
    const healed = installed(source);
    expect(healed.storage.read(healed.nor.map.slots[0]?.offset ?? 0, data.length)).toEqual(data);
  });

  it("is a source from the second slot, too", () => {
    const made = installed(image(randomData(9000, 7)), board({ geometry: { ...GEOMETRY, layout: "ab" } }));
    installed(image(data, { version: { major: 2, minor: 0, patch: 0 } }), made);
    expect(booting(made).slot).toBe(1);
    const source = sourceOf(made);
    expect(source.readBlockSync(4)).toEqual(data.subarray(16_384));
  });

  it("says which blocks repeat one byte, and reads them once for that, when it is asked first", () => {
    const made = installed(image(data));
    const source = sourceOf(made);
    const { reads } = made.nor.counters;
    expect(uniformNodes(source)).toEqual(uniformNodes(image(data)));
    uniformNodes(source);
    expect(made.nor.counters.reads - reads).toBe(source.manifest.leafCount);
  });

  it("is not signed when its envelope is not", () => {
    const made = board({ policy: { keys: [], allowUnsigned: true } });
    installed(memoryImage(data, fields()), made);
    expect(sourceOf(made).isSigned).toBe(false);
  });

  it("never sends a block of damaged flash, and sends the others", () => {
    const made = installed(image(data));
    const source = sourceOf(made);
    source.readBlockSync(0);
    spoil(made, 100, Uint8Array.of((data[100] ?? 0) ^ 1));
    expect(code(() => source.readBlockSync(0))).toBe("image-changed 1");
    expect(source.readBlockSync(1)).toEqual(data.subarray(4096, 8192));
  });

  it("claims nothing of a block that was damaged into one byte, or out of it", () => {
    const made = installed(image(data));
    const source = sourceOf(made);
    spoil(made, 0, new Uint8Array(4096).fill(0x55));
    spoil(made, 5000, Uint8Array.of(1));
    expect(uniformNodes(source)[0]).toEqual([undefined, undefined, 0xff, 0xff, 0x41]);
    expect(code(() => source.readBlockSync(0))).toBe("image-changed 1");
    expect(code(() => source.readBlockSync(1))).toBe("image-changed 1");
  });

  it("is refused when its manifest cannot be read any more", () => {
    const made = installed(image(data));
    const outcome = booting(made);
    spoilManifest(made, made.parts.record.state.slots[0]?.area ?? 0, 40);
    expect(code(() => slotSource(made.parts, outcome.image))).toBe("slot-manifest 1");
  });

  it("is refused when the slot holds another image meanwhile", () => {
    const made = installed(image(data));
    const { image: old } = booting(made);
    installFrom(
      made.store({ allowUpdate: true, allowSingleUpdate: true }),
      image(randomData(9000, 9), { version: { major: 2, minor: 0, patch: 0 } }),
    );
    expect(code(() => slotSource(made.parts, old))).toBe("slot-manifest 1");
  });

  it("has the blocks and the uniform nodes of the image, for any image and block size", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60_000 }),
        fc.integer({ min: 10, max: 16 }),
        fc.nat(1000),
        (size, block, seed) => {
          const bytes = randomData(size, seed).fill([0, 0xff, seed & 0xff][seed % 3] ?? 0, seed % size);
          const original = image(bytes, { blockSize: 2 ** block });
          const source = sourceOf(installed(original));
          expect(uniformNodes(source)).toEqual(uniformNodes(original));
          for (let i = 0; i < original.manifest.leafCount; i++) {
            const read = source.readBlockSync(i);
            expect(equalBytes(read, original.readBlockSync(i))).toBe(true);
            expect(source.uniformByteOf({ level: 0, index: i })).toBe(uniformByte(read));
          }
        },
      ),
      { numRuns: 40, seed: 11 },
    );
  });
});

describe("the own image of a board", () => {
  const own = (made: MemoryBoard): ImageSource | undefined => ownSource(made.parts, made.boot());
  const byApp = image(data, { confirm: "by-app" });

  it("is handed on when its policy confirmed it", () => {
    expect(own(installed(image(data)))?.manifest.size).toBe(data.length);
  });

  it("is not handed on during its trial, and is once it is confirmed", () => {
    const made = installed(byApp);
    expect(made.boot()).toMatchObject({ isTrial: true });
    expect(own(made)).toBeUndefined();
    attemptBoot(made.parts);
    expect(own(made)).toBeUndefined();
    confirmBoot(made.parts);
    expect(own(made)?.readBlockSync(0)).toEqual(data.subarray(0, 4096));
  });

  it("is the older one again when the newer one was reverted", () => {
    const made = installed(image(data), board({ geometry: { ...GEOMETRY, layout: "ab" } }));
    installed(image(data, { version: { major: 2, minor: 0, patch: 0 }, confirm: "by-app" }), made);
    for (let i = 0; i < TRIAL_BOOTS_MAX; i++)
      expect(ownSource(made.parts, attemptBoot(made.parts))).toBeUndefined();
    attemptBoot(made.parts);
    expect(own(made)?.manifest.version.major).toBe(1);
  });

  it("is none on a board that does not boot", () => {
    expect(own(board())).toBeUndefined();
    const made = installed(image(data));
    spoil(made, 0, new Uint8Array(64));
    expect(own(made)).toBeUndefined();
  });
});
