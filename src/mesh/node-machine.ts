import { equalBytes } from "../base/bytes.ts";
import type { Random } from "../base/prng.ts";
import type { Millis } from "../base/units.ts";
import type { Beacon, Offer } from "../wire/messages.ts";
import { Announcing } from "./announcing.ts";
import { type Ask, Asking, compareWith, type UpdatePolicy } from "./asking.ts";
import { Claim } from "./claim.ts";
import { type Admission, admit, type ServeCause } from "./dispatch.ts";
import { type Neighbour, Neighbours } from "./neighbours.ts";
import { isNews, type OwnBoard } from "./own-board.ts";
import { type Engagement, type LinkRole, roleFor } from "./role.ts";

export interface NodeMachineOptions {
  readonly random: Random;
  /** 8 bytes. */
  readonly nodeId: Uint8Array;
  readonly policy: UpdatePolicy;
  /** Updates handed out at the same time. */
  readonly fanOut: number;
  /** Number of links; they are named by their index. */
  readonly links: number;
}

/** What a node machine wants done, or reports. */
export type NodeAction =
  /** Exchange the role on a link. */
  | { readonly tag: "role"; readonly link: number; readonly role: LinkRole }
  /** Say the own status on a link, where the idle role is. */
  | { readonly tag: "announce"; readonly link: number }
  /** The board claims its turn to overwrite its only image, or no longer does: its status says so from now on. */
  | { readonly tag: "claim"; readonly isOn: boolean }
  /** Tell the rescuer of an offer that nobody called for that the board wants no update. */
  | { readonly tag: "decline"; readonly link: number; readonly offer: Offer }
  /** A neighbour said something new of itself. */
  | { readonly tag: "neighbour"; readonly neighbour: Neighbour }
  /** A neighbour runs another image of the same order as the own one. */
  | { readonly tag: "conflict"; readonly neighbour: Neighbour }
  /** One id on two links with two boot nonces in turn. */
  | { readonly tag: "copied"; readonly link: number; readonly nodeId: Uint8Array };

interface LinkState {
  isUp: boolean;
  role: LinkRole;
  engagement: Engagement;
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
  readonly #actions: NodeAction[] = [];
  #board: OwnBoard | undefined;
  #wasClaiming = false;
  #isHeld = false;

