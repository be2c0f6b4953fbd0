import { concatBytes, EMPTY, equalBytes } from "../../base/bytes.ts";
import {
  AnnounceType,
  FRAME_MIN,
  FrameClass,
  LineChangeBit,
  PROTOCOL_VERSION,
  WireLimit,
} from "../../wire/constants.ts";
import { CRC_RESIDUE, crcStart, crcStep } from "../../wire/crc-steps.ts";
import { crcMatches } from "../../wire/frame.ts";
import { type LineCode, RUN_MAX } from "../../wire/line-code.ts";
import {
  CARETS,
  CHANGE_KINDS,
  type ChangeKind,
  hasEchoedHead,
  hasOddParity,
  hasSevenBits,
  LINE_CHANGES,
  type LineChange,
  OPTIONS,
  optionsLength,
  SEVEN_BITS,
  undone,
  ZERO_BEHIND_CR,
  ZEROS_DROPPED,
} from "./line-changes.ts";
import { findMissing, type Missing } from "./missing-bytes.ts";

/** Frames that must show the same change, with nothing between that denies it, until it is named. */
const PROOFS_MIN = 3;
/** Bytes of damaged runs that may be examined in advance, and the share of all bytes received that may be. */
const EXAMINED_FIRST = 4096;
const EXAMINED_SHARE = 16;
/** Looking for two missing bytes costs this many times as much as for one. */
const TWICE_COST = 8;
/** Shortest run that is judged by its top bits: announcements hold an id, a nonce or a digest, and a CRC. */
const SEVEN_BITS_LENGTH_MIN = 20;
/** Different frames whose top bits agree, by chance in one of 2^32 cases: each has four bytes of CRC. */
const SEVEN_BITS_FRAMES_MIN = 8;
/** A board that calls says two announcements by turns (PROTOCOL.md 5.2). */
const ALTERNATING = 2;
/** Two options in a row: noise has them once in 10^10 runs. */
const OPTIONS_LENGTH_MIN = 6;

const CR = 0x0d;
const ANNOUNCE: number = FrameClass.announce | (PROTOCOL_VERSION << 4);
const TYPE_MAX: number = Math.max(...Object.values(AnnounceType));

/**
 * Recognises what a line does to the bytes of all frames: a tty or a server between that is not set to pass bytes as they
 * are. Proved by undoing it in damaged frames: their CRC is right then. Three frames have to show the same, and no run
 * between them may hold what such a line does not let through; random damage does not do that.
 */
export class ChangedFrames {
  readonly #code: LineCode;
  /** The tag of the present session. */
  readonly #tag: () => number | undefined;
  readonly #proofs: Map<LineChange, number> = new Map();
  readonly #reported: Set<ChangeKind> = new Set();
  readonly #unreported: ChangeKind[] = [];
  #budget: number = EXAMINED_FIRST;
  /** Runs that ended in CR, without the zeros between. */
  #held: Uint8Array = EMPTY;
  #lasts: readonly Uint8Array[] = [];
  #sevenBitFrames = 0;
  #told = 0;
  #hasHeardChanged = false;

  constructor(code: LineCode, tag: () => number | undefined) {
    this.#code = code;
    this.#tag = tag;
  }

