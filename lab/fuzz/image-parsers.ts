import { concatBytes, equalBytes } from "../../src/base/bytes.ts";
import { MaydayError } from "../../src/base/errors.ts";
import { type Random, randomBelow, randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { CborReader, CborWriter } from "../../src/image/cbor.ts";
import { ENVELOPE_MAX, KEY_ID_LENGTH, signedBytes, splitEnvelope, wrapSigned } from "../../src/image/cose.ts";
import { decodeEnvelope, type TrustPolicy, verifyEnvelope } from "../../src/image/envelope.ts";
import { parseHardware, parseRevisionRange } from "../../src/image/hardware.ts";
import {
  decodeImageHeader,
  encodeImageHeader,
  fileCrc,
  IMAGE_HEADER_LENGTH,
} from "../../src/image/image-header.ts";
import { imageFromBytes, memoryImage } from "../../src/image/image-source.ts";
import { type SigningKey, trustedKeyOf } from "../../src/image/keys.ts";
import { decodePayload, encodePayload } from "../../src/image/manifest-payload.ts";
import { formatVersion, parseVersion } from "../../src/image/version.ts";
import { signingKeyFromPem, trustedKeyFromPem } from "../../src/image-files/pem-keys.ts";
import { parseEndpoint } from "../../src/transport/endpoint.ts";
import { testKey } from "../../test/support/virtual-rescue.ts";
import { must, type ParserTarget } from "./fuzz-target.ts";

const CLOSED: TrustPolicy = { keys: [trustedKeyOf(testKey, ["app"])], allowUnsigned: false };
const OPEN: TrustPolicy = { keys: [], allowUnsigned: true };

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

function envelopes(): Uint8Array[] {
  const data = randomBytes(new SeededRandom(1), 5000);
  const version = { major: 1, minor: 2, patch: 3 };
  const plain = { vendor: "acme", hardwareClass: "gate", version };
  const rich = {
    ...plain,
    sequence: 77,
    counter: 4,
    revisionMin: 1,
    revisionMax: 9,
    confirm: "by-app" as const,
  };
  const recovery = { ...plain, role: "recovery" as const, blockSize: 1024 };
  const images = [
    memoryImage(data, plain, testKey),
    memoryImage(data, rich, testKey),
    memoryImage(data, recovery),
  ];
  return images.map((image) => image.envelope);
}

function payloads(): Uint8Array[] {
  return envelopes().flatMap((bytes) => {
    const parts = splitEnvelope(bytes);
    return parts.tag === "fault" ? [] : [parts.payload.slice()];
  });
}

const envelope: ParserTarget = {
  tag: "parser",
  name: "envelope",
  weight: 1,
  seeds: envelopes,
  repair(random, input) {
    // Signed again, so that the payload is parsed: what a signer's own mistakes, or a stolen key, would bring.
    const parts = splitEnvelope(input);
    if (parts.tag !== "signed" || randomBelow(random, 2) === 0) return input;
    return wrapSigned(parts.payload, testKey.keyId, testKey.sign(signedBytes(parts.payload)));
  },
  run(input) {
    const decoded = decodeEnvelope(input);
    const verdicts = [verifyEnvelope(input, CLOSED), verifyEnvelope(input, OPEN)];
    const word = verdicts
      .map((verdict) => (verdict.tag === "refused" ? verdict.reason : verdict.tag))
      .join(" ");
    if (decoded.tag === "fault") {
      must(
        verdicts.every(({ tag }) => tag === "refused"),
        "what cannot be read is refused",
      );
      return `${decoded.fault} ${word}`;
    }
    must(input.length <= ENVELOPE_MAX, "no envelope is longer than its limit");
    return word;
  },
};

const payload: ParserTarget = {
  tag: "parser",
  name: "payload",
  weight: 4,
  seeds: payloads,
  run(input) {
    const decoded = decodePayload(input);
    if ("tag" in decoded)
      return `${decoded.fault} ${decoded.offset > 0 ? Math.floor(decoded.offset / 8) : ""}`;
    must(equalBytes(encodePayload(decoded), input), "there is one encoding of a manifest");
    return decoded.role;
  },
};

const cbor: ParserTarget = {
  tag: "parser",
  name: "cbor",
  weight: 2,
  seeds: () => [
    new CborWriter(64)
      .uint(0)
      .uint(23)
      .uint(24)
      .uint(256)
      .uint(70_000)
      .uint(2 ** 40)
      .finish(),
    new CborWriter(64).map(2).uint(1).text("acme").uint(2).bytes(new Uint8Array(9)).array(3).finish(),
  ],
  run(input) {
    const reader = new CborReader(input.subarray(1));
    const random = new SeededRandom(input[0] ?? 0);
    let written = 0;
    for (let i = 0; i < 12 && reader.fault === undefined; i++) {
      const from = reader.offset;
      const kind = randomBelow(random, 4);
      if (kind === 0) {
        const value = reader.uint(Number.MAX_SAFE_INTEGER);
        if (reader.fault !== undefined) break;
        const again = new CborWriter(9).uint(value).finish();
        must(equalBytes(again, input.subarray(1 + from, 1 + reader.offset)), "a number has one encoding");
      } else if (kind === 1) must(reader.bytes(0, 40).length <= 40, "no more than the limit");
      else if (kind === 2) reader.text(40);
      else reader.map(2);
      written = reader.offset;
    }
    must(reader.remaining >= 0 && written <= input.length, "it stays within its bytes");
    return reader.fault?.fault ?? "read";
  },
};

const header: ParserTarget = {
  tag: "parser",
  name: "header",
  weight: 4,
  seeds: () => envelopes().map((bytes, i) => encodeImageHeader(bytes, 1000 * i + 1)),
  repair(_, input) {
    if (input.length < IMAGE_HEADER_LENGTH) return input;
    const crc = fileCrc(input.subarray(0, 20));
    return concatBytes(input.subarray(0, 20), Uint8Array.of(crc, crc >>> 8, crc >>> 16, crc >>> 24));
  },
  run(input) {
    const decoded = decodeImageHeader(input);
    if ("tag" in decoded) return decoded.fault;
    must(decoded.envelopeLength <= ENVELOPE_MAX && decoded.dataLength > 0, "lengths are within their limits");
    return "header";
  },
};

/** A small image file: 3 blocks, the last one short. */
function imageFile(signer?: SigningKey): Uint8Array {
  const data = randomBytes(new SeededRandom(3), 2500);
  const fields = { vendor: "acme", hardwareClass: "gate", version: { major: 1, minor: 2, patch: 3 } };
  const { envelope } = memoryImage(data, { ...fields, blockSize: 1024 }, signer);
  return concatBytes(encodeImageHeader(envelope, data.length), envelope, data);
}

const file: ParserTarget = {
  tag: "parser",
  name: "image-file",
  weight: 1,
  seeds: () => [imageFile(testKey), imageFile(), imageFile().subarray(0, 1000), imageFile().fill(0, 1500)],
  /** Puts the right CRCs into the header, and the right length of data unless the manifest was cut. */
  repair(_, input) {
    const envelopeLength = (input[10] ?? 0) + 256 * (input[11] ?? 0);
    const dataLength = input.length - IMAGE_HEADER_LENGTH - envelopeLength;
    if (dataLength < 1) return input;
    const copy = Uint8Array.from(input);
    const view = new DataView(copy.buffer);
    view.setUint32(12, dataLength, true);
    view.setUint32(
      16,
      fileCrc(copy.subarray(IMAGE_HEADER_LENGTH, IMAGE_HEADER_LENGTH + envelopeLength)),
      true,
    );
    view.setUint32(20, fileCrc(copy.subarray(0, 20)), true);
    return copy;
  },
  run(input) {
    try {
      const image = imageFromBytes(input);
      const blocks = Array.from({ length: image.manifest.leafCount }, (_, i) => image.readBlockSync(i));
      const { length } = concatBytes(...blocks);
      must(length === image.manifest.size, "the blocks are the whole image");
      return "image";
    } catch (error) {
      must(error instanceof MaydayError && error.code.startsWith("image-"), `only a failure: ${error}`);
      return error.code;
    }
  },
};

const endpoint: ParserTarget = {
  tag: "parser",
  name: "endpoint",
  weight: 2,
  seeds: () =>
    [
      "/dev/ttyUSB0",
      "serial:/dev/ttyS0?baud=921600",
      "serial:/dev/ttyS0?baud-max=3000000",
      "serial:/dev/ttyS0?baud=9600&parity=even&stop=2",
      "tcp:[::1]:4711",
      "tcp-listen:4711",
      "i2c:/dev/i2c-1?address=0x42",
      "i2c-peripheral:/tmp/bus?address=66",
    ].map(ascii),
  run(input) {
    try {
      return parseEndpoint(latin1(input)).tag;
    } catch (error) {
      must(
        error instanceof MaydayError && error.code.startsWith("endpoint-"),
        `only a usage error: ${error}`,
      );
      return error.code;
    }
  },
};

const texts: ParserTarget = {
  tag: "parser",
  name: "texts",
  weight: 2,
  seeds: () => ["1.2.3", "v65535.0.1", "acme/gate", "gate", "3-9", "7", "65535"].map(ascii),
  run(input) {
    const text = latin1(input);
    const version = parseVersion(text);
    must(
      version === undefined || formatVersion(version) === text.replace(/^v/, ""),
      "a version has one spelling",
    );
    const range = parseRevisionRange(text);
    must(range === undefined || range.revisionMin <= range.revisionMax, "a range goes up");
    return `${version !== undefined} ${range !== undefined} ${parseHardware(text) !== undefined}`;
  },
};

const keys: ParserTarget = {
  tag: "parser",
  name: "keys",
  weight: 1,
  seeds: () => {
    const keyDer = Buffer.concat([
      Buffer.from("302e020100300506032b657004220420", "hex"),
      Buffer.alloc(32, 7),
    ]);
    const pubDer = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), testKey.publicKey]);
    return [pem("PRIVATE", keyDer), pem("PUBLIC", pubDer)].map(ascii);
  },
  run(input) {
    const words = [signingKeyFromPem, (text: string) => trustedKeyFromPem(text, ["app"])].map((parse) => {
      try {
        must(parse(latin1(input)).keyId.length === KEY_ID_LENGTH, "a key has an id");
        return "key";
      } catch (error) {
        must(error instanceof MaydayError, `only an error for users: ${error}`);
        return error.code;
      }
    });
    return words.join(" ");
  },
};

function pem(kind: string, der: Uint8Array): string {
  const begin = `-----BEGIN ${kind} KEY-----`;
  return `${begin}\n${Buffer.from(der).toString("base64")}\n-----END ${kind} KEY-----\n`;
}

export const IMAGE_PARSERS: readonly ParserTarget[] = [
  envelope,
  payload,
  cbor,
  header,
  file,
  endpoint,
  texts,
  keys,
];

/** For targets that need an envelope that their board accepts. */
export function acceptableEnvelope(random: Random): Uint8Array {
  return memoryImage(
    randomBytes(random, 3000),
    { vendor: "acme", hardwareClass: "gate", version: { major: 1, minor: 0, patch: 0 }, blockSize: 1024 },
    testKey,
  ).envelope;
}
