import "../../src/crypto/use-node-crypto.ts";
import { equalBytes, toHex } from "../../src/base/bytes.ts";
import { SeededRandom } from "../../src/base/prng.ts";
import { rootLevel } from "../../src/base/tree-shape.ts";
import type { Millis } from "../../src/base/units.ts";
import { confirmBoot } from "../../src/board/boot.ts";
import { type MemoryBoard, memoryBoard } from "../../src/board/memory-board.ts";
import type { TargetStore } from "../../src/board/target-store.ts";
import { trustedKeyFromBytes } from "../../src/image/keys.ts";
import { HashTree, leavesOf } from "../../src/image/merkle.ts";
import { applyTargetEffect, nodeStatusOf } from "../../src/node/target-effects.ts";
import { PLAIN_CODECS } from "../../src/session/codecs.ts";
import { LinkEnd } from "../../src/session/link-end.ts";
import type { OfferedImage, RescuerEvent } from "../../src/session/rescuer/rescuer-events.ts";
import { RescuerRole } from "../../src/session/rescuer/rescuer-role.ts";
import type { TargetEvent } from "../../src/session/target/target-events.ts";
import { TargetRole } from "../../src/session/target/target-role.ts";
import { TargetStart } from "../../src/session/target/target-start.ts";
import { ACK_DELAY_UNIT_MS, ACK_REACH, AnnounceType, TargetControlType } from "../../src/wire/constants.ts";
import { blocksBytes, type FrameStep, type SessionVector } from "./session-vector.ts";
import { vectorBytes } from "./vector-file.ts";

/** Longest time until a timer of the steps fires. */
const TIMER_MAX_MS = 60_000;
const CLASS_TARGET_CONTROL = 1;

/** Frames that were compared. */
export interface Replayed {
  readonly frames: number;
  /** Acks that went out beside those of the steps, and were right. */
  readonly otherAcks: number;
}

const isControl = (frame: Uint8Array, type: number): boolean =>
  frame[0] === ((type << 4) | CLASS_TARGET_CONTROL);
const isAck = (frame: Uint8Array): boolean => isControl(frame, TargetControlType.ack);
/** Busy, and queries into silence: they may go out at any time. */
const isFree = (frame: Uint8Array): boolean =>
  isControl(frame, TargetControlType.busy) || (frame[0] === 0x10 && frame[1] === AnnounceType.query);
const isPacket = (frame: Uint8Array): boolean => [3, 4].includes((frame[0] ?? 0) & 0x0f) || hasDataBit(frame);
const hasDataBit = (frame: Uint8Array): boolean => ((frame[0] ?? 0) & 0x08) !== 0;

function compare(step: FrameStep, at: number, frame: Uint8Array | undefined): void {
  const wanted = step.frameHex.replaceAll(" ", "");
  const sent = frame === undefined ? "nothing" : toHex(frame);
  if (sent === wanted) return;
  throw new Error(`step ${at}, ${step.kind} of the ${step.from}: it is ${wanted}, and was ${sent}`);
}

/** A board as the session finds it, in memory. */
function boardOf({ target, image }: SessionVector): MemoryBoard {
  const { vendor, hardwareClass, revision } = target;
  const keys = [trustedKeyFromBytes(vectorBytes(target.trustedKey), ["app"])];
  const board = memoryBoard({
    geometry: { sectorSize: image.blockSize, slotSize: image.size, layout: "single" },
    identity: { nodeId: vectorBytes(target.nodeId), hardware: { vendor, hardwareClass }, revision },
    policy: { keys, allowUnsigned: false },
  });
  if (target.isImageInstalled) install(board, image);
  board.storage.write(board.nor.map.slots[0]?.offset ?? 0, blocksBytes(image, target.slotBefore));
  return board;
}

/** Installs the image as one that ran: the counter floor is its counter. */
function install(board: MemoryBoard, image: SessionVector["image"]): void {
  const { size, blockSize } = image;
  const bytes = blocksBytes(image, image.blocks);
  const store = board.store();
  store.checkManifest(vectorBytes(image.envelope));
  store.start();
  const leafCount = Math.ceil(size / blockSize);
  store.checkRun({ level: rootLevel(leafCount), index: 0 }, leavesOf(bytes, blockSize));
  for (let block = 0; block < leafCount; block++)
    store.writeBlock(block, bytes.subarray(block * blockSize, (block + 1) * blockSize));
  if (store.commit().tag !== "bootable") throw new Error("the image of the session does not boot");
  confirmBoot(board.parts);
}

/** Packets that arrived, and what an ack says of them (PROTOCOL.md 4.3). */
class Arrived {
  readonly #numbers: Set<number> = new Set();
  #highest = -1;
  highestAt: Millis = 0;

