import { equalBytes } from "../base/bytes.ts";
import type { Random } from "../base/prng.ts";
import type { Millis } from "../base/units.ts";
import type { Beacon, ImageWord, Offer } from "../wire/messages.ts";
import { Announcing } from "./announcing.ts";
import { type Ask, Asking, type Comparison, compareWith, type UpdatePolicy } from "./asking.ts";
import { Claim } from "./claim.ts";
import { type Admission, admit, type ServeCause } from "./dispatch.ts";
import { type AdviceNews, type AdviceProof, Gates } from "./gates.ts";
import { type Engagement, type LinkRole, roleFor } from "./link-role.ts";
import { isEstablished, type Neighbour, Neighbours } from "./neighbours.ts";
import type { NodeAction } from "./node-action.ts";
import { isNews, type OwnBoard, runsOther } from "./own-board.ts";
import { Relaying } from "./relaying.ts";

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

interface LinkState {
  isUp: boolean;
  role: LinkRole;
  engagement: Engagement;
  /** A neighbour wanted an update while others were served. */
  isWaiting: boolean;
}

/**
 * What a board does among others, on all its links: the roles, when it says its status, whom it asks for something newer, and
 * whom it serves next (PROTOCOL.md 6.6, 6.7). Sans-IO: after every call drain {@link pollAction} until undefined, and call
 * {@link handleTimeout} at {@link pollTimeout}.
 */
export class NodeMachine {
  readonly neighbours: Neighbours = new Neighbours();
  readonly #options: NodeMachineOptions;
  readonly #links: readonly LinkState[];
  readonly #asking: Asking;
  readonly #claim: Claim;
  readonly #announcing: Announcing;
  readonly #relaying: Relaying = new Relaying();
  readonly gates: Gates;
  readonly #actions: NodeAction[] = [];
  #board: OwnBoard | undefined;
  /** Short digest of the image that the board booted last. */
  #ran: Uint8Array | undefined;
  #wasClaiming = false;
  #isHeld = false;
  /** Somebody waits for an update until the soak time is over. */
  #isAwaited = false;

