import { equalBytes } from "../../src/base/bytes.ts";
import { type Random, randomBelow, randomChance } from "../../src/base/prng.ts";
import type { StoreOptions } from "../../src/board/admission.ts";
import { receiveFrom } from "../../src/board/install.ts";
import { type MemoryBoard, memoryBoard } from "../../src/board/memory-board.ts";
import type { RunningBoard } from "../../src/board/running-board.ts";
import { erasedBytes, type FlashGeometry, type FlashMap, flashMap } from "../../src/flash/geometry.ts";
import { MemoryStorage } from "../../src/flash/storage.ts";
import type { ImageSource } from "../../src/image/image-source.ts";
import { trustedKeyOf } from "../../src/image/keys.ts";
import { nodeStatusOf } from "../../src/node/target-effects.ts";
import type { NodeStatus } from "../../src/session/beacon.ts";
import { BootFailureCode } from "../../src/wire/constants.ts";
import { pick } from "../fuzz/mutate.ts";
import type { CSide } from "./c-side.ts";
import { type ImageShape, randomImage } from "./images.ts";
import { BOARD, configure, KEYS, type Trust } from "./manifests.ts";
import { type PlainRecord, plainOf, readRecord, setFlash } from "./record-state.ts";

export const NODE_ID: Uint8Array = new Uint8Array(8).fill(7);
export const REVISION = 3;

/** What both boards of a comparison are. */
export interface BoardShape extends ImageShape {
  readonly geometry: FlashGeometry;
  readonly trust: Trust;
  readonly updates: { readonly allowUpdate: boolean; readonly allowSingleUpdate: boolean };
}

const KIB = 1024;
const GEOMETRIES: readonly FlashGeometry[] = [
  { sectorSize: 1 * KIB, slotSize: 9 * KIB, layout: "single", recoverySize: 1 * KIB },
  { sectorSize: 4 * KIB, slotSize: 12 * KIB, layout: "single", recoverySize: 4 * KIB, writeSize: 1 },
  {
    sectorSize: 4 * KIB,
    slotSize: 10_001,
    layout: "single",
    recoverySize: 4 * KIB,
    manifests: "record",
    writeSize: 4,
  },
  { sectorSize: 2 * KIB, slotSize: 8 * KIB, layout: "ab", recoverySize: 2 * KIB },
  { sectorSize: 4 * KIB, slotSize: 8 * KIB, layout: "ab", recoverySize: 4 * KIB, manifests: "record" },
  {
    sectorSize: 2 * KIB,
    slotSize: 9 * KIB,
    layout: "single",
    recoverySize: 2 * KIB,
    erasedByte: 0,
    writeSize: 64,
  },
  {
    ...{
      sectors: [
        { count: 3, size: 4 * KIB },
        { count: 2, size: 2 * KIB },
        { count: 3, size: 8 * KIB },
      ],
    },
    ...{ slotSize: 12 * KIB, layout: "single", recoverySize: 4 * KIB, manifests: "record", writeSize: 4 },
  },
];

/** Room for images of several runs of hashes. */
const LARGE: FlashGeometry = {
  sectorSize: 4 * KIB,
  slotSize: 44 * KIB,
  layout: "single",
  recoverySize: 4 * KIB,
};

/** `largeShare`: share of the boards whose images have several runs of hashes. */
export function randomShape(random: Random, largeShare = 0): BoardShape {
  const isLarge = randomChance(random, largeShare);
  const geometry = isLarge ? LARGE : pick(random, GEOMETRIES);
  const blockSize = isLarge ? 1024 : pick(random, [1024, 1024, 2048, 4096]);
  const [app, other] = KEYS;
  if (app === undefined || other === undefined) throw new Error("there are three keys");
  const keys = [{ ...trustedKeyOf(app, ["app"]), maxCounter: 0xffff_ffff, maxStep: 1000 }];
  if (randomChance(random, 0.3)) {
    const maxCounter = pick(random, [1, 0xffff_ffff]);
    keys.push({
      ...trustedKeyOf(other, ["app", "recovery"]),
      maxCounter,
      maxStep: pick(random, [0, 2, 1000]),
    });
  }
  const isOpen = randomChance(random, 0.05);
  const updates = { allowUpdate: randomChance(random, 0.8), allowSingleUpdate: randomChance(random, 0.7) };
  const sizeMax = geometry.slotSize;
  return {
    geometry,
    blockSize,
    sizeMax,
    trust: { keys: isOpen ? [] : keys, allowUnsigned: isOpen },
    updates,
  };
}

/** The board of the TypeScript side. */
export class TsBoard {
  readonly map: FlashMap;
  readonly storage: MemoryStorage;
  readonly #shape: BoardShape;
  readonly #options: StoreOptions;
  board: MemoryBoard;
  store: RunningBoard;

  constructor(shape: BoardShape, flash: Uint8Array, maxBlockSize: number) {
    this.#shape = shape;
    this.map = flashMap(shape.geometry);
    this.storage = new MemoryStorage(this.map.size, this.map.erasedByte);
    this.storage.write(0, flash);
    this.#options = { ...shape.updates, maxBlockSize };
    [this.board, this.store] = this.#start();
  }

