import { createHash, createPublicKey, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { checkSignature, isSoundPoint } from "../../src/image/ed25519.ts";
import { generateKeyPair, signingKeyFromPem } from "../../src/image/keys.ts";
import { unhex, vectorKey } from "./support.ts";

const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const PRIME = 2n ** 255n - 19n;
const message = new TextEncoder().encode("one image per manifest");

function toNumber(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, octet) => value * 256n + BigInt(octet), 0n);
}
function toOctets(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}
function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/** What OpenSSL alone says. */
function laxCheck(publicKey: Uint8Array, text: Uint8Array, signature: Uint8Array): boolean {
  const der = Buffer.concat([unhex("302a300506032b6570032100"), publicKey]);
  return verify(null, text, createPublicKey({ key: der, format: "der", type: "spki" }), signature);
}

/** A scalar modulo the group order, and the encoding of that multiple of the base point. */
function knownMultiple(seed: Uint8Array): { scalar: bigint; point: Uint8Array } {
  const digest = createHash("sha512").update(seed).digest();
  const half = Uint8Array.from(digest.subarray(0, 32));
  half[0] = (half[0] ?? 0) & 248;
  half[31] = ((half[31] ?? 0) & 127) | 64;
  const der = Buffer.concat([unhex("302e020100300506032b657004220420"), seed]).toString("base64");
  const key = signingKeyFromPem(`-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`);
  return { scalar: toNumber(half) % ORDER, point: key.publicKey };
}

function challenge(r: Uint8Array, a: Uint8Array, text: Uint8Array): bigint {
  return toNumber(createHash("sha512").update(r).update(a).update(text).digest()) % ORDER;
}

const signature = vectorKey.sign(message);
const identity = toOctets(1n);
const known = knownMultiple(Uint8Array.from({ length: 32 }, (_, i) => i));

describe("strict Ed25519", () => {
  it("takes an honest signature", () => {
    expect(known.point).toEqual(vectorKey.publicKey);
    expect(checkSignature(vectorKey.publicKey, message, signature)).toBeUndefined();
  });

  it("refuses another message, another key and each flipped bit of the signature", () => {
    const other = signingKeyFromPem(generateKeyPair().privatePem);
    expect(checkSignature(vectorKey.publicKey, message.subarray(1), signature)).toBe("equation");
    expect(checkSignature(other.publicKey, message, signature)).toBe("equation");
    for (let bit = 0; bit < 512; bit++) {
      const flipped = Uint8Array.from(signature);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(checkSignature(vectorKey.publicKey, message, flipped)).toBeDefined();
    }
  });

  it("refuses signatures and keys of other lengths", () => {
    for (const length of [0, 1, 32, 63]) {
      expect(checkSignature(vectorKey.publicKey, message, signature.subarray(0, length))).toBe("length");
    }
    expect(checkSignature(vectorKey.publicKey, message, join(signature, Uint8Array.of(0)))).toBe("length");
    expect(checkSignature(vectorKey.publicKey.subarray(1), message, signature)).toBe("length");
  });

  it("refuses S that is not below the group order", () => {
    const s = toNumber(signature.subarray(32));
    for (const bad of [s + ORDER, ORDER, 2n ** 256n - 1n]) {
      expect(
        checkSignature(vectorKey.publicKey, message, join(signature.subarray(0, 32), toOctets(bad))),
      ).toBe("scalar");
    }
  });

  it("refuses a key of small order, for which OpenSSL takes a signature made without any private key", () => {
    const forged = join(known.point, toOctets(known.scalar));
    expect(laxCheck(identity, message, forged)).toBe(true);
    expect(checkSignature(identity, message, forged)).toBe("key");
  });

  it("refuses a non-canonical key that OpenSSL takes", () => {
    const forged = join(known.point, toOctets(known.scalar));
    expect(laxCheck(toOctets(PRIME + 1n), message, forged)).toBe(true);
    expect(checkSignature(toOctets(PRIME + 1n), message, forged)).toBe("key");
  });

  it("refuses R of small order in a signature that otherwise fits", () => {
    const k = challenge(identity, vectorKey.publicKey, message);
    const crafted = join(identity, toOctets((k * known.scalar) % ORDER));
    expect(laxCheck(vectorKey.publicKey, message, crafted)).toBe(true);
    expect(checkSignature(vectorKey.publicKey, message, crafted)).toBe("nonce");
  });

  it("refuses non-canonical R", () => {
    expect(
      checkSignature(vectorKey.publicKey, message, join(toOctets(PRIME + 3n), signature.subarray(32))),
    ).toBe("nonce");
  });

  it("knows all eight points of small order and every y that is not below the prime", () => {
    // y of order 8: from 2 y = 0 on -x^2 + y^2 = 1 + d x^2 y^2, checked here by the curve's own equation.
    const mod = (v: bigint): bigint => ((v % PRIME) + PRIME) % PRIME;
    const power = (base: bigint, exponent: bigint): bigint => {
      let result = 1n;
      for (let b = mod(base), e = exponent; e > 0n; e >>= 1n, b = mod(b * b))
        if (e & 1n) result = mod(result * b);
      return result;
    };
    const d = mod(-121665n * power(121666n, PRIME - 2n));
    const order8 = [
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ].map((text) => toNumber(unhex(text)));
    for (const y of order8) {
      // Doubling gives y = 0 exactly when x^2 = -y^2; put into the curve's equation: 2 y^2 = 1 - d y^4.
      expect(mod(2n * y * y)).toBe(mod(1n - d * power(y, 4n)));
    }
    for (const y of [0n, 1n, PRIME - 1n, ...order8]) {
      for (const sign of [0n, 1n << 255n]) expect(isSoundPoint(toOctets(y | sign)), `${y}`).toBe(false);
    }
    for (let y = PRIME; y < 2n ** 255n; y++) expect(isSoundPoint(toOctets(y))).toBe(false);
    expect(isSoundPoint(vectorKey.publicKey)).toBe(true);
    expect(isSoundPoint(toOctets(PRIME - 2n))).toBe(true);
  });

  it("refuses a key that is on no point of the curve", () => {
    expect(checkSignature(toOctets(2n), message, signature)).toBe("equation");
  });
});
