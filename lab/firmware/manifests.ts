import { type Random, randomBelow, randomBytes, randomChance } from "../../src/base/prng.ts";
import { CborWriter } from "../../src/image/cbor.ts";
import { signedBytes, wrapSigned, wrapUnsigned } from "../../src/image/cose.ts";
import { type KeyLimits, type SigningKey, type TrustedKey, trustedKeyOf } from "../../src/image/keys.ts";
import { MANIFEST_PAYLOAD_LENGTH } from "../../src/image/manifest-payload.ts";
import { fixedKey } from "../../test/support/fixed-keys.ts";
import { pick } from "../fuzz/mutate.ts";
import { randomNumber } from "../fuzz/random-frame.ts";
import type { CSide } from "./c-side.ts";

/** Keys of signers; the last one is trusted nowhere. */
export const KEYS: readonly SigningKey[] = [0x42, 0x43, 0x44].map(fixedKey);
export const BOARD = { vendor: "acme", hardwareClass: "gate" } as const;

/** A trust policy, and what the C side has to be told of it. */
export interface Trust {
  readonly keys: readonly TrustedKey[];
  readonly allowUnsigned: boolean;
}

/** Who is trusted, and for what. */
export function randomTrust(random: Random): Trust {
  if (randomChance(random, 0.1)) return { keys: [], allowUnsigned: randomChance(random, 0.7) };
  const roles = (): ("app" | "recovery")[] =>
    pick(random, [["app"], ["app"], ["app"], ["app", "recovery"], ["app", "recovery"], ["recovery"]]);
  const known = KEYS.slice(0, 2).flatMap((key) => {
    const copies = pick(random, [1, 1, 1, 2]);
    return Array.from({ length: copies }, () => ({ ...trustedKeyOf(key, roles()), ...limits(random) }));
  });
  return { keys: known.slice(0, 4), allowUnsigned: randomChance(random, 0.1) };
}

function limits(random: Random): KeyLimits {
  const limit = (often: number, usual: number): number | undefined =>
    randomChance(random, often) ? pick(random, [usual, randomNumber(random, 32)]) : undefined;
  return { maxCounter: limit(0.4, 0xffff_ffff), maxStep: limit(0.5, 1000) };
}

/** Tells the C side whom it trusts, and what it is. After a reset. */
export function configure(
  c: CSide,
  trust: Trust,
  nodeId: Uint8Array,
  revision: number,
  updates: Updates = {},
): void {
  for (const { publicKey, roles, maxCounter, maxStep } of trust.keys) {
    const bits = (roles.includes("app") ? 1 : 0) | (roles.includes("recovery") ? 2 : 0);
    c.exchange(publicKey);
    c.call("add_key", bits, maxCounter ?? 0xffff_ffff, maxStep ?? 1000);
  }
  const names = new Uint8Array(8 + 66);
  names.set(nodeId);
  names.set(new TextEncoder().encode(BOARD.vendor), 8);
  names.set(new TextEncoder().encode(BOARD.hardwareClass), 41);
  c.exchange(names);
  const { allowUpdate = false, allowSingleUpdate = false } = updates;
  c.call(
    "set_identity",
    revision,
    trust.allowUnsigned ? 1 : 0,
    allowUpdate ? 1 : 0,
    allowSingleUpdate ? 1 : 0,
  );
}

export interface Updates {
  readonly allowUpdate?: boolean;
  readonly allowSingleUpdate?: boolean;
}

/** Fields as they may stand in a payload, allowed or not. */
interface RawFields {
  readonly format: number;
  readonly vendor: Uint8Array;
  readonly hardwareClass: Uint8Array;
  readonly revisions: readonly [number, number];
  readonly version: readonly [number, number, number];
  readonly sequence: number;
  readonly counter: number;
  readonly size: number;
  readonly blockSize: number;
  readonly leafCount: number;
  readonly role: number;
  readonly confirm: number;
  readonly rollout: readonly [number, number];
  readonly notAfter: number;
}

const NAMES = [
  "acme",
  "acme",
  "acme",
  "acme",
  "x",
  "y".repeat(32),
  "ä é",
  "a/b",
  " a",
  "a ",
  "a\u2028b",
  "a\u0085",
  "\ufeffa",
  "acm",
  "acme ",
  "a\u202fb",
];

