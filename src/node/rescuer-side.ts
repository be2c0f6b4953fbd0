import { BoundedMap } from "../base/bounded-map.ts";
import { toHex } from "../base/bytes.ts";
import { ExitCode } from "../base/errors.ts";
import { errorWords } from "../base/system-error.ts";
import { rootNode, type TreeNode } from "../base/tree-shape.ts";
import type { Millis } from "../base/units.ts";
import { isGrowing } from "../image/image-source.ts";
import { shortDigest } from "../image/manifest.ts";
import type { LinkKey } from "../link/link-key.ts";
import type { ServeCause, WaitReason } from "../mesh/dispatch.ts";
import { Neighbours } from "../mesh/neighbours.ts";
import { heardFrom } from "../session/heard-node.ts";
import { Callers } from "../session/rescuer/callers.ts";
import type { RescuerEvent } from "../session/rescuer/rescuer-events.ts";
import { RescuerRole } from "../session/rescuer/rescuer-role.ts";
import { ServingBudget } from "../session/rescuer/serving-budget.ts";
import type { RoleHost } from "../session/role.ts";
import { type Beacon, isCall } from "../wire/messages.ts";
import { advised } from "./advice.ts";
import { BoardNames } from "./board-names.ts";
import { distressHeard } from "./distress-event.ts";
import { ImageCoders } from "./image-coder.ts";
import type { PickedImage } from "./image-picking.ts";
import type { HeardTexts } from "./line-reports.ts";
import type { NodeEvent } from "./node-event.ts";
import { freshBootNonce, freshId, type SideLink } from "./node-link.ts";
import type { SideHost } from "./node-run.ts";
import { MISMATCH_SENTENCES, REFUSAL_SENTENCES } from "./refusal-sentences.ts";
import type { RescuerDuties, RescuerSelf } from "./rescuer-duties.ts";
import { PickedImages } from "./rescuer-effects.ts";
import { RescuerImages } from "./rescuer-images.ts";
import { type BoardRefusal, RescuerOutcome } from "./rescuer-outcome.ts";
import {
  type AcceptedSession,
  type EventOf,
  healedReport,
  offerReport,
  progressReport,
  spentReport,
  waitingReport,
} from "./rescuer-reports.ts";
import { TransferProgress } from "./transfer-progress.ts";
import { type Ending, refusedEnding, type SessionFigures } from "./verdict.ts";
import { zlibDeflate } from "./zlib-deflate.ts";

export type RescuerHost = SideHost<RescuerRole>;
type Link = SideLink<RescuerRole>;

/** What runs on one link. */
interface LinkWork {
  readonly images: PickedImages;
  /** What is remembered of the boards on the link, through all changes of role. */
  readonly callers: Callers;
  /** The session that was accepted last. */
  session: AcceptedSession | undefined;
  /** Why the board that was answered last is served. */
  cause: ServeCause;
}

type ImageEvent = EventOf<"readRun" | "readBlock" | "release">;

/** Most boards that are remembered. */
const BOARDS_MAX = 256;

/** A board that has to wait calls again about this often, in seconds (PROTOCOL.md 5.2); it is reported once a minute. */
const CALLS_EVERY_S = 2;
const WAITING_REPORT_MS: Millis = 60_000;

/** What is said at the timeout if another node was there. */
const HEARD_TEXTS: HeardTexts = {
  "board-in-distress": "a node is there, but was not healed in time",
  rescuer: "another rescuer is there, and no board in distress",
  board: "a board that boots is there, and none in distress",
  unknown: "a node is there, but did not call for help",
};

/** A run as rescuer: chooses and reads images for its roles, and reports what they do. */
export class RescuerSide {
  readonly #host: RescuerHost;
  readonly #duties: RescuerDuties;
  readonly #self: Pick<RescuerSelf, "nodeId" | "bootNonce"> & Partial<RescuerSelf>;
  /** What is sent to boards that are not healed, on all links. */
  readonly #budget: ServingBudget = new ServingBudget();
  readonly #works: Map<Link, LinkWork> = new Map();
  readonly #images: RescuerImages;
  /** Which boards were heard on which link; a node that knows its neighbours itself needs none. */
  readonly #boards: Neighbours = new Neighbours({ perLinkMax: BOARDS_MAX, total: BOARDS_MAX });
  /** When it was reported last that a board waits, and why. */
  readonly #waitingTold: BoundedMap<string, Millis> = new BoundedMap(BOARDS_MAX);
  /** Coded blocks, kept from one board to the next. */
  readonly #coders: ImageCoders = new ImageCoders(zlibDeflate);
  readonly #outcome: RescuerOutcome = new RescuerOutcome();
  readonly names: BoardNames;