  #start(): [MemoryBoard, RunningBoard] {
    const { geometry, trust } = this.#shape;
    const identity = { nodeId: NODE_ID, hardware: BOARD, revision: REVISION };
    const board = memoryBoard({ geometry, identity, policy: trust, storage: this.storage });
    return [board, board.store(this.#options)];
  }

  /** Power off and on. */
  restart(): void {
    [this.board, this.store] = this.#start();
  }

  get flash(): Uint8Array {
    return this.storage.read(0, this.map.size);
  }

  /** Another flash is put in: before a restart. */
  load(flash: Uint8Array): void {
    this.storage.write(0, flash);
  }

  get status(): unknown {
    return plainStatus(nodeStatusOf(this.store.status()), this.store.status().isTrial);
  }

  get record(): PlainRecord {
    return plainOf(this.board.parts.record.state);
  }
}

/** A status in a form that both sides can be brought to. */
function plainStatus(status: NodeStatus, isTrial: boolean): unknown {
  const { failure, installed, receivingDigest, hardwareId, counterFloor } = status;
  return {
    ...{ failure: failure === undefined ? 0 : BootFailureCode[failure], isTrial, counterFloor },
    installed: installed && [
      installed.digest.slice(),
      installed.sequence,
      ...Object.values(installed.version),
    ],
    ...{ receiving: receivingDigest?.slice(), hardwareId: hardwareId.slice() },
  };
}

/** The board of the C side, in the one instance that there is. */
export class CBoard {
  readonly #c: CSide;
  readonly #shape: BoardShape;
  readonly flash: Uint8Array;

  constructor(c: CSide, shape: BoardShape, flash: Uint8Array) {
    this.#c = c;
    this.#shape = shape;
    this.flash = flash.slice();
    c.faults = 0;
    this.restart();
  }

  /** Power off and on. */
  restart(): void {
    const { geometry, trust, updates } = this.#shape;
    this.#c.call("reset");
    configure(this.#c, trust, NODE_ID, REVISION, updates);
    setFlash(this.#c, geometry, flashMap(geometry), this.flash);
    this.#c.call("open");
  }

  get status(): unknown {
    this.#c.call("status");
    const answer = this.#c.answer();
    const failure = answer.number();
    const isTrial = answer.number() === 1;
    const [isInstalled, isReceiving] = [answer.number() === 1, answer.number() === 1];
    const sequence = answer.number() * 2 ** 32 + answer.number();
    const version = [answer.number(), answer.number(), answer.number()];
    const [digest, receiving, hardwareId] = [answer.bytes(8), answer.bytes(8), answer.bytes(8)];
    return {
      ...{ failure, isTrial, counterFloor: answer.number() },
      installed: isInstalled ? [digest, sequence, ...version] : undefined,
      ...{ receiving: isReceiving ? receiving : undefined, hardwareId },
    };
  }

  get record(): PlainRecord {
    this.#c.call("record");
    return readRecord(this.#c.answer(), false);
  }
}

/** A flash as boards come to it, and what lies in it. */
export interface MadeFlash {
  readonly bytes: Uint8Array;
  /** Images that were written to it. */
  readonly images: readonly ImageSource[];
}

/** Empty, installed, on trial, half received, one over the other; damaged in a part of them. */
export function randomFlash(random: Random, shape: BoardShape): MadeFlash {
  const map = flashMap(shape.geometry);
  const images: ImageSource[] = [];
  const board = new TsBoard(shape, erasedBytes(map, map.size), 65_536);
  for (let left = pick(random, [0, 1, 1, 2, 3]); left > 0; left--) {
    const image = randomImage(random, shape, images.at(-1));
    const { store } = board;
    if (store.checkManifest(image.envelope).tag === "refused") continue;
    images.push(image);
    const isStopped = randomChance(random, 0.3);
    const blocks = randomBelow(random, image.manifest.leafCount + 1);
    const report = receiveFrom(store, image, isStopped ? (done) => done >= blocks : undefined);
    if (report.isComplete) store.commit();
    else if (randomChance(random, 0.5)) store.abandon();
    for (let steps = randomBelow(random, 4); steps > 0; steps--) life(random, board);
  }
  if (randomChance(random, 0.6)) board.store.abandon();
  const bytes = board.flash;
  if (randomChance(random, 0.3)) damage(random, map, bytes);
  return { bytes, images };
}

/** What happens to a board between sessions. */
function life(random: Random, board: TsBoard): void {
  const dice = randomBelow(random, 4);
  if (dice === 0) board.restart();
  else if (dice < 3) board.store.attempt();
  else if (board.store.status().isBootable) board.store.confirm();
}

/** A few bits of slots, manifests or the record turn. */
function damage(random: Random, map: FlashMap, bytes: Uint8Array): void {
  const places = [...map.slots, ...map.manifests, ...map.record, ...map.slots];
  for (let left = 1 + randomBelow(random, 2); left > 0; left--) {
    const { offset, size } = pick(random, places);
    const at = offset + randomBelow(random, randomChance(random, 0.5) ? Math.min(size, 700) : size);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << randomBelow(random, 8));
  }
}

/** Turns a bit at the start of each slot: no image boots any more. */
export function breakSlots(random: Random, map: FlashMap, bytes: Uint8Array): void {
  for (const { offset } of map.slots) {
    const at = offset + randomBelow(random, 100);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << randomBelow(random, 8));
  }
}

/** Whether two flashes hold the same where images lie. */
export function sameSlots(map: FlashMap, a: Uint8Array, b: Uint8Array): boolean {
  return map.slots.every(({ offset, size }) =>
    equalBytes(a.subarray(offset, offset + size), b.subarray(offset, offset + size)),
  );
}
