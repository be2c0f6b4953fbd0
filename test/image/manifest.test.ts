import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { RefusedError } from "../../src/base/errors.ts";
import {
  ENVELOPE_MAX,
  ENVELOPE_MIN,
  KEY_ID_OFFSET,
  SIGNED_PAYLOAD_OFFSET,
  signedBytes,
  splitEnvelope,
  UNSIGNED_PAYLOAD_OFFSET,
  wrapSigned,
  wrapUnsigned,
} from "../../src/image/cose.ts";
import { decodeEnvelope, encodeManifest, requireTrusted, verifyEnvelope } from "../../src/image/envelope.ts";
import { memoryImage } from "../../src/image/image-source.ts";
import { trustedKeyOf } from "../../src/image/keys.ts";
import { type ImageFields, type Manifest, manifestHardwareId } from "../../src/image/manifest.ts";
import { decodePayload, encodePayload, imageDigest, PAYLOAD_LENGTH } from "../../src/image/payload.ts";
import { generateKeyPair, signingKeyFromPem } from "../../src/image-files/pem-keys.ts";
import { codeOf, errorOf, manifestVectors, plainFields, unhex, vectorData, vectorKey } from "./support.ts";

const policy = { keys: [trustedKeyOf(vectorKey, ["app", "recovery"])], allowUnsigned: false };
const open = { keys: [], allowUnsigned: true };
const stranger = signingKeyFromPem(generateKeyPair().privatePem);

function vectorFields(vector: (typeof manifestVectors.manifests)[number]): ImageFields {
  const { rings, seed, version, size: _, ...rest } = vector.fields;
  const [major, minor, patch] = version;
  return { ...rest, version: { major, minor, patch }, rollout: { rings, seed } };
}

const sample: Manifest = memoryImage(vectorData(5000), { ...plainFields, counter: 7 }).manifest;
const samplePayload = encodePayload(sample);

function signRaw(payload: Uint8Array): Uint8Array {
  return wrapSigned(payload, vectorKey.keyId, vectorKey.sign(signedBytes(payload)));
}

/** The sample's payload with the one place that reads `from` replaced, and the padding fitted to 256 bytes. */
function patched(from: string, to: string): Uint8Array {
  const text = Buffer.from(samplePayload).toString("hex");
  expect(text.split(from), from).toHaveLength(2);
  const bytes = unhex(text.replace(from, to).replace(/1158..0*$/, ""));
  const room = PAYLOAD_LENGTH - bytes.length - 3;
  return Uint8Array.from([...bytes, 0x11, 0x58, room, ...new Uint8Array(room)]);
}

describe("manifest vectors", () => {
  it.each(manifestVectors.manifests)("are as frozen: $digest", (vector) => {
    const payload = unhex(...vector.payload);
    const { payload: body, signedBefore, signedAfter, unsignedBefore } = vector;
    const signed = unhex(...signedBefore, ...body, ...signedAfter);
    const image = memoryImage(vectorData(vector.fields.size), vectorFields(vector), vectorKey);
    expect(encodePayload(image.manifest)).toEqual(payload);
    expect(image.envelope).toEqual(signed);
    expect(encodeManifest(image.manifest)).toEqual(unhex(...unsignedBefore, ...body));
    expect(image.digest).toEqual(unhex(vector.digest));
    expect(manifestHardwareId(image.manifest)).toEqual(unhex(vector.hardwareId));
    expect(verifyEnvelope(signed, policy)).toEqual({
      tag: "accepted",
      manifest: image.manifest,
      digest: image.digest,
      keyId: unhex(manifestVectors.keyId),
    });
  });

  it("fix all offsets and limits that PROTOCOL.md names", () => {
    expect(KEY_ID_OFFSET).toBe(34);
    expect(SIGNED_PAYLOAD_OFFSET).toBe(45);
    expect(UNSIGNED_PAYLOAD_OFFSET).toBe(37);
    expect(PAYLOAD_LENGTH).toBe(256);
    expect(ENVELOPE_MIN).toBe(293);
    expect(ENVELOPE_MAX).toBe(623);
  });
});

