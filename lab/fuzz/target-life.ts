import { concatBytes } from "../../src/base/bytes.ts";
import { type Random, randomBelow, randomBytes, randomChance } from "../../src/base/prng.ts";
import type { RunOutcome } from "../../src/base/tree-shape.ts";
import {
  leavesBelow,
  nodesOnLevel,
  rootLevel,
  runChildren,
  type TreeNode,
} from "../../src/base/tree-shape.ts";
import type { Millis } from "../../src/base/units.ts";
import { type SessionIdentity, tagOf } from "../../src/session/identity.ts";
import { LinkEnd } from "../../src/session/link-end.ts";
import type { BlockOutcome, ManifestOutcome, TargetEvent } from "../../src/session/target/target-events.ts";
import { TargetRole } from "../../src/session/target/target-role.ts";
import { TargetStart } from "../../src/session/target/target-start.ts";
import { BLOCK_MAX, CHUNK_UNIT, Codec, MANIFEST_MAX, ObjectKind } from "../../src/wire/constants.ts";
import type { Frame, GrantEntry, WantedObject } from "../../src/wire/messages.ts";
import { type MachineTarget, must } from "./fuzz-target.ts";
import { BAUDS, MachineLife, randomPause } from "./machine-life.ts";
import { pick } from "./mutate.ts";
import { FRAME_TAGS, type FrameContext, randomFrame } from "./random-frame.ts";
import { frameOnWire } from "./wire-parsers.ts";

const STEPS_MAX = 60;
/** Beacons come at least this often: 60 s and a quarter, and room for the frame before. */
const BEACON_MS: Millis = 80_000;
/** Eight times a block of 64 KiB and eight seconds of round trip: no lease of a sane line is longer. */
const LEASE_LINE_TIMES = 8;
const ROUND_TRIP_MS: Millis = 8_000;

/** A target, hit by everything: bytes, damaged frames, right frames at wrong times, and a rescuer that half works. */
class TargetLife {
  readonly #random: Random;
  readonly #baud: number | undefined;
  readonly #end: LinkEnd<TargetEvent>;
  readonly #target: TargetRole;
  readonly #life: MachineLife<TargetEvent>;
  readonly #bootNonce: Uint8Array;
  readonly #nodeId: Uint8Array = new Uint8Array(8).fill(7);
  #peer: SessionIdentity;
  #leafCount = 1;
  #blockSize = 1024;
  #grants: readonly GrantEntry[] = [];
  #wanted: readonly WantedObject[] = [];
  #packetNumber = 0;
  #announced = 0;
  #isGone = false;
  readonly #seen: Set<string> = new Set();

