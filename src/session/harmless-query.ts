import { equalBytes } from "../base/bytes.ts";
import { type Random, randomBelow } from "../base/prng.ts";
import type { Link } from "../link/link.ts";
import { encodeDelimited } from "../wire/cobs.ts";
import { ID_LENGTH, NONCE_LENGTH } from "../wire/constants.ts";
import { encodeMessage } from "../wire/frame.ts";
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
/** One draw in four is harmless. Where what the line changes is a key itself, none is; then a node was recognised by its frames. */
const TRIES_MAX = 200;

/** Whether a shell that gets these bytes for keys executes nothing and breaks nothing off; on a line of seven bits, too. */
export function isHarmless(bytes: Uint8Array): boolean {
  return !bytes.some(isKey);
}

function isKey(byte: number): boolean {
  return KEYS.has(byte & LOW_BITS) || byte === META_COMMENT;
}

/**
 * Makes the queries of a node that does not know who reads the line. Their id and nonce are drawn until the frame is harmless
 * where a shell or a boot loader takes it for keys (PROTOCOL.md 2.4).
 */
export class HarmlessQueries {
  readonly #link: Link;
  readonly #random: Random;
  #query: Query | undefined;

  constructor(link: Link, random: Random) {
    this.#link = link;
    this.#random = random;
  }

  /** The next query: as the one before, unless what the link says of itself in it has changed. */
  next(): Query {
    let query = this.#query ?? this.#draw();
    for (let tries = 1; tries < TRIES_MAX && !this.#isHarmless(query); tries++) query = this.#draw();
    this.#query = query;
    return query;
  }

  /** Whether the last query had this id: it is heard back. */
  isOwn(nodeId: Uint8Array): boolean {
    return this.#query !== undefined && equalBytes(nodeId, this.#query.nodeId);
  }

  /** Random bytes without keys. One of them is zero, or COBS would begin with a code that depends on the length alone. */
  #draw(): Query {
    const bytes = new Uint8Array(ID_LENGTH + NONCE_LENGTH);
    for (let i = 0; i < bytes.length; ) {
      const byte = randomBelow(this.#random, 0x100);
      if (byte !== 0 && !isKey(byte)) bytes[i++] = byte;
    }
    bytes[randomBelow(this.#random, bytes.length)] = 0;
    return { tag: "query", nodeId: bytes.subarray(0, ID_LENGTH), bootNonce: bytes.subarray(ID_LENGTH) };
  }

  #isHarmless(query: Query): boolean {
    return isHarmless(encodeDelimited(encodeMessage(this.#link.announced(query), 0)));
  }
}