describe("verifyEnvelope", () => {
  const signed = encodeManifest(sample, vectorKey);
  const unsigned = encodeManifest(sample);

  it("gives one digest whichever key signed", () => {
    const digests = [signed, unsigned, encodeManifest(sample, stranger)].map((bytes) => {
      const envelope = decodeEnvelope(bytes);
      return envelope.tag === "envelope" ? envelope.digest : undefined;
    });
    expect(digests[0]).toHaveLength(32);
    expect(digests[1]).toEqual(digests[0]);
    expect(digests[2]).toEqual(digests[0]);
  });

  it("refuses a key that is not trusted, and a trusted key id over another's signature", () => {
    expect(verifyEnvelope(encodeManifest(sample, stranger), policy)).toMatchObject({ reason: "signature" });
    const mixed = wrapSigned(samplePayload, vectorKey.keyId, stranger.sign(signedBytes(samplePayload)));
    expect(verifyEnvelope(mixed, policy)).toMatchObject({ tag: "refused", reason: "signature" });
  });

  it("tries every trusted key of one id", () => {
    const twin = { ...trustedKeyOf(stranger, ["app"]), keyId: vectorKey.keyId };
    expect(verifyEnvelope(signed, { ...policy, keys: [twin, ...policy.keys] })).toMatchObject({
      tag: "accepted",
    });
  });

  it("refuses unsigned images on a board with keys, even if its policy allows them", () => {
    expect(verifyEnvelope(unsigned, policy)).toMatchObject({ tag: "refused", reason: "unsigned" });
    expect(verifyEnvelope(unsigned, { ...policy, allowUnsigned: true })).toMatchObject({
      reason: "unsigned",
    });
    expect(verifyEnvelope(unsigned, { keys: [], allowUnsigned: false })).toMatchObject({
      reason: "unsigned",
    });
  });

  it("takes unsigned images on an open board, and signed ones as unsigned", () => {
    for (const bytes of [unsigned, signed]) {
      const verdict = verifyEnvelope(bytes, open);
      expect(verdict).toMatchObject({ tag: "accepted" });
      expect(verdict).not.toHaveProperty("keyId");
    }
  });

  it("refuses a role the key may not sign", () => {
    const appOnly = { keys: [trustedKeyOf(vectorKey, ["app"])], allowUnsigned: false };
    const recovery = encodeManifest({ ...sample, role: "recovery" }, vectorKey);
    expect(verifyEnvelope(recovery, appOnly)).toMatchObject({ tag: "refused", reason: "role" });
    expect(verifyEnvelope(recovery, policy)).toMatchObject({ tag: "accepted" });
  });

  it("never parses a payload whose signature is wrong", () => {
    const garbage = wrapSigned(new Uint8Array(256).fill(0xff), vectorKey.keyId, new Uint8Array(64));
    // Parsing would find the fault "manifest" in it.
    expect(verifyEnvelope(garbage, policy)).toMatchObject({ reason: "signature" });
    expect(verifyEnvelope(signRaw(new Uint8Array(256).fill(0xff)), policy)).toMatchObject({
      reason: "manifest",
    });
  });

  it("refuses an empty or missing signature", () => {
    expect(verifyEnvelope(wrapSigned(samplePayload, vectorKey.keyId, new Uint8Array(0)), policy).tag).toBe(
      "refused",
    );
    expect(verifyEnvelope(signed.subarray(0, 301), policy)).toMatchObject({
      tag: "refused",
      reason: "manifest",
    });
    const zeros = wrapSigned(samplePayload, vectorKey.keyId, new Uint8Array(64));
    expect(verifyEnvelope(zeros, policy)).toMatchObject({ tag: "refused", reason: "signature" });
  });

  it("names the reason when tools ask for trust", async () => {
    expect(await codeOf(() => requireTrusted(unsigned, policy, "x.mdy"))).toBe("unsigned");
    expect(() => requireTrusted(unsigned, policy, "x.mdy")).toThrow(RefusedError);
    const refused = await errorOf(() => requireTrusted(unsigned, policy, "x.mdy"));
    expect(refused.details).toEqual({ reason: "unsigned" });
    expect(requireTrusted(signed, policy, "x.mdy").manifest).toEqual(sample);
  });

  it("refuses other content types and COSE headers", () => {
    for (const [at, bytes] of [
      [4, signed], // protected header
      [20, signed], // content type
      [31, signed], // unprotected map
      [43, signed], // payload length
      [20, unsigned],
    ] as const) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(verifyEnvelope(changed, policy), `byte ${at}`).toMatchObject({ reason: "manifest" });
      expect(verifyEnvelope(changed, open), `byte ${at}`).toMatchObject({ reason: "manifest" });
    }
  });
});