  constructor(options: NodeMachineOptions) {
    this.#options = options;
    this.#asking = new Asking(options.policy);
    this.#claim = new Claim(options.random, options.nodeId);
    this.#announcing = new Announcing(options.random);
    this.gates = options.gates ?? new Gates(0, options.nodeId, options.links, options.fanOut);
    this.#links = Array.from({ length: options.links }, () => ({
      isUp: false,
      role: "idle" as const,
      engagement: "none" as const,
      isWaiting: false,
    }));
  }

  /** The present ask, and since when. */
  get asks(): (Ask & { readonly since: Millis }) | undefined {
    const ask = this.#asking.present;
    return ask && { ...ask, since: this.#asking.since };
  }

  /** How a neighbour's image compares with the own one. */
  compare(neighbour: Neighbour): Comparison {
    return this.#board === undefined ? "other" : compareWith(this.#board, neighbour);
  }

  roleOn(link: number): LinkRole {
    return this.#links[link]?.role ?? "idle";
  }

  engagementOn(link: number): Engagement {
    return this.#links[link]?.engagement ?? "none";
  }

  /** The own board's status, or what it is on: at the start, and after each change. */
  handleBoard(now: Millis, board: OwnBoard): void {
    const before = this.#board;
    this.#board = board;
    if (runsOther(this.#ran, board)) this.#handleOtherImage(board);
    if (isNews(before, board)) this.#sayNews(now);
    this.#settle(now);
  }

  /** Wherever it came from: what the board asked for it has, or it has to look around again. */
  #handleOtherImage({ status }: OwnBoard): void {
    this.#ran = status.installed?.digest.slice();
    this.#asking.succeed();
    this.#claim.clear();
    for (const neighbour of this.neighbours.all()) this.#reportConflict(neighbour);
  }

  /** Ends an ask that is not served yet. */
  #cancelAsk(): void {
    if (!this.#isServed) this.#asking.cancel();
  }

  /** The neighbour that is asked serves the board. */
  get #isServed(): boolean {
    const ask = this.#asking.present;
    return ask !== undefined && this.engagementOn(ask.link) === "target";
  }

  #sayNews(now: Millis): void {
    this.#announcing.handleOwnNews(now);
    for (const link of this.#links.keys()) this.#announce(link);
  }

  #announce(link: number): void {
    const state = this.#links[link];
    if (state?.isUp !== true || this.#board === undefined) return;
    // A board that does not boot calls instead, unless it is served.
    if (this.#board.status.failure !== undefined && !this.#relaying.isOn) return;
    if (state.role === "idle") this.#actions.push({ tag: "announce", link });
  }

  handleLinkUp(now: Millis, link: number, isUp: boolean): void {
    const state = this.#links[link];
    if (state === undefined) return;
    state.isUp = isUp;
    this.#announcing.handleLinkUp(now, link, isUp);
    if (isUp) this.#announce(link);
    else if (this.#asking.present?.link === link) this.#cancelAsk();
    this.#settle(now);
  }

  /** While held the board neither calls nor asks: somebody installs an image on it. */
  setHeld(now: Millis, isHeld: boolean): void {
    this.#isHeld = isHeld;
    if (isHeld) this.#cancelAsk();
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
    this.#asking.handleHeard(now, link, beacon.nodeId);
    const neighbour = this.neighbours.get(link, beacon.nodeId);
    if (neighbour !== undefined)
      this.#tell(link, this.gates.handleNeighbour(now, neighbour, this.compare(neighbour) === "newer"));
    // Who calls for help goes first: while it asks, the board serves nobody on that link.
    const isCallForHelp = beacon.tag === "distress" && beacon.isServed !== true;
    if (isCallForHelp && this.#asking.present?.link === link && !this.#isServed) this.#asking.fail(now, true);
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
    const { rescuerId: nodeId, digest } = offer;
    const ask = { link, nodeId: nodeId.slice(), digest: digest.slice(), isInvited: true } as const;
    const board = this.#board;
    if (board?.status.failure !== undefined) {
      if (!this.#relaying.join(now, link, offer.digest))
        this.#actions.push({ tag: "decline", link, offer, why: "served" });
      return;
    }
    const own = board?.status.installed?.digest;
    const isWanted = board !== undefined && this.#asking.mayAsk(board) && !(own && equalBytes(own, digest));
    const isAllowed = board !== undefined && this.#asking.isAllowed(board);
    const deferral = isAllowed ? this.gates.deferralOf(now, link, digest, board) : undefined;
    if (deferral !== undefined) this.#actions.push({ tag: "decline", link, offer, why: "healthy", deferral });
    else if (!isWanted || this.#asking.isBarred(now, ask))
      this.#actions.push({ tag: "decline", link, offer, why: "healthy" });
    else this.#asking.invite(now, ask);
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
    const ask = this.#asking.present;
    if (ask?.link !== link) return;
    // Its own image it is asked for again when that is due.
    if (equalBytes(ask.digest, digest)) this.#asking.cancel();
    else this.#asking.fail(now);
    this.#settle(now);
  }

  /** A neighbour got this image from the board as an update. */
  handleUpdated(now: Millis, nodeId: Uint8Array, digest: Uint8Array): void {
    this.gates.handleUpdated(now, nodeId, digest, this.#board?.status.installed);
  }

  /** What happens on a link has changed. */
  handleEngaged(now: Millis, link: number, engagement: Engagement): void {
    const state = this.#links[link];
    if (state === undefined || state.engagement === engagement) return;
    const before = state.engagement;
    state.engagement = engagement;
    if (engagement !== "target") this.#relaying.end(link);
    const ask = this.#asking.present;
    if (ask?.link === link && engagement === "target") this.#asking.handleServed();
    else if (ask?.link === link && before === "target") this.#asking.handleLost(now);
    // Somebody was served first: the ask waits until that is over.
    else if (engagement !== "none" && ask !== undefined && !this.#isFree(ask.link)) this.#cancelAsk();
    if (engagement === "none") this.#callWaiting(link);
    this.#settle(now);
  }

  /** There is time again: neighbours that wanted an update meanwhile hear that this board is there. */
  #callWaiting(free: number | undefined): void {
    for (const [link, state] of this.#links.entries()) {
      if (!state.isWaiting || link === free) continue;
      state.isWaiting = false;
      this.#announce(link);
    }
  }

  /**
   * The neighbour that is asked has nothing, or what it has was refused. `rescuerId`: who it is about, if that is known;
   * during a session it has to be.
   */
  handleRefused(now: Millis, link: number, rescuerId?: Uint8Array, isKeyMismatch = false): void {
    const ask = this.#asking.present;
    if (ask?.link !== link) return;
    const isOther = rescuerId === undefined ? this.#isServed : !equalBytes(rescuerId, ask.nodeId);
    if (isOther) return;
    if (isKeyMismatch && ask.isInvited === true) this.#asking.failByKey(now);
    else this.#asking.fail(now);
    this.#settle(now);
  }

  /** Whether a neighbour on this link may be served now. One whose update has to wait hears when there is time again. */
  admit(now: Millis, link: number, cause: ServeCause): Admission {
    const others = this.#links.filter((_, index) => index !== link).map(({ engagement }) => engagement);
    const admission =
      this.gates.holdUp(now, link, cause, others, this.#board?.status.installed?.digest) ??
      admit(cause, others, this.#options.fanOut, this.#isOverwriting);
    if (admission.tag === "wait" && admission.why === "soak") this.#isAwaited = true;
    const state = this.#links[link];
    if (state !== undefined) state.isWaiting = admission.tag === "wait";
    return admission;
  }

  /** The board's only image is about to be overwritten, or is. */
  get #isOverwriting(): boolean {
    return this.#board?.layout === "single" && (this.#claim.isOn || this.#asking.present !== undefined);
  }

  handleTimeout(now: Millis): void {
    this.#asking.endLate(now);
    for (const word of this.gates.takeWords(now, this.#speaking))
      this.#actions.push({ tag: "advise", ...word });
    if (this.#isAwaited && this.gates.handedOn.freeAt(now) === undefined) {
      this.#isAwaited = false;
      this.#callWaiting(undefined);
    }
    // Who receives says rarely that it is served.
    for (const link of this.#announcing.take(now)) if (!this.#relaying.isOn) this.#announce(link);
    this.#relaying.endJoins(now);
    if (this.#relaying.takeSaying(now) || this.#claim.takeSaying(now))
      for (const link of this.#links.keys()) this.#announce(link);
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
    const speaks = ({ isUp, role, engagement }: LinkState): boolean =>
      isUp && role === "idle" && engagement === "none";
    return [...this.#links.entries()]
      .filter(([link, state]) => known.has(link) && speaks(state))
      .map(([link]) => link);
  }

  /** Begins an ask if there is something to ask for, or gives one up that has to wait. */
  #settle(now: Millis): void {
    if (this.#board !== undefined && !this.#isHeld && !this.#isServed) this.#considerAsk(now, this.#board);
    const claims = this.#claim.isOn;
    if (claims === this.#wasClaiming) return;
    this.#wasClaiming = claims;
    this.#actions.push({ tag: "claim", isOn: claims });
  }

  #considerAsk(now: Millis, board: OwnBoard): void {
    // It does not boot any more, or is on trial: whatever it asked for has to wait.
    if (!this.#asking.mayAsk(board)) this.#asking.cancel();
    const mayAskFor = (link: number, digest: Uint8Array | undefined): boolean =>
      digest === undefined || this.gates.mayAskFor(now, link, digest);
    const held = this.#asking.present;
    if (held !== undefined && !mayAskFor(held.link, held.digest)) this.#asking.cancel();
    const { present } = this.#asking;
    const heard = this.neighbours.all();
    const isOpen = ({ link, installedDigest }: Neighbour): boolean =>
      this.#links[link]?.isUp === true && mayAskFor(link, installedDigest);
    const ask = present ?? this.#asking.choose(now, board, heard.filter(isOpen));
    if (ask === undefined || !this.#isFree(ask.link)) {
      this.#claim.clear();
      return;
    }
    const { hardwareId } = board.status;
    const ofItsKind = heard.filter((neighbour) => equalBytes(neighbour.hardwareId, hardwareId));
    const mayGoAhead = board.layout === "ab" || this.#claim.step(now, ofItsKind, ask.nodeId);
    if (mayGoAhead && present === undefined) this.#asking.start(now, ask);
    else if (!mayGoAhead) this.#asking.cancel();
  }

  /** A board serves others before it updates itself on that link; one with a single slot on any link. */
  #isFree(link: number): boolean {
    const isBusy = ({ engagement }: LinkState): boolean => engagement !== "none";
    return this.#board?.layout === "single" ? !this.#links.some(isBusy) : this.engagementOn(link) === "none";
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
      if (role === "idle") this.#announce(link);
      return { tag: "role", link, role };
    }
    return undefined;
  }

  #roleOf(link: number): LinkRole {
    if (this.#isHeld) return "idle";
    return roleFor(this.#board, link, this.#asking.present?.link, this.#relaying.isElsewhere(link));
  }

  /** When {@link handleTimeout} has something to do; in the past if now. May change after every call but the polls. */
  pollTimeout(now: Millis): Millis | undefined {
    const [ask, claim] = [this.#asking, this.#claim];
    const claimAt = this.#isServed ? undefined : claim.nextAt(now);
    const sayings = [this.#announcing.nextAt, claim.sayAt, this.#relaying.nextAt];
    const gateAt = this.gates.nextAt(now, this.#speaking);
    const times = [...sayings, ask.endsAt, ask.againAt(now), claimAt, gateAt];
    let soonest: Millis | undefined;
    for (const at of times) if (at !== undefined && (soonest === undefined || at < soonest)) soonest = at;
    return soonest;
  }
}