  constructor(options: NodeMachineOptions) {
    this.#options = options;
    this.#asking = new Asking(options.policy);
    this.#claim = new Claim(options.random, options.nodeId);
    this.#announcing = new Announcing(options.random);
    this.#links = Array.from({ length: options.links }, () => ({
      isUp: false,
      role: "idle" as const,
      engagement: "none" as const,
    }));
  }

  /** The present ask, and since when. */
  get asks(): (Ask & { readonly since: Millis }) | undefined {
    const ask = this.#asking.present;
    return ask && { ...ask, since: this.#asking.since };
  }

  /** How a neighbour's image compares with the own one. */
  compare(neighbour: Neighbour): ReturnType<typeof compareWith> {
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
    const ask = this.#asking.present;
    const { failure, installed } = board.status;
    if (ask !== undefined && failure === undefined && installed && equalBytes(installed.digest, ask.digest)) {
      this.#asking.succeed();
      this.#claim.clear();
    }
    if (isNews(before, board)) this.#sayNews(now);
    this.#settle(now);
  }

  #sayNews(now: Millis): void {
    this.#announcing.handleOwnNews(now);
    for (const link of this.#links.keys()) this.#announce(link);
  }

  #announce(link: number): void {
    const state = this.#links[link];
    if (state?.isUp !== true || this.#board === undefined || this.#board.status.failure !== undefined) return;
    if (state.role === "idle") this.#actions.push({ tag: "announce", link });
  }

  handleLinkUp(now: Millis, link: number, isUp: boolean): void {
    const state = this.#links[link];
    if (state === undefined) return;
    state.isUp = isUp;
    this.#announcing.handleLinkUp(now, link, isUp);
    if (isUp) this.#announce(link);
    this.#settle(now);
  }

  /** While held the board neither calls nor asks: somebody installs an image on it. */
  setHeld(now: Millis, isHeld: boolean): void {
    this.#isHeld = isHeld;
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
    this.#settle(now);
  }

  #reportNeighbour(link: number, nodeId: Uint8Array): void {
    const neighbour = this.neighbours.get(link, nodeId);
    if (neighbour === undefined) return;
    this.#actions.push({ tag: "neighbour", neighbour });
    if (this.compare(neighbour) === "conflict") this.#actions.push({ tag: "conflict", neighbour });
  }

  /** A rescuer offers an image for which nobody called. */
  handleInvitation(now: Millis, link: number, offer: Offer): void {
    const ask = { link, nodeId: offer.rescuerId, digest: offer.digest };
    const board = this.#board;
    const isWanted = board !== undefined && this.#asking.mayAsk(board);
    if (!isWanted || this.#asking.isBarred(now, ask)) this.#actions.push({ tag: "decline", link, offer });
    else if (this.#asking.present === undefined && !this.#isHeld) this.#begin(now, ask);
    this.#settle(now);
  }

  /** What goes on on a link has changed. */
  handleEngaged(now: Millis, link: number, engagement: Engagement): void {
    const state = this.#links[link];
    if (state === undefined || state.engagement === engagement) return;
    const before = state.engagement;
    state.engagement = engagement;
    if (this.#asking.present?.link === link) {
      if (engagement === "target") this.#asking.handleServed();
      else if (before === "target") this.#asking.handleLost(now);
    }
    this.#settle(now);
  }

  /** The neighbour that is asked has nothing, or what it has was refused. */
  handleRefused(now: Millis, link: number): void {
    if (this.#asking.present?.link !== link || this.engagementOn(link) === "target") return;
    this.#asking.fail(now);
    this.#settle(now);
  }

  /** Whether a neighbour on this link may be served now. */
  admit(link: number, cause: ServeCause): Admission {
    const others = this.#links.filter((_, index) => index !== link).map(({ engagement }) => engagement);
    return admit(cause, others, this.#options.fanOut);
  }

  handleTimeout(now: Millis): void {
    if (this.engagementOn(this.#asking.present?.link ?? -1) !== "target") this.#asking.endLate(now);
    for (const link of this.#announcing.take(now)) this.#announce(link);
    this.#settle(now);
  }

  /** Begins an ask if there is something to ask for, and gives each link its role. */
  #settle(now: Millis): void {
    if (this.#asking.present === undefined && !this.#isHeld) this.#considerAsk(now);
    const claims = this.#claim.isOn;
    if (claims !== this.#wasClaiming) {
      this.#wasClaiming = claims;
      this.#actions.push({ tag: "claim", isOn: claims });
    }
    for (const [link, state] of this.#links.entries()) {
      const role = this.#isHeld ? "idle" : roleFor(this.#board, link, this.#asking.present?.link);
      // A role is exchanged between sessions.
      if (role === state.role || state.engagement !== "none") continue;
      state.role = role;
      this.#actions.push({ tag: "role", link, role });
    }
  }

  #considerAsk(now: Millis): void {
    if (this.#board === undefined) return;
    const heard = this.neighbours.all().filter(({ link }) => this.#links[link]?.isUp === true);
    const ask = this.#asking.choose(now, this.#board, heard);
    if (ask === undefined || !this.#isFree(ask.link)) {
      this.#claim.clear();
      return;
    }
    this.#begin(now, ask);
  }

  #begin(now: Millis, ask: Ask): void {
    if (this.#board?.layout === "single") {
      const others = this.neighbours.all().filter(({ nodeId }) => !equalBytes(nodeId, ask.nodeId));
      if (!this.#claim.step(now, others)) return;
    }
    this.#asking.start(now, ask);
  }

  /** A board serves others before it updates itself on that link; one with a single slot on any link. */
  #isFree(link: number): boolean {
    if (this.#board?.layout === "single") return this.#links.every(({ engagement }) => engagement === "none");
    return this.engagementOn(link) === "none";
  }

  /** The next action. May change after every call but the polls. */
  pollAction(): NodeAction | undefined {
    return this.#actions.shift();
  }

  /** When {@link handleTimeout} has something to do; in the past if now. May change after every call but the polls. */
  pollTimeout(now: Millis): Millis | undefined {
    const ask = this.#asking;
    const claimAt = ask.present === undefined ? this.#claim.nextAt(now) : undefined;
    const times = [this.#announcing.nextAt, ask.endsAt, ask.againAt(now), claimAt];
    let soonest: Millis | undefined;
    for (const at of times) if (at !== undefined && (soonest === undefined || at < soonest)) soonest = at;
    return soonest;
  }
}
