import { createHash, createPublicKey, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { checkSignature, isSoundPoint } from "../../src/image/ed25519.ts";
import { generateKeyPair, signingKeyFromPem } from "../../src/image-files/pem-keys.ts";
import { CRYPTO_PORTS, useCryptoPort } from "../support/crypto-ports.ts";
import { readVectors, unhex, vectorKey } from "./support.ts";

interface SignatureVectors {
  readonly signatures: readonly {
    readonly name: string;
    readonly key: string;
    readonly message: string;
    readonly signature: string;
    readonly valid: boolean;
  }[];
}

const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const PRIME = 2n ** 255n - 19n;
const message = new TextEncoder().encode("one image per manifest");

function toNumber(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n);
}
function toBytes(value: bigint): Uint8Array {
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

const mod = (v: bigint): bigint => ((v % PRIME) + PRIME) % PRIME;

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let b = mod(base), e = exponent; e > 0n; e >>= 1n, b = mod(b * b))
    if (e & 1n) result = mod(result * b);
  return result;
}

const inverse = (v: bigint): bigint => power(v, PRIME - 2n);
const D = mod(-121665n * inverse(121666n));
const SIGN = 1n << 255n;

type Point = readonly [x: bigint, y: bigint];

/** RFC 8032 section 5.1.4, in affine coordinates. */
function add([x1, y1]: Point, [x2, y2]: Point): Point {
  const k = D * mod(x1 * x2) * mod(y1 * y2);
  return [mod((x1 * y2 + x2 * y1) * inverse(1n + k)), mod((y1 * y2 + x1 * x2) * inverse(1n - k))];
}

/** RFC 8032 section 5.1.3, for encodings that are a point. */
function decode(bytes: Uint8Array): Point {
  const number = toNumber(bytes);
  const y = number & (SIGN - 1n);
  const xx = mod((y * y - 1n) * inverse(D * y * y + 1n));
  const root = power(xx, (PRIME + 3n) / 8n);
  const x = mod(root * root) === xx ? root : mod(root * power(2n, (PRIME - 1n) / 4n));
  expect(mod(x * x)).toBe(xx);
  return [(x & 1n) === number >> 255n ? x : mod(-x), y];
}

function encode([x, y]: Point): Uint8Array {
  return toBytes(y | ((x & 1n) << 255n));
}