  /** What the line does, as far as it is proved: the first that was, first. May change after: {@link observe}. */
  get kinds(): readonly ChangeKind[] {
    return [...new Set([...this.#provenKinds, ...CHANGE_KINDS.filter((kind) => isIn(this.#told, kind))])];
  }

  get #provenKinds(): readonly ChangeKind[] {
    return [...this.#proofs].filter(([, proofs]) => proofs >= PROOFS_MIN).map(([{ kind }]) => kind);
  }

  /** What is proved here, as a set of {@link LineChangeBit}; undefined for nothing. */
  get provenBits(): number | undefined {
    return this.#provenKinds.reduce<number | undefined>(
      (bits, kind) => (bits ?? 0) | LineChangeBit[kind],
      undefined,
    );
  }

  /** The peer said what the line does to bytes that go its way: a set of {@link LineChangeBit}. */
  noteTold(bits: number): void {
    this.#told = bits;
    for (const kind of CHANGE_KINDS) if (isIn(bits, kind)) this.#report(kind);
  }

  /** The last run is a frame as it was before the line changed it, and the change is named. */
  get hasHeardChanged(): boolean {
    return this.#hasHeardChanged;
  }

  /** A kind that was not reported yet; each is reported once. */
  takeUnreported(): ChangeKind | undefined {
    return this.#unreported.shift();
  }

  /** Takes in a run as the splitter gave it, closing delimiter included. `isFrame`: its CRC was right. Never throws. */
  observe(run: Uint8Array, isFrame: boolean): void {
    this.#budget = Math.min(EXAMINED_FIRST, this.#budget + run.length / EXAMINED_SHARE);
    for (const [change] of this.#proofs) if (change.denies(run, isFrame)) this.#proofs.delete(change);
    this.#hasHeardChanged = false;
    // A line held low gives hundreds of thousands of zeros a second.
    if (run.length === 1 && run[0] === this.#code.delimiter) return;
    const isDelimited = run.at(-1) === this.#code.delimiter;
    if (optionsLength(run) >= OPTIONS_LENGTH_MIN) this.#prove(OPTIONS, run, PROOFS_MIN);
    if (isFrame) this.#observeFrame(run, isDelimited);
    else if (!isDelimited) this.#observeLoose(run);
    else if (run.length > 1) this.#observeFramed(run.subarray(0, -1));
  }

  #observeFrame(run: Uint8Array, isDelimited: boolean): void {
    this.#held = EMPTY;
    this.#sevenBitFrames = 0;
    if (!isDelimited) this.#prove(ZEROS_DROPPED, run);
  }

  #observeLoose(run: Uint8Array): void {
    this.#held = EMPTY;
    if (!this.#spend(run.length)) return;
    if (this.#beginsWithFrame(run)) this.#prove(ZEROS_DROPPED, run);
    if (hasEchoedHead(run)) this.#prove(CARETS, run);
    if (run.length < SEVEN_BITS_LENGTH_MIN || !hasOddParity(run)) return;
    for (const piece of withoutZeros(run.map((byte) => byte & 0x7f))) this.#observeSevenBits(piece);
  }

  #observeFramed(body: Uint8Array): void {
    const held = this.#held;
    this.#held = body.at(-1) === CR && held.length + body.length <= RUN_MAX ? concatBytes(held, body) : EMPTY;
    if (hasSevenBits(body)) this.#observeSevenBits(body);
    else this.#sevenBitFrames = 0;
    if (body.length < FRAME_MIN - 1 || !this.#spend(body.length)) return;
    if (held.length > 0 && this.#isFrame(concatBytes(held, body))) this.#prove(ZERO_BEHIND_CR, body);
    for (const change of this.#changesIn(body) ?? []) this.#prove(change, body);
  }

  #spend(cost: number): boolean {
    if (this.#budget < cost && this.#budget < EXAMINED_FIRST) return false;
    this.#budget -= cost;
    return true;
  }

  /** The changes that are undone when the CRC is right, found by trying each that the run does not deny. */
  #changesIn(body: Uint8Array): readonly LineChange[] | undefined {
    const possible = LINE_CHANGES.filter((change) => !change.denies(body, false));
    for (const change of possible) {
      let isFirst = true;
      for (const was of change.undo === undefined ? [] : undone(body, change.undo)) {
        if (this.#isFrame(was)) return [change];
        const others = isFirst ? this.#furtherChangesIn(was, change, possible) : undefined;
        if (others !== undefined) return [change, ...others];
        isFirst = false;
      }
    }
    return this.#lossIn(body, possible) ?? this.#twoLossesIn(body, possible);
  }

  /** What else is undone in a run in which one change was. */
  #furtherChangesIn(
    body: Uint8Array,
    first: LineChange,
    possible: readonly LineChange[],
  ): readonly LineChange[] | undefined {
    for (const change of possible) {
      if (change.undo === undefined || change.kind === first.kind) continue;
      for (const was of undone(body, change.undo)) if (this.#isFrame(was)) return [change];
    }
    return this.#lossIn(body, possible) ?? this.#twoLossesIn(body, possible);
  }

  #lossIn(body: Uint8Array, possible: readonly LineChange[]): readonly LineChange[] | undefined {
    const bytes = possible.flatMap(({ takes = [] }) => takes);
    const pairs = possible.flatMap(({ takesPairs = [] }) => takesPairs);
    const isTaken = (missing: Missing, { takes, takesPairs }: LineChange): boolean =>
      typeof missing === "number"
        ? takes?.includes(missing) === true
        : takesPairs?.includes(missing) === true;
    for (const start of this.#starts()) {
      const missing = findMissing(body, start, bytes, pairs);
      if (missing !== undefined) return possible.filter((change) => isTaken(missing, change));
    }
    return undefined;
  }

  /** Looks for two missing bytes in what is like an announcement: those that a board repeats may all lack two. */
  #twoLossesIn(body: Uint8Array, possible: readonly LineChange[]): readonly LineChange[] | undefined {
    const { headAt } = this.#code;
    const hasHead = body[headAt] === ANNOUNCE || body[headAt - 1] === ANNOUNCE;
    if (!hasHead || body.length > WireLimit.carrier) return undefined;
    if (!this.#spend(body.length * TWICE_COST)) return undefined;
    for (const first of possible)
      for (const byte of first.takes ?? [])
        for (let at = 1; at <= body.length; at++) {
          const whole = concatBytes(body.subarray(0, at), Uint8Array.of(byte), body.subarray(at));
          const alike = possible.filter(({ kind }) => kind === first.kind);
          const more = this.#lossIn(whole, alike);
          if (more !== undefined) return [first, ...more.filter((change) => change !== first)];
        }
    return undefined;
  }

  #starts(): readonly number[] {
    const tag = this.#tag();
    return tag === undefined ? [crcStart(undefined)] : [crcStart(undefined), crcStart(tag)];
  }

  #isFrame(body: Uint8Array): boolean {
    const frame = this.#code.decode(body);
    if (frame === undefined) return false;
    const tag = this.#tag();
    return crcMatches(frame, undefined) || (tag !== undefined && crcMatches(frame, tag));
  }

  /** Whether the run begins with a frame in COBS, and more follows without a delimiter. */
  #beginsWithFrame(run: Uint8Array): boolean {
    return this.#starts().some((start) => {
      let register = start;
      for (let at = 0; at < run.length; ) {
        const code = run[at] as number;
        const next = at + code;
        if (code === 0 || next > run.length) return false;
        for (let i = at + 1; i < next; i++) register = crcStep(register, run[i] as number);
        if (register === CRC_RESIDUE && next > FRAME_MIN) return true;
        if (code < 0xff) register = crcStep(register, 0);
        at = next;
      }
      return false;
    });
  }

