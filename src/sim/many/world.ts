import { toHex } from "../../base/bytes.ts";
import { type Random, randomBytes, SeededRandom } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import type { BoardIdentity } from "../../board/board-parts.ts";
import { installFrom } from "../../board/install.ts";
import { memoryBoard } from "../../board/memory-board.ts";
import type { FlashGeometry, FlashLayout } from "../../flash/geometry.ts";
import { flashMap } from "../../flash/geometry.ts";
import type { Flash, NorFlash } from "../../flash/nor-flash.ts";
import type { TrustPolicy } from "../../image/envelope.ts";
import { type ImageSource, memoryImage } from "../../image/image-source.ts";
import { type SigningKey, trustedKeyOf } from "../../image/keys.ts";
import { fixedRepository, type Repository } from "../../image/repository.ts";
import type { NodeEvent } from "../../node/node-event.ts";
import { TornStorage } from "../power-cuts/torn-storage.ts";
import { createMemoryPair } from "../wires/memory-pair.ts";
import { Checkers } from "./checkers.ts";
import type { WorldFaults } from "./faults.ts";
import { SimBoard, type SimBoardSetup } from "./sim-board.ts";
import type { Spread } from "./story.ts";
import type { Topology } from "./topologies.ts";

export interface WorldOptions {
  readonly topology: Topology;
  readonly seed: number;
  readonly key: SigningKey;
  /** Bytes of the image. */
  readonly size: number;
  readonly baud: number;
  readonly layout: FlashLayout;
  /** Boards that have no image at the start. All others have one. */
  readonly broken: readonly number[];
  /** Board 0 has a newer image than all others. */
  readonly update: boolean;
  /** Share of frames that are lost on each wire. */
  readonly loss: number;
  /** Everything that may go wrong beside that; nothing unless given. */
  readonly faults?: ((world: World) => WorldFaults) | undefined;
}

const HARDWARE = { vendor: "sim", hardwareClass: "board" } as const;
const SECTOR_SIZE = 4096;
const LATENCY_MS: Millis = 1;
/** Microtasks that are let run after something asynchronous began. */
const SETTLE_STEPS = 48;

/** Boards, wires and virtual time. The nodes on the boards are those of the product. */
export class World {
  readonly clock: VirtualClock = new VirtualClock();
  readonly options: WorldOptions;
  readonly boards: readonly SimBoard[];
  readonly checkers: Checkers;
  readonly spreads: Spread[] = [];
  /** The image that all boards have in the end, and the older one. */
  readonly newest: ImageSource;
  readonly older: ImageSource;
  readonly #random: SeededRandom;
  readonly #faults: WorldFaults | undefined;
  readonly #startedAt: Map<number, { readonly by: number; readonly at: Millis }> = new Map();
  readonly #servedBy: Map<number, number> = new Map();
  /** Boards that do not run the newest image yet. */
  readonly #behind: Set<number> = new Set();
  readonly #geometry: FlashGeometry;
  readonly #policy: TrustPolicy;
  #isUnsettled = false;

  constructor(options: WorldOptions) {
    this.options = options;
    const { topology, seed, size, layout, key, update } = options;
    this.#random = new SeededRandom(seed);
    this.#geometry = { sectorSize: SECTOR_SIZE, slotSize: size, layout };
    this.#policy = { keys: [trustedKeyOf(key, ["app"])], allowUnsigned: false };
    this.older = this.#image(1);
    this.newest = update ? this.#image(2) : this.older;
    this.checkers = new Checkers([this.older, this.newest], () => this.clock.now());
    this.boards = this.#makeBoards(topology);
    this.#joinWires(topology);
    this.#faults = options.faults?.(this);
  }

  #image(minor: number): ImageSource {
    const { size, key } = this.options;
    const data = randomBytes(this.#random, size);
    return memoryImage(
      data,
      { ...HARDWARE, version: { major: 1, minor, patch: 0 }, blockSize: SECTOR_SIZE },
      key,
    );
  }

