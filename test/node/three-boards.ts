import { concatBytes, equalBytes } from "../../src/base/bytes.ts";
import type { Millis } from "../../src/base/units.ts";
import type { VirtualClock } from "../../src/base/virtual-clock.ts";
import { installFrom } from "../../src/board/install.ts";
import type { FlashLayout } from "../../src/flash/geometry.ts";
import { PureRunSplitter } from "../../src/node/pure-run-splitter.ts";
import { tagOf } from "../../src/session/identity.ts";
import type { SimBoard } from "../../src/sim/many/sim-board.ts";
import { World } from "../../src/sim/many/world.ts";
import { decodeCobs } from "../../src/wire/cobs.ts";
import { CHUNK_UNIT, Codec, ObjectKind } from "../../src/wire/constants.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import { type Frame, isCall, type Offer } from "../../src/wire/messages.ts";
import { testKey } from "../support/virtual-rescue.ts";
import { wrappedTransport } from "../support/wrapped-transport.ts";

/** Bytes of the image, and of a block, a sector and so of a repair unit. */
export const IMAGE_SIZE = 65_536;
export const BLOCK_SIZE = 4096;
export const BLOCKS: number = IMAGE_SIZE / BLOCK_SIZE;
const BAUD = 115_200;
/** Line time of a frame, and 1 ms each way. */
const ROUND_TRIP_MS: Millis = 200;
const ACK_WAIT_MS: Millis = 8;
const ALLOWANCE = 3_000;

/** How far a neighbour has come with board 1, in the order in which it gets there. */
export const STATES = [
  "heard",
  "offered",
  "accepted",
  "manifest",
  "first run",
  "first block",
  "last block",
  "committed",
  "done",
] as const;
export type State = (typeof STATES)[number];

/** Bytes of one block that one neighbour put on the wire. */
interface Sent {
  readonly by: number;
  readonly block: number;
  readonly from: number;
  readonly length: number;
}

/**
 * Three boards in a row, the middle one of which does not boot, or is older than both others: the nodes are those of the
 * product, and all their frames are looked at.
 */
export class ThreeBoards {
  readonly world: World;
  readonly sent: Sent[] = [];
  /** Which neighbour came to a state first. */
  readonly firstAt: Map<State, number> = new Map();
  /** Blocks that were in flash when a board was last killed. */
  kept: ReadonlySet<number> = new Set();
  /** Frames that were sent before. */
  #sentBefore = 0;

  constructor(options: {
    readonly cause: "heal" | "update";
    readonly layout: FlashLayout;
    readonly seed: number;
  }) {
    const { cause, layout, seed } = options;
    this.world = new World({
      topology: {
        kind: "line",
        nodes: 3,
        edges: [
          [0, 1],
          [1, 2],
        ],
        places: [],
      },
      seed,
      key: testKey,
      size: IMAGE_SIZE,
      baud: BAUD,
      layout,
      broken: cause === "heal" ? [1] : [],
      update: cause === "update",
      loss: 0,
    });
    if (cause === "update") {
      const store = this.board(2).open().store({ allowUpdate: true, allowSingleUpdate: true });
      installFrom(store, this.world.newest);
      store.confirm();
    }
    for (const number of [0, 2]) this.#watch(number);
  }

  get clock(): VirtualClock {
    return this.world.clock;
  }

  board(number: number): SimBoard {
    const board = this.world.boards[number];
    if (board === undefined) throw new Error(`no board ${number}`);
    return board;
  }