function name(random: Random, usual: string): Uint8Array {
  if (randomChance(random, 0.9)) return new TextEncoder().encode(usual);
  if (randomChance(random, 0.3)) return randomBytes(random, 1 + randomBelow(random, 33));
  return new TextEncoder().encode(pick(random, NAMES));
}

/** Mostly what is allowed, now and then one field at an edge. */
function randomFields(random: Random): RawFields {
  const usually = <T>(usual: T, other: () => T): T => (randomChance(random, 0.985) ? usual : other());
  const counter = randomChance(random, 0.6) ? randomBelow(random, 20) : randomNumber(random, 32);
  const blockSize = usually(1024 << randomBelow(random, 7), () => randomNumber(random, 17));
  const size = usually(1 + randomNumber(random, 26), () => randomNumber(random, 32));
  const leafCount = usually(Math.ceil(size / (blockSize || 1)), () => randomNumber(random, 21));
  const low = randomBelow(random, 8);
  return {
    format: usually(1, () => randomNumber(random, 9)),
    vendor: name(random, "acme"),
    hardwareClass: name(random, "gate"),
    revisions: [low, usually(low + randomBelow(random, 8), () => randomNumber(random, 16))],
    version: [
      randomNumber(random, 16),
      randomNumber(random, 16),
      usually(randomNumber(random, 16), () => 65_536),
    ],
    sequence: usually(randomNumber(random, 48), () => 2 ** 48),
    counter,
    size,
    blockSize,
    leafCount,
    role: usually(pick(random, [1, 1, 1, 1, 1, 1, 1, 2]), () => randomNumber(random, 9)),
    confirm: usually(1 + randomBelow(random, 2), () => randomNumber(random, 3)),
    rollout: [usually(1 + randomBelow(random, 255), () => pick(random, [0, 256])), randomNumber(random, 32)],
    notAfter: usually(pick(random, [counter, 0xffff_ffff]), () => randomNumber(random, 32)),
  };
}

/** CBOR of a text or byte string that need not be what it says. */
function string(out: CborWriter, bytes: Uint8Array): void {
  // The head of a text string, by the text of as many ASCII bytes; its bytes follow as they are.
  out.text("x".repeat(bytes.length));
}

/** A payload of these fields: CBOR in its order, padded to its length. */
function payloadOf(random: Random, fields: RawFields): Uint8Array {
  const names: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  const out = new CborWriter(1024).map(17);
  const text = (key: number, bytes: Uint8Array): void => {
    out.uint(key);
    string(out, bytes);
    names.push({ at: out.length - bytes.length, bytes });
  };
  out.uint(1).uint(fields.format);
  text(2, fields.vendor);
  text(3, fields.hardwareClass);
  out.uint(4).array(2).uint(fields.revisions[0]).uint(fields.revisions[1]);
  out.uint(5).array(3);
  for (const part of fields.version) out.uint(part);
  out.uint(6).uint(fields.sequence).uint(7).uint(fields.counter).uint(8).uint(fields.size);
  out.uint(9).uint(fields.blockSize).uint(10).uint(fields.leafCount);
  out.uint(11).bytes(randomBytes(random, 32)).uint(12).bytes(randomBytes(random, 32));
  out.uint(13).uint(fields.role).uint(14).uint(fields.confirm);
  out
    .uint(15)
    .array(2)
    .uint(fields.rollout[0])
    .uint(fields.rollout[1])
    .uint(16)
    .uint(fields.notAfter)
    .uint(17);
  out.bytes(new Uint8Array(Math.max(0, MANIFEST_PAYLOAD_LENGTH - out.length - 2)));
  const bytes = out.finish().slice();
  for (const { at, bytes: text } of names) bytes.set(text, at);
  return bytes;
}

/** A payload, right or nearly so. */
export function randomPayload(random: Random): Uint8Array {
  return payloadOf(random, randomFields(random));
}

/** The envelope of a payload: signed by some key, or not. */
export function envelopeOf(random: Random, payload: Uint8Array): Uint8Array {
  const dice = randomBelow(random, 16);
  if (dice < 1) return wrapUnsigned(payload);
  const key = dice < 12 ? KEYS[0] : dice < 15 ? KEYS[1] : KEYS[2];
  if (key === undefined) throw new Error("there are three keys");
  return wrapSigned(payload, key.keyId, key.sign(signedBytes(payload)));
}
