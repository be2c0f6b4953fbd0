import { isAfter } from "../../base/serial-number.ts";
import {
  type BlockRange,
  leftmostPath,
  RUN_LEVELS,
  type RunPayload,
  type TreeNode,
} from "../../base/tree-shape.ts";
import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";
import type { SendSide } from "../../link/send-side.ts";
import { CHUNK_UNIT } from "../../wire/constants.ts";
import type { Accept, Grant, GrantEntry, RateOk, Request } from "../../wire/messages.ts";
import type { BlockCoder, CodedBlock } from "../codecs.ts";
import { isDue } from "../deadlines.ts";
import type { SessionIdentity } from "../identity.ts";
import type { RateEvent, RoleHost } from "../role.ts";
import { BlockCoding } from "./block-coding.ts";
import { GrantedBlocks } from "./granted-blocks.ts";
import type { Offering } from "./offering.ts";
import { PendingReads, type ReadEffect } from "./pending-reads.ts";
import { type ClimbMoment, RateClimb } from "./rate-climb.ts";
import type { BlockWish, OfferedImage, RescuerEvent } from "./rescuer-events.ts";
import { SayingHaves } from "./saying-haves.ts";
import { blockItem, blockKey, isBlockKey, runKey } from "./send-items.ts";
import { SendingObjects } from "./sending-objects.ts";
import { ServingLimits } from "./serving-limits.ts";

/**
 * The rescuer's side of a running session: what the target wants now, and what of it is queued (PROTOCOL.md 6.2). How long the
 * session may last is for {@link ServingLimits}.
 */
export class Serving {
  readonly peer: SessionIdentity;
  readonly image: OfferedImage;
  /** What its effects are numbered with: the number of the pick that chose its image. */
  readonly number: number;
  readonly #host: RoleHost<RescuerEvent>;
  readonly #sender: SendSide;
  readonly #leafCount: number;
  readonly #link: Link;
  readonly limits: ServingLimits;
  readonly #reads: PendingReads;
  /** Undefined of an image that is whole. */
  #haves: SayingHaves | undefined;
  #grantSequence: number | undefined;
  #requestSequence: number | undefined;
  readonly #blocks: GrantedBlocks;
  readonly #coding: BlockCoding;
  readonly #objects: SendingObjects;
  /** The target holds nothing of the image. */
  #isAllWanted = false;
  /** Undefined where one of both ends cannot change the rate of the line. */
  #climb: RateClimb | undefined;
  /** Of an accept that came behind what was pushed: codecs that pushed blocks may have, too. */
  #moreCodecs = 0;

  constructor(
    now: Millis,
    host: RoleHost<RescuerEvent>,
    { number, peer, image }: Offering,
    sender: SendSide,
    accept: Accept,
  ) {
    const { link } = host;
    this.number = number;
    this.#host = host;
    this.peer = peer;
    this.image = image;
    this.#sender = sender;
    this.#objects = new SendingObjects(sender, image);
    this.#leafCount = Math.ceil(image.size / image.blockSize);
    this.#blocks = new GrantedBlocks(this.#leafCount, accept.openBlocks);
    this.#coding = new BlockCoding(link, this.#blocks);
    this.#link = link;
    this.limits = new ServingLimits(now, link, image);
    this.#reads = new PendingReads(this.limits.time);
    this.#noteAccept(now, accept);
  }