describe("manifest payload", () => {
  const { size, leafCount } = sample;

  it("is refused for each field that is out of its limits or contradicts another", () => {
    expect({ size, leafCount }).toEqual({ size: 5000, leafCount: 2 });
    const cases: readonly (readonly [from: string, to: string, fault: string])[] = [
      ["b101", "b001", "range"], // 16 fields
      ["b101", "bf01", "not-canonical"], // a map of no stated length
      ["b10101", "b10102", "format"],
      ["026461636d65", "0260", "contradiction"], // no vendor
      ["026461636d65", `027821${"61".repeat(33)}`, "range"],
      ["026461636d65", "0261ff", "text"],
      ["026461636d65", "026161036161026461636d65", "key"], // class, then vendor once more
      ["026461636d65", "026461072f65", "contradiction"],
      ["026461636d65", "024461636d65", "type"],
      ["048200", "0482190001", "not-canonical"],
      ["04820019ffff", "0482020119", "key"],
      ["04820019ffff", "04820201", "contradiction"],
      ["04820019ffff", "04820100", "contradiction"],
      ["04820019ffff", "0483000019ffff", "range"],
      ["0583010203", "05830102190001", "not-canonical"],
      ["0583010203", "058301021a00010000", "range"],
      ["061b0000000100020003", "061b0001000000000000", "range"],
      ["0707", "071b0000000100000000", "range"],
      ["0707", "0720", "type"],
      ["08191388", "0800", "range"],
      ["08191388", "08191000", "contradiction"], // one block, not two
      ["08191388", "081b0000000100000000", "range"],
      ["09191000", "091913ff", "contradiction"], // no power of two
      ["09191000", "09190200", "range"],
      ["09191000", "091a00020000", "range"],
      ["09191000", "09192000", "contradiction"],
      ["0a02", "0a03", "contradiction"],
      ["0a02", "0a00", "range"],
      ["0d01", "0d00", "role"],
      ["0d01", "0d03", "role"],
      ["0d01", "0d04", "role"],
      ["0d01", "0d1863", "role"],
      ["0e01", "0e00", "range"],
      ["0e01", "0e03", "range"],
      ["0f820100", "0f820000", "range"],
      ["0f820100", "0f82190100", "range"],
      ["101affffffff", "1006", "contradiction"], // below the counter
      ["101affffffff", "1205", "key"],
    ];
    for (const [from, to, fault] of cases) {
      const payload = patched(from, to);
      expect(decodePayload(payload), `${from} -> ${to}`).toMatchObject({ tag: "fault", fault });
      expect(verifyEnvelope(signRaw(payload), policy)).toMatchObject({
        tag: "refused",
        reason: fault === "role" ? "role" : "manifest",
      });
    }
  });

  it("is refused with another length, padding that is not zero, or bytes behind the padding", () => {
    for (const length of [0, 255, 257, 300, 512]) {
      const bytes = new Uint8Array(length);
      bytes.set(samplePayload.subarray(0, length));
      expect(decodePayload(bytes)).toMatchObject({ fault: "length" });
    }
    const dirty = Uint8Array.from(samplePayload);
    dirty[255] = 1;
    expect(decodePayload(dirty)).toMatchObject({ fault: "padding" });
    const short = patched("0d01", "0d01");
    const at = short.lastIndexOf(0x58);
    short[at + 1] = (short[at + 1] ?? 0) - 1;
    expect(decodePayload(short)).toMatchObject({ fault: "length" });
    expect(decodePayload(new Uint8Array(256).fill(0x9f))).toMatchObject({ tag: "fault" });
  });

  const name = fc
    .string({ minLength: 1, maxLength: 8, unit: "grapheme" })
    .filter((text) => /^[\p{L}\p{N}]+$/u.test(text) && Buffer.byteLength(text) <= 32);
  const manifests: fc.Arbitrary<Manifest> = fc
    .record({
      vendor: name,
      hardwareClass: name,
      revisions: fc.tuple(fc.nat(65535), fc.nat(65535)),
      version: fc.record({ major: fc.nat(65535), minor: fc.nat(65535), patch: fc.nat(65535) }),
      sequence: fc.maxSafeNat().map((n) => n % 2 ** 48),
      counters: fc.tuple(fc.nat(2 ** 32 - 1), fc.nat(2 ** 32 - 1)),
      size: fc.integer({ min: 1, max: 2 ** 30 }),
      blockSize: fc.constantFrom(1024, 4096, 65536),
      root: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      sha256: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      role: fc.constantFrom("app" as const, "recovery" as const),
      confirm: fc.constantFrom("on-verify" as const, "by-app" as const),
      rollout: fc.record({ rings: fc.integer({ min: 1, max: 255 }), seed: fc.nat(2 ** 32 - 1) }),
    })
    .map(({ revisions, counters, ...rest }) => ({
      ...rest,
      revisionMin: Math.min(...revisions),
      revisionMax: Math.max(...revisions),
      counter: Math.min(...counters),
      notAfterCounter: Math.max(...counters),
      leafCount: Math.ceil(rest.size / rest.blockSize),
    }));

  test.prop([manifests])("survives encoding and decoding", (manifest) => {
    expect(decodePayload(encodePayload(manifest))).toEqual(manifest);
  });

  test.prop([fc.uint8Array({ maxLength: 700 })])(
    "is never found in noise, and noise never throws",
    (bytes) => {
      expect(decodeEnvelope(bytes).tag).toBe("fault");
      expect(verifyEnvelope(bytes, policy).tag).toBe("refused");
      expect(decodePayload(bytes)).toHaveProperty("tag", "fault");
    },
  );

  const hits = fc.array(fc.tuple(fc.nat(255), fc.nat(255)), { minLength: 1, maxLength: 3 });
  test.prop([hits], { numRuns: 2000 })("that decodes is the one encoding of what it says", (changes) => {
    const bytes = Uint8Array.from(samplePayload);
    for (const [at, value] of changes) bytes[at] = value;
    const manifest = decodePayload(bytes);
    if (!("tag" in manifest)) expect(encodePayload(manifest)).toEqual(bytes);
  });
});

