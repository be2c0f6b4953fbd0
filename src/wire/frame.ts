import { assert } from "../base/assert.ts";
import { ByteReader, ByteWriter, concatBytes } from "../base/bytes.ts";
import {
  AnnounceType,
  type Codec,
  CRC_LENGTH,
  DATA_HEADER_LENGTH,
  FRAME_MIN,
  FrameClass,
  OBJECT_HEADER_LENGTH,
  type ObjectKind,
  PACKET_NUMBER_BITS,
  PAYLOAD_MAX,
  PROTOCOL_VERSION,
  SEAL_LENGTH,
} from "./constants.ts";
import { frameCrc } from "./crc.ts";
import { encodeExtensions } from "./extensions.ts";
import { callFrameIn } from "./masked-call.ts";
import {
  decodeAnnouncement,
  decodeRescuerControl,
  decodeTargetControl,
  encodeBody,
  isRescuerControl,
  isTargetControl,
  typeOfMessage,
} from "./message-codec.ts";
import {
  type Beacon,
  type DataChunk,
  type Frame,
  isCall,
  type Message,
  type ObjectChunk,
  type Packet,
  type Probe,
  type Query,
} from "./messages.ts";

const CLASS_MASK = 0x0f;
/** First byte of an announcement of this version. */
const ANNOUNCEMENT: number = FrameClass.announce | (PROTOCOL_VERSION << 4);
const PACKET_NUMBER_MASK: number = (1 << PACKET_NUMBER_BITS) - 1;

/**
 * Why bytes are not a frame. `unknown`: one of a class or type that a later version may have (PROTOCOL.md 12.1).
 * `foreignVersion` carries the version that the peer speaks.
 */
export type FrameFault =
  | { readonly tag: "fault"; readonly fault: "tooShort" | "badCrc" | "unauthentic" | "malformed" | "unknown" }
  | { readonly tag: "fault"; readonly fault: "foreignVersion"; readonly version: number };

/** Gives what a link key adds between the bytes of a frame and its CRC; at most 20 bytes (PROTOCOL.md 14). */
export type Protect = (bytes: Uint8Array) => Uint8Array;
/** Takes the seal off a frame without CRC; undefined when the seal is wrong (PROTOCOL.md 14.4). */
export type Unseal = (bytes: Uint8Array) => Uint8Array | undefined;

/** Most bytes that {@link Protect} adds: the proof of an offer or an accept. */
const PROTECTION_MAX = 20;

/** Whether the frame belongs to a session, by its first byte: the session's tag seeds its CRC (PROTOCOL.md 3.3). */
export function isSessionFrame(frame: Uint8Array): boolean {
  return frame.length > 0 && ((frame[0] as number) & CLASS_MASK) !== FrameClass.announce;
}

/** A message as a frame: header, body, CRC. `tag` is the session tag; announcements are not tagged. */
export function encodeMessage(message: Message, tag: number, protect?: Protect): Uint8Array {
  const body = concatBytes(encodeBody(message), encodeExtensions(message));
  const type = typeOfMessage(message);
  const w = new ByteWriter(2 + body.length + PROTECTION_MAX + CRC_LENGTH);
  const isTarget = isTargetControl(message);
  if (!isTarget && !isRescuerControl(message)) {
    w.u8(FrameClass.announce | (PROTOCOL_VERSION << 4)).u8(type);
    return close(w.bytes(body), undefined, protect);
  }
  const frameClass = isTarget ? FrameClass.targetControl : FrameClass.rescuerControl;
  return close(w.u8(frameClass | (type << 4)).bytes(body), tag, protect);
}

/** A packet (data chunk, object chunk, probe) as a frame. Only the low bits of its number and position are sent. */
export function encodePacket(packet: Packet, tag: number, protect?: Protect): Uint8Array {
  const number = (packet.packetNumber & PACKET_NUMBER_MASK) << 4;
  switch (packet.tag) {
    case "data": {
      const header = FrameClass.data | (packet.codec << 1) | (packet.attempt & 1) | number;
      const w = new ByteWriter(DATA_HEADER_LENGTH + packet.payload.length + SEAL_LENGTH + CRC_LENGTH);
      return close(w.u16(header).u16(packet.position).bytes(packet.payload), tag, protect);
    }
    case "object": {
      const w = new ByteWriter(OBJECT_HEADER_LENGTH + packet.payload.length + SEAL_LENGTH + CRC_LENGTH);
      w.u16(FrameClass.object | number).u8(packet.name.kind);
      w.u8(packet.name.node.level).u24(packet.name.node.index).u16(packet.offset).u16(packet.total);
      return close(w.bytes(packet.payload), tag, protect);
    }
    case "probe":
      return close(new ByteWriter(2 + SEAL_LENGTH + CRC_LENGTH).u16(FrameClass.probe | number), tag, protect);
  }
}

function close(w: ByteWriter, tag: number | undefined, protect: Protect | undefined): Uint8Array {
  assert(tag !== 0, "a session tag is never 0");
  if (protect !== undefined) w.bytes(protect(w.finish()));
  const covered = w.finish();
  return w.u32(frameCrc(covered, tag)).finish();
}

