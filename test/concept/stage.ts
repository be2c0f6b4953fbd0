import { toHex } from "../../src/base/bytes.ts";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { damageSlot } from "../../src/board/damage.ts";
import { installFrom } from "../../src/board/install.ts";
import { type MemoryBoard, memoryBoard } from "../../src/board/memory-board.ts";
import type { FlashLayout } from "../../src/flash/geometry.ts";
import { type ImageSource, memoryImage } from "../../src/image/image-source.ts";
import { trustedKeyOf } from "../../src/image/keys.ts";
import { formatVersion } from "../../src/image/version.ts";
import { type RunningNode, runNode } from "../../src/node/full-node.ts";
import type { NodeDuties } from "../../src/node/node-duties.ts";
import type { NodeEvent } from "../../src/node/node-event.ts";
import { makePureSplitter } from "../../src/node/pure-run-splitter.ts";
import type { Verdict } from "../../src/node/verdict.ts";
import { Plug } from "../../src/sim/many/plug.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { fixedKey } from "../support/fixed-keys.ts";
import { inVirtualTime, pass, passUntil } from "../support/virtual-time.ts";
import { type Sighting, type SightingKind, watchedEnd } from "./sightings.ts";

/** Bytes of the images of a stage, four blocks, and of its boards' slots. */
export const STAGE_IMAGE_SIZE = 16_384;
export const STAGE_BLOCKS = 4;
const SECTOR_SIZE = 4096;
const BAUD = 115_200;
const KEY = fixedKey(9);
const VENDOR = "acme";
const HARDWARE_CLASS = "gate";

/** What an image of a stage has beside its version. */
export interface StageImage {
  readonly hardwareClass?: string;
  /** Other bytes for the same version. */
  readonly build?: number;
  /** `by-app`: on trial until it is confirmed. */
  readonly confirm?: "on-verify" | "by-app";
}

/** An image of {@link STAGE_IMAGE_SIZE} bytes with this version, "1.0.0" for instance, signed by the boards' owner. */
export function imageOf(
  text: string,
  { hardwareClass = HARDWARE_CLASS, build = 0, confirm = "on-verify" }: StageImage = {},
): ImageSource {
  const [major = 0, minor = 0, patch = 0] = text.split(".").map(Number);
  const data = randomBytes(
    new SeededRandom(major * 10_000 + minor * 100 + patch + build * 7),
    STAGE_IMAGE_SIZE,
  );
  const version = { major, minor, patch };
  return memoryImage(data, { vendor: VENDOR, hardwareClass, version, blockSize: SECTOR_SIZE, confirm }, KEY);
}

/** A board of a stage. */
export interface StageBoard {
  /** Installed and confirmed; nothing unless given. */
  readonly image?: ImageSource;
  /** Two slots unless given. */
  readonly layout?: FlashLayout;
  readonly hardwareClass?: string;
}

/** What a node of a stage does beside the rest; it updates its board by itself unless `policy` says otherwise. */
export type StageDuties = Partial<Omit<NodeDuties, "links" | "board">>;

/** A node of a stage that runs, and its board. */
export interface StageNode {
  readonly board: MemoryBoard;
  readonly events: readonly (NodeEvent & { readonly at: Millis })[];
  readonly handle: RunningNode;
  /** Events of one kind. */
  of<Kind extends NodeEvent["event"]>(
    kind: Kind,
  ): (Extract<NodeEvent, { event: Kind }> & { readonly at: Millis })[];
  /** The versions that it started, in order. */
  readonly started: readonly string[];
  /** The version that its board boots, or why it boots none. */
  readonly boots: string;
  /** Ends it in order. */
  stop(): Promise<Verdict>;
  /** Cuts its power: nothing is said any more. */
  cutPower(): void;
}

/** Boards in memory, wires between them that are watched, virtual time, and the nodes of the product. */
export class Stage {
  readonly clock: VirtualClock = new VirtualClock();
  readonly sightings: Sighting[] = [];
  readonly #random: SeededRandom = new SeededRandom(1);
  #boards = 0;

  /** A serial wire of 115,200 baud, unless given, between two boards: the end of each. */
  wire(a: string, b: string, baud: number = BAUD): [Transport, Transport] {
    const line = { baud, latencyMs: 1 };
    const [near, far] = createMemoryPair(this.clock, {
      aToB: line,
      bToA: line,
      names: [`${a}-${b}`, `${b}-${a}`],
    });
    return [this.#watched(near), this.#watched(far)];
  }

  #watched(end: Transport): Transport {
    return watchedEnd(end, this.clock, (sighting) => this.sightings.push(sighting));
  }

