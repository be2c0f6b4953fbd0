import { equalBytes } from "../base/bytes.ts";
import type { Random } from "../base/prng.ts";
import type { Millis } from "../base/units.ts";
import { soonest } from "../session/deadlines.ts";
import type { Beacon, Offer } from "../wire/messages.ts";
import { type Ask, Asking, type UpdatePolicy } from "./asking.ts";
import { Claim } from "./claim.ts";
import type { Gates } from "./gates.ts";
import type { Engagement } from "./link-role.ts";
import type { MeshLinks } from "./mesh-links.ts";
import type { Neighbour, Neighbours } from "./neighbours.ts";
import type { NodeAction } from "./node-action.ts";
import type { OwnBoard } from "./own-board.ts";

/** What updates of the own board share with its node. */
export interface OwnUpdateParts {
  readonly random: Random;
  /** 8 bytes. */
  readonly nodeId: Uint8Array;
  readonly policy: UpdatePolicy;
  readonly links: MeshLinks;
  readonly neighbours: Neighbours;
  readonly gates: Gates;
}

/**
 * How a board that boots comes to something newer: which neighbour it asks, when that has to wait for others or for a claim of
 * its turn, and what ends an ask (PROTOCOL.md 6.7).
 */
export class OwnUpdate {
  readonly #parts: OwnUpdateParts;
  readonly #asking: Asking;
  readonly #claim: Claim;
  #wasClaiming = false;

  constructor(parts: OwnUpdateParts) {
    this.#parts = parts;
    this.#asking = new Asking(parts.policy);
    this.#claim = new Claim(parts.random, parts.nodeId);
  }

  /** The present ask. */
  get ask(): Ask | undefined {
    return this.#asking.present;
  }

  /** When the present ask began. */
  get since(): Millis {
    return this.#asking.since;
  }

  /** The neighbour that is asked serves the board. */
  get isServed(): boolean {
    const { ask } = this;
    return ask !== undefined && this.#parts.links.engagementOn(ask.link) === "target";
  }

  /** The board's only image is about to be overwritten, or is. */
  isOverwriting(board: OwnBoard | undefined): boolean {
    return board?.layout === "single" && (this.#claim.isOn || this.ask !== undefined);
  }

  /** Wherever it came from: what the board asked for it has, or it has to look around again. */
  succeed(): void {
    this.#asking.succeed();
    this.#claim.clear();
  }

  /** Ends an ask that is not served yet. */
  cancel(): void {
    if (!this.isServed) this.#asking.cancel();
  }

  /** A beacon of another node was heard. */
  handleHeard(now: Millis, link: number, beacon: Beacon): void {
    this.#asking.handleHeard(now, link, beacon.nodeId);
    // Who calls for help goes first: while it asks, the board serves nobody on that link.
    const isCallForHelp = beacon.tag === "distress" && beacon.isServed !== true;
    if (isCallForHelp && this.ask?.link === link && !this.isServed) this.#asking.fail(now, true);
  }

  /** A rescuer offers an image for which nobody called. What it is told; undefined if the board asks for it. */
  handleInvitation(
    now: Millis,
    link: number,
    offer: Offer,
    board: OwnBoard | undefined,
  ): NodeAction | undefined {
    const { rescuerId: nodeId, digest } = offer;
    const ask = { link, nodeId: nodeId.slice(), digest: digest.slice(), isInvited: true } as const;
    const own = board?.status.installed?.digest;
    const isWanted = board !== undefined && this.#asking.mayAsk(board) && !(own && equalBytes(own, digest));
    const isAllowed = board !== undefined && this.#asking.isAllowed(board);
    const deferral = isAllowed ? this.#parts.gates.deferralOf(now, link, digest, board) : undefined;
    if (deferral !== undefined) return { tag: "decline", link, offer, why: "healthy", deferral };
    if (!isWanted || this.#asking.isBarred(now, ask)) return { tag: "decline", link, offer, why: "healthy" };
    this.#asking.invite(now, ask);
    return undefined;
  }

  /** The board takes the image of the present session later, and said so. */
  handleDeferred(now: Millis, link: number, digest: Uint8Array): void {
    const { ask } = this;
    if (ask?.link !== link) return;
    // Its own image it is asked for again when that is due.
    if (equalBytes(ask.digest, digest)) this.#asking.cancel();
    else this.#asking.fail(now);
  }

  /** The neighbour that is asked has nothing, or what it has was refused. `rescuerId`: who it is about, if that is known. */
  handleRefused(now: Millis, link: number, rescuerId: Uint8Array | undefined, isKeyMismatch: boolean): void {
    const { ask } = this;
    if (ask?.link !== link) return;
    const isOther = rescuerId === undefined ? this.isServed : !equalBytes(rescuerId, ask.nodeId);
    if (isOther) return;
    if (isKeyMismatch && ask.isInvited === true) this.#asking.failByKey(now);
    else this.#asking.fail(now);
  }

  /** What happens on a link has changed. */
  handleEngaged(
    now: Millis,
    link: number,
    before: Engagement,
    engagement: Engagement,
    board: OwnBoard | undefined,
  ): void {
    const { ask } = this;
    if (ask?.link === link && engagement === "target") this.#asking.handleServed();
    else if (ask?.link === link && before === "target") this.#asking.handleLost(now);
    // Somebody was served first: the ask waits until that is over.
    else if (engagement !== "none" && ask !== undefined && !this.#isFree(ask.link, board)) this.cancel();
  }

  /** Begins an ask if there is something to ask for, or gives one up that has to wait. */
  consider(now: Millis, board: OwnBoard): void {
    if (this.isServed) return;
    const { gates, links, neighbours } = this.#parts;
    // It does not boot any more, or is on trial: whatever it asked for has to wait.
    if (!this.#asking.mayAsk(board)) this.#asking.cancel();
    const mayAskFor = (link: number, digest: Uint8Array | undefined): boolean =>
      digest === undefined || gates.mayAskFor(now, link, digest);
    const held = this.ask;
    if (held !== undefined && !mayAskFor(held.link, held.digest)) this.#asking.cancel();
    const present = this.ask;
    const heard = neighbours.all();
    const isOpen = ({ link, installedDigest }: Neighbour): boolean =>
      links.get(link)?.isUp === true && mayAskFor(link, installedDigest);
    const ask = present ?? this.#asking.choose(now, board, heard.filter(isOpen));
    if (ask === undefined || !this.#isFree(ask.link, board)) {
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
  #isFree(link: number, board: OwnBoard | undefined): boolean {
    const { links } = this.#parts;
    return board?.layout === "single" ? !links.isAnyEngaged : links.engagementOn(link) === "none";
  }

  /** Whether the board claims its turn to overwrite its only image, if that changed since it was taken last. */
  takeClaim(): boolean | undefined {
    const isOn = this.#claim.isOn;
    if (isOn === this.#wasClaiming) return undefined;
    this.#wasClaiming = isOn;
    return isOn;
  }

  /** Whether the claim is to be said now on all links. */
  takeSaying(now: Millis): boolean {
    return this.#claim.takeSaying(now);
  }

  /** Ends an ask that nobody answered. */
  handleTimeout(now: Millis): void {
    this.#asking.endLate(now);
  }

  /** When an ask ends or may be repeated, or the claim is due. */
  nextAt(now: Millis): Millis | undefined {
    return soonest({
      end: this.#asking.endsAt,
      again: this.#asking.againAt(now),
      say: this.#claim.sayAt,
      claim: this.isServed ? undefined : this.#claim.nextAt(now),
    });
  }
}
