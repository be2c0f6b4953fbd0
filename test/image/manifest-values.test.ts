import { describe, expect, it } from "vitest";
import { AssertionError } from "../../src/base/assert.ts";
import { encodeManifest } from "../../src/image/envelope.ts";
import { memoryImage } from "../../src/image/image-source.ts";
import { type Manifest, manifestContradiction } from "../../src/image/manifest.ts";
import { encodePayload } from "../../src/image/manifest-payload.ts";
import { codeOf, plainFields, vectorData } from "./support.ts";

const sample: Manifest = memoryImage(vectorData(5000), { ...plainFields, counter: 7 }).manifest;

describe("a manifest", () => {
  const rollout = { rings: 1, seed: 0 };
  const odd: readonly [string, Partial<Manifest>][] = [
    ["no vendor", { vendor: "" }],
    ["a vendor of 33 bytes", { vendor: "x".repeat(33) }],
    ["a class with a control character", { hardwareClass: "a\0" }],
    ["a broken counter", { counter: 1.5 }],
    ["a class with a slash", { hardwareClass: "a/b" }],
    ["a lowest revision below 0", { revisionMin: -1 }],
    ["a broken lowest revision", { revisionMin: 0.5 }],
    ["a highest revision beyond 16 bits", { revisionMax: 0x1_0000 }],
    ["an empty range of revisions", { revisionMin: 3, revisionMax: 2 }],
    ["a major version beyond 16 bits", { version: { major: 0x1_0000, minor: 0, patch: 0 } }],
    ["a minor version beyond 16 bits", { version: { major: 0, minor: 0x1_0000, patch: 0 } }],
    ["a patch version beyond 16 bits", { version: { major: 0, minor: 0, patch: 0x1_0000 } }],
    ["a sequence beyond 48 bits", { sequence: 2 ** 48 }],
    ["a counter beyond 32 bits", { counter: 2 ** 32, notAfterCounter: 2 ** 32 }],
    ["a counter below 0", { counter: -1 }],
    ["no data", { size: 0, leafCount: 0 }],
    ["data beyond 32 bits", { size: 2 ** 32, blockSize: 65_536, leafCount: 65_536 }],
    ["blocks of 3000 bytes", { blockSize: 3000, leafCount: 2 }],
    ["blocks of 512 bytes", { blockSize: 512, leafCount: 10 }],
    ["blocks of 128 KiB", { blockSize: 131_072, leafCount: 1 }],
    ["another count of blocks", { leafCount: 3 }],
    ["more blocks than there may be", { size: 2 ** 30 + 1, blockSize: 1024, leafCount: 2 ** 20 + 1 }],
    ["a root of 31 bytes", { root: new Uint8Array(31) }],
    ["a SHA-256 of 33 bytes", { sha256: new Uint8Array(33) }],
    ["no rings", { rollout: { ...rollout, rings: 0 } }],
    ["a seed beyond 32 bits", { rollout: { ...rollout, seed: 2 ** 32 } }],
    ["a not-after-counter beyond 32 bits", { notAfterCounter: 2 ** 32 }],
    ["a counter above its own end", { counter: 8, notAfterCounter: 7 }],
  ];
  it.each(odd)("cannot be made with %s", async (_, fields) => {
    const manifest = { ...sample, ...fields };
    expect(manifestContradiction(manifest)).toBeTypeOf("string");
    expect(() => encodePayload(manifest)).toThrow(AssertionError);
    expect(await codeOf(() => encodeManifest(manifest))).toBe("manifest-invalid");
  });

  it("can be made with all numbers at their limits", () => {
    const ends: readonly Partial<Manifest>[] = [
      { revisionMin: 0, revisionMax: 0 },
      { revisionMin: 0xffff, revisionMax: 0xffff },
      { version: { major: 0xffff, minor: 0xffff, patch: 0xffff }, sequence: 2 ** 48 - 1 },
      { counter: 0, notAfterCounter: 0 },
      { counter: 2 ** 32 - 1, notAfterCounter: 2 ** 32 - 1 },
      { size: 1, leafCount: 1 },
      { size: 2 ** 30, blockSize: 1024, leafCount: 2 ** 20 },
      { size: 2 ** 32 - 1, blockSize: 65_536, leafCount: 65_536 },
      { rollout: { rings: 1, seed: 2 ** 32 - 1 } },
    ];
    for (const fields of ends) expect(manifestContradiction({ ...sample, ...fields })).toBeUndefined();
  });
});
