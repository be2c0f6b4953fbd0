import type { Random } from "../../base/prng.ts";
import type { VirtualClock } from "../../base/virtual-clock.ts";
import type { BoardIdentity } from "../../board/board-parts.ts";
import { type MemoryBoard, memoryBoard } from "../../board/memory-board.ts";
import type { RunningBoard } from "../../board/running-board.ts";
import type { FlashGeometry } from "../../flash/geometry.ts";
import type { Flash, NorFlash } from "../../flash/nor-flash.ts";
import type { FlashStorage } from "../../flash/storage.ts";
import type { TrustPolicy } from "../../image/envelope.ts";
import type { LinkKey } from "../../link/link-key.ts";
import type { KeptImage } from "../../mesh/rollout.ts";
import { runNode } from "../../node/full-node.ts";
import type { NodeEvent } from "../../node/node-event.ts";
import { makePureSplitter } from "../../node/pure-run-splitter.ts";
import type { Transport } from "../../transport/transport.ts";
import { PowerCut } from "../power-cuts/power-cut.ts";
import { Plug, type PlugFaults } from "./plug.ts";
import type { nodeGates } from "./sim-gates.ts";
import { StartFlash } from "./start-flash.ts";

/** What the boards of a world have in common. */
export interface SimBoardSetup {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly geometry: FlashGeometry;
  readonly policy: TrustPolicy;
  readonly allowSingle: boolean;
  readonly cutThrough: boolean;
  readonly callsAtOnce: boolean;
  readonly gates: ReturnType<typeof nodeGates>;
  /** Of all wires; none unless given. */
  readonly linkKey: LinkKey | undefined;
  /** Called when something begins that a promise ends. */
  markAsync(): void;
  /** Wraps the flash of a board, to look at what is written, or to cut its power. */
  wrapFlash(board: number, flash: NorFlash): Flash;
  onEvent(board: number, event: NodeEvent): void;
}

/** A board's end of a wire. */
export interface SimWire {
  readonly transport: Transport;
  readonly faults: PlugFaults;
}

/** One start of a board: from its power-on to its power-off. */
interface Start {
  readonly power: { isOn: boolean };
  readonly stop: AbortController;
  readonly plugs: readonly Plug[];
  readonly store: RunningBoard;
}

/** A board of a simulated world: its flash outlives its starts. The node that runs on it is the one of the product. */
export class SimBoard {
  readonly number: number;
  readonly identity: BoardIdentity;
  readonly wires: SimWire[] = [];
  readonly storage: FlashStorage;
  readonly #setup: SimBoardSetup;
  #start: Start | undefined;
  #bytesBefore = 0;
  /** What its folder would keep of images. */
  #images: readonly KeptImage[] = [];

  constructor(setup: SimBoardSetup, number: number, identity: BoardIdentity, storage: FlashStorage) {
    this.#setup = setup;
    this.number = number;
    this.identity = identity;
    this.storage = storage;
  }

  get isOn(): boolean {
    return this.#start !== undefined;
  }

  /** The running board; undefined while it is off. */
  get store(): RunningBoard | undefined {
    return this.#start?.store;
  }

  /** Bytes that it handed to its wires, in all its starts. */
  get bytesSent(): number {
    return this.#bytesBefore + sentBy(this.#start);
  }

  /** The flash as a programmer sees it, without a running node. */
  open(): MemoryBoard {
    const { geometry, policy } = this.#setup;
    return memoryBoard({ geometry, policy, identity: this.identity, storage: this.storage });
  }

  /** Power on. Does nothing while it is on; may lose its power again at once. */
  powerOn(): void {
    if (this.#start !== undefined) return;
    const power = { isOn: true };
    try {
      const store = this.#openStore(power);
      const plugs = this.wires.map(({ transport, faults }) => new Plug(transport, faults));
      this.#start = { power, stop: new AbortController(), plugs, store };
      this.#run(this.#start);
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
  }

  #openStore(power: { readonly isOn: boolean }): RunningBoard {
    const { geometry, policy, wrapFlash } = this.#setup;
    const { identity, storage } = this;
    const wrap = (flash: NorFlash): Flash => new StartFlash(wrapFlash(this.number, flash), power);
    const store = memoryBoard({ geometry, policy, identity, storage, wrap }).store();
    const ownSource = store.ownSource.bind(store);
    // A neighbour is about to be offered an image, which takes promises.
    store.ownSource = () => {
      this.#setup.markAsync();
      return ownSource();
    };
    const receivedImage = store.receivedImage.bind(store);
    store.receivedImage = () => {
      this.#setup.markAsync();
      return receivedImage();
    };
    return store;
  }

  #run({ power, stop, plugs, store }: Start): void {
    const { clock, random, allowSingle, callsAtOnce, cutThrough, gates, linkKey, markAsync, onEvent } =
      this.#setup;
    markAsync();
    const run = runNode({
      links: plugs.map((source) => ({ source, linkKey })),
      board: store,
      allowUnsigned: false,
      policy: { update: "auto", allowSingle },
      fanOut: 1,
      cutThrough,
      ...(callsAtOnce ? { listensFirst: false } : {}),
      ...gates,
      memory: {
        load: () => this.#images,
        save: (images) => {
          if (power.isOn) this.#images = images;
        },
      },
      onBoot: async () => {
        markAsync();
        return true;
      },
      signal: stop.signal,
      clock,
      random,
      makeSplitter: (onRun) => makePureSplitter(onRun, { maxRun: 4_129, clock }),
      onEvent: (event) => {
        if (power.isOn) onEvent(this.number, event);
      },
    });
    run.catch((error: unknown) => {
      if (power.isOn) onEvent(this.number, crashOf(error));
    });
  }

  /** Power off, at once: nothing is said, nothing more is written. */
  powerOff(): void {
    const start = this.#start;
    if (start === undefined) return;
    this.#bytesBefore += sentBy(start);
    start.power.isOn = false;
    this.#start = undefined;
    for (const plug of start.plugs) plug.pull();
    this.#setup.markAsync();
    start.stop.abort();
  }
}

function sentBy(start: Start | undefined): number {
  return start?.plugs.reduce((sum, plug) => sum + plug.bytesSent, 0) ?? 0;
}

/** A node that throws is a defect. */
function crashOf(error: unknown): NodeEvent {
  return {
    event: "link",
    link: "",
    state: "crashed",
    detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}