/** All multiples of a point of order 8: the eight points of small order, from (0, 1) on. */
function smallOrderPoints(): readonly Point[] {
  const generator = decode(unhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"));
  const points: Point[] = [[0n, 1n]];
  for (let next = generator; next[0] !== 0n || next[1] !== 1n; next = add(next, generator)) points.push(next);
  return points;
}

/**
 * Each 32 bytes that a lenient decoder takes for a point: y, or y + p where that fits into 255 bits, and with x = 0
 * either sign.
 */
function encodingsOf([x, y]: Point): readonly Uint8Array[] {
  const ys = y + PRIME < SIGN ? [y, y + PRIME] : [y];
  const signs = x === 0n ? [0n, SIGN] : [(x & 1n) << 255n];
  return ys.flatMap((value) => signs.map((sign) => toBytes(value | sign)));
}

const signature = vectorKey.sign(message);
const identity = toBytes(1n);
const known = knownMultiple(Uint8Array.from({ length: 32 }, (_, i) => i));

describe.each(CRYPTO_PORTS)("strict Ed25519 by %s", (_, port) => {
  useCryptoPort(port);

  it("accepts an honest signature", () => {
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

  it("uses the bytes of a key as they are now, not as the same array had them before", () => {
    const [one, other] = [0, 1].map(() => signingKeyFromPem(generateKeyPair().privatePem));
    if (one === undefined || other === undefined) expect.fail("two keys");
    const key = one.publicKey.slice();
    expect(checkSignature(key, message, one.sign(message))).toBeUndefined();
    key.set(other.publicKey);
    expect(checkSignature(key, message, one.sign(message))).toBe("equation");
    expect(checkSignature(key, message, other.sign(message))).toBeUndefined();
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
        checkSignature(vectorKey.publicKey, message, join(signature.subarray(0, 32), toBytes(bad))),
      ).toBe("scalar");
    }
  });

  it("refuses a key of small order, for which OpenSSL accepts a signature made without a private key", () => {
    const forged = join(known.point, toBytes(known.scalar));
    expect(laxCheck(identity, message, forged)).toBe(true);
    expect(checkSignature(identity, message, forged)).toBe("key");
  });

  it("refuses a non-canonical key that OpenSSL accepts", () => {
    const forged = join(known.point, toBytes(known.scalar));
    expect(laxCheck(toBytes(PRIME + 1n), message, forged)).toBe(true);
    expect(checkSignature(toBytes(PRIME + 1n), message, forged)).toBe("key");
  });

  it("refuses R of small order in a signature that otherwise fits", () => {
    const k = challenge(identity, vectorKey.publicKey, message);
    const crafted = join(identity, toBytes((k * known.scalar) % ORDER));
    expect(laxCheck(vectorKey.publicKey, message, crafted)).toBe(true);
    expect(checkSignature(vectorKey.publicKey, message, crafted)).toBe("nonce");
  });

  it("refuses non-canonical R", () => {
    expect(
      checkSignature(vectorKey.publicKey, message, join(toBytes(PRIME + 3n), signature.subarray(32))),
    ).toBe("nonce");
  });

  const small = smallOrderPoints();

  it("has eight points of small order, with fourteen encodings, to refuse", () => {
    expect(small).toHaveLength(8);
    const eightfold = (point: Point): Point => [1, 2, 3].reduce((sum) => add(sum, sum), point);
    for (const point of small) expect(eightfold(point)).toEqual([0n, 1n]);
    const encodings = small.flatMap(encodingsOf).map((bytes) => Buffer.from(bytes).toString("hex"));
    expect(new Set(encodings).size).toBe(14);
  });

  it.each(
    small.flatMap((point, i) => encodingsOf(point).map((bytes) => [i, toNumber(bytes), bytes] as const)),
  )(
    "refuses the point %i of small order in the encoding %i, as key and as R, whatever the rest",
    (_, __, bytes) => {
      expect(isSoundPoint(bytes)).toBe(false);
      // S = 0 and R = the key: what cheap forgeries look like; and the honest rest.
      for (const rest of [join(bytes, toBytes(0n)), join(known.point, toBytes(known.scalar)), signature]) {
        expect(checkSignature(bytes, message, rest)).toBe("key");
      }
      for (const s of [toBytes(0n), signature.subarray(32)]) {
        expect(checkSignature(vectorKey.publicKey, message, join(bytes, s))).toBe("nonce");
      }
    },
  );

  it("refuses every y that is not below the prime, of either sign, and accepts the largest below", () => {
    for (let y = PRIME; y < SIGN; y++) {
      for (const bytes of [toBytes(y), toBytes(y | SIGN)]) {
        expect(isSoundPoint(bytes)).toBe(false);
        expect(checkSignature(bytes, message, signature)).toBe("key");
        expect(checkSignature(vectorKey.publicKey, message, join(bytes, signature.subarray(32)))).toBe(
          "nonce",
        );
      }
    }
    expect(isSoundPoint(vectorKey.publicKey)).toBe(true);
    expect(isSoundPoint(toBytes(PRIME - 2n))).toBe(true);
  });

  it("refuses S with any of its three highest bits set", () => {
    const s = toNumber(signature.subarray(32));
    for (const bit of [253n, 254n, 255n]) {
      const bad = join(signature.subarray(0, 32), toBytes(s | (1n << bit)));
      expect(checkSignature(vectorKey.publicKey, message, bad), `${bit}`).toBe("scalar");
    }
  });

  it("accepts S up to the group order less one", () => {
    for (const s of [0n, ORDER - 1n]) {
      const bad = join(signature.subarray(0, 32), toBytes(s));
      expect(checkSignature(vectorKey.publicKey, message, bad)).toBe("equation");
    }
  });

  it("checks keys of mixed order without the cofactor: a signature holds only where the small part vanishes", () => {
    // A' = A + T: the owner of A signs for A', and the equation is off by [k]T, which is nothing when T's order
    // divides k. A verifier with the cofactor would take all of these signatures.
    const torsion = small[1] ?? [0n, 1n];
    const mixed = encode(add(decode(known.point), torsion));
    expect(isSoundPoint(mixed)).toBe(true);
    const nonce = knownMultiple(Uint8Array.from({ length: 32 }, (_, i) => 255 - i));
    const outcomes = Array.from({ length: 64 }, (_, i) => {
      const text = Uint8Array.of(i);
      const k = challenge(nonce.point, mixed, text);
      const s = toBytes((nonce.scalar + k * known.scalar) % ORDER);
      const fault = checkSignature(mixed, text, join(nonce.point, s));
      expect(fault, `message ${i}`).toBe(k % 8n === 0n ? undefined : "equation");
      return fault;
    });
    expect(outcomes).toContain(undefined);
    expect(outcomes).toContain("equation");
  });

  it("refuses R of mixed order", () => {
    const nonce = knownMultiple(Uint8Array.from({ length: 32 }, (_, i) => 255 - i));
    for (const torsion of small.slice(1)) {
      const mixed = encode(add(decode(nonce.point), torsion));
      const k = challenge(mixed, known.point, message);
      const s = toBytes((nonce.scalar + k * known.scalar) % ORDER);
      expect(checkSignature(known.point, message, join(mixed, s))).toBe("equation");
    }
  });

  it("refuses a key that is not a point of the curve", () => {
    expect(checkSignature(toBytes(2n), message, signature)).toBe("equation");
  });

  it("accepts and refuses the frozen vectors as they say", () => {
    const { signatures } = readVectors<SignatureVectors>("ed25519-strict");
    expect(signatures.length).toBeGreaterThanOrEqual(466);
    const wrong = signatures.filter(({ key, message, signature, valid }) => {
      return (checkSignature(unhex(key), unhex(message), unhex(signature)) === undefined) !== valid;
    });
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });
});