  /** The numbers of a session are below 4096. */
  add(now: Millis, frame: Uint8Array): void {
    const number = ((frame[0] ?? 0) | ((frame[1] ?? 0) << 8)) >> 4;
    this.#numbers.add(number);
    if (number <= this.#highest) return;
    this.#highest = number;
    this.highestAt = now;
  }

  /** Throws if an ack says anything else. Its delay is free. */
  check(ack: Uint8Array): void {
    const bitmap = new Uint8Array(ACK_REACH / 8);
    for (const number of this.#numbers) {
      const back = this.#highest - number;
      if (back < ACK_REACH) bitmap[back >> 3] = (bitmap[back >> 3] ?? 0) | (1 << (back & 7));
    }
    const highest = (ack[1] ?? 0) | ((ack[2] ?? 0) << 8);
    if (highest === this.#highest && equalBytes(ack.subarray(4, 4 + bitmap.length), bitmap)) return;
    throw new Error(`an ack is wrong: ${toHex(ack)}; highest is ${this.#highest}, bitmap ${toHex(bitmap)}`);
  }
}

class TargetReplay {
  readonly #vector: SessionVector;
  readonly #end: LinkEnd<TargetEvent> = new LinkEnd<TargetEvent>({
    baud: undefined,
    // No question is repeated while acks wait for as long as the steps say.
    rtoFloorMs: 300,
    framing: "message",
  });
  readonly #board: MemoryBoard;
  readonly #store: TargetStore;
  readonly #role: TargetRole;
  readonly #arrived: Arrived = new Arrived();
  #now: Millis = 0;
  /** Sent, and not compared yet. */
  #sent: Uint8Array[] = [];
  #frames = 0;
  #otherAcks = 0;

  constructor(vector: SessionVector) {
    this.#vector = vector;
    this.#board = boardOf(vector);
    const store = this.#board.store();
    this.#store = store;
    const { payloadMax, openBlocks, asks, bootNonce } = vector.target;
    const options = {
      random: new SeededRandom(1),
      status: () => nodeStatusOf(store.status()),
      isBlank: () => store.isBlank(),
      start: new TargetStart(() => vectorBytes(bootNonce)),
      limits: { payloadMax, openBlocks, runs: 1, codecs: PLAIN_CODECS, asks },
    };
    this.#role = this.#end.exchange(0, (host) => new TargetRole(0, host, options));
  }

  run(): Replayed {
    this.#end.handleLinkUp(this.#now, true);
    this.#drain();
    for (const [at, step] of this.#vector.steps.entries()) {
      if ("heard" in step) continue;
      if (step.from === "rescuer") this.#hear(at, step);
      else if (step.kind === "ack") this.#compareAck(at, step);
      else this.#compareNext(at, step);
    }
    this.#expectNothing(this.#vector.steps.length);
    const { image, target } = this.#vector;
    const slot = this.#board.storage.read(this.#board.nor.map.slots[0]?.offset ?? 0, image.size);
    const isImage = equalBytes(slot, blocksBytes(image, image.blocks));
    if (isImage !== target.isSlotImageAfter)
      throw new Error(`the slot ${isImage ? "holds" : "lacks"} the image`);
    return { frames: this.#frames, otherAcks: this.#otherAcks };
  }

  #expectNothing(at: number): void {
    const [frame] = this.#sent;
    if (frame !== undefined) throw new Error(`before step ${at} the target sent ${toHex(frame)}`);
  }

  #hear(at: number, step: FrameStep): void {
    this.#expectNothing(at);
    if (step.lost) return;
    const frame = vectorBytes(step.frameHex);
    if (isPacket(frame)) this.#arrived.add(this.#now, frame);
    this.#end.handleFrame(this.#now, frame);
    this.#drain();
  }

  #compareAck(at: number, step: FrameStep): void {
    const delayMs = (step.delayUnits ?? 0) * ACK_DELAY_UNIT_MS;
    this.#now = Math.max(this.#now, this.#arrived.highestAt + delayMs);
    this.#end.link.ackNow(this.#now);
    compare(step, at, this.#end.pollTransmit(this.#now));
    this.#frames++;
    this.#drain();
  }

  #compareNext(at: number, step: FrameStep): void {
    if (step.by === "timer" && this.#sent.length === 0) this.#waitForTimer();
    compare(step, at, this.#sent.shift());
    this.#frames++;
  }

  #waitForTimer(): void {
    const limit = this.#now + TIMER_MAX_MS;
    while (this.#sent.length === 0) {
      const next = this.#end.pollTimeout();
      if (next === undefined || next > limit) throw new Error("no timer of the target fires");
      this.#now = Math.max(this.#now, next);
      this.#drain();
    }
  }

  /** Carries out what is due, and takes what is sent. */
  #drain(): void {
    const clock = { now: () => this.#now };
    this.#end.handleTimeout(this.#now);
    for (;;) {
      const event = this.#end.pollEvent();
      if (event !== undefined) {
        applyTargetEffect(clock, event, this.#role, this.#store);
        continue;
      }
      const frame = this.#end.pollTransmit(this.#now);
      if (frame === undefined) return;
      if (isAck(frame)) {
        this.#arrived.check(frame);
        this.#otherAcks++;
      } else if (!isFree(frame)) this.#sent.push(frame);
    }
  }
}

