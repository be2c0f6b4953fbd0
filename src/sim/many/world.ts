import { toHex } from "../../base/bytes.ts";
import { type Random, randomBytes, SeededRandom } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import type { BoardIdentity } from "../../board/board-parts.ts";
import { type FlashGeometry, type FlashLayout, flashMap } from "../../flash/geometry.ts";
import type { Flash, NorFlash } from "../../flash/nor-flash.ts";
import type { TrustPolicy } from "../../image/envelope.ts";
import type { ImageSource } from "../../image/image-source.ts";
import { type SigningKey, trustedKeyOf } from "../../image/keys.ts";
import { linkKeyOf } from "../../node/derived-link-key.ts";
import type { NodeEvent } from "../../node/node-event.ts";
import { PowerCut } from "../power-cuts/power-cut.ts";
import { createMemoryPair } from "../wires/memory-pair.ts";
import { BadImage } from "./bad-image.ts";
import { Checkers, peerOf } from "./checkers.ts";
import type { WorldFaults } from "./faults.ts";
import { SimBoard, type SimBoardSetup } from "./sim-board.ts";
import { NO_GATES, nodeGates, type SimGates } from "./sim-gates.ts";
import type { Spread, SpreadCause } from "./story.ts";
import type { Topology } from "./topologies.ts";
import { HARDWARE, SIM_SECTOR_SIZE, WorldImages } from "./world-images.ts";

export interface WorldOptions {
  readonly topology: Topology;
  readonly seed: number;
  readonly key: SigningKey;
  /** Bytes of the image. */
  readonly size: number;
  readonly baud: number;
  /** The rate of a wire, where it is another one. */
  readonly baudOf?: ((wire: number) => number | undefined) | undefined;
  readonly layout: FlashLayout;
  /** Boards that have no image at the start. All others have one. */
  readonly broken: readonly number[];
  /** Board 0 has a newer image than all others. */
  readonly update: boolean;
  /** How the update spreads; as by default unless given. */
  readonly gates?: SimGates | undefined;
  /** The newest image fails after this time on average; it does not unless given. Then it is on trial on board 0, too. */
  readonly failsAfterMs?: Millis | undefined;
  /** All wires have a link key. */
  readonly linkKeys?: boolean | undefined;
  /** Share of frames that are lost on each wire. */
  readonly loss: number;
  /** Boards hand on what they receive while more of it comes; true unless given. */
  readonly cutThrough?: boolean | undefined;
  /** Broken boards call at once, also those with one wire, which listen first unless this is set. */
  readonly callsAtOnce?: boolean | undefined;
  /** Everything that may go wrong beside that; nothing unless given. */
  readonly faults?: ((world: World) => WorldFaults) | undefined;
  /** Takes every event of every board. */
  readonly onEvent?: ((board: number, event: NodeEvent) => void) | undefined;
  /** Takes every frame that a board hands to a wire. */
  readonly onFrame?: ((board: number, wire: number, frame: Uint8Array) => void) | undefined;
}

const LATENCY_MS: Millis = 1;
/** Microtasks that are let run after something asynchronous began. */
const SETTLE_STEPS = 48;
/** Timers that fire between two calls of `pause`. */
const PAUSE_EVERY = 4_000;

/** What a board was served for, and since when. */
interface Serving {
  readonly at: Millis;
  readonly cause: SpreadCause;
  /** The board whose offer was accepted last. */
  readonly by: number | undefined;
}

/** Boards, wires and virtual time. The nodes on the boards are those of the product. */
export class World {
  readonly clock: VirtualClock = new VirtualClock();
  readonly options: WorldOptions;
  readonly boards: readonly SimBoard[];
  readonly checkers: Checkers;
  readonly spreads: Spread[] = [];
  /** The image that all boards have in the end. */
  readonly newest: ImageSource;
  readonly #newestDigest: string;
  readonly #random: SeededRandom;
  readonly #faults: WorldFaults | undefined;
  readonly #serving: Map<number, Serving> = new Map();
  /** What each board started last. */
  readonly #ran: Map<number, string> = new Map();
  /** Boards that are not known to run the newest image. */
  readonly #behind: Set<number> = new Set();
  readonly #geometry: FlashGeometry;
  readonly #policy: TrustPolicy;
  /** The newest image, if it fails. */
  readonly bad: BadImage | undefined;
  #isUnsettled = false;
  #untilPause: number = PAUSE_EVERY;

