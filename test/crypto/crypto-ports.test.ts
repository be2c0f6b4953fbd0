import { fc, test } from "@fast-check/vitest";
import { describe, expect, it, vi } from "vitest";
import { concatBytes, toHex } from "../../src/base/bytes.ts";
import { cryptoPort, setCryptoPort } from "../../src/base/crypto-port.ts";
import { nodeCrypto } from "../../src/crypto/node-crypto.ts";
import { portableCrypto } from "../../src/crypto/portable-crypto.ts";
import { webRandom } from "../../src/crypto/web-random.ts";
import { CRYPTO_PORTS } from "../support/crypto-ports.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe.each(CRYPTO_PORTS)("%s", (_, port) => {
  it.each([
    // FIPS 180-4, examples.
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
  ])("hashes %j as FIPS 180-4 does", (message, hash) => {
    expect(toHex(port.sha256(text(message)))).toBe(hash);
  });

  it("hashes parts as if they were joined, at once and in pieces", () => {
    const parts = ["a", "", "bcdefgh".repeat(20), "i"].map(text);
    const whole = toHex(port.sha256(concatBytes(...parts)));
    expect(toHex(port.sha256(...parts))).toBe(whole);
    const running = port.startSha256();
    for (const part of parts) running.update(part);
    expect(toHex(running.finish())).toBe(whole);
  });

  it("computes HMAC-SHA-256 as RFC 4231 does, again and again under one key", () => {
    const mac = port.hmacSha256(text("Jefe"));
    for (let i = 0; i < 2; i++) {
      expect(toHex(mac(text("what do ya want for nothing?")))).toBe(
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      );
    }
    const longKey = port.hmacSha256(new Uint8Array(131).fill(0xaa));
    expect(toHex(longKey(text("Test Using Larger Than Block-Size Key - Hash Key First")))).toBe(
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    );
  });

  it("keeps the key of a MAC when the caller's array changes", () => {
    const key = text("Jefe");
    const mac = port.hmacSha256(key);
    const before = toHex(mac(text("a")));
    key.fill(0);
    expect(toHex(mac(text("a")))).toBe(before);
  });
});

describe("the portable crypto", () => {
  const bytes = fc.uint8Array({ maxLength: 300 });

  test.prop([fc.array(bytes, { maxLength: 4 })])("hashes as Node does", (parts) => {
    expect(toHex(portableCrypto.sha256(...parts))).toBe(toHex(nodeCrypto.sha256(...parts)));
  });

  test.prop([bytes, bytes])("computes MACs as Node does, under keys of any length", (key, message) => {
    const [own, node] = [portableCrypto, nodeCrypto].map((port) => toHex(port.hmacSha256(key)(message)));
    expect(own).toBe(node);
  });
});

describe("the web random source", () => {
  it("draws whole numbers of 32 bits, that differ", () => {
    const numbers = Array.from({ length: 200 }, () => webRandom.u32());
    for (const n of numbers) expect(n).toBe(n >>> 0);
    expect(new Set(numbers).size).toBeGreaterThan(190);
    expect(Math.max(...numbers)).toBeGreaterThan(2 ** 31);
  });
});

describe("the crypto port", () => {
  it("is the one that was set last", () => {
    setCryptoPort(portableCrypto);
    expect(cryptoPort()).toBe(portableCrypto);
    setCryptoPort(nodeCrypto);
    expect(cryptoPort()).toBe(nodeCrypto);
  });

  it("says what to import when none was set", async () => {
    vi.resetModules();
    const fresh = await import("../../src/base/crypto-port.ts");
    expect(() => fresh.cryptoPort()).toThrow(/import mayday or mayday\/browser/);
  });
});