class RescuerReplay {
  readonly #vector: SessionVector;
  readonly #end: LinkEnd<RescuerEvent>;
  readonly #role: RescuerRole;
  readonly #data: Uint8Array;
  readonly #tree: HashTree;
  #now: Millis = 0;
  #frames = 0;

  constructor(vector: SessionVector, payload: number | undefined) {
    this.#vector = vector;
    this.#data = blocksBytes(vector.image, vector.image.blocks);
    this.#tree = HashTree.fromLeaves(leavesOf(this.#data, vector.image.blockSize));
    const { nodeId, nonce } = vector.rescuer;
    this.#end = new LinkEnd<RescuerEvent>({ baud: undefined, rtoFloorMs: 10, framing: "message", payload });
    const bytes = vectorBytes(nonce);
    let drawn = 0;
    // Its first draw is the nonce of its offer.
    const random = { u32: () => bytes[drawn++ % bytes.length] ?? 0 };
    const options = { random, nodeId: vectorBytes(nodeId), bootNonce: new Uint8Array(8) };
    this.#role = this.#end.exchange(0, (host) => new RescuerRole(0, host, options));
    this.#end.handleLinkUp(0, true);
  }

  run(): Replayed {
    const { steps } = this.#vector;
    for (const [at, step] of steps.entries()) {
      if ("heard" in step) this.#hear(steps[step.heard] as FrameStep);
      else if (step.from === "rescuer") this.#compareNext(at, step);
      // While a timer of the target is waited for, there is nothing to send.
      else if (step.by === "timer") this.#expectNothing(at);
    }
    this.#expectNothing(steps.length);
    return { frames: this.#frames, otherAcks: 0 };
  }

  #hear(step: FrameStep): void {
    this.#end.handleFrame(this.#now, vectorBytes(step.frameHex));
    this.#work();
  }

  #expectNothing(at: number): void {
    const frame = this.#end.pollTransmit(this.#now);
    if (frame !== undefined) throw new Error(`before step ${at} the rescuer sent ${toHex(frame)}`);
  }

  #compareNext(at: number, step: FrameStep): void {
    if (step.by === "timer") {
      this.#expectNothing(at);
      this.#waitForTimer();
    }
    const frame = this.#end.pollTransmit(this.#now);
    compare(step, at, frame);
    this.#frames++;
  }

  /** Lets time pass until a timer is due. */
  #waitForTimer(): void {
    const next = this.#end.pollTimeout();
    if (next === undefined || next > this.#now + TIMER_MAX_MS)
      throw new Error("no timer of the rescuer fires");
    this.#now = Math.max(this.#now, next);
    this.#work();
  }

  #work(): void {
    this.#end.handleTimeout(this.#now);
    for (let event = this.#end.pollEvent(); event; event = this.#end.pollEvent()) this.#carryOut(event);
    this.#end.handleTimeout(this.#now);
  }

  #carryOut(event: RescuerEvent): void {
    const { blockSize } = this.#vector.image;
    switch (event.tag) {
      case "pick":
        this.#role.handlePicked(this.#now, event.session, this.#offered());
        return;
      case "readRun": {
        const run = { tag: "hashes", hashes: this.#tree.run(event.node) } as const;
        this.#role.handleRunRead(this.#now, event.session, event.node, run);
        return;
      }
      case "readBlock": {
        const at = event.wish.block * blockSize;
        const block = this.#data.subarray(at, at + blockSize);
        this.#role.handleBlockRead(this.#now, event.session, event.wish, block);
        return;
      }
      default:
    }
  }

  #offered(): OfferedImage {
    const { version, size, blockSize, counter, digest, envelope } = this.#vector.image;
    const [major, minor, patch] = version;
    const bytes = { digest: vectorBytes(digest).subarray(0, 8), envelope: vectorBytes(envelope) };
    return { ...bytes, version: { major, minor, patch }, size, blockSize, counter };
  }
}

/** Replays a session as its target: it hears what the rescuer says, and has to say what the steps say. */
export function replayTarget(vector: SessionVector): Replayed {
  return new TargetReplay(vector).run();
}

/** Replays a session as its rescuer. `choosesSizes`: it cuts frames as it likes, and not as the session states. */
export function replayRescuer(vector: SessionVector, { choosesSizes = false } = {}): Replayed {
  return new RescuerReplay(vector, choosesSizes ? undefined : vector.rescuer.payload).run();
}