describe("a damaged envelope", () => {
  const signed = encodeManifest(sample, vectorKey);
  const unsigned = encodeManifest(sample);

  it("is refused with any one byte changed", () => {
    for (let at = 0; at < signed.length; at++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const changed = Uint8Array.from(signed);
        changed[at] = (changed[at] ?? 0) ^ mask;
        expect(verifyEnvelope(changed, policy).tag, `byte ${at} ^ ${mask}`).toBe("refused");
        decodeEnvelope(changed);
      }
    }
  });

  it("is refused when it was cut off or grew", () => {
    for (const bytes of [signed, unsigned]) {
      for (let length = 0; length < bytes.length; length++) {
        expect(decodeEnvelope(bytes.subarray(0, length)).tag, `${length} bytes`).toBe("fault");
        expect(verifyEnvelope(bytes.subarray(0, length), open).tag).toBe("refused");
      }
      const longer = Uint8Array.from([...bytes, 0]);
      expect(decodeEnvelope(longer).tag).toBe("fault");
    }
  });

  it("never passes for the same image when it is unsigned and one byte changed", () => {
    for (let at = 0; at < unsigned.length; at++) {
      const changed = Uint8Array.from(unsigned);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      const envelope = decodeEnvelope(changed);
      if (envelope.tag === "fault") continue;
      expect(envelope.digest).not.toEqual(imageDigest(samplePayload));
      expect(encodeManifest(envelope.manifest)).toEqual(changed);
    }
  });

  it("has room for padding with a head of two bytes beside the longest fields", () => {
    const name = "x".repeat(32);
    const longest: Manifest = {
      ...sample,
      vendor: name,
      hardwareClass: name,
      revisionMin: 0xffff,
      revisionMax: 0xffff,
      version: { major: 0xffff, minor: 0xffff, patch: 0xffff },
      sequence: 2 ** 48 - 1,
      counter: 2 ** 32 - 1,
      notAfterCounter: 2 ** 32 - 1,
      role: "recovery",
      confirm: "by-app",
      rollout: { rings: 255, seed: 2 ** 32 - 1 },
      size: 2 ** 32 - 1,
      blockSize: 65_536,
      leafCount: 65_536,
    };
    const payload = encodePayload(longest);
    expect(payload).toHaveLength(PAYLOAD_LENGTH);
    const head = payload.length - payload.toReversed().findIndex((byte) => byte !== 0) - 2;
    expect(payload[head]).toBe(0x58);
    // The number that PROTOCOL.md 8.3 prints.
    expect([payload[head + 1], payload.length - head - 2]).toEqual([38, 38]);
  });

  it("is told with the place: before the payload, behind it, or in the padding", () => {
    const changedAt = (bytes: Uint8Array, at: number): Uint8Array =>
      bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
    for (const [bytes, offset] of [
      [unsigned, UNSIGNED_PAYLOAD_OFFSET],
      [signed, SIGNED_PAYLOAD_OFFSET],
    ] as const) {
      const fault = { tag: "fault", fault: "envelope", offset: 0 };
      expect(splitEnvelope(changedAt(bytes, 1))).toMatchObject(fault);
      expect(splitEnvelope(changedAt(bytes, offset - 1))).toMatchObject(fault);
    }
    const tail = SIGNED_PAYLOAD_OFFSET + PAYLOAD_LENGTH;
    expect(splitEnvelope(changedAt(signed, tail))).toMatchObject({ fault: "envelope", offset: tail });
    const room = PAYLOAD_LENGTH - samplePayload.findLastIndex((byte) => byte !== 0) - 1;
    expect(decodePayload(changedAt(samplePayload, PAYLOAD_LENGTH - 1))).toMatchObject({
      fault: "padding",
      offset: PAYLOAD_LENGTH - room,
    });
    const head = PAYLOAD_LENGTH - room - 1;
    const shorter = samplePayload.map((byte, i) => (i === head ? byte - 1 : byte));
    expect(decodePayload(shorter)).toMatchObject({ fault: "length", offset: PAYLOAD_LENGTH - 1 });
  });

  it("is told by a payload of fewer than 256 or more than 512 bytes", () => {
    expect(splitEnvelope(wrapUnsigned(new Uint8Array(512))).tag).toBe("unsigned");
    expect(
      splitEnvelope(wrapSigned(new Uint8Array(512), new Uint8Array(8), new Uint8Array(64))),
    ).toMatchObject({ tag: "signed" });
    for (const length of [0, 255, 513, 65_535]) {
      const fault = splitEnvelope(wrapUnsigned(new Uint8Array(length)));
      expect(fault).toMatchObject({ tag: "fault", fault: "length", offset: 0 });
    }
  });
});
