/**
 * Every number that is on the wire. PROTOCOL.md section 11 prints the same ones; values are frozen per protocol
 * version: add, never renumber, never reuse.
 */

/** Version of the protocol, in the high half of the first byte of every announcement (PROTOCOL.md 3.2). */
export const PROTOCOL_VERSION = 1;

/** Delimiter on byte streams (PROTOCOL.md 2.1). */
export const DELIMITER = 0x00;

/** Length of the CRC-32 that ends every frame, in bytes (PROTOCOL.md 3.1). */
export const CRC_LENGTH = 4;

/** Forms of a frame on a byte stream beside COBS; in the extension *forms*, bit 1 << form (PROTOCOL.md 2.5). */
export const FrameForm = { reedSolomon: 1 } as const;
/** First bytes of a frame in the second form, high byte first, and how many of their bits may be wrong (PROTOCOL.md 2.5). */
export const SYNC_MARKER = 0x1acffc1d;
export const SYNC_TOLERANCE = 3;
/** The marker, and the 24 bits that name t and the length (PROTOCOL.md 2.5). */
export const SYNC_LENGTH = 7;
/** Longest codeword, data and parity, in bytes (PROTOCOL.md 2.5). */
export const CODEWORD_MAX = 255;
/** Most wrong bytes that any codeword can have and be mended: the largest t (PROTOCOL.md 2.5). */
export const MENDABLE_MAX = 16;
/** Bytes in the codewords of a frame without parity: 9, 17, 25, ... (PROTOCOL.md 2.5). */
export const CONTENT_MIN = 9;
export const CONTENT_STEP = 8;
export const CONTENT_MAX = 2049;

/** Class of a frame: the low four bits of its first byte (PROTOCOL.md 3.2). Classes 8 to 15 are data. */
export const FrameClass = {
  announce: 0x0,
  targetControl: 0x1,
  rescuerControl: 0x2,
  object: 0x3,
  probe: 0x4,
  data: 0x8,
} as const;
export type FrameClass = (typeof FrameClass)[keyof typeof FrameClass];

/**
 * A type of announcement, kind of object or reason that is never given: it stands for those that this version does not
 * know (PROTOCOL.md 12.1).
 */
export const NEVER_GIVEN = 0xff;
/** The type of control frame that is never given. */
export const CONTROL_NEVER_GIVEN = 0xf;

/** Announcements: outside a session, CRC without a tag (PROTOCOL.md 5.1 to 5.8, 5.15, 5.16, 5.19, 5.20). */
export const AnnounceType = {
  query: 0x01,
  beacon: 0x02,
  distress: 0x03,
  offer: 0x04,
  accept: 0x05,
  standDown: 0x06,
  refuse: 0x07,
  bye: 0x08,
  defer: 0x09,
  none: 0x0a,
  suspect: 0x0c,
  confirmed: 0x0d,
} as const;
export type AnnounceType = (typeof AnnounceType)[keyof typeof AnnounceType];

/** Control frames from target to rescuer: high half of the first byte (PROTOCOL.md 4.3, 5.9 to 5.12, 5.18). */
export const TargetControlType = {
  ack: 0x0,
  grant: 0x1,
  request: 0x2,
  busy: 0x3,
  done: 0x4,
  rateOk: 0x5,
} as const;
export type TargetControlType = (typeof TargetControlType)[keyof typeof TargetControlType];

/** Control frames from rescuer to target: high half of the first byte (PROTOCOL.md 5.13, 5.14, 5.17, 5.21). */
export const RescuerControlType = { later: 0x0, doneAck: 0x1, have: 0x2, rate: 0x3 } as const;
export type RescuerControlType = (typeof RescuerControlType)[keyof typeof RescuerControlType];

/** Kinds of object (PROTOCOL.md 4.6). */
export const ObjectKind = { manifest: 0x1, run: 0x2, uniform: 0x3, locator: 0x6 } as const;
export type ObjectKind = (typeof ObjectKind)[keyof typeof ObjectKind];

/** Codecs of a block: two bits in a data frame; in a set, bit 1 << codec (PROTOCOL.md 4.5). */
export const Codec = { raw: 0, uniform: 1, deflate: 2, dictionary: 3 } as const;
export type Codec = (typeof Codec)[keyof typeof Codec];

