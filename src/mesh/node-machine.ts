import type { Random } from "../base/prng.ts";
import type { Millis } from "../base/units.ts";
import { soonest } from "../session/deadlines.ts";
import type { Beacon, ImageWord, Offer } from "../wire/messages.ts";
import { Announcing } from "./announcing.ts";
import { type Ask, type Comparison, compareWith, type UpdatePolicy } from "./asking.ts";
import { type Admission, admit, type ServeCause } from "./dispatch.ts";
import { type AdviceNews, type AdviceProof, Gates } from "./gates.ts";
import { type Engagement, type LinkRole, roleFor } from "./link-role.ts";
import { MeshLinks } from "./mesh-links.ts";
import { isEstablished, type Neighbour, Neighbours } from "./neighbours.ts";
import type { NodeAction } from "./node-action.ts";
import { isNews, type OwnBoard, runsOther } from "./own-board.ts";
import { OwnUpdate } from "./own-update.ts";
import { Relaying } from "./relaying.ts";
import { WaitingLinks } from "./waiting-links.ts";

export type { NodeAction } from "./node-action.ts";

export interface NodeMachineOptions {
  readonly random: Random;
  /** 8 bytes. */
  readonly nodeId: Uint8Array;
  readonly policy: UpdatePolicy;
  /** Updates handed out at the same time. */
  readonly fanOut: number;
  /** Number of links; they are named by their index. */
  readonly links: number;
  /** What a board that does not boot receives is handed on while more of it comes. True unless given. */
  readonly cutThrough?: boolean;
  /** What holds back the spread of updates; nothing but failures elsewhere unless given. */
  readonly gates?: Gates;
}

/**
 * What a board does among others, on all its links: the roles, when it says its status, whom it asks for something newer, and
 * whom it serves next (PROTOCOL.md 6.6, 6.7). Sans-IO: after every call drain {@link pollAction} until undefined, and call
 * {@link handleTimeout} at {@link pollTimeout}.
 */
export class NodeMachine {
  readonly neighbours: Neighbours = new Neighbours();
  readonly #options: NodeMachineOptions;
  readonly #links: MeshLinks;
  readonly #update: OwnUpdate;
  readonly #announcing: Announcing;
  readonly #relaying: Relaying = new Relaying();
  readonly #waiting: WaitingLinks;
  readonly gates: Gates;
  readonly #actions: NodeAction[] = [];
  #board: OwnBoard | undefined;
  /** Short digest of the image that the board booted last. */
  #ran: Uint8Array | undefined;
  #isHeld = false;