  constructor(host: RescuerHost, duties: RescuerDuties) {
    this.#host = host;
    this.#duties = duties;
    this.#images = new RescuerImages(duties);
    this.names = new BoardNames(duties.repository);
    const bootNonce = freshBootNonce(host.random);
    this.#self = duties.self ?? { nodeId: freshId(host.random), bootNonce: () => bootNonce };
  }

  linkKeyOf(): LinkKey | undefined {
    return this.#duties.linkKey;
  }

  get nodeId(): Uint8Array {
    return this.#self.nodeId;
  }

  get bootNonce(): Uint8Array {
    return this.#self.bootNonce();
  }

  makeRole(now: Millis, host: RoleHost<RescuerEvent>): RescuerRole {
    return this.roleOn(now, host, undefined);
  }

  /** Creates the role on one link, with what is remembered of that link from earlier roles. */
  roleOn(now: Millis, host: RoleHost<RescuerEvent>, link: Link | undefined): RescuerRole {
    const { random } = this.#host;
    const { nodeId, bootNonce, status } = this.#self;
    return new RescuerRole(now, host, {
      random,
      nodeId,
      bootNonce: bootNonce(),
      ...(status && { status }),
      ...(this.#duties.handsOut === true && { handsOut: true }),
      ...(this.#duties.isEager === true && { isEager: true }),
      ...(link && { callers: this.#work(link).callers }),
    });
  }

  /** Why the board is served, or about to be, that is engaged on this link; undefined when none is. */
  causeOn(link: Link): ServeCause | undefined {
    return link.role?.isEngaged === true ? this.#work(link).cause : undefined;
  }

  handleTimeout(): Ending {
    return this.#outcome.ending ?? this.#host.line.endAtTimeout(this.#host.links, HEARD_TEXTS);
  }

  /** What a verdict with this code says of the sessions. */
  figures(code: ExitCode): SessionFigures {
    return this.#outcome.figures(code);
  }

  /** Returns the open images to the repository, those of picks that still run too. */
  async close(): Promise<void> {
    await this.#images.settled();
    for (const { images } of this.#works.values()) images.releaseAll();
    await this.#images.settled();
  }

  #work(link: Link): LinkWork {
    const known = this.#works.get(link);
    if (known !== undefined) return known;
    const work: LinkWork = {
      images: new PickedImages(
        (image) => this.#images.release(image),
        this.#coders,
        (digest) => this.#duties.locatorOf?.(digest),
      ),
      callers: new Callers(this.#host.random, this.#budget),
      session: undefined,
      cause: "heal",
    };
    this.#works.set(link, work);
    return work;
  }

  /** More is there below a node of the image that the node's own board receives: neighbours may wait for it. */
  handleGrown(node: TreeNode): void {
    for (const [{ driver, role }, { session }] of this.#works) {
      if (session?.image === undefined || !isGrowing(session.image)) continue;
      role?.handleGrown(node.level === 0 ? node.index : undefined);
      role?.handleHeld(this.#host.clock.now(), session.image.heldBelow(node));
      driver.pump();
    }
  }

  handle(now: Millis, event: RescuerEvent, link: Link): void {
    switch (event.tag) {
      case "pick":
        this.#images.track(this.#host.whileAnswering(this.#pick(event, link)));
        return;
      case "readRun":
      case "readBlock":
      case "release":
        this.#carryOut(event, link);
        return;
      default:
        this.#handleNews(now, event, link);
    }
  }

  async #pick({ beacon, refused, session }: EventOf<"pick">, link: Link): Promise<void> {
    const work = this.#work(link);
    work.cause = beacon.failure === undefined ? "update" : "heal";
    const admission = this.#duties.admit?.(link, work.cause);
    if (admission?.tag === "wait") {
      work.images.answer(this.#host.clock.now(), link.role, session, undefined);
      this.#reportWaiting(link, beacon, admission.why);
      link.driver.pump();
      return;
    }
    const picked = await this.#imageFor(beacon, refused, link);
    const image = picked?.tag === "image" ? picked.image : undefined;
    const none = picked?.tag === "none" ? picked : undefined;
    const why = picked === undefined ? "no-image" : none?.why;
    this.#work(link).images.answer(this.#host.clock.now(), link.role, session, image, why);
    link.driver.pump();
    if (image !== undefined) this.#coders.prepare(image);
    this.#duties.onPicked?.(link, beacon, image !== undefined);
    // A board that did not ask is told nothing, and is none that was refused.
    if (none === undefined || !isCall(beacon)) return;
    // Last: with `once` it ends the run, and the board is to hear why.
    const { reason, detail } = none;
    this.#reportRefusal(link, { reason, detail, peer: toHex(beacon.nodeId), isProven: false });
  }

  #reportWaiting(link: Link, { nodeId }: Beacon, reason: WaitReason): void {
    const now = this.#host.clock.now();
    const name = `${link.endpoint} ${toHex(nodeId)} ${reason}`;
    const toldAt = this.#waitingTold.get(name);
    if (toldAt !== undefined && now - toldAt < WAITING_REPORT_MS) return;
    this.#waitingTold.set(name, now);
    const seconds = CALLS_EVERY_S;
    this.#report({ event: "waiting", link: link.endpoint, peer: toHex(nodeId), reason, seconds });
  }

  async #imageFor(
    beacon: Beacon,
    refused: readonly Uint8Array[],
    link: Link,
  ): Promise<PickedImage | undefined> {
    let isUnreadable = false;
    const onUnreadable = (error: unknown): void => {
      isUnreadable = true;
      this.#reportUnreadable(link, error);
    };
    try {
      const picked = await this.#images.pick(this.#host.clock.now(), beacon, refused, onUnreadable);
      // The board is told that there is none, as it was not at an earlier call.
      return picked.tag === "again" && isUnreadable ? undefined : picked;
    } catch (error) {
      this.#reportUnreadable(link, error);
      return undefined;
    }
  }

  #reportUnreadable(link: Link, error: unknown): void {
    const state = "image-unreadable";
    this.#report({ event: "link", link: link.endpoint, state, detail: errorWords(error) });
  }

  #carryOut(event: ImageEvent, link: Link): void {
    const { images, session } = this.#work(link);
    try {
      const outcome = images.apply(this.#host.clock.now(), event, link.role);
      if (event.tag !== "readBlock" || outcome === "later") return;
      if (session !== undefined) session.blocks++;
      this.#outcome.blocks++;
    } catch (error) {
      this.#handleUnreadable(event.session, link, error);
    }
  }

  /** An image cannot be read in the middle of a session: the session ends, the board is told, and its next call gets another one. */
  #handleUnreadable(session: number, link: Link, error: unknown): void {
    const now = this.#host.clock.now();
    const image = this.#work(link).images.get(session);
    if (image !== undefined) this.#images.noteUnreadable(now, image.digest);
    const isOnlyOne = this.#duties.once && this.#duties.offersAnyway === true;
    if (isOnlyOne) {
      this.#host.end({ code: ExitCode.failed, reason: "image-unreadable", detail: errorWords(error) });
      return;
    }
    this.#reportUnreadable(link, error);
    link.role?.handleUnreadable(now, session);
    this.#duties.onUnreadable?.(link);
  }

  #handleNews(now: Millis, event: RescuerEvent, link: Link): void {
    switch (event.tag) {
      case "heard":
        this.#host.line.noteNode(link, heardFrom(event.beacon));
        this.#reportBeacon(event.beacon, link);
        return;
      case "spent":
        this.#report(spentReport(link.endpoint, event));
        return;
      case "waiting":
        this.#report(waitingReport(link.endpoint, event));
        return;
      case "offered":
        this.#report(offerReport(link.endpoint, event));
        return;
      case "accepted":
        this.#handleAccepted(now, event, link);
        return;
      case "progress": {
        const { session } = this.#work(link);
        const report = progressReport(now, event, session, link.end.counters);
        if (report !== undefined) this.#report(report);
        return;
      }
      case "refused":
        if (event.reason === "protocol") this.#host.line.noteForeignVersion(link);
        this.#handleRefused(event, link);
        return;
      case "healed":
        this.#handleHealed(now, event, link);
        return;
      case "sessionLost":
        this.#handleLost(event, link);
        return;
      case "console":
      case "link":
      case "rate":
      case "stranger":
        this.#host.line.handle(event, link);
        return;
      default:
        return;
    }
  }

  #handleAccepted(now: Millis, { session, targetId }: EventOf<"accepted">, link: Link): void {
    const work = this.#work(link);
    const bytesBefore = link.end.counters.bytesSent;
    const about = { link: link.endpoint, peer: toHex(targetId) };
    work.session = {
      image: work.images.get(session),
      progress: new TransferProgress(now, about, bytesBefore),
      startedAt: now,
      bytesBefore,
      blocks: 0,
    };
    const { image } = work.session;
    if (image !== undefined && isGrowing(image))
      link.role?.handleHeld(now, image.heldBelow(rootNode(image.manifest.leafCount)));
  }