  /** Looks at all that a neighbour sends and hears on its wire to board 1. */
  #watch(number: number): void {
    const [wire] = this.board(number).wires;
    if (wire === undefined) throw new Error("a board without a wire");
    const reader = new FrameReader(this.board(1).identity.nodeId, (frame, isOwn) =>
      this.#note(number, frame, isOwn),
    );
    const heard = new PureRunSplitter((run) => reader.read(run, false), this.clock);
    const transport = wrappedTransport(wire.transport, {
      write: (bytes) => {
        reader.read(bytes, true);
        return wire.transport.write(bytes);
      },
      onBytes: (bytes, handlers) => {
        heard.push(bytes);
        handlers.onBytes(bytes);
      },
    });
    this.board(number).wires[0] = { ...wire, transport };
  }

  #note(number: number, frame: Frame, isOwn: boolean): void {
    const state = stateOf(frame, isOwn);
    if (state !== undefined) this.#reach(state, number);
    if (!isOwn || frame.tag !== "data") return;
    if (frame.codec !== Codec.raw) throw new Error("random bytes are sent as they are");
    const at = frame.position * CHUNK_UNIT;
    const block = Math.floor(at / BLOCK_SIZE);
    this.sent.push({ by: number, block, from: at % BLOCK_SIZE, length: frame.payload.length });
    this.#reach("first block", number);
    if (at + frame.payload.length === IMAGE_SIZE) this.#reach("last block", number);
  }

  #reach(state: State, number: number): void {
    if (!this.firstAt.has(state)) this.firstAt.set(state, number);
  }

  powerOn(): void {
    for (const board of this.world.boards) board.powerOn();
    // The world stands still without any timer.
    this.clock.after(0, () => {});
  }

  /** Runs until the condition holds; throws after two virtual minutes. */
  async until(what: string, condition: () => boolean): Promise<void> {
    const limit = this.clock.now() + 120_000;
    if (!(await this.world.continue(limit, condition))) throw new Error(`never: ${what}`);
  }

  /** Runs until a neighbour came to a state; gives its number. */
  async untilState(state: State): Promise<number> {
    if (state === "committed") await this.until(state, () => this.isCommitted);
    else await this.until(state, () => this.firstAt.has(state));
    const number = this.firstAt.get(state === "committed" ? "last block" : state);
    if (number === undefined) throw new Error(`nobody came to ${state}`);
    return number;
  }

  /** Board 1 boots the newest image. */
  get isCommitted(): boolean {
    const board = this.board(1);
    if (!this.firstAt.has("last block") && board.isOn) return false;
    const boot = board.open().boot();
    return boot.tag === "boot" && equalBytes(boot.image.digest, this.world.newest.digest);
  }

  /** Blocks of the newest image that lie in the slot that it is written to. */
  blocksInFlash(): Set<number> {
    const { parts } = this.board(1).open();
    const counts = parts.flash.map.slots.map(({ offset }) => {
      const right = new Set<number>();
      for (let block = 0; block < BLOCKS; block++) {
        const bytes = parts.flash.read(offset + block * BLOCK_SIZE, BLOCK_SIZE);
        if (equalBytes(bytes, this.world.newest.readBlockSync(block))) right.add(block);
      }
      return right;
    });
    return counts.reduce((most, right) => (right.size > most.size ? right : most));
  }

  /** Takes a board's power away, and notes what is in flash then. */
  kill(number: number): void {
    this.board(number).powerOff();
    this.world.checkers.notePowerOff(number);
    this.kept = this.blocksInFlash();
    this.#sentBefore = this.sent.length;
  }

  /** Payload bytes that were sent after the kill and before it, too; `ofKept`: of blocks that were in flash by then. */
  sentAgain(): { readonly bytes: number; readonly ofKept: number } {
    const seen = new Set<number>();
    const unit = (sent: Sent, i: number): number => (sent.block * BLOCK_SIZE + sent.from) / CHUNK_UNIT + i;
    let bytes = 0;
    let ofKept = 0;
    for (const [index, sent] of this.sent.entries()) {
      if (index >= this.#sentBefore && this.kept.has(sent.block)) ofKept += sent.length;
      for (let i = 0; i < sent.length / CHUNK_UNIT; i++) {
        if (seen.has(unit(sent, i))) bytes += CHUNK_UNIT;
        seen.add(unit(sent, i));
      }
    }
    return { bytes, ofKept };
  }

  /** Who sent any of the image, in the order in which they did. */
  get senders(): readonly number[] {
    return [...new Set(this.sent.map(({ by }) => by))];
  }

  /** What a sender may have on the wire at this rate (PROTOCOL.md 4.8), with the longest round trip of this wire. */
  get windowBytes(): number {
    const payloadMax = Math.max(...this.sent.map(({ length }) => length));
    return (BAUD / 10_000) * (ROUND_TRIP_MS + ACK_WAIT_MS) + ALLOWANCE + 2 * payloadMax;
  }

  /** The image that board 1 boots, byte for byte; undefined when it boots none. */
  booted(): Uint8Array | undefined {
    const { parts } = this.board(1).open();
    const boot = this.board(1).open().boot();
    const region = boot.tag === "boot" ? parts.flash.map.slots[boot.slot] : undefined;
    return region && parts.flash.read(region.offset, IMAGE_SIZE);
  }

  /** The newest image. */
  get image(): Uint8Array {
    return concatBytes(...Array.from({ length: BLOCKS }, (_, i) => this.world.newest.readBlockSync(i)));
  }
}

/** The state of which a frame is the first sign, at the neighbour that sent it (`isOwn`) or heard it. */
function stateOf(frame: Frame, isOwn: boolean): State | undefined {
  if (!isOwn && (frame.tag === "distress" || frame.tag === "beacon"))
    return isCall(frame) ? "heard" : undefined;
  if (isOwn && frame.tag === "offer") return "offered";
  if (!isOwn && frame.tag === "accept") return "accepted";
  if (isOwn && frame.tag === "object")
    return frame.name.kind === ObjectKind.manifest ? "manifest" : "first run";
  return !isOwn && frame.tag === "done" ? "done" : undefined;
}

/** Decodes the frames of one wire, and follows its sessions. */
class FrameReader {
  readonly #targetId: Uint8Array;
  readonly #onFrame: (frame: Frame, isOwn: boolean) => void;
  readonly #offers: Offer[] = [];
  #tag = 1;

  constructor(targetId: Uint8Array, onFrame: (frame: Frame, isOwn: boolean) => void) {
    this.#targetId = targetId;
    this.#onFrame = onFrame;
  }

  /** A write of the near end is one frame or several. */
  read(bytes: Uint8Array, isOwn: boolean): void {
    for (let start = 0; start < bytes.length; ) {
      const end = bytes.indexOf(0, start);
      const run = bytes.subarray(start, end < 0 ? bytes.length : end);
      start += run.length + 1;
      const plain = run.length === 0 ? undefined : decodeCobs(run);
      const frame = plain && decodeFrame(plain, this.#tag);
      if (frame === undefined || frame.tag === "fault") continue;
      this.#follow(frame);
      this.#onFrame(frame, isOwn);
    }
  }

  #follow(frame: Frame): void {
    if (frame.tag === "offer") this.#offers.push(frame);
    if (frame.tag !== "accept") return;
    const { targetNonce, rescuerNonce, digest } = frame;
    const offer = this.#offers.find((other) => equalBytes(other.rescuerNonce, rescuerNonce));
    if (offer === undefined) return;
    const targetId = this.#targetId;
    this.#tag = tagOf({ targetId, targetNonce, rescuerNonce, rescuerId: offer.rescuerId, digest });
  }
}
