import type { Timer } from "../../src/base/clock.ts";
import { randomBelow, randomBytes, SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import type { BoardIdentity } from "../../src/board/board-parts.ts";
import { installFrom } from "../../src/board/install.ts";
import { type MemoryBoard, memoryBoard } from "../../src/board/memory-board.ts";
import type { FlashStorage } from "../../src/flash/storage.ts";
import { type ImageSource, memoryImage } from "../../src/image/image-source.ts";
import { trustedKeyOf } from "../../src/image/keys.ts";
import { type RunningNode, runNode } from "../../src/node/full-node.ts";
import type { NodeEvent } from "../../src/node/node-event.ts";
import { makePureSplitter } from "../../src/node/pure-run-splitter.ts";
import type { Verdict } from "../../src/node/verdict.ts";
import { SimBoard, type SimBoardSetup } from "../../src/sim/many/sim-board.ts";
import { NO_GATES, nodeGates } from "../../src/sim/many/sim-gates.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import type { Transport, TransportHandlers } from "../../src/transport/transport.ts";
import { TransportWrapper } from "../../src/transport/transport-wrapper.ts";
import { testKey } from "../support/virtual-rescue.ts";

const HARDWARE = { vendor: "sim", hardwareClass: "board" } as const;
const SIZE = 16_384;
const GEOMETRY = { sectorSize: 4096, slotSize: SIZE, layout: "ab" } as const;
const POLICY = { keys: [trustedKeyOf(testKey, ["app"])], allowUnsigned: false } as const;
const LINE = { baud: 921_600, latencyMs: 1 };
/** A link is up, and down, for this long. */
const FLAP_MIN_MS: Millis = 300;
const FLAP_MAX_MS: Millis = 2_000;
/** A neighbour stays, and its place is empty, for this long. */
const STAY_MIN_MS: Millis = 4_000;
const STAY_MAX_MS: Millis = 30_000;
const GONE_MAX_MS: Millis = 4_000;
/** Microtasks that are let run after something asynchronous began. */
const SETTLE_STEPS = 64;

/** A transport whose other side comes and goes. */
export class FlappingTransport extends TransportWrapper {
  flaps = 0;
  #handlers: TransportHandlers | undefined;
  #isUp = true;

  override async open(handlers: TransportHandlers): Promise<void> {
    this.#handlers = handlers;
    await super.open({
      onUp: () => handlers.onUp(),
      onDown: (error) => handlers.onDown(error),
      onBytes: (bytes) => {
        if (this.#isUp) handlers.onBytes(bytes);
      },
      onWritable: () => handlers.onWritable(),
    });
  }

  override write(bytes: Uint8Array): boolean {
    return this.#isUp ? super.write(bytes) : true;
  }

  set(isUp: boolean): void {
    if (this.#isUp === isUp) return;
    this.#isUp = isUp;
    this.flaps++;
    if (isUp) this.#handlers?.onUp();
    else this.#handlers?.onDown(undefined);
  }
}

/** One place for a neighbour: a link of the node that flaps, and the board at its other end. */
interface Place {
  readonly near: FlappingTransport;
  readonly far: Transport;
  board: SimBoard | undefined;
  /** Of the link, and of whom is at it. */
  timers: [Timer?, Timer?];
}

/** What is seen of a node that has nothing to do at the moment. */
export interface Sample {
  readonly at: Millis;
  readonly timers: number;
  /** Entries of its status. */
  readonly neighbours: number;
  readonly waiting: number;
  readonly healed: number;
}

/**
 * A node of the product with three links that go down and up all the time, and neighbours at them that come and go: boards
 * that do not boot, that are older, that have the same, and that have something newer.
 */
export class FlappingWorld {
  readonly clock: VirtualClock = new VirtualClock();
  /** How often the node told of each kind of event. */
  readonly counts: Map<string, number> = new Map();
  readonly ended: Promise<Verdict>;
  readonly #random: SeededRandom;
  readonly #stop: AbortController = new AbortController();
  readonly #places: readonly Place[];
  readonly #own: MemoryBoard;
  #node: RunningNode | undefined;
  #isUnsettled = true;
  #isQuiet = false;
  #minor = 1;
  #older: ImageSource;
  #newest: ImageSource;

  constructor(seed: number, links: number) {
    this.#random = new SeededRandom(seed);
    this.#older = this.#nextImage();
    this.#newest = this.#nextImage();
    this.#places = Array.from({ length: links }, (_, i) => {
      const names = [`near-${i}`, `far-${i}`] as const;
      const [near, far] = createMemoryPair(this.clock, { aToB: LINE, bToA: LINE, names });
      return { near: new FlappingTransport(near), far, board: undefined, timers: [] };
    });
    this.#own = this.#boardWith(this.#newest);
    this.ended = this.#start();
    for (const place of this.#places) {
      this.#flap(place, true);
      this.#leave(place);
    }
  }

  #nextImage(): ImageSource {
    const version = { major: 1, minor: this.#minor++, patch: 0 };
    return memoryImage(randomBytes(this.#random, SIZE), { ...HARDWARE, version, blockSize: 4096 }, testKey);
  }

  #identity(): BoardIdentity {
    return { nodeId: randomBytes(this.#random, 8), hardware: HARDWARE, revision: 1 };
  }

  #boardWith(image: ImageSource | undefined): MemoryBoard {
    const board = memoryBoard({ geometry: GEOMETRY, policy: POLICY, identity: this.#identity() });
    if (image === undefined) return board;
    const store = board.store();
    installFrom(store, image);
    store.confirm();
    return board;
  }

  #start(): Promise<Verdict> {
    return runNode({
      links: this.#places.map(({ near }) => ({ source: near })),
      board: this.#own.store(),
      policy: { update: "auto", allowSingle: false },
      fanOut: 1,
      onBoot: async () => {
        this.#isUnsettled = true;
        return true;
      },
      signal: this.#stop.signal,
      clock: this.clock,
      random: this.#random,
      makeSplitter: (onRun) => makePureSplitter(onRun, { maxRun: 4_129, clock: this.clock }),
      onRunning: (node) => {
        this.#node = node;
      },
      onEvent: (event) => this.#note(event),
    });
  }

  #note(event: NodeEvent): void {
    this.counts.set(event.event, (this.counts.get(event.event) ?? 0) + 1);
  }

  #between(low: Millis, high: Millis): Millis {
    return low + randomBelow(this.#random, high - low);
  }

  #flap(place: Place, isUp: boolean): void {
    place.near.set(isUp || this.#isQuiet);
    const delay = this.#between(FLAP_MIN_MS, FLAP_MAX_MS);
    place.timers[0] = this.clock.after(delay, () => this.#flap(place, !isUp));
  }

  #come(place: Place): void {
    if (!this.#isQuiet) {
      place.board = new SimBoard(this.#setup(), 0, this.#identity(), this.#someStorage());
      place.board.wires.push({
        transport: place.far,
        faults: { isCut: () => false, carry: (frame) => frame, note: () => {} },
      });
      place.board.powerOn();
    }
    const delay = this.#between(STAY_MIN_MS, STAY_MAX_MS);
    place.timers[1] = this.clock.after(delay, () => this.#leave(place));
  }

  #leave(place: Place): void {
    place.board?.powerOff();
    place.board = undefined;
    const delay = randomBelow(this.#random, GONE_MAX_MS);
    place.timers[1] = this.clock.after(delay, () => this.#come(place));
  }

  /** The flash of the next neighbour: empty, or with an image that is older, the same or newer than the node's own. */
  #someStorage(): FlashStorage {
    const kind = randomBelow(this.#random, 8);
    const { storage } = this.#boardWith(kind < 3 ? undefined : kind < 6 ? this.#older : this.#newest);
    // Whatever the node had, this one is newer.
    if (kind === 7) {
      this.#older = this.#newest;
      this.#newest = this.#nextImage();
      return this.#boardWith(this.#newest).storage;
    }
    return storage;
  }

  #setup(): SimBoardSetup {
    return {
      clock: this.clock,
      random: this.#random,
      geometry: GEOMETRY,
      policy: POLICY,
      allowSingle: false,
      cutThrough: true,
      callsAtOnce: false,
      gates: nodeGates(NO_GATES),
      linkKey: undefined,
      markAsync: () => {
        this.#isUnsettled = true;
      },
      wrapFlash: (_board, flash) => flash,
      onEvent: () => {},
    };
  }

  /** Flaps of all links. */
  get flaps(): number {
    return this.#places.reduce((sum, { near }) => sum + near.flaps, 0);
  }

  /** Lets time pass. */
  async pass(ms: Millis): Promise<void> {
    const end = this.clock.now() + ms;
    while (this.clock.runNext(end)) if (this.#isUnsettled) await this.#settle();
    this.clock.advanceTo(end);
  }

  async #settle(): Promise<void> {
    while (this.#isUnsettled) {
      this.#isUnsettled = false;
      for (let i = 0; i < SETTLE_STEPS; i++) await undefined;
    }
  }

  /** All links stay up, nobody is at them, and all that was going on has run out: what there is then. */
  async quietSample(ms: Millis): Promise<Sample> {
    this.#isQuiet = true;
    for (const place of this.#places) {
      place.near.set(true);
      place.board?.powerOff();
      place.board = undefined;
    }
    await this.pass(ms);
    this.#isQuiet = false;
    const status = this.#node?.status();
    const lengthOf = (name: "neighbours" | "waiting" | "healed"): number => status?.[name].length ?? 0;
    return {
      at: this.clock.now(),
      timers: this.clock.runningTimers,
      neighbours: lengthOf("neighbours"),
      waiting: lengthOf("waiting"),
      healed: lengthOf("healed"),
    };
  }

  /** Stops the node, and everything around it; gives its verdict. */
  async stop(): Promise<Verdict> {
    this.#isUnsettled = true;
    for (const { board, timers } of this.#places) {
      board?.powerOff();
      for (const timer of timers) timer?.cancel();
    }
    this.#stop.abort();
    await this.#settle();
    await this.pass(5_000);
    return await this.ended;
  }
}