  #handleHealed(now: Millis, event: EventOf<"healed">, link: Link): void {
    const { cause, session } = this.#work(link);
    const { bytesSent } = link.end.counters;
    const { baud } = link.driver.transport.facts;
    this.#noteServed(link, event.targetId, event.digest);
    const report = healedReport(now, link.endpoint, event, session, bytesSent, baud, cause);
    this.#outcome.noteHealed(report);
    this.#report(report);
    if (this.#duties.once) this.#host.end({ code: ExitCode.done, reason: "healed" });
  }

  #noteServed(link: Link, targetId: Uint8Array, digest: Uint8Array): void {
    if (this.#work(link).cause === "update") this.#duties.onUpdated?.(targetId, digest);
  }

  #handleLost({ why, targetId }: EventOf<"sessionLost">, link: Link): void {
    const peer = toHex(targetId);
    const image = this.#work(link).session?.image;
    if (why === "done-not-heard" && image !== undefined)
      this.#noteServed(link, targetId, shortDigest(image.digest));
    this.#outcome.lastHeard = peer;
    this.#report({ event: "lost", link: link.endpoint, peer, why });
    if (why === "done-not-heard" && this.#duties.once) {
      const detail = "everything was sent and acknowledged, but the target never said that it is healed";
      this.#host.end({ code: ExitCode.noNeighbour, reason: "done-not-heard", detail });
    }
  }

  #report(event: NodeEvent): void {
    this.#host.report(this.names.named(event));
  }

  #reportBeacon(beacon: Beacon, link: Link): void {
    this.names.note(beacon);
    const peer = toHex(beacon.nodeId);
    this.#outcome.lastHeard = peer;
    if (this.#duties.self === undefined && this.#isCopied(beacon, link)) {
      const detail = `board ${peer} is on two links at once under two nonces: a copied board folder or flash`;
      this.#report({ event: "link", link: link.endpoint, state: "copied-board", detail });
    }
    if (beacon.tag === "distress") this.#report(distressHeard(link.endpoint, beacon));
  }

  #isCopied(beacon: Beacon, link: Link): boolean {
    const index = this.#host.links.indexOf(link);
    return this.#boards.note(this.#host.clock.now(), index, beacon).isCopied;
  }

  #handleRefused({ reason, mismatch, digest, targetId, isProven }: EventOf<"refused">, link: Link): void {
    const sentence =
      mismatch === undefined ? REFUSAL_SENTENCES[reason] : MISMATCH_SENTENCES.rescuer[mismatch];
    const topic = { about: "refusal", side: "rescuer", reason, mismatch } as const;
    const detail = advised(sentence, topic, this.#duties.advice);
    const peer = targetId === undefined ? undefined : toHex(targetId);
    this.#reportRefusal(link, { reason, detail, peer, isProven, digest });
  }

  /** With a link key, what anybody on the wire can cause does not end a run. Another key, or none, does: PROTOCOL.md 14.6. */
  #isBelieved(link: Link, { isProven, reason }: BoardRefusal): boolean {
    return !link.end.isKeyed || isProven || reason === "link-key";
  }

  #reportRefusal(link: Link, { digest, isProven, ...refusal }: BoardRefusal): void {
    const heard = { ...refusal, isProven };
    this.#outcome.noteRefusal(heard);
    const named = digest === undefined ? {} : { digest: toHex(digest) };
    this.#report({ event: "refused", link: link.endpoint, ...refusal, proven: isProven, ...named });
    if (this.#duties.once && this.#isBelieved(link, heard)) this.#host.end(refusedEnding(heard));
  }
}