  /** The eighth bit cannot be put back: the same announcement three times, or many frames without one. */
  #observeSevenBits(body: Uint8Array): void {
    if (body.length < SEVEN_BITS_LENGTH_MIN) return;
    const isLike = this.#isLikeAnnouncement(body);
    if (!isLike && this.#code.decode(body) === undefined) return;
    const isRepeated = isLike && this.#lasts.some((last) => equalBytes(body, last));
    this.#sevenBitFrames++;
    if (isRepeated) this.#prove(SEVEN_BITS, body);
    else if (this.#sevenBitFrames >= SEVEN_BITS_FRAMES_MIN) this.#prove(SEVEN_BITS, body, PROOFS_MIN);
    else if (isLike) {
      this.#proofs.delete(SEVEN_BITS);
      this.#prove(SEVEN_BITS, body);
    }
    if (isLike && !isRepeated) this.#lasts = [...this.#lasts.slice(1 - ALTERNATING), body.slice()];
  }

  /** Short enough, with the first two bytes of an announcement but for bit 7, even if the byte before them is lost. */
  #isLikeAnnouncement(body: Uint8Array): boolean {
    if (body.length > WireLimit.carrier) return false;
    const { headAt } = this.#code;
    return [headAt, headAt - 1].some((at) => {
      const type = (body[at + 1] ?? 0) & 0x7f;
      return ((body[at] ?? 0) & 0x7f) === ANNOUNCE && type >= 1 && type <= TYPE_MAX;
    });
  }

  #prove(change: LineChange, run: Uint8Array, weight = 1): void {
    if (change.denies(run, false)) return;
    const proofs = (this.#proofs.get(change) ?? 0) + weight;
    this.#proofs.set(change, proofs);
    if (proofs < PROOFS_MIN) return;
    // A terminal that echoes sends back what this end said itself.
    this.#hasHeardChanged ||= change !== CARETS;
    this.#report(change.kind);
  }

  #report(kind: ChangeKind): void {
    if (this.#reported.has(kind)) return;
    this.#reported.add(kind);
    this.#unreported.push(kind);
  }
}

function isIn(bits: number, kind: ChangeKind): boolean {
  return (bits & LineChangeBit[kind]) !== 0;
}

/** The pieces between zeros. */
function withoutZeros(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let from = 0; from <= bytes.length; ) {
    const zero = bytes.indexOf(0, from);
    const end = zero < 0 ? bytes.length : zero;
    if (end > from) pieces.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return pieces;
}