  #noteAccept(now: Millis, { asks, limits }: Accept): void {
    this.#isAllWanted = asks === "blank";
    const { lineRate } = this.#link;
    if (limits === undefined || lineRate === undefined) return;
    const report = (event: RateEvent): void => this.#host.emit(event);
    this.#climb = new RateClimb(now, this.#link, lineRate, this.#sender, limits.baudMax, report);
  }

  /** Sends all of the image, which has one run at most, before an accept: as if its target had asked (PROTOCOL.md 6.10). */
  push(now: Millis, { codecs, openBlocks }: Accept): void {
    this.sendManifest();
    this.#readRuns(now, leftmostPath(this.#leafCount));
    this.#grantBlocks(now, [{ first: 0, count: openBlocks, attempt: 0, codecs }], "accept");
  }

  /** The accept of what is pushed already. What was sent before it came may be lost: an ack tells. */
  handleAccept(now: Millis, accept: Accept, payloadMax: number): void {
    this.#blocks.setOpenMax(accept.openBlocks);
    this.#moreCodecs = accept.codecs;
    this.#sender.setPayloadMax(payloadMax);
    this.#sender.probeNow(now);
    this.#noteAccept(now, accept);
  }

  /** Packets that were sent, those before this session under its tag among them. */
  get packetsSent(): number {
    return this.#sender.nextNumber;
  }

  /** The target will be deaf for a while. One that was heard since it said so first is not paused again. */
  handleBusy(now: Millis, forMs: Millis): void {
    const { time } = this.limits;
    const isHeard = time.announcedUntil > now && !this.#sender.isPaused;
    this.limits.noteBusy(now, forMs);
    if (!isHeard && time.announcedUntil > now) this.#sender.pause(now, time.announcedUntil);
  }

  /** The target asks, or says that it is done: it is no longer busy. */
  endBusy(now: Millis): void {
    this.limits.time.endAnnounced(now);
    this.#sender.resume(now);
  }

  /** When to say that what the target wants is not there yet. */
  get laterAt(): Millis | undefined {
    return this.#sender.isPaused ? undefined : this.#reads.laterAt;
  }

  /** When to say which blocks are there, of an image that is still being received. */
  get haveAt(): Millis | undefined {
    return this.#sender.isPaused ? undefined : this.#haves?.nextAt;
  }

  /** Says what is due of both. */
  sendDue(now: Millis): void {
    if (isDue(this.laterAt, now)) {
      this.#link.send({ tag: "later", forMs: this.#reads.takeLater(now) });
      this.#haves?.sayAgain();
    }
    if (this.#haves !== undefined && isDue(this.haveAt, now)) this.#link.send(this.#haves.take(now));
  }

  /** Blocks of the image are there. Its target knows if it was whole when it was offered. */
  noteHeld(ranges: readonly BlockRange[]): void {
    if (this.image.partial === undefined) return;
    this.#haves ??= new SayingHaves(this.#link, this.#leafCount);
    this.#haves.note(ranges, (block) => this.#blocks.isOpen(block));
  }

  /** The target answers a proposed rate. */
  handleRateOk(now: Millis, answer: RateOk): void {
    this.#climb?.handleRateOk(now, answer);
  }

  /** Changes the rate of the line if that is due, or worth it. Extra calls are harmless. */
  adaptRate(now: Millis): void {
    this.#climb?.handleTimeout(now, this.#climbMoment);
  }

  /** When to call {@link adaptRate} although nothing came. */
  get rateAt(): Millis | undefined {
    return this.#climb?.nextAt(this.#climbMoment);
  }

  get #climbMoment(): ClimbMoment {
    const { bytesSettled, time } = this.limits;
    const left = Math.max(0, this.image.size - bytesSettled);
    // Nobody knows how much of the image the target holds: what it grants, and as much again as it took.
    const known = this.#blocks.count * this.image.blockSize + bytesSettled;
    const bytesLeft = this.#isAllWanted ? left : Math.min(left, known);
    return { bytesLeft, busyUntil: time.announcedUntil };
  }

  /** Everything asked for was sent and acked: only DONE is missing. */
  get isDelivered(): boolean {
    return this.#objects.isPastManifest && this.#sender.isIdle;
  }

  /**
   * Whether the target can be healed: it has the manifest of this session, and grants nothing, or has every block that it
   * grants. A DONE before that comes from somebody who did not take part (PROTOCOL.md 5.12).
   */
  get canBeDone(): boolean {
    this.dropDelivered();
    return this.#objects.isManifestAcked && this.#blocks.areAcked;
  }

  /** Queues the manifest, if the target can still need it. */
  sendManifest(): void {
    this.#objects.sendManifest();
  }

  /** Takes in a grant, and has the blocks read that it names for the first time. An old grant is ignored. */
  handleGrant(now: Millis, grant: Grant): void {
    this.endBusy(now);
    if (this.#grantSequence !== undefined && !isAfter(grant.sequence, this.#grantSequence)) return;
    this.#grantSequence = grant.sequence;
    this.#objects.notePastManifest();
    this.#grantBlocks(now, grant.entries, "grant");
  }

  #grantBlocks(now: Millis, entries: readonly GrantEntry[], from: "accept" | "grant"): void {
    const { wishes, dropped, settled } = this.#blocks.take(entries, from);
    for (const key of dropped) {
      this.#sender.drop(key);
      this.#reads.end(now, key);
    }
    this.#coding.noteGrant(wishes);
    this.limits.noteSettled(settled * this.image.blockSize);
    for (const wish of wishes)
      this.#read(now, blockKey(wish.block, wish.attempt), { tag: "readBlock", session: this.number, wish });
    const { count, settledCount } = this.#blocks;
    const missing = this.#isAllWanted ? this.#leafCount : count + settledCount;
    if (from === "accept" && !this.#isAllWanted) return;
    this.#host.emit({ tag: "progress", written: settledCount, missing });
  }

  #read(now: Millis, key: string, effect: ReadEffect): void {
    this.#reads.begin(now, key, effect);
    this.#host.emit(effect);
  }

  /** More of the image is there, one block of it or more: has read again what was not there. */
  readAgain(block?: number): void {
    for (const effect of this.#reads.of(block)) this.#host.emit(effect);
  }

  /** Queues a block that was read, if it is still granted. */
  addBlock(now: Millis, wish: BlockWish, bytes: Uint8Array, coder: BlockCoder | undefined): void {
    const { block, attempt } = wish;
    this.#reads.end(now, blockKey(block, attempt));
    if (!this.#blocks.has(blockKey(block, attempt))) return;
    const position = (block * this.image.blockSize) / CHUNK_UNIT;
    const code = (): CodedBlock => {
      const codecs = wish.codecs | (attempt === 0 ? this.#moreCodecs : 0);
      return this.#coding.code({ ...wish, codecs }, bytes, coder);
    };
    this.#sender.add(blockItem(block, attempt, position, code));
  }

  /** Takes in a request, and has the runs read that it names. An old request is ignored. */
  handleRequest(now: Millis, request: Request): void {
    this.endBusy(now);
    if (this.#requestSequence !== undefined && !isAfter(request.sequence, this.#requestSequence)) return;
    this.#requestSequence = request.sequence;
    const nodes: TreeNode[] = [];
    const named = new Set<string>();
    for (const wanted of request.wanted) {
      if (wanted === "manifest") this.sendManifest();
      else if (wanted === "locator") this.#objects.sendLocator();
      else {
        named.add(runKey(wanted));
        if (!this.#objects.isRunQueued(wanted) && !this.#reads.has(runKey(wanted))) nodes.push(wanted);
      }
    }
    this.#reads.keepRuns(now, named);
    if (nodes.length > 0) this.#objects.notePastManifest();
    this.#readRuns(now, nodes);
  }

  /** What an accept asks for beside the manifest: as if a request and a grant had come (PROTOCOL.md 5.4). */
  handleAsks(now: Millis, { asks, codecs, openBlocks }: Accept): void {
    if (asks === undefined) return;
    const path = leftmostPath(this.#leafCount);
    this.#readRuns(now, asks === "run" ? path.slice(0, 1) : path);
    if (asks !== "blank") return;
    const count = Math.min(openBlocks, 1 << RUN_LEVELS, this.#leafCount);
    this.#grantBlocks(now, [{ first: 0, count, attempt: 0, codecs }], "accept");
  }

  #readRuns(now: Millis, nodes: readonly TreeNode[]): void {
    this.limits.noteRuns(nodes.length);
    for (const node of nodes) this.#read(now, runKey(node), { tag: "readRun", session: this.number, node });
  }

  /** Queues a run that was read; undefined when the image has no such node. */
  addRun(now: Millis, node: TreeNode, payload: RunPayload | undefined): void {
    this.#reads.end(now, runKey(node));
    if (payload !== undefined) this.#objects.sendRun(node, payload);
  }

  /** Objects are forgotten once acked; a block stays until the grant no longer names it. */
  dropDelivered(): void {
    for (let key = this.#sender.takeCompleted(); key !== undefined; key = this.#sender.takeCompleted()) {
      if (isBlockKey(key)) this.#blocks.noteAcked(key);
      else this.#objects.handleAcked(key);
    }
  }

  /** Drops everything that is queued or in flight: the target has the whole image. */
  dropAll(): void {
    this.#sender.clear();
  }
}
