import type { Random } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import type { RttEstimator } from "../../src/link/rtt.ts";
import { applyTargetEffect, nodeStatusOf } from "../../src/node/target-effects.ts";
import { PLAIN_CODECS } from "../../src/session/codecs.ts";
import type { Deferral } from "../../src/session/handshake.ts";
import { LinkEnd } from "../../src/session/link-end.ts";
import { ImageHold } from "../../src/session/target/image-hold.ts";
import type { TargetEvent } from "../../src/session/target/target-events.ts";
import { TargetRole } from "../../src/session/target/target-role.ts";
import { TargetStart } from "../../src/session/target/target-start.ts";
import type { TreeDescent } from "../../src/session/target/tree-descent.ts";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { type BoardShape, CBoard, TsBoard } from "./boards.ts";
import type { CSide } from "./c-side.ts";

/** Polls of a side after which it ought to rest. */
const TURNS_MAX = 20_000;
/** Strikes after which the TypeScript side listens before it takes an offer (PROTOCOL.md 6.5). */
const STRIKES_FREE = 1;

/** What both targets are started with. */
export interface TargetShape extends BoardShape {
  /** Whole frames; else bytes of a stream. */
  readonly areFrames: boolean;
  readonly payloadMax: number;
  /** Blocks of `blockSize` that are buffered. */
  readonly openBlocks: number;
}

/** Bytes of a block's buffer on the C side: the block, and a bit for each 32 bytes of it. */
const roomOf = (block: number): number => block + block / 256 + 32;

/** Bytes of block buffers on the C side. */
export const bufferBytes = ({ blockSize, openBlocks }: TargetShape): number => openBlocks * roomOf(blockSize);

/** The largest block that the C side can buffer. */
export function largestBlock(shape: TargetShape): number {
  let largest = 65_536;
  while (largest > 1024 && roomOf(largest) > bufferBytes(shape)) largest /= 2;
  return largest;
}

const UNITS_PER_MS = 32;
const INITIAL_RTO_MS = 100;
const RTO_FLOOR_MS = 10;

/** The estimate of the round trip in the arithmetic of the C side, so that both wait for the same whole milliseconds. */
class WholeRtt {
  #smoothed: number | undefined;
  #variation = 0;