  constructor(random: Random) {
    this.#random = random;
    this.#baud = pick(random, BAUDS);
    this.#bootNonce = randomBytes(random, 8);
    this.#peer = this.#freshPeer();
    this.#end = new LinkEnd<TargetEvent>({ baud: this.#baud, rtoFloorMs: 10 });
    const isForced = randomChance(random, 0.1);
    const status = {
      nodeId: this.#nodeId,
      hardwareId: randomBytes(random, 8),
      revision: 3,
      failure: randomChance(random, 0.9) ? ("empty" as const) : undefined,
      installed: undefined,
      receivingDigest: undefined,
      counterFloor: 0,
    };
    const start = new TargetStart(() => this.#bootNonce);
    const cause = isForced ? ("insists" as const) : ("help" as const);
    const options = { random, start, cause, status: () => status };
    this.#target = this.#end.exchange(0, (host) => new TargetRole(0, host, options));
    this.#life = new MachineLife(
      this.#end,
      () => tagOf(this.#peer),
      (event) => this.#handle(event),
      (frame) => this.#learn(frame),
    );
  }

  live(): string {
    this.#end.handleLinkUp(0, true);
    this.#life.pump();
    for (let left = 1 + randomBelow(this.#random, STEPS_MAX); left > 0; left--) this.#step();
    this.#mustComeBack();
    return [...this.#seen].sort().join(" ");
  }

  /** After the patience of a lease it calls again, whatever it was fed. */
  #mustComeBack(): void {
    this.#end.handleLinkUp(this.#life.now, true);
    const lineMs = this.#baud === undefined ? 0 : (BLOCK_MAX * 10_000) / this.#baud;
    this.#life.pass(LEASE_LINE_TIMES * (lineMs + ROUND_TRIP_MS));
    if (this.#isGone) return;
    this.#announced = 0;
    this.#life.pass(BEACON_MS);
    must(this.#announced > 0, "it calls for help again after the longest lease");
  }

  #freshPeer(): SessionIdentity {
    const random = this.#random;
    return {
      targetId: this.#nodeId,
      targetNonce: this.#bootNonce,
      rescuerId: randomBytes(random, 8),
      rescuerNonce: randomBytes(random, 8),
      digest: randomBytes(random, 8),
    };
  }

  #step(): void {
    const random = this.#random;
    switch (randomBelow(random, 12)) {
      case 0:
        this.#life.pass(randomPause(random));
        return;
      case 1:
        this.#life.hear(randomBytes(random, randomBelow(random, 200)));
        return;
      case 2:
        this.#send(randomFrame(random, pick(random, FRAME_TAGS), this.#context), randomChance(random, 0.3));
        return;
      case 3:
        this.#sendOffer();
        return;
      case 4:
        this.#sendManifest();
        return;
      case 5:
      case 6:
        this.#sendRuns();
        return;
      case 7:
      case 8:
      case 9:
        this.#sendBlocks();
        return;
      case 10:
        this.#sendControl();
        return;
      default:
        this.#disturb();
    }
  }

  get #context(): FrameContext {
    const { rescuerId, rescuerNonce, digest } = this.#peer;
    return {
      ids: [this.#nodeId, rescuerId],
      nonces: [this.#bootNonce, rescuerNonce],
      digests: [digest],
    };
  }

  /** Puts a frame on the wire, now and then with a byte changed and the CRC made right again. */
  #send(frame: Frame, isBent = false): void {
    this.#life.hear(frameOnWire(this.#random, frame, tagOf(this.#peer), isBent));
  }

  #sendOffer(): void {
    if (randomChance(this.#random, 0.7)) this.#peer = this.#freshPeer();
    const { rescuerId, rescuerNonce, targetNonce, digest } = this.#peer;
    const version = { major: 1, minor: 0, patch: 0 };
    const about = { digest, version, size: 9, counter: 0, blockSize: 1024 };
    this.#send({ tag: "offer", rescuerId, rescuerNonce, targetNonce, ...about });
  }

  #sendManifest(): void {
    const total = 1 + randomBelow(this.#random, MANIFEST_MAX + 8);
    const name = { kind: ObjectKind.manifest, node: { level: 0, index: 0 } };
    this.#sendObject(name.kind, name.node, new Uint8Array(total));
  }

  #sendObject(kind: ObjectKind, node: TreeNode, bytes: Uint8Array): void {
    for (let offset = 0; offset < bytes.length; offset += 256) {
      const payload = bytes.subarray(offset, offset + 256);
      const packetNumber = this.#packetNumber++ & 0xfff;
      const total = bytes.length;
      this.#send({ tag: "object", packetNumber, name: { kind, node }, offset, total, payload });
    }
  }

  #sendRuns(): void {
    for (const node of this.#wanted) {
      if (typeof node === "string" || randomChance(this.#random, 0.2)) continue;
      const isUniform = randomChance(this.#random, 0.2);
      const length = isUniform ? 1 : 32 * Math.min(16, 1 + randomBelow(this.#random, 18));
      this.#sendObject(
        isUniform ? ObjectKind.uniform : ObjectKind.run,
        node,
        randomBytes(this.#random, length),
      );
    }
  }

  /** Blocks as they were granted, some chunks lost; each is one byte over and over where that is allowed. */
  #sendBlocks(): void {
    for (const { first, count, attempt, codecs } of this.#grants) {
      for (let block = first; block < first + Math.min(count, 8); block++) {
        const position = ((block * this.#blockSize) / CHUNK_UNIT) & 0xffff;
        if ((codecs & 2) !== 0 && randomChance(this.#random, 0.8)) {
          this.#sendData(Codec.uniform, attempt, position, Uint8Array.of(1));
        } else {
          for (let at = 0; at < this.#blockSize; at += 1024) {
            this.#sendData(Codec.raw, attempt, position + at / CHUNK_UNIT, new Uint8Array(1024));
          }
        }
      }
    }
  }

  #sendData(codec: Codec, attempt: number, position: number, payload: Uint8Array): void {
    const packetNumber = this.#packetNumber++ & 0xfff;
    if (randomChance(this.#random, 0.05)) return;
    this.#send({
      tag: "data",
      packetNumber,
      codec,
      attempt: attempt & 1,
      position: position & 0xffff,
      payload,
    });
  }

  #sendControl(): void {
    const { targetNonce, rescuerNonce, digest } = this.#peer;
    const bye = { tag: "bye", targetNonce, rescuerNonce, reason: 1 } as const;
    const probe = { tag: "probe", packetNumber: this.#packetNumber++ & 0xfff } as const;
    const later = { tag: "later", forMs: 500 } as const;
    this.#send(pick<Frame>(this.#random, [{ tag: "doneAck", digest }, probe, probe, later, bye]));
  }

  /** Another link begins to serve the board, with this image or another one, or no longer does. */
  #serveElsewhere(isOn: boolean): void {
    const random = this.#random;
    const digest = randomBelow(random, 2) === 0 ? this.#peer.digest : randomBytes(random, 8);
    const givesWay = (): boolean => randomBelow(random, 2) === 0;
    const serving = isOn ? { rescuerId: randomBytes(random, 8), digest, givesWay } : undefined;
    this.#target.setServedElsewhere(this.#life.now, serving, randomBelow(random, 2) === 0);
  }

  #disturb(): void {
    const random = this.#random;
    const now = this.#life.now;
    const dice = randomBelow(random, 20);
    if (dice < 8) this.#end.handleLinkUp(now, dice % 2 === 0);
    else if (dice < 12) this.#serveElsewhere(dice === 11);
    else if (dice === 12) {
      this.#isGone = true;
      this.#end.stop();
      this.#end.takeUnsent(now);
    } else this.#life.hear(concatBytes(new TextEncoder().encode("panic: not syncing\r\n"), Uint8Array.of(0)));
    this.#life.pump();
    this.#target.setServedElsewhere(now, undefined);
  }

  /** Reads what the target asks for. */
  #learn(frame: Frame): void {
    this.#seen.add(`sends-${frame.tag}`);
    if (frame.tag === "grant") this.#grants = frame.entries;
    if (frame.tag === "request") this.#wanted = frame.wanted;
    // Nobody known is called with queries (PROTOCOL.md 2.4).
    if (["beacon", "distress", "query"].includes(frame.tag)) this.#announced++;
  }

  #handle(event: TargetEvent): void {
    this.#seen.add(event.tag);
    const random = this.#random;
    const now = this.#life.now;
    switch (event.tag) {
      case "checkManifest":
        this.#target.handleManifestChecked(now, event.session, this.#judge());
        return;
      case "checkRun":
        this.#target.handleRunChecked(now, event.session, event.run.node, this.#outcomeOf(event.run.node));
        return;
      case "writeBlock": {
        must(event.bytes.length <= this.#blockSize, "a block is no longer than a block");
        const outcome = pick<BlockOutcome>(random, ["written", "written", "written", "mismatch"]);
        this.#target.handleBlockWritten(
          now,
          event.session,
          event.block,
          randomChance(random, 0.01) ? "failed" : outcome,
        );
        return;
      }
      case "commit":
        this.#target.handleCommitted(now, event.session, randomChance(random, 0.1) ? "hash" : undefined);
        return;
      case "progress": {
        const { blocksRight, plan } = event.descent;
        must(blocksRight >= 0 && blocksRight <= plan.leafCount, "progress is between nothing and all");
        return;
      }
      case "finished":
        this.#isGone = true;
        return;
      default:
    }
  }

  #judge(): ManifestOutcome {
    const random = this.#random;
    if (randomChance(random, 0.1)) return { tag: "refused", reason: "counter", detail: "by chance" };
    this.#blockSize = 1024 << randomBelow(random, 7);
    this.#leafCount = randomChance(random, 0.3)
      ? 1 + randomBelow(random, 100_000)
      : 1 + randomBelow(random, 20);
    const short = randomBelow(random, this.#blockSize);
    const plan = {
      digest: randomChance(random, 0.95) ? this.#peer.digest : randomBytes(random, 8),
      size: this.#leafCount * this.#blockSize - short,
      blockSize: this.#blockSize,
      leafCount: this.#leafCount,
    };
    const root = { level: rootLevel(this.#leafCount), index: 0 };
    const isWhole = randomChance(random, 0.5);
    return { tag: "accepted", plan, start: isWhole ? this.#below([root]) : this.#outcomeOf(root) };
  }

  #outcomeOf(node: TreeNode): RunOutcome {
    const random = this.#random;
    if (randomChance(random, 0.05)) return { tag: "bad" };
    if (randomChance(random, 0.01)) return { tag: "failed" };
    if (node.level === 0) return this.#below([node]);
    return this.#below(runChildren(this.#leafCount, node).filter(() => randomChance(random, 0.6)));
  }

  #below(children: readonly TreeNode[]): RunOutcome {
    const nodes = children.filter(({ level }) => level > 0);
    const leaves = children.filter(({ level }) => level === 0);
    must(
      children.every(({ level, index }) => index < nodesOnLevel(this.#leafCount, level)),
      "children are nodes of the tree",
    );
    return {
      tag: "good",
      nodes,
      blocks: leaves.flatMap((leaf) => [leavesBelow(this.#leafCount, leaf).first]),
    };
  }
}

export const targetLife: MachineTarget = {
  tag: "machine",
  name: "target",
  weight: 0.5,
  run: (random) => new TargetLife(random).live(),
};
