import { equalBytes } from "../../base/bytes.ts";
import { AnnounceType, FrameClass, PROTOCOL_VERSION, WireLimit } from "../../wire/constants.ts";
import { crcMatches } from "../../wire/frame.ts";
import type { LineCode } from "../../wire/line-code.ts";

/** What a tty can do to every frame. */
export type Mangling = "flow-control" | "line-ends" | "seven-bits";

/** Announcements in a row that show the same mangling before it is named. */
const AGREEING_MIN = 3;
/** Runs that may be examined in a row, and bytes received for each further one: one takes up to 0.2 ms. */
const TRIES_MAX = 8;
const BYTES_PER_TRY = 2048;
/** Shortest run that is judged by its top bits: announcements hold an id, a nonce or a digest, and a CRC. */
const SEVEN_BITS_LENGTH_MIN = 20;

const XON = 0x11;
const XOFF = 0x13;
const CR = 0x0d;
const LF = 0x0a;
const ANNOUNCE: number = FrameClass.announce | (PROTOCOL_VERSION << 4);
const TYPE_MAX: number = Math.max(...Object.values(AnnounceType));

/**
 * Recognises announcements that a tty changes: it removes XON and XOFF, translates line ends, or clears the eighth bit.
 * The first two are proved by undoing them: the CRC is right then. Three announcements in a row have to show the same,
 * which random damage does not.
 */
export class MangledFrames {
  readonly #code: LineCode;
  #mangling: Mangling | undefined;
  #agreeing = 0;
  #last: Uint8Array = new Uint8Array(0);
  #tries = TRIES_MAX;
  #bytes = 0;

  constructor(code: LineCode) {
    this.#code = code;
  }

  /** A whole frame came: forgets the evidence. */
  reset(): void {
    this.#agreeing = 0;
  }

  /** Other bytes came: they count towards further tries. */
  refill(bytes: number): void {
    this.#bytes += bytes;
    const earned = Math.floor(this.#bytes / BYTES_PER_TRY);
    this.#bytes -= earned * BYTES_PER_TRY;
    this.#tries = Math.min(TRIES_MAX, this.#tries + earned);
  }

  /** Takes in a damaged run between two delimiters; the mangling that the last three announcements show. */
  observe(body: Uint8Array): Mangling | undefined {
    this.refill(body.length);
    if (!this.#isLikeAnnouncement(body)) return undefined;
    const mangling = this.#manglingOf(body);
    if (mangling === undefined) {
      if (this.#mangling !== undefined && isDenied(this.#mangling, body)) this.#agreeing = 0;
      return undefined;
    }
    const isNext = mangling === this.#mangling && (mangling !== "seven-bits" || equalBytes(body, this.#last));
    this.#agreeing = isNext ? this.#agreeing + 1 : 1;
    this.#mangling = mangling;
    this.#last = body.slice();
    return this.#agreeing >= AGREEING_MIN ? mangling : undefined;
  }

  #manglingOf(body: Uint8Array): Mangling | undefined {
    if (this.#tries === 0) return undefined;
    this.#tries--;
    if (this.#lacksFlowControl(body)) return "flow-control";
    if (this.#hasLineEndsTranslated(body)) return "line-ends";
    return hasSevenBits(body) && body.length >= SEVEN_BITS_LENGTH_MIN ? "seven-bits" : undefined;
  }

  /** Short enough, with the first two bytes of an announcement but for bit 7, even if the byte before them is lost. */
  #isLikeAnnouncement(body: Uint8Array): boolean {
    if (body.length > WireLimit.announcement) return false;
    const { headAt } = this.#code;
    return [headAt, headAt - 1].some((at) => {
      const type = (body[at + 1] ?? 0) & 0x7f;
      return ((body[at] ?? 0) & 0x7f) === ANNOUNCE && type >= 1 && type <= TYPE_MAX;
    });
  }

  #isAnnouncement(body: Uint8Array): boolean {
    const frame = this.#code.decode(body);
    return frame !== undefined && frame[0] === ANNOUNCE && crcMatches(frame, undefined);
  }

  /** Whether one XON or XOFF inserted somewhere makes the CRC right. Two in one announcement are not looked for. */
  #lacksFlowControl(body: Uint8Array): boolean {
    if (isDenied("flow-control", body)) return false;
    const whole = new Uint8Array(body.length + 1);
    for (let at = 0; at <= body.length; at++) {
      whole.set(body.subarray(0, at));
      whole.set(body.subarray(at), at + 1);
      for (const byte of [XON, XOFF]) {
        whole[at] = byte;
        if (this.#isAnnouncement(whole)) return true;
      }
    }
    return false;
  }

  /** Whether CR became LF (all, or one of them), or LF became CR LF. */
  #hasLineEndsTranslated(body: Uint8Array): boolean {
    if (!body.includes(LF)) return false;
    const doubled = body.filter((byte, i) => byte !== CR || body[i + 1] !== LF);
    if (doubled.length < body.length && this.#isAnnouncement(doubled)) return true;
    if (body.includes(CR)) return false;
    if (this.#isAnnouncement(body.map((byte) => (byte === LF ? CR : byte)))) return true;
    return body.some((byte, at) => byte === LF && this.#isAnnouncement(body.with(at, CR)));
  }
}

/** Whether the run shows that the tty does not do this. */
function isDenied(mangling: Mangling, body: Uint8Array): boolean {
  if (mangling === "flow-control") return body.includes(XON) || body.includes(XOFF);
  return mangling === "line-ends" ? body.includes(CR) : !hasSevenBits(body);
}

/** Whether bit 7 is always 0, or always makes the number of ones even. */
function hasSevenBits(body: Uint8Array): boolean {
  return body.every((byte) => byte < 0x80) || body.every(hasEvenParity);
}

function hasEvenParity(byte: number): boolean {
  const nibble = byte ^ (byte >> 4);
  return ((0x6996 >> (nibble & 0x0f)) & 1) === 0;
}