  /** Frames that one end sent, or all; of these kinds, or all. */
  seen(from: string | undefined, ...kinds: readonly SightingKind[]): Sighting[] {
    return this.sightings.filter(
      (sighting) =>
        (from === undefined || sighting.from === from) &&
        (kinds.length === 0 || kinds.includes(sighting.kind)),
    );
  }

  /** What runs of a stage have in common. */
  get edges(): Pick<Parameters<typeof runNode>[0], "clock" | "random" | "makeSplitter"> {
    const { clock } = this;
    const random = new SeededRandom(this.#random.u32());
    return { clock, random, makeSplitter: (onRun) => makePureSplitter(onRun, { maxRun: 4_129, clock }) };
  }

  /** A board; its ids rise from one to the next. */
  board({ image, layout = "ab", hardwareClass = HARDWARE_CLASS }: StageBoard = {}): MemoryBoard {
    const board = memoryBoard({
      geometry: { sectorSize: SECTOR_SIZE, slotSize: STAGE_IMAGE_SIZE, layout },
      identity: {
        nodeId: new Uint8Array(8).fill(++this.#boards),
        hardware: { vendor: VENDOR, hardwareClass },
        revision: 1,
      },
      policy: { keys: [trustedKeyOf(KEY, ["app"])], allowUnsigned: false },
    });
    if (image === undefined) return board;
    const store = board.store();
    installFrom(store, image);
    store.confirm();
    return board;
  }

  /** Overwrites a sector of every slot: the board does not boot. */
  damage({ storage, parts }: MemoryBoard, sector = 0): void {
    const { map } = parts.flash;
    for (const slot of map.slots.keys())
      damageSlot(storage, map, { slot, sector, isErase: false }, new SeededRandom(3));
  }

  /** Starts the node of a board on its ends of wires. */
  node(board: MemoryBoard, ends: readonly Transport[], duties: StageDuties = {}): StageNode {
    return this.#start(board, ends, duties);
  }

  /** Starts a node without a board. `board` of the result is one that has nothing to do with it. */
  provider(ends: readonly Transport[], duties: StageDuties): StageNode {
    return this.#start(undefined, ends, duties);
  }

  #start(board: MemoryBoard | undefined, ends: readonly Transport[], duties: StageDuties): StageNode {
    const stop = new AbortController();
    const plugs = ends.map(
      (end) => new Plug(end, { isCut: () => false, carry: (frame) => frame, note: () => {} }),
    );
    const events: (NodeEvent & { readonly at: Millis })[] = [];
    let isOn = true;
    let handle: RunningNode | undefined;
    const run = runNode({
      policy: { update: "auto", allowSingle: false },
      fanOut: 1,
      ...duties,
      ...this.edges,
      links: plugs.map((source) => ({ source })),
      board: board?.store(),
      signal: stop.signal,
      onRunning: (node) => {
        handle = node;
      },
      onEvent: (event) => {
        if (isOn) events.push({ ...event, at: this.clock.now() });
      },
    });
    if (handle === undefined) throw new Error("a node runs at once");
    const { clock } = this;
    const own = board ?? this.board();
    return {
      board: own,
      events,
      handle,
      of: (kind) =>
        events.filter(
          (event): event is Extract<typeof event, { event: typeof kind }> => event.event === kind,
        ),
      get started() {
        return events.flatMap((event) => (event.event === "booted" ? [event.version] : []));
      },
      get boots() {
        return bootsOf(own);
      },
      stop: async () => {
        stop.abort();
        return await inVirtualTime(clock, run);
      },
      cutPower: () => {
        isOn = false;
        for (const plug of plugs) plug.pull();
        stop.abort();
      },
    };
  }

  /** Lets time pass until the condition holds; fails, with what the nodes told, when it does not within the time. */
  async until(condition: () => boolean, limitMs: Millis, ...nodes: readonly StageNode[]): Promise<void> {
    if (await passUntil(this.clock, condition, limitMs)) return;
    const told = nodes.map(({ events }) => events.map((event) => JSON.stringify(event)).join("\n"));
    throw new Error(`not within ${limitMs / 1000} s:\n${told.join("\n\n")}`);
  }

  async pass(ms: Millis): Promise<void> {
    await pass(this.clock, ms);
  }
}

/** The version that a board boots, or why it boots none. */
export function bootsOf(board: MemoryBoard): string {
  const outcome = board.boot();
  return outcome.tag === "boot" ? formatVersion(outcome.image.manifest.version) : outcome.reason;
}

/** The short digest of an image, as events and beacons have it. */
export function shortOf(image: ImageSource): string {
  return toHex(image.digest.subarray(0, 8));
}