  constructor(options: NodeMachineOptions) {
    this.#options = options;
    this.#links = new MeshLinks(options.links);
    this.gates = options.gates ?? new Gates(0, options.nodeId, options.links, options.fanOut);
    const parts = { links: this.#links, neighbours: this.neighbours, gates: this.gates };
    this.#update = new OwnUpdate({ ...options, ...parts });
    this.#announcing = new Announcing(options.random);
    this.#waiting = new WaitingLinks(this.gates.handedOn);
  }

  /** The present ask, and since when. */
  get asks(): (Ask & { readonly since: Millis }) | undefined {
    const { ask, since } = this.#update;
    return ask && { ...ask, since };
  }

  /** How a neighbour's image compares with the own one. */
  compare(neighbour: Neighbour): Comparison {
    return this.#board === undefined ? "other" : compareWith(this.#board, neighbour);
  }

  roleOn(link: number): LinkRole {
    return this.#links.get(link)?.role ?? "idle";
  }

  engagementOn(link: number): Engagement {
    return this.#links.engagementOn(link);
  }

  /** The own board's status, or what it is on: at the start, and after each change. */
  handleBoard(now: Millis, board: OwnBoard): void {
    const before = this.#board;
    this.#board = board;
    if (runsOther(this.#ran, board)) this.#handleOtherImage(board);
    if (isNews(before, board)) {
      this.#announcing.handleOwnNews(now);
      this.#announce(this.#links.indices());
    }
    this.#settle(now);
  }

  /** Wherever it came from: what the board asked for it has, or it has to look around again. */
  #handleOtherImage({ status }: OwnBoard): void {
    this.#ran = status.installed?.digest.slice();
    this.#update.succeed();
    for (const neighbour of this.neighbours.all()) this.#reportConflict(neighbour);
  }

  #announce(links: Iterable<number>): void {
    for (const link of links) {
      const state = this.#links.get(link);
      if (state?.isUp !== true || this.#board === undefined) continue;
      // A board that does not boot calls instead, unless it is served.
      if (this.#board.status.failure !== undefined && !this.#relaying.isOn) continue;
      if (state.role === "idle") this.#actions.push({ tag: "announce", link });
    }
  }

  handleLinkUp(now: Millis, link: number, isUp: boolean): void {
    const state = this.#links.get(link);
    if (state === undefined) return;
    state.isUp = isUp;
    this.#announcing.handleLinkUp(now, link, isUp);
    if (isUp) this.#announce([link]);
    else if (this.#update.ask?.link === link) this.#update.cancel();
    this.#settle(now);
  }

  /** While held the board neither calls nor asks: somebody installs an image on it. */
  setHeld(now: Millis, isHeld: boolean): void {
    this.#isHeld = isHeld;
    if (isHeld) this.#update.cancel();
    this.#settle(now);
  }

  /** A beacon of another node was heard. */
  handleHeard(now: Millis, link: number, beacon: Beacon): void {
    const news = this.neighbours.note(now, link, beacon);
    if (news.isCopied) this.#actions.push({ tag: "copied", link, nodeId: beacon.nodeId.slice() });
    if (news.tag === "same") this.#announcing.handleHeardSame(link);
    else if (news.tag !== "ignored") {
      this.#announcing.handleHeardNews(now, link);
      this.#reportNeighbour(link, beacon.nodeId);
    }
    const neighbour = this.neighbours.get(link, beacon.nodeId);
    if (neighbour !== undefined)
      this.#tell(link, this.gates.handleNeighbour(now, neighbour, this.compare(neighbour) === "newer"));
    this.#update.handleHeard(now, link, beacon);
    this.#settle(now);
  }

  /** A word about an image was heard. */
  handleAdvice(now: Millis, link: number, advice: ImageWord, proof: AdviceProof): void {
    this.#tell(link, this.gates.handleAdvice(now, link, advice, proof));
    this.#settle(now);
  }

  #tell(link: number, news: AdviceNews): void {
    if (news !== undefined) this.#actions.push({ ...news, link });
  }

  #reportNeighbour(link: number, nodeId: Uint8Array): void {
    const neighbour = this.neighbours.get(link, nodeId);
    if (neighbour === undefined) return;
    this.#actions.push({ tag: "neighbour", neighbour });
    this.#reportConflict(neighbour);
  }

  #reportConflict(neighbour: Neighbour): void {
    if (this.compare(neighbour) === "conflict") this.#actions.push({ tag: "conflict", neighbour });
  }

  /** A rescuer offers an image for which nobody called. */
  handleInvitation(now: Millis, link: number, offer: Offer): void {
    if (this.#board?.status.failure !== undefined) {
      if (!this.#relaying.join(now, link, offer.digest))
        this.#actions.push({ tag: "decline", link, offer, why: "served" });
      return;
    }
    const decline = this.#update.handleInvitation(now, link, offer, this.#board);
    if (decline !== undefined) this.#actions.push(decline);
    this.#settle(now);
  }

  /**
   * The manifest of the image with this short digest, which comes over this link, was accepted: its parts may be handed on, until
   * the session is over.
   */
  handleReceiving(now: Millis, link: number, digest: Uint8Array): void {
    const isOn = this.#options.cutThrough !== false && this.engagementOn(link) === "target";
    if (isOn) this.#relaying.begin(now, link, digest);
    this.#settle(now);
  }

  /** An image is received whose parts may be handed on. */
  get isReceiving(): boolean {
    return this.#relaying.isOn;
  }

  /** The board takes the image of the present session later, and said so. */
  handleDeferred(now: Millis, link: number, digest: Uint8Array): void {
    this.#update.handleDeferred(now, link, digest);
    this.#settle(now);
  }

  /** A neighbour got this image from the board as an update. */
  handleUpdated(now: Millis, nodeId: Uint8Array, digest: Uint8Array): void {
    this.gates.handleUpdated(now, nodeId, digest, this.#board?.status.installed);
  }

  /** What happens on a link has changed. */
  handleEngaged(now: Millis, link: number, engagement: Engagement): void {
    const state = this.#links.get(link);
    if (state === undefined || state.engagement === engagement) return;
    const before = state.engagement;
    state.engagement = engagement;
    if (engagement !== "target") this.#relaying.end(link);
    this.#update.handleEngaged(now, link, before, engagement, this.#board);
    if (engagement === "none") this.#announce(this.#waiting.takeBeside(link));
    this.#settle(now);
  }

  /**
   * The neighbour that is asked has nothing, or what it has was refused. `rescuerId`: who it is about, if that is known;
   * during a session it has to be.
   */
  handleRefused(now: Millis, link: number, rescuerId?: Uint8Array, isKeyMismatch = false): void {
    this.#update.handleRefused(now, link, rescuerId, isKeyMismatch);
    this.#settle(now);
  }

  /** Whether a neighbour on this link may be served now. One whose update has to wait hears when there is time again. */
  admit(now: Millis, link: number, cause: ServeCause): Admission {
    const others = this.#links.engagementsBeside(link);
    const admission =
      this.gates.holdUp(now, link, cause, others, this.#board?.status.installed?.digest) ??
      admit(cause, others, this.#options.fanOut, this.#update.isOverwriting(this.#board));
    this.#waiting.note(link, admission);
    return admission;
  }

  handleTimeout(now: Millis): void {
    this.#update.handleTimeout(now);
    for (const word of this.gates.takeWords(now, this.#speaking))
      this.#actions.push({ tag: "advise", ...word });
    this.#announce(this.#waiting.takeSoaked(now));
    const due = this.#announcing.take(now);
    // Who receives says rarely that it is served.
    if (!this.#relaying.isOn) this.#announce(due);
    this.#relaying.endJoins(now);
    if (this.#relaying.takeSaying(now) || this.#update.takeSaying(now)) this.#announce(this.#links.indices());
    this.#settle(now);
  }

  /** Links on which a word may be said now, and is heard by somebody who is known. */
  get #speaking(): number[] {
    const known = new Set(
      this.neighbours
        .all()
        .filter(isEstablished)
        .map(({ link }) => link),
    );
    return this.#links.idle().filter((link) => known.has(link));
  }

  /** Begins an ask if there is something to ask for, or gives one up that has to wait. */
  #settle(now: Millis): void {
    if (this.#board !== undefined && !this.#isHeld) this.#update.consider(now, this.#board);
    const isOn = this.#update.takeClaim();
    if (isOn !== undefined) this.#actions.push({ tag: "claim", isOn });
  }

  /** The next action. May change after every call but the polls. */
  pollAction(): NodeAction | undefined {
    return this.#actions.shift() ?? this.#nextRole();
  }

  /** Looked for when it is polled, and last: a board that is served by then keeps its rescuer. */
  #nextRole(): NodeAction | undefined {
    for (const [link, state] of this.#links.entries()) {
      const role = this.#roleOf(link);
      // A role is exchanged between sessions.
      if (role === state.role || state.engagement !== "none") continue;
      state.role = role;
      // What it called for is over: the other side should know.
      if (role === "idle") this.#announce([link]);
      return { tag: "role", link, role };
    }
    return undefined;
  }

  #roleOf(link: number): LinkRole {
    if (this.#isHeld) return "idle";
    return roleFor(this.#board, link, this.#update.ask?.link, this.#relaying.isElsewhere(link));
  }

  /** When {@link handleTimeout} has something to do; in the past if now. May change after every call but the polls. */
  pollTimeout(now: Millis): Millis | undefined {
    return soonest({
      announce: this.#announcing.nextAt,
      relay: this.#relaying.nextAt,
      update: this.#update.nextAt(now),
      gate: this.gates.nextAt(now, this.#speaking),
    });
  }
}