/** What the data of a coded block is, of codecs deflate and dictionary (PROTOCOL.md 4.5). */
export const CodedSubtype = { deflate: 0 } as const;

/** Most bytes of blocks that stand before a coded block's output, as its dictionary (PROTOCOL.md 4.5). */
export const DICTIONARY_MAX = 32_768;

/** The set of codecs that holds just `codec`. */
export function codecBit(codec: Codec): number {
  return 1 << codec;
}

/** Bits of a packet number in a frame (PROTOCOL.md 4.1). */
export const PACKET_NUMBER_BITS = 12;
/** Fewer packets than this may be in flight, so that 12 bits always tell which one is meant (PROTOCOL.md 4.1). */
export const IN_FLIGHT_MAX: number = 1 << (PACKET_NUMBER_BITS - 2);

/** Chunk offsets are multiples of this many bytes; positions in data frames count in it (PROTOCOL.md 4.5). */
export const CHUNK_UNIT = 32;
/** Positions repeat after this many bytes: two blocks this far apart are never open at once (PROTOCOL.md 4.5). */
export const POSITION_SPAN: number = 0x1_0000 * CHUNK_UNIT;

/** Smallest and largest payload of a data or object frame, in bytes (PROTOCOL.md 4.7). */
export const PAYLOAD_MIN = 32;
export const PAYLOAD_MAX = 4096;

/** Header of a data frame: class and packet number, position (PROTOCOL.md 4.5). */
export const DATA_HEADER_LENGTH = 4;
/** Header of an object frame (PROTOCOL.md 4.6). */
export const OBJECT_HEADER_LENGTH = 11;

/** Longest frame, header to CRC, before COBS (PROTOCOL.md 3.1). */
export const FRAME_MAX: number = OBJECT_HEADER_LENGTH + PAYLOAD_MAX + CRC_LENGTH;
/** Shortest frame that means anything: one byte and the CRC. */
export const FRAME_MIN: number = 1 + CRC_LENGTH;

/** Bytes of an id, a nonce, and a short digest. */
export const ID_LENGTH = 8;
export const NONCE_LENGTH = 8;
export { SHORT_DIGEST_LENGTH } from "../base/digest.ts";

/** Types of extensions; bit 7, critical, is set in none (PROTOCOL.md 3.5). */
export const ExtensionType = {
  linkProof: 0x01,
  partial: 0x04,
  inline: 0x05,
  limits: 0x06,
  forms: 0x07,
  mended: 0x08,
  changes: 0x09,
  locator: 0x0a,
  call: 0x0b,
} as const;
/** What a line may do to the bytes of frames: bits of the extension *changes* (PROTOCOL.md 2.6). */
export const LineChangeBit = {
  telnet: 0x01,
  "flow-control": 0x02,
  "line-ends": 0x04,
  terminal: 0x08,
  "zeros-dropped": 0x10,
  "seven-bits": 0x20,
} as const;
/** Bytes of the mask in front of a call that a query carries (PROTOCOL.md 5.1). */
export const CALL_MASK_LENGTH = 3;
/** Bytes of the value of *limits* (PROTOCOL.md 5.4). */
export const LIMITS_LENGTH = 6;
/** What a board that takes images inline has room for in a frame, and blocks of such an image at most (PROTOCOL.md 6.10). */
export const INLINE_PAYLOAD_MAX = 256;
export const INLINE_BLOCKS_MAX = 16;
/** Bytes of a MAC under a link key, and of the frame counter beside it (PROTOCOL.md 14.3, 14.4). */
export const LINK_MAC_LENGTH = 8;
/** Bytes of the digest of the call that an offer answers, in its proof (PROTOCOL.md 14.3). */
export const CALL_NAME_LENGTH = 8;
export const SEAL_COUNTER_LENGTH = 4;
/** What a seal adds to each frame of a session with a link key (PROTOCOL.md 14.4). */
export const SEAL_LENGTH: number = SEAL_COUNTER_LENGTH + LINK_MAC_LENGTH;
/** Largest payload of a sealed frame, a multiple of CHUNK_UNIT that leaves FRAME_MAX as it is (PROTOCOL.md 14.4). */
export const SEALED_PAYLOAD_MAX = 4064;
/** Last byte of the info that a key is derived with: who sends under it, and what (PROTOCOL.md 14.2). */
export const LinkKeyUse = {
  targetHandshake: 0x01,
  rescuerHandshake: 0x02,
  targetSession: 0x03,
  rescuerSession: 0x04,
  advice: 0x05,
} as const;
export type LinkKeyUse = (typeof LinkKeyUse)[keyof typeof LinkKeyUse];

