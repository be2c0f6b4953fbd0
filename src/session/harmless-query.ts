import { equalBytes } from "../base/bytes.ts";
import { type Random, randomBelow } from "../base/prng.ts";
import { CONTROL_MENDABLE } from "../link/forms/control-forms.ts";
import type { Link } from "../link/link.ts";
import { encodeDelimited } from "../wire/cobs.ts";
import { CALL_MASK_LENGTH, ID_LENGTH, NONCE_LENGTH } from "../wire/constants.ts";
import { encodeCodedFrame } from "../wire/fec/coded-frame.ts";
import { encodeMessage } from "../wire/frame.ts";
import { maskedCall } from "../wire/masked-call.ts";
import type { Query } from "../wire/messages.ts";

/**
 * Keys by which shells, gettys and boot loaders execute a line, break it off or stop their output: end of text and of input
 * (03, 04), line ends (0A, 0D), Readline's execute-and-next (0F), XON and XOFF (11, 13), the prefixes of its longer commands
 * (18, 1B), suspend (1A), quit (1C).
 */
const KEYS: ReadonlySet<number> = new Set([0x03, 0x04, 0x0a, 0x0d, 0x0f, 0x11, 0x13, 0x18, 0x1a, 0x1b, 0x1c]);
/** Readline's insert-comment, which executes a line, where it takes bit 7 for Meta. */
const META_COMMENT = 0xa3;
const LOW_BITS = 0x7f;
/** A delimiter on a line of seven bits, which would have parts of a frame taken for text. */
const CUT_ZERO = 0x80;
/**
 * One draw in four is harmless, with a copy in the second form one in fifty. Where what the line changes is a key itself, none is; then a node was
 * recognised by its frames.
 */
const TRIES_MAX = 500;
/** Bytes of the marker in front of the second form, which are the same for all. */
const MARKER_LENGTH = 4;

/** Whether a shell that gets these bytes for keys executes nothing and breaks nothing off; on a line of seven bits, too. */
export function isHarmless(bytes: Uint8Array): boolean {
  return !bytes.some(isKey);
}

function isKey(byte: number): boolean {
  return KEYS.has(byte & LOW_BITS) || byte === META_COMMENT;
}

/**
 * Makes the queries of a node that does not know who reads the line, bare or with a call under a mask. Their id, nonce and mask
 * are drawn until the frame is harmless where a shell or a boot loader takes it for keys (PROTOCOL.md 2.4).
 */
export class HarmlessQueries {
  readonly #link: Link;
  readonly #random: Random;
  #query: Query | undefined;
  #carrying: { readonly query: Query; readonly call: Uint8Array } | undefined;

  constructor(link: Link, random: Random) {
    this.#link = link;
    this.#random = random;
  }

  /** The next query: as the one before, unless what the link says of itself in it has changed. */
  next(): Query {
    this.#query = this.#harmless(this.#query, () => this.#draw());
    return this.#query;
  }

  /** The next one that carries this call, whose frame it is without CRC: as the one before, unless it is another call. */
  carrying(call: Uint8Array): Query {
    const old =
      this.#carrying !== undefined && equalBytes(this.#carrying.call, call) ? this.#carrying : undefined;
    const query = this.#harmless(old?.query, () => ({
      ...this.#draw(),
      call: maskedCall(call, this.#drawMask(call)),
    }));
    this.#carrying = { query, call };
    return query;
  }

  /** Whether the last bare query had this id: it is heard back. */
  isOwn(nodeId: Uint8Array): boolean {
    return this.#query !== undefined && equalBytes(nodeId, this.#query.nodeId);
  }

  #harmless(before: Query | undefined, draw: () => Query): Query {
    let query = before ?? draw();
    for (let tries = 1; tries < TRIES_MAX && !this.#isHarmless(query); tries++) query = draw();
    return query;
  }

  /** Random bytes without keys. One of them is zero, or COBS would begin with a code that depends on the length alone. */
  #draw(): Query {
    const bytes = new Uint8Array(ID_LENGTH + NONCE_LENGTH);
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.#drawByte(() => true);
    bytes[randomBelow(this.#random, bytes.length)] = 0;
    return { tag: "query", nodeId: bytes.subarray(0, ID_LENGTH), bootNonce: bytes.subarray(ID_LENGTH) };
  }

  /** A mask under which no byte of the call is a key. */
  #drawMask(call: Uint8Array): Uint8Array {
    return Uint8Array.from({ length: CALL_MASK_LENGTH }, (_, column) => {
      const under = call.filter((_byte, i) => i % CALL_MASK_LENGTH === column);
      return this.#drawByte((mask) => under.every((byte) => isPlain(byte ^ mask)));
    });
  }

  #drawByte(isGood: (byte: number) => boolean): number {
    let byte = randomBelow(this.#random, 0x100);
    for (let tries = 1; tries < TRIES_MAX && !(isPlain(byte) && isGood(byte)); tries++)
      byte = randomBelow(this.#random, 0x100);
    return byte;
  }

  /** With the copy in the second form that may go with it (PROTOCOL.md 2.5), but for the marker in front of that. */
  #isHarmless(query: Query): boolean {
    const frame = encodeMessage(this.#link.announced(query), 0);
    const wire = encodeDelimited(frame);
    if (!isHarmless(wire) || wire.includes(CUT_ZERO)) return false;
    return (
      !this.#link.isHunting || isHarmless(encodeCodedFrame(frame, CONTROL_MENDABLE).subarray(MARKER_LENGTH))
    );
  }
}

/** Neither a key nor zero, behind which COBS puts a code; on a line of seven bits neither. */
function isPlain(byte: number): boolean {
  return (byte & LOW_BITS) !== 0 && !isKey(byte);
}