  constructor(options: WorldOptions) {
    this.options = options;
    const { topology, seed, size, layout, key } = options;
    this.#random = new SeededRandom(seed);
    const slotSize = Math.ceil(size / SIM_SECTOR_SIZE) * SIM_SECTOR_SIZE;
    this.#geometry = { sectorSize: SIM_SECTOR_SIZE, slotSize, layout };
    this.#policy = { keys: [trustedKeyOf(key, ["app"])], allowUnsigned: false };
    const { gates = NO_GATES, failsAfterMs } = options;
    const wanted = { ...options, rings: gates.rings, onTrial: failsAfterMs !== undefined };
    const images = new WorldImages(wanted, this.#geometry, this.#policy, this.#random);
    this.newest = images.newest;
    this.#newestDigest = toHex(images.newest.digest);
    const { slots } = flashMap(this.#geometry);
    this.checkers = new Checkers([images.older, images.newest], slots, () => this.clock.now(), gates);
    this.bad = failsAfterMs === undefined ? undefined : new BadImage(this, partRandom(seed, 7), failsAfterMs);
    this.boards = this.#makeBoards(topology, images);
    this.#joinWires(topology);
    this.#faults = options.faults?.(this);
  }

  #makeBoards({ nodes }: Topology, images: WorldImages): SimBoard[] {
    const setup: SimBoardSetup = {
      clock: this.clock,
      random: this.#random,
      geometry: this.#geometry,
      policy: this.#policy,
      allowSingle: true,
      cutThrough: this.options.cutThrough ?? true,
      callsAtOnce: this.options.callsAtOnce ?? false,
      gates: nodeGates(this.options.gates ?? NO_GATES),
      linkKey: this.options.linkKeys === true ? linkKeyOf(randomBytes(this.#random, 32)) : undefined,
      markAsync: () => {
        this.#isUnsettled = true;
      },
      wrapFlash: (board, flash) => this.#wrapFlash(board, flash),
      onEvent: (board, event) => this.#note(board, event),
    };
    const broken = new Set(this.options.broken);
    return Array.from({ length: nodes }, (_, number) => {
      this.#behind.add(number);
      const storage = broken.has(number) ? images.blank : number === 0 ? images.withNewest : images.withOlder;
      return new SimBoard(setup, number, this.#identity(number), storage.fork(this.#random));
    });
  }

  /** 8 bytes: different for each board, and in no order. */
  #identity(number: number): BoardIdentity {
    const nodeId = randomBytes(this.#random, 8);
    new DataView(nodeId.buffer).setUint32(4, number);
    return { nodeId, hardware: HARDWARE, revision: 1 };
  }

  #joinWires({ edges }: Topology): void {
    for (const [wire, [a, b]] of edges.entries()) {
      const line = { baud: this.options.baudOf?.(wire) ?? this.options.baud, latencyMs: LATENCY_MS };
      const names = [`${a}-${b}`, `${b}-${a}`] as const;
      const ends = createMemoryPair(this.clock, { aToB: line, bToA: line, names });
      for (const [i, number] of [a, b].entries()) {
        const transport = ends[i];
        if (transport === undefined) continue;
        this.boards[number]?.wires.push({ transport, faults: this.#wireFaults(number, wire) });
      }
    }
  }

  #wireFaults(board: number, wire: number): SimBoard["wires"][number]["faults"] {
    const { loss, onFrame } = this.options;
    const random = new SeededRandom(this.#random.u32());
    return {
      isCut: () => this.#faults?.isCut(wire) === true,
      carry: (frame) => {
        if (loss > 0 && random.u32() < loss * 2 ** 32) return undefined;
        return this.#faults === undefined ? frame : this.#faults.damage(frame, board);
      },
      note: (frame) => onFrame?.(board, wire, frame),
    };
  }

  #wrapFlash(board: number, flash: NorFlash): Flash {
    return this.checkers.wrapFlash(board, this.#faults?.wrapFlash(board, flash) ?? flash);
  }

  #note(board: number, event: NodeEvent): void {
    this.options.onEvent?.(board, event);
    this.checkers.note(board, event, this);
    switch (event.event) {
      case "offer":
        if (this.checkers.isTarget(board, event.link)) this.#noteAccepted(board, peerOf(event.link));
        return;
      case "booted":
        this.#noteBooted(board, event.digest);
        return;
      default:
    }
  }

  #noteAccepted(board: number, by: number | undefined): void {
    const isBootable = this.boards[board]?.store?.status().isBootable === true;
    const cause = isBootable ? "update" : "heal";
    const before = this.#serving.get(board);
    const at = before?.cause === cause ? before.at : this.clock.now();
    this.#serving.set(board, { at, cause, by });
  }

  #noteBooted(board: number, digest: string): void {
    const serving = this.#serving.get(board);
    const isOther = this.#ran.get(board) !== digest;
    this.#ran.set(board, digest);
    // A board that was to be updated may lose its power, and start what it had.
    if (serving?.by !== undefined && (serving.cause === "heal" || isOther)) {
      const at = this.clock.now();
      const { cause, by } = serving;
      this.spreads.push({ board, by, at, cause, seconds: (at - serving.at) / 1000 });
      this.#serving.delete(board);
    }
    this.bad?.noteBooted(board, digest === this.#newestDigest);
    if (digest === this.#newestDigest) this.#behind.delete(board);
    else this.#behind.add(board);
  }

  /** Power off: nothing is known of the board until it boots again. */
  powerOff(number: number): void {
    this.boards[number]?.powerOff();
    this.checkers.notePowerOff(number);
    this.#behind.add(number);
  }

  /** Every board said last that it runs the newest image. */
  get isWell(): boolean {
    return this.#behind.size === 0;
  }

  /** Boards that are not known to run the newest image. */
  get behind(): readonly number[] {
    return [...this.#behind];
  }

  /**
   * Powers all boards on, and runs until the faults are over and all boards are well, or the virtual time is over. Resolves with
   * whether all are well, which the checkers then look at once more. `pause` is called now and then.
   */
  async run(limitMs: Millis, pause?: () => Promise<void>): Promise<boolean> {
    for (const board of this.boards) board.powerOn();
    this.#faults?.start();
    await this.#settle();
    const isOver = (): boolean => this.isWell && this.#faults?.isOver !== false;
    const isWell = await this.continue(limitMs, isOver, pause);
    if (isWell) this.checkers.checkEnd(this.newest, this);
    return isWell;
  }

  /** Runs until the condition holds or the virtual time has come; resolves with whether it holds. */
  async continue(
    limitMs: Millis,
    isOver: () => boolean = () => false,
    pause?: () => Promise<void>,
  ): Promise<boolean> {
    await this.#settle();
    while (!isOver()) {
      if (!this.#step(limitMs)) {
        this.clock.advanceTo(limitMs);
        return isOver();
      }
      if (this.#isUnsettled) await this.#settle();
      this.#untilPause--;
      if (this.#untilPause > 0) continue;
      this.#untilPause = PAUSE_EVERY;
      await pause?.();
    }
    return true;
  }

  /** Fires one timer. A board that loses its power meanwhile does nothing more. */
  #step(limitMs: Millis): boolean {
    try {
      return this.clock.runNext(limitMs);
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      return true;
    }
  }

  /** Lets promises go on: virtual time stands still meanwhile. */
  async #settle(): Promise<void> {
    while (this.#isUnsettled) {
      this.#isUnsettled = false;
      for (let i = 0; i < SETTLE_STEPS; i++) await undefined;
    }
  }
}

/** A generator of its own for a part of a world, so that what one part draws changes nothing for another. */
export function partRandom(seed: number, part: number): Random {
  return new SeededRandom((seed * 2_654_435_761 + part * 40_503) >>> 0);
}