  /** Puts it in the place of a link's. */
  replace(rtt: RttEstimator): void {
    const value = (ms: Millis): void => this.#sample(ms);
    Object.defineProperties(rtt, { timeout: { get: () => this.#timeout }, sample: { value } });
  }

  #sample(ms: Millis): void {
    const sample = Math.floor(Math.max(0, ms)) * UNITS_PER_MS;
    if (this.#smoothed === undefined) {
      this.#smoothed = sample;
      this.#variation = Math.floor(sample / 2);
      return;
    }
    this.#variation = Math.floor((3 * this.#variation + Math.abs(sample - this.#smoothed)) / 4);
    this.#smoothed = Math.floor((7 * this.#smoothed + sample) / 8);
  }

  get #timeout(): Millis {
    if (this.#smoothed === undefined) return INITIAL_RTO_MS;
    const slack = Math.max(4 * this.#variation, RTO_FLOOR_MS * UNITS_PER_MS);
    return Math.ceil((this.#smoothed + slack) / UNITS_PER_MS);
  }
}

/** Holds to no image: the C side leaves that out, but bounds the changes of image as the TypeScript side does. */
class NoHold extends ImageHold {
  override defer(now: Millis, digest: Uint8Array): Deferral | undefined {
    const deferral = super.defer(now, digest);
    return deferral?.reason === "wear" ? deferral : undefined;
  }

  override yields(): boolean {
    return false;
  }
}

/** A frame, and when it was sent. */
export interface Sent {
  readonly at: Millis;
  readonly frame: Uint8Array;
}

/** A side of the comparison: a board with its target on a link. Times are whole milliseconds. */
export interface Side {
  readonly name: string;
  /** Frames that it sent since they were taken last. */
  takeSent(): Sent[];
  /** Power off and on. */
  start(now: Millis): void;
  advance(to: Millis): void;
  hear(now: Millis, frame: Uint8Array): void;
  /** The board is healed, and the target says nothing more. */
  readonly isFinished: boolean;
  readonly isInSession: boolean;
}

export class TsSide implements Side {
  readonly name = "TypeScript";
  readonly board: TsBoard;
  readonly #shape: TargetShape;
  readonly #random: Random;
  readonly #nonces: () => Uint8Array;
  #end: LinkEnd<TargetEvent>;
  #role: TargetRole;
  #now: Millis = 0;
  #sent: Sent[] = [];
  isFinished = false;
  #strikes = 0;
  #descent: TreeDescent | undefined;
  /** The manifest of the present session, or of the last one, was accepted. */
  isReceiving = false;
  /** Some manifest was accepted. */
  hasReceived = false;

  constructor(shape: TargetShape, flash: Uint8Array, random: Random, nonces: () => Uint8Array) {
    this.#shape = shape;
    this.#random = random;
    this.#nonces = nonces;
    this.board = new TsBoard(shape, flash, largestBlock(shape));
    [this.#end, this.#role] = this.#make(false);
  }

  #make(isForced: boolean): [LinkEnd<TargetEvent>, TargetRole] {
    const { areFrames, payloadMax, openBlocks } = this.#shape;
    const framing = areFrames ? ("message" as const) : ("stream" as const);
    const end = new LinkEnd<TargetEvent>({ baud: undefined, rtoFloorMs: RTO_FLOOR_MS, framing });
    new WholeRtt().replace(end.link.rtt);
    const { store } = this.board;
    const options = {
      random: this.#random,
      // In the distress of a board that boots this flag means nothing (PROTOCOL.md 5.2).
      status: () => ({ ...nodeStatusOf(store.status()), isTrial: store.status().isTrial && !isForced }),
      start: new TargetStart(this.#nonces),
      cause: isForced ? ("insists" as const) : ("help" as const),
      hold: new NoHold(),
      // As the C target does.
      callsPlainly: true,
      limits: { payloadMax, openBlocks, runs: 1, codecs: PLAIN_CODECS, asks: "run" as const },
    };
    return [end, end.exchange(this.#now, (host) => new TargetRole(this.#now, host, options))];
  }

  start(now: Millis): void {
    this.#now = now;
    this.isFinished = false;
    this.#strikes = 0;
    this.isReceiving = false;
    this.board.restart();
    // A target is only started on a board that boots if its owner insists.
    [this.#end, this.#role] = this.#make(this.board.store.status().isBootable);
    this.#end.handleLinkUp(now, true);
    this.#pump();
  }

  advance(to: Millis): void {
    for (let turns = 0; ; turns++) {
      if (turns > TURNS_MAX) throw new Error("timers of the TypeScript side do not let time pass");
      const at = this.#end.pollTimeout();
      if (at === undefined || at > to) break;
      this.#now = Math.max(this.#now, at);
      this.#pump();
    }
    this.#now = to;
  }

  hear(now: Millis, frame: Uint8Array): void {
    this.#now = now;
    if (this.#shape.areFrames) this.#end.handleFrame(now, frame);
    else this.#end.handleRun(now, encodeDelimited(frame).slice(1));
    this.#pump();
  }

  takeSent(): Sent[] {
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  get isInSession(): boolean {
    return this.#role.isServed;
  }

  /** It waits for a run of hashes. */
  get waitsForRun(): boolean {
    return this.isInSession && this.#descent?.oldestQuestionAt !== undefined;
  }

  /** So many peers wasted its time that it would take the next offer otherwise than the C side, which counts no strikes. */
  get isStruck(): boolean {
    return this.#strikes > STRIKES_FREE;
  }

  #pump(): void {
    const clock = { now: () => this.#now };
    this.#end.handleTimeout(this.#now);
    for (let turns = 0; ; turns++) {
      if (turns > TURNS_MAX) throw new Error("the TypeScript side does not come to rest");
      const event = this.#end.pollEvent();
      if (event !== undefined) {
        this.#handle(clock, event);
        continue;
      }
      const bytes = this.#end.pollTransmit(this.#now);
      if (bytes === undefined) return;
      const frame = this.#shape.areFrames ? bytes : decodeCobs(bytes.subarray(bytes[0] === 0 ? 1 : 0, -1));
      if (frame === undefined) throw new Error("the TypeScript side sends what is no COBS");
      this.#sent.push({ at: this.#now, frame: frame.slice() });
    }
  }

  #handle(clock: { now(): Millis }, event: Parameters<typeof applyTargetEffect>[1] | LineEventOf): void {
    if (isLineEvent(event)) return;
    if (applyTargetEffect(clock, event, this.#role, this.board.store)) return;
    if (event.tag === "sessionLost") {
      this.board.store.abandon();
      if (event.why === "damaged" || event.why === "slow") this.#strikes += 2;
      else if (event.why === "lease" || event.why === "superseded") this.#strikes++;
    } else if (event.tag === "refused") {
      if (event.reason !== "protocol") this.#strikes++;
    } else if (event.tag === "finished") this.isFinished = true;
    else if (event.tag === "progress") this.#descent = event.descent;
    else if (event.tag === "receiving") {
      this.isReceiving = true;
      this.hasReceived = true;
    } else if (event.tag === "offered") {
      this.isReceiving = false;
      this.#descent = undefined;
    }
  }
}

type LineEventOf = Exclude<NonNullable<ReturnType<LinkEnd<TargetEvent>["pollEvent"]>>, TargetEvent>;

function isLineEvent(event: TargetEvent | LineEventOf): event is LineEventOf {
  return event.tag === "console" || event.tag === "stranger" || event.tag === "link";
}

/** States of `mayday_target_state` from which on it does nothing more. */
const HEALED = 2;

export class CTargetSide implements Side {
  readonly name = "C";
  readonly board: CBoard;
  readonly #c: CSide;
  readonly #shape: TargetShape;
  readonly #nonces: () => Uint8Array;
  #sent: Sent[] = [];
  #line: number[] = [];
  #state = 0;
  #isStarted = false;
  #polledAt: Millis = 0;

  constructor(c: CSide, shape: TargetShape, flash: Uint8Array, nonces: () => Uint8Array) {
    this.#c = c;
    this.#shape = shape;
    this.#nonces = nonces;
    this.board = new CBoard(c, shape, flash);
    c.onTx = (bytes) => this.#take(bytes);
  }

  start(now: Millis): void {
    const { areFrames, payloadMax } = this.#shape;
    this.#c.now = now;
    this.#line = [];
    this.board.restart();
    this.#c.chance = this.#nonces();
    const isStarted = this.#c.call(
      "start_target",
      areFrames ? 1 : 0,
      bufferBytes(this.#shape),
      payloadMax,
      this.#c.call("failure") === 0 ? 1 : 0,
    );
    if (isStarted === 0) throw new Error("the memory of the C side is too small");
    this.#isStarted = true;
    this.#pump();
  }

  advance(to: Millis): void {
    for (let turns = 0; this.#isStarted && !this.isFinished; turns++) {
      if (turns > TURNS_MAX) throw new Error("timers of the C side do not let time pass");
      const at = this.#polledAt + this.#c.call("idle_ms");
      if (at > to) break;
      this.#c.now = Math.max(this.#c.now, at);
      this.#pump();
    }
    this.#c.now = to;
  }

  hear(now: Millis, frame: Uint8Array): void {
    this.#c.now = now;
    if (this.#shape.areFrames) this.#c.callWith("take_frame", frame);
    else this.#c.callWith("bytes", encodeDelimited(frame));
    this.#pump();
  }

  takeSent(): Sent[] {
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  get isFinished(): boolean {
    return this.#state >= HEALED;
  }

  get isInSession(): boolean {
    return this.#c.call("session_state") !== 0;
  }

  /** It waits for a run of hashes. */
  get waitsForRun(): boolean {
    return this.#c.call("waits_for_run") !== 0;
  }

  #pump(): void {
    for (let turns = 0; ; turns++) {
      if (turns > TURNS_MAX) throw new Error("the C side does not come to rest");
      this.#state = this.#c.call("poll");
      this.#polledAt = this.#c.now;
      if (this.isFinished || this.#c.call("idle_ms") > 0) return;
    }
  }

  #take(bytes: Uint8Array): void {
    if (this.#shape.areFrames) {
      this.#sent.push({ at: this.#c.now, frame: bytes });
      return;
    }
    for (const byte of bytes) {
      if (byte !== 0) this.#line.push(byte);
      else if (this.#line.length > 0) {
        const frame = decodeCobs(Uint8Array.from(this.#line));
        if (frame === undefined) throw new Error("the C side sends what is no COBS");
        this.#sent.push({ at: this.#c.now, frame });
        this.#line = [];
      }
    }
  }
}
