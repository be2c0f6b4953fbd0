import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, fromHex, toHex } from "../../src/base/bytes.ts";
import {
  decodeTrustStore,
  encodeTrustStore,
  TRUST_ENTRY_SIZE,
  TRUST_HEADER_SIZE,
  TRUST_KEYS_MAX,
} from "../../src/board/trust-store.ts";
import type { ErasedByte, FlashUnit } from "../../src/flash/geometry.ts";
import { type TrustedKey, trustedKeyFromBytes } from "../../src/image/keys.ts";
import type { ImageRole } from "../../src/image/manifest.ts";
import { code, signer, stranger } from "./support.ts";

interface KeyVector {
  readonly publicKey: string;
  readonly roles: readonly ImageRole[];
  readonly maxCounter: number | null;
  readonly maxStep: number | null;
}
interface Vectors {
  readonly stores: readonly {
    readonly name: string;
    readonly sequence: number;
    readonly writeSize: number;
    readonly erasedByte: ErasedByte;
    readonly keys: readonly KeyVector[];
    readonly partsHex: readonly string[];
  }[];
  readonly refused: readonly { readonly name: string; readonly partsHex: readonly string[] }[];
}

const VECTORS = JSON.parse(
  readFileSync(new URL("../../vectors/trust-store.json", import.meta.url), "utf8"),
) as Vectors;
const BYTEWISE: FlashUnit = { writeSize: 1, erasedByte: 0xff };

function bytesOf(parts: readonly string[]): Uint8Array {
  return concatBytes(...parts.map((hex) => fromHex(hex.replaceAll(" ", "")) ?? expect.fail(hex)));
}

function keyOf({ publicKey, roles, maxCounter, maxStep }: KeyVector): TrustedKey {
  const key = trustedKeyFromBytes(bytesOf([publicKey]), roles);
  return { ...key, maxCounter: maxCounter ?? undefined, maxStep: maxStep ?? undefined };
}

/** What is read back: a limit that was not given is written out. */
const written = (key: TrustedKey): TrustedKey => ({
  ...key,
  maxCounter: key.maxCounter ?? 0xffff_ffff,
  maxStep: key.maxStep ?? 1000,
});

describe("a trust store", () => {
  it.each(VECTORS.stores.map((store) => [store.name, store] as const))("is as frozen: %s", (_, store) => {
    const { sequence, writeSize, erasedByte, partsHex } = store;
    const unit = { writeSize, erasedByte };
    const keys = store.keys.map(keyOf);
    const bytes = bytesOf(partsHex);
    expect(toHex(encodeTrustStore({ sequence, keys }, unit))).toBe(toHex(bytes));
    // As in its sector: erased bytes follow.
    const sector = concatBytes(bytes, new Uint8Array(300).fill(erasedByte));
    expect(decodeTrustStore(sector, unit)).toEqual({ sequence, keys: keys.map(written) });
  });

  it.each(VECTORS.refused.map(({ name, partsHex }) => [name, partsHex] as const))(
    "gives no key at all with %s",
    (_, partsHex) => {
      expect(decodeTrustStore(bytesOf(partsHex), BYTEWISE)).toBeUndefined();
    },
  );

  it("gives no key with any bit changed, cut off, or erased", () => {
    const keys = [signer, stranger].map(({ publicKey }) => trustedKeyFromBytes(publicKey, ["app"]));
    const unit: FlashUnit = { writeSize: 16, erasedByte: 0xff };
    const bytes = encodeTrustStore({ sequence: 7, keys }, unit);
    expect(bytes).toHaveLength(TRUST_HEADER_SIZE + 2 * TRUST_ENTRY_SIZE);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const altered = bytes.slice();
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodeTrustStore(altered, unit), `bit ${bit}`).toBeUndefined();
    }
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeTrustStore(bytes.subarray(0, length), unit), `${length} bytes`).toBeUndefined();
    }
    for (const byte of [0x00, 0xff]) {
      expect(decodeTrustStore(new Uint8Array(1024).fill(byte), unit)).toBeUndefined();
    }
  });

  it("holds eight keys and no ninth", () => {
    const key = trustedKeyFromBytes(signer.publicKey, ["app"]);
    const of = (count: number) => (): unknown =>
      encodeTrustStore({ sequence: 1, keys: Array<TrustedKey>(count).fill(key) }, BYTEWISE);
    expect(code(of(TRUST_KEYS_MAX))).toBe("fine");
    expect(code(of(TRUST_KEYS_MAX + 1))).toBe("trust-store 2");
  });

  it("is read as it was written, whatever the limits, roles and write units", () => {
    const u32 = fc.nat(0xffff_ffff);
    const keys = fc.array(
      fc
        .record({
          publicKey: fc.constantFrom(signer.publicKey, stranger.publicKey),
          roles: fc.constantFrom<ImageRole[]>(["app"], ["recovery"], ["app", "recovery"]),
          maxCounter: fc.option(u32, { nil: undefined }),
          maxStep: fc.option(u32, { nil: undefined }),
        })
        .map(({ publicKey, roles, ...limits }) => ({ ...trustedKeyFromBytes(publicKey, roles), ...limits })),
      { maxLength: TRUST_KEYS_MAX },
    );
    const units = fc.record({
      writeSize: fc.constantFrom(1, 16, 64, 256),
      erasedByte: fc.constantFrom<ErasedByte>(0xff, 0x00),
    });
    fc.assert(
      fc.property(u32, keys, units, (sequence, all, unit) => {
        const decoded = decodeTrustStore(encodeTrustStore({ sequence, keys: all }, unit), unit);
        expect(decoded).toEqual({ sequence, keys: all.map(written) });
      }),
    );
  });

  it("reads any bytes without throwing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), (bytes) => {
        expect(decodeTrustStore(bytes, BYTEWISE)).toBeUndefined();
      }),
    );
  });
});
