import { equalBytes } from "../base/bytes.ts";
import { cryptoPort } from "../base/crypto-port.ts";
import { CALL_NAME_LENGTH, CRC_LENGTH } from "../wire/constants.ts";
import { encodeMessage } from "../wire/frame.ts";
import type { Beacon } from "../wire/messages.ts";

/** Calls that a target remembers: what they say changes with its status only. */
const CALLS_MAX = 4;
/** Announcements have no session: their CRC does not depend on a tag, and is cut off. */
const ANY_TAG = 1;

/** The digest of a call: SHA-256 of the frame that it came in, without CRC (PROTOCOL.md 14.2). */
export function callDigestOf(covered: Uint8Array): Uint8Array {
  return cryptoPort().sha256(covered);
}

/** What an offer's proof says in plain of the call that it answers: the first bytes of its digest (PROTOCOL.md 14.3). */
export function callNameOf(digest: Uint8Array): Uint8Array {
  return digest.subarray(0, CALL_NAME_LENGTH);
}

/** The digests of the last calls of a target in this start, each once: an offer has to answer one of them. */
export class SentCalls {
  /** The newest first. */
  #digests: readonly Uint8Array[] = [];

  /** This call is sent. */
  note(call: Beacon): void {
    const digest = callDigestOf(encodeMessage(call, ANY_TAG).subarray(0, -CRC_LENGTH));
    const others = this.#digests.filter((known) => !equalBytes(known, digest));
    this.#digests = [digest, ...others].slice(0, CALLS_MAX);
  }

  /** The digest of the call with this name; undefined if it is none of these. */
  find(name: Uint8Array): Uint8Array | undefined {
    return this.#digests.find((digest) => equalBytes(callNameOf(digest), name));
  }
}
