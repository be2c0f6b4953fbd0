import { ByteReader, EMPTY } from "../base/bytes.ts";
import { CALL_NAME_LENGTH, CRC_LENGTH, ExtensionType, LINK_MAC_LENGTH, NONCE_LENGTH } from "./constants.ts";
import { encodeBody } from "./message-codec.ts";
import type { Message } from "./messages.ts";

/** The extension by which the sender of an offer, or of an answer to one, proves its link key (PROTOCOL.md 14.3). */
export interface LinkProof {
  /** The bytes that the MAC covers: the frame up to it. A view. */
  readonly covered: Uint8Array;
  /** In an offer: the first bytes of the digest of the call that it answers. In an accept: fresh bytes for the session's keys. */
  readonly extra: Uint8Array;
  /** Empty when the extension is malformed. */
  readonly mac: Uint8Array;
}

/** Bytes in front of the MAC. */
const EXTRA_LENGTH: Partial<Record<Message["tag"], number>> = {
  offer: CALL_NAME_LENGTH,
  accept: NONCE_LENGTH,
};

const PROVEN: ReadonlySet<Message["tag"]> = new Set([
  "offer",
  "accept",
  "standDown",
  "refuse",
  "bye",
  "defer",
  "suspect",
  "confirmed",
]);

/** The extension's bytes in front of the MAC: the last ones that it covers. */
export function linkProofHead(extra: Uint8Array): Uint8Array {
  return Uint8Array.of(ExtensionType.linkProof, extra.length + LINK_MAC_LENGTH, ...extra);
}

/** The proof in the frame that `message` was decoded from; undefined when there is none. */
export function linkProofOf(message: Message, frame: Uint8Array): LinkProof | undefined {
  if (!PROVEN.has(message.tag)) return undefined;
  const covered = frame.subarray(0, frame.length - CRC_LENGTH);
  const r = new ByteReader(covered);
  r.bytes(2 + encodeBody(message).length);
  while (r.remaining > 0) {
    const type = r.u8();
    const value = r.bytes(r.u8());
    if (type === ExtensionType.linkProof) return proofFrom(message, covered, value, r.remaining === 0);
  }
  return undefined;
}

/** The proof has to be the last extension: a MAC does not cover what follows it. */
function proofFrom(message: Message, frame: Uint8Array, value: Uint8Array, isLast: boolean): LinkProof {
  const extraLength = EXTRA_LENGTH[message.tag] ?? 0;
  if (!isLast || value.length !== extraLength + LINK_MAC_LENGTH) {
    return { covered: frame, extra: EMPTY, mac: EMPTY };
  }
  const covered = frame.subarray(0, frame.length - LINK_MAC_LENGTH);
  return { covered, extra: value.subarray(0, extraLength), mac: value.subarray(extraLength) };
}
