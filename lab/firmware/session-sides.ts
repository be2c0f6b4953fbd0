import type { Random } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { applyTargetEffect, nodeStatusOf } from "../../src/node/target-effects.ts";
import { answerTimeout } from "../../src/session/answer-timeout.ts";
import { LinkEnd } from "../../src/session/link-end.ts";
import { type Deferral, ImageHold } from "../../src/session/target/image-hold.ts";
import type { TargetEvent } from "../../src/session/target/target-events.ts";
import { TargetRole } from "../../src/session/target/target-role.ts";
import { TargetStart } from "../../src/session/target/target-start.ts";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { type BoardShape, CBoard, TsBoard } from "./boards.ts";
import type { CSide } from "./c-side.ts";

/** Polls of a side after which it ought to rest. */
const TURNS_MAX = 20_000;
/** Silences after which another rescuer takes over, in answer timeouts (PROTOCOL.md 6.1). */
const SUPERSEDE_TIMEOUTS = 3;
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
const roomOf = (block: number): number => block + block / 256;

/** Bytes of block buffers on the C side. */
export const bufferBytes = ({ blockSize, openBlocks }: TargetShape): number => openBlocks * roomOf(blockSize);

/** The largest block that the C side can buffer. */
export function largestBlock(shape: TargetShape): number {
  let largest = 65_536;
  while (largest > 1024 && roomOf(largest) > bufferBytes(shape)) largest /= 2;
  return largest;
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

/** A side of the comparison: a board with its target on a link. Times are whole milliseconds. */
export interface Side {
  readonly name: string;
  /** Frames that it sent since they were taken last. */
  takeSent(): Uint8Array[];
  /** Power off and on. */
  start(now: Millis, isForced: boolean): void;
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
  #sent: Uint8Array[] = [];
  isFinished = false;
  #strikes = 0;

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
    const end = new LinkEnd<TargetEvent>({ baud: undefined, rtoFloorMs: 10, framing });
    const { store } = this.board;
    const options = {
      random: this.#random,
      // In the distress of a board that boots this flag means nothing (PROTOCOL.md 5.2).
      status: () => ({ ...nodeStatusOf(store.status()), isTrial: store.status().isTrial && !isForced }),
      start: new TargetStart(this.#nonces),
      cause: isForced ? ("insists" as const) : ("help" as const),
      hold: new NoHold(),
      limits: { payloadMax, openBlocks, runs: 1, asks: "run" as const },
    };
    return [end, end.exchange(this.#now, (host) => new TargetRole(this.#now, host, options))];
  }

  start(now: Millis, isForced: boolean): void {
    this.#now = now;
    this.isFinished = false;
    this.#strikes = 0;
    this.board.restart();
    [this.#end, this.#role] = this.#make(isForced);
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

  takeSent(): Uint8Array[] {
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  get isInSession(): boolean {
    return this.#role.isServed;
  }

  /** So many peers wasted its time that it would take the next offer otherwise than the C side, which counts no strikes. */
  get isStruck(): boolean {
    return this.#strikes > STRIKES_FREE;
  }

  /** Times at which a whole millisecond decides what it does. */
  criticalTimes(): readonly Millis[] {
    const next = this.#end.pollTimeout();
    const { link } = this.#end;
    const silence = SUPERSEDE_TIMEOUTS * answerTimeout(link);
    return [...(next === undefined ? [] : [next]), link.lastHeardAt + silence];
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
      this.#sent.push(frame.slice());
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
      this.board.store.abandon();
      this.#strikes++;
    } else if (event.tag === "finished") this.isFinished = true;
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
  #sent: Uint8Array[] = [];
  #line: number[] = [];
  #state = 0;
  #isStarted = false;

  constructor(c: CSide, shape: TargetShape, flash: Uint8Array, nonces: () => Uint8Array) {
    this.#c = c;
    this.#shape = shape;
    this.#nonces = nonces;
    this.board = new CBoard(c, shape, flash);
    c.onTx = (bytes) => this.#take(bytes);
  }

  start(now: Millis, isForced: boolean): void {
    const { areFrames, payloadMax } = this.#shape;
    this.#c.now = now;
    this.#line = [];
    this.board.restart();
    this.#c.chance = this.#nonces();
    const isStarted = this.#c.call("start_target", areFrames ? 1 : 0, bufferBytes(this.#shape), payloadMax, isForced ? 1 : 0);
    if (isStarted === 0) throw new Error("the memory of the C side is too small");
    this.#isStarted = true;
    this.#pump();
  }

  advance(to: Millis): void {
    for (let turns = 0; this.#isStarted && !this.isFinished; turns++) {
      if (turns > TURNS_MAX) throw new Error("timers of the C side do not let time pass");
      const at = this.#c.now + this.#c.call("idle_ms");
      if (at > to) break;
      this.#c.now = at;
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

  takeSent(): Uint8Array[] {
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

  #pump(): void {
    for (let turns = 0; ; turns++) {
      if (turns > TURNS_MAX) throw new Error("the C side does not come to rest");
      this.#state = this.#c.call("poll");
      if (this.isFinished || this.#c.call("idle_ms") > 0) return;
    }
  }

  #take(bytes: Uint8Array): void {
    if (this.#shape.areFrames) {
      this.#sent.push(bytes);
      return;
    }
    for (const byte of bytes) {
      if (byte !== 0) this.#line.push(byte);
      else if (this.#line.length > 0) {
        const frame = decodeCobs(Uint8Array.from(this.#line));
        if (frame === undefined) throw new Error("the C side sends what is no COBS");
        this.#sent.push(frame);
        this.#line = [];
      }
    }
  }
}