/**
 * Decodes a frame (without COBS and delimiters). Session frames are checked against `tag`; without a session pass
 * undefined: they are faults then. `unseal` is for sessions with a link key. The result holds views of `bytes`: do not
 * reuse the array. Never throws.
 */
export function decodeFrame(bytes: Uint8Array, tag: number | undefined, unseal?: Unseal): Frame | FrameFault {
  if (bytes.length < FRAME_MIN) return { tag: "fault", fault: "tooShort" };
  const first = bytes[0] as number;
  const isSession = isSessionFrame(bytes);
  if ((isSession && tag === undefined) || !crcMatches(bytes, isSession ? tag : undefined)) {
    return { tag: "fault", fault: "badCrc" };
  }
  const covered = bytes.subarray(0, bytes.length - CRC_LENGTH);
  const version = first >>> 4;
  if (!isSession && version !== PROTOCOL_VERSION) return { tag: "fault", fault: "foreignVersion", version };
  const plain = isSession && unseal !== undefined ? unseal(covered) : covered;
  if (plain === undefined) return { tag: "fault", fault: "unauthentic" };
  const frame = decodeCovered(first, plain);
  if (typeof frame === "object" && frame.tag === "query") return callIn(frame) ?? frame;
  return typeof frame === "object" ? frame : { tag: "fault", fault: frame ?? "malformed" };
}

/** The call that a query carries stands for the query (PROTOCOL.md 5.1); undefined where there is none in it. */
function callIn({ call }: Query): Beacon | undefined {
  const bytes = call && callFrameIn(call);
  const frame = bytes && decodeCovered(bytes[0] as number, bytes.subarray(0, -CRC_LENGTH));
  const isBeacon = typeof frame === "object" && (frame.tag === "distress" || frame.tag === "beacon");
  return isBeacon && bytes?.[0] === ANNOUNCEMENT && isCall(frame) ? frame : undefined;
}

/** The frame of the call, with its CRC, of the query in these bytes that carries one; undefined for any other frame. */
export function carriedCall(bytes: Uint8Array): Uint8Array | undefined {
  const covered = bytes.subarray(0, -CRC_LENGTH);
  if (covered[0] !== ANNOUNCEMENT || covered[1] !== AnnounceType.query) return undefined;
  const query = decodeAnnouncement(AnnounceType.query, covered.subarray(2));
  const isCarried = typeof query === "object" && query.tag === "query" && callIn(query) !== undefined;
  return isCarried && query.call !== undefined ? callFrameIn(query.call) : undefined;
}

/** Whether the CRC at the end of `bytes` is right, in the session of `tag`, or outside of any session. */
export function crcMatches(bytes: Uint8Array, tag: number | undefined): boolean {
  if (bytes.length < FRAME_MIN) return false;
  const at = bytes.length - CRC_LENGTH;
  return new ByteReader(bytes.subarray(at)).u32() === frameCrc(bytes.subarray(0, at), tag);
}

function decodeCovered(first: number, covered: Uint8Array): Frame | "unknown" | undefined {
  const frameClass = first & CLASS_MASK;
  if (frameClass >= FrameClass.data) return decodeData(covered);
  switch (frameClass) {
    case FrameClass.announce:
      return covered.length < 2 ? undefined : decodeAnnouncement(covered[1] as number, covered.subarray(2));
    case FrameClass.targetControl:
      return decodeTargetControl(first >>> 4, covered.subarray(1));
    case FrameClass.rescuerControl:
      return decodeRescuerControl(first >>> 4, covered.subarray(1));
    case FrameClass.object:
      return decodeObject(covered);
    case FrameClass.probe:
      return decodeProbe(covered);
    default:
      return "unknown";
  }
}

function decodeData(covered: Uint8Array): DataChunk | undefined {
  const r = new ByteReader(covered);
  const header = r.u16();
  const position = r.u16();
  const payload = r.rest();
  if (r.failed || payload.length === 0 || payload.length > PAYLOAD_MAX) return undefined;
  const codec = ((header >>> 1) & 0x3) as Codec;
  return { tag: "data", packetNumber: header >>> 4, codec, attempt: header & 1, position, payload };
}

function decodeObject(covered: Uint8Array): ObjectChunk | undefined {
  const r = new ByteReader(covered);
  const packetNumber = r.u16() >>> 4;
  const kind = r.u8() as ObjectKind;
  const node = { level: r.u8(), index: r.u24() };
  const offset = r.u16();
  const total = r.u16();
  const payload = r.rest();
  if (r.failed || payload.length === 0 || payload.length > PAYLOAD_MAX) return undefined;
  if (offset + payload.length > total) return undefined;
  return { tag: "object", packetNumber, name: { kind, node }, offset, total, payload };
}

function decodeProbe(covered: Uint8Array): Probe | undefined {
  const r = new ByteReader(covered);
  const packetNumber = r.u16() >>> 4;
  return r.failed || r.remaining > 0 ? undefined : { tag: "probe", packetNumber };
}
