import { readFileSync } from "node:fs";
import { fromHex } from "../../src/base/bytes.ts";
import { ACK_DELAY_UNIT_MS } from "../../src/wire/constants.ts";
import type { FrameFault } from "../../src/wire/frame.ts";
import { encodeMessage, encodePacket } from "../../src/wire/frame.ts";
import type { Frame } from "../../src/wire/messages.ts";

/** One frozen frame: its fields, its bytes, and how it looks on a byte stream. */
export interface FrameVector {
  readonly name: string;
  /** Session tag; undefined for announcements. */
  readonly tag: number | undefined;
  readonly frame: Frame;
  readonly bytes: Uint8Array;
  /** Length of each field, in order; the last is the CRC. */
  readonly fieldLengths: readonly number[];
  readonly wire: Uint8Array;
}

export interface FaultVector {
  readonly name: string;
  readonly tag: number | undefined;
  readonly bytes: Uint8Array;
  readonly fault: FrameFault;
}

interface RawVector {
  readonly name: string;
  readonly tag: number | null;
  readonly frame: Readonly<Record<string, unknown>>;
  readonly frameHex: string;
  readonly wireHex: string;
}

interface RawFault {
  readonly name: string;
  readonly tag: number | null;
  readonly frameHex: string;
  readonly fault: FrameFault["fault"];
  readonly version?: number;
}

interface RawFile {
  readonly protocolVersion: number;
  readonly crcs: readonly { readonly octets: string; readonly tag: number | null; readonly crc: number }[];
  readonly sessionTags: readonly {
    readonly name: string;
    readonly identity: Readonly<Record<SessionField, string>>;
    readonly tag: number;
  }[];
  readonly frames: readonly RawVector[];
  readonly decodeOnly: readonly RawVector[];
  readonly faults: readonly RawFault[];
}

type SessionField = "targetNonce" | "rescuerNonce" | "targetId" | "rescuerId" | "digest";

/** Fields of a frame that are byte strings, hexadecimal in the file. */
const BYTE_FIELDS: ReadonlySet<string> = new Set([
  "nodeId",
  "bootNonce",
  "hardwareId",
  "installedDigest",
  "receivingDigest",
  "rescuerId",
  "rescuerNonce",
  "targetId",
  "targetNonce",
  "winnerId",
  "originId",
  "digest",
  "bitmap",
  "payload",
]);

/** Bytes of a hexadecimal text; a fault in a vector file fails the test. */
export function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (bytes === undefined) throw new Error(`not hexadecimal: ${hex}`);
  return bytes;
}

function fieldOf(key: string, value: unknown): [string, unknown] {
  if (value === null) return [key, undefined];
  if (BYTE_FIELDS.has(key) && typeof value === "string") return [key, bytesOf(value)];
  if (key === "delayUnits") return ["delayMs", Number(value) * ACK_DELAY_UNIT_MS];
  return [key, value];
}

function frameVector(raw: RawVector): FrameVector {
  return {
    name: raw.name,
    tag: raw.tag ?? undefined,
    // The file is ours and frozen: what it holds is what the codec is compared with.
    frame: Object.fromEntries(
      Object.entries(raw.frame).map(([key, value]) => fieldOf(key, value)),
    ) as unknown as Frame,
    bytes: bytesOf(raw.frameHex),
    fieldLengths: raw.frameHex.split(" ").map((field) => field.length / 2),
    wire: bytesOf(raw.wireHex),
  };
}

function faultVector({ name, tag, frameHex, fault, version }: RawFault): FaultVector {
  const seen: FrameFault =
    fault === "foreignVersion" ? { tag: "fault", fault, version: version ?? -1 } : { tag: "fault", fault };
  return { name, tag: tag ?? undefined, bytes: bytesOf(frameHex), fault: seen };
}

function read<Content>(name: string): Content {
  return JSON.parse(readFileSync(new URL(`../../vectors/${name}`, import.meta.url), "utf8")) as Content;
}

const file = read<RawFile>("wire-v1.json");
const advice = read<Pick<RawFile, "frames">>("advice-v1.json");

/** Frames of a file that has the members of `wire-v1.json`. */
export interface LaterVectors {
  readonly frames: readonly FrameVector[];
  readonly decodeOnly: readonly FrameVector[];
  readonly faults: readonly FaultVector[];
}

function laterVectors(name: string): LaterVectors {
  const { frames, decodeOnly, faults } = read<Pick<RawFile, "frames" | "decodeOnly" | "faults">>(name);
  return {
    frames: frames.map(frameVector),
    decodeOnly: decodeOnly.map(frameVector),
    faults: faults.map(faultVector),
  };
}

export const VECTORS_VERSION: number = file.protocolVersion;
export const CRC_VECTORS: RawFile["crcs"] = file.crcs;
export const SESSION_TAG_VECTORS: RawFile["sessionTags"] = file.sessionTags;
/** Frames to encode and to decode. */
export const FRAME_VECTORS: readonly FrameVector[] = file.frames.map(frameVector);
/** Frames that only a peer of a later version sends. */
export const DECODE_ONLY_VECTORS: readonly FrameVector[] = file.decodeOnly.map(frameVector);
export const FAULT_VECTORS: readonly FaultVector[] = file.faults.map(faultVector);
/** The same of the rate of the line (PROTOCOL.md 4.9). */
export const RATE_VECTORS: LaterVectors = laterVectors("rate-v1.json");
/** The same of calls that take an image inline (PROTOCOL.md 6.10). */
export const INLINE_VECTORS: LaterVectors = laterVectors("inline-v1.json");
/** The same of what a rescuer says it has (PROTOCOL.md 5.21). */
export const HAVE_VECTORS: LaterVectors = laterVectors("have-v1.json");
/** The same of where an image lies (PROTOCOL.md 6.11). */
export const LOCATOR_VECTORS: LaterVectors = laterVectors("locator-v1.json");

/** The same of words about images (PROTOCOL.md 5.19, 5.20). */
export const ADVICE_VECTORS: readonly FrameVector[] = advice.frames.map(frameVector);

/** The tag of the session that the vectors are about. */
export const SESSION_TAG: number = file.sessionTags[0]?.tag ?? 0;

/** A frame's bytes, whatever it holds. */
export function encodeFrame(frame: Frame, tag: number): Uint8Array {
  return frame.tag === "data" || frame.tag === "object" || frame.tag === "probe"
    ? encodePacket(frame, tag)
    : encodeMessage(frame, tag);
}