  #makeBoards({ nodes }: Topology): SimBoard[] {
    const repository = this.#emptyRepository();
    const setup: SimBoardSetup = {
      clock: this.clock,
      random: this.#random,
      geometry: this.#geometry,
      policy: this.#policy,
      repository,
      allowSingle: true,
      markAsync: () => {
        this.#isUnsettled = true;
      },
      wrapFlash: (board, flash) => this.#wrapFlash(board, flash),
      onEvent: (board, event) => this.#note(board, event),
    };
    const broken = new Set(this.options.broken);
    const blank = new TornStorage(flashMap(this.#geometry), this.#random);
    const older = this.#installed(blank, this.older);
    const newest = this.options.update ? this.#installed(blank, this.newest) : older;
    return Array.from({ length: nodes }, (_, number) => {
      const storage = broken.has(number) ? blank : number === 0 ? newest : older;
      if (broken.has(number) || (this.options.update && number !== 0)) this.#behind.add(number);
      return new SimBoard(setup, number, this.#identity(number), storage.fork(this.#random));
    });
  }

  /** 8 bytes: different for each board, and in no order. */
  #identity(number: number): BoardIdentity {
    const nodeId = randomBytes(this.#random, 8);
    new DataView(nodeId.buffer).setUint32(4, number);
    return { nodeId, hardware: HARDWARE, revision: 1 };
  }

  #installed(blank: TornStorage, image: ImageSource): TornStorage {
    const storage = blank.fork(this.#random);
    const identity = { nodeId: new Uint8Array(8), hardware: HARDWARE, revision: 1 };
    const board = memoryBoard({ geometry: this.#geometry, policy: this.#policy, identity, storage });
    const store = board.store();
    installFrom(store, image);
    store.confirm();
    return storage;
  }

  /** Boards have what lies in their flash, and nothing else. */
  #emptyRepository(): Repository {
    const empty = fixedRepository([]);
    const pick: Repository["pick"] = (criteria) => {
      this.#isUnsettled = true;
      return empty.pick(criteria);
    };
    return { ...empty, pick };
  }

  #joinWires({ edges }: Topology): void {
    for (const [wire, [a, b]] of edges.entries()) {
      const line = { baud: this.options.baud, latencyMs: LATENCY_MS };
      const names = [`${a}-${b}`, `${b}-${a}`] as const;
      const ends = createMemoryPair(this.clock, { aToB: line, bToA: line, names });
      for (const [i, number] of [a, b].entries()) {
        const transport = ends[i];
        if (transport === undefined) continue;
        this.boards[number]?.wires.push({ transport, faults: this.#wireFaults(wire) });
      }
    }
  }

  #wireFaults(wire: number): SimBoard["wires"][number]["faults"] {
    const { loss } = this.options;
    const random = new SeededRandom(this.#random.u32());
    return {
      loses: () => loss > 0 && random.u32() < loss * 2 ** 32,
      isCut: () => this.#faults?.isCut(wire) ?? false,
    };
  }

  #wrapFlash(board: number, flash: NorFlash): Flash {
    return this.checkers.wrapFlash(board, this.#faults?.wrapFlash(board, flash) ?? flash);
  }

  #note(board: number, event: NodeEvent): void {
    this.checkers.note(board, event, this);
    switch (event.event) {
      case "offer":
        // At a target: the session that it accepted.
        if (this.#isOwn(board, event.link))
          this.#startedAt.set(board, { by: this.#peerOf(event.link), at: this.clock.now() });
        return;
      case "verified":
        this.#servedBy.set(board, this.#peerOf(event.link));
        return;
      case "booted":
        this.#noteBooted(board, event.digest);
        return;
      default:
    }
  }

  /** Whether the board itself is served over this link. */
  #isOwn(board: number, link: string): boolean {
    return this.boards[board]?.store !== undefined && link.startsWith(`${board}-`);
  }

  /** The board at the other end of a link. */
  #peerOf(link: string): number {
    return Number(link.split("-")[1]);
  }

  #noteBooted(board: number, digest: string): void {
    const by = this.#servedBy.get(board);
    this.#servedBy.delete(board);
    if (by !== undefined) {
      const at = this.clock.now();
      const since = this.#startedAt.get(board)?.at ?? at;
      const cause = this.options.broken.includes(board) ? "heal" : "update";
      this.spreads.push({ board, by, at, cause, seconds: (at - since) / 1000 });
    }
    if (digest === toHex(this.newest.digest)) this.#behind.delete(board);
    else this.#behind.add(board);
  }

  /** Every board runs the newest image. */
  get isWell(): boolean {
    return this.#behind.size === 0;
  }

  get behind(): readonly number[] {
    return [...this.#behind];
  }

  /** Powers all boards on, and runs until all are well or the virtual time is over. Resolves with whether all are well. */
  async run(limitMs: Millis): Promise<boolean> {
    for (const board of this.boards) board.powerOn();
    this.#faults?.start();
    await this.#settle();
    return await this.continue(limitMs, () => this.isWell && this.#faults?.isOver !== false);
  }

  /** Goes on until the condition holds or the virtual time has come. */
  async continue(limitMs: Millis, isOver: () => boolean = () => false): Promise<boolean> {
    for (;;) {
      if (isOver()) return true;
      if (!this.#step(limitMs)) break;
      if (this.#isUnsettled) await this.#settle();
    }
    this.clock.advanceTo(limitMs);
    return isOver();
  }

  #step(limitMs: Millis): boolean {
    try {
      return this.clock.runNext(limitMs);
    } catch (error) {
      if (this.#faults?.takeCut(error) !== true) throw error;
      return true;
    }
  }

  /** Lets promises go on: virtual time stands still meanwhile. */
  async #settle(): Promise<void> {
    while (this.#isUnsettled) {
      this.#isUnsettled = false;
      for (let i = 0; i < SETTLE_STEPS; i++) await undefined;
      this.#faults?.settleCuts();
    }
  }
}

/** A generator of its own for a part of a world, so that what one part draws changes nothing for another. */
export function partRandom(seed: number, part: number): Random {
  return new SeededRandom((seed * 2_654_435_761 + part * 40_503) >>> 0);
}