/** Packet numbers that the bitmap of an ack reaches back from the highest one (PROTOCOL.md 4.3). */
export const ACK_BITMAP_LENGTH = 14;
export const ACK_REACH: number = ACK_BITMAP_LENGTH * 8;
/** Unit of the delay in an ack, in milliseconds: 256 microseconds (PROTOCOL.md 4.3). */
export const ACK_DELAY_UNIT_MS = 0.256;

/** Most entries in one grant, request and have (PROTOCOL.md 5.9, 5.10, 5.21), so that the frame stays within 64 bytes. */
export const GRANT_ENTRIES_MAX = 10;
export const REQUEST_ENTRIES_MAX = 12;
export const HAVE_ENTRIES_MAX = 8;
/** Levels that stand for the manifest and for the locator in a request (PROTOCOL.md 5.10, 6.11). */
export const MANIFEST_LEVEL = 0xff;
export const LOCATOR_LEVEL = 0xfe;
/** Longest locator, in bytes (PROTOCOL.md 6.11). */
export const LOCATOR_MAX = 640;

/**
 * Bytes on the wire that a message may take, extensions and both delimiters included (PROTOCOL.md 5). `carrier`: a query that
 * carries a call.
 */
export const WireLimit = { announcement: 96, carrier: 104, control: 64, ack: 32 } as const;

/**
 * Longest manifest object that a target takes in, in bytes (PROTOCOL.md 4.6): the longest envelope, 623 bytes
 * (PROTOCOL.md 8.2), rounded up to whole chunk units.
 */
export const MANIFEST_MAX = 640;
/** Smallest and largest block of an image in bytes (PROTOCOL.md 7.1). */
export const BLOCK_MIN = 1024;
export const BLOCK_MAX = 65536;

/** Flags of a beacon or distress (PROTOCOL.md 5.2). */
export const BeaconFlag = {
  bootable: 0x01,
  provider: 0x02,
  receiving: 0x04,
  installed: 0x08,
  linkKey: 0x10,
  trial: 0x20,
  wantsUpdate: 0x40,
  served: 0x80,
} as const;

/** Bits of an accept, beside its codecs (PROTOCOL.md 5.4). */
export const AcceptFlag = { run: 0x10, path: 0x20, blank: 0x40 } as const;
/** Bits of an accept that hold its codecs. */
export const ACCEPT_CODECS = 0x0f;

/** Reasons in a refusal (PROTOCOL.md 5.7); the names are those of base/refusal.ts. */
export const RefusalCode = {
  signature: 1,
  unsigned: 2,
  hardware: 3,
  version: 4,
  counter: 5,
  size: 6,
  "block-size": 7,
  role: 8,
  manifest: 9,
  healthy: 10,
  quarantined: 11,
  protocol: 12,
  flash: 13,
  "link-key": 14,
} as const;

/** Why a rescuer has nothing: a code of RefusalCode, or this one (PROTOCOL.md 5.16). */
export const NO_IMAGE_CODE = 0;

/** Why a target waits with an image (PROTOCOL.md 5.15). */
export const DeferCode = { begun: 1, wear: 2, soak: 3, ring: 4, trial: 5 } as const;

/** Reasons not to boot, in a beacon (PROTOCOL.md 5.2); 0 means bootable. Names: base/refusal.ts. */
export const BootFailureCode = {
  empty: 1,
  receiving: 2,
  hash: 3,
  signature: 4,
  manifest: 5,
  counter: 6,
  hardware: 7,
  reverted: 8,
} as const;

/** Reasons of a bye (PROTOCOL.md 5.8). */
export const ByeReason = { stopped: 1, failed: 2, timeout: 3 } as const;
export type ByeReason = (typeof ByeReason)[keyof typeof ByeReason];
