import { toHex } from "../base/bytes.ts";
import { ExitCode } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import type { InstallPlan, TargetStore } from "../board/target-store.ts";
import { formatVersion } from "../image/version.ts";
import type { LinkKey } from "../link/link-key.ts";
import type { CallCause, NodeStatus } from "../session/beacon.ts";
import type { Deferral } from "../session/handshake.ts";
import type { RoleHost } from "../session/role.ts";
import { ImageHold } from "../session/target/image-hold.ts";
import type { ServingElsewhere } from "../session/target/offer-answers.ts";
import { Swarm } from "../session/target/swarm.ts";
import type { TargetEvent } from "../session/target/target-events.ts";
import { TargetRole } from "../session/target/target-role.ts";
import { TargetStart } from "../session/target/target-start.ts";
import type { Offer } from "../wire/messages.ts";
import { advised } from "./advice.ts";
import { distressSent } from "./distress-event.ts";
import type { HeardTexts } from "./line-reports.ts";
import { LocatedImages } from "./located-images.ts";
import type { Locators } from "./locator.ts";
import type { SideLink } from "./node-link.ts";
import type { SideHost } from "./node-run.ts";
import { MISMATCH_SENTENCES, noneSentence } from "./refusal-sentences.ts";
import type { RunOptions } from "./run-options.ts";
import { ServingLinks } from "./serving-links.ts";
import { applyTargetEffect, nodeStatusOf } from "./target-effects.ts";
import { targetNonces } from "./target-nonces.ts";
import { TargetSessions } from "./target-sessions.ts";
import { type Ending, refusedEnding, type SessionFigures } from "./verdict.ts";

type Link = SideLink<TargetRole>;

/** What a target needs to know. */
export interface TargetDuties extends Pick<RunOptions, "advice"> {
  /** The board to heal. Not closed by the run: a transfer is left so that it can be resumed. */
  readonly store: TargetStore;
  /** Why it calls; for help unless given. */
  readonly cause?: CallCause;
  /** The board's status for its beacon; that of the store unless given. */
  readonly status?: (() => NodeStatus) | undefined;
  /** For all links: only rescuers with the same key are accepted. See `linkKeyOf`. */
  readonly linkKey?: LinkKey | undefined;
  /** It listens before it calls; see `TargetOptions`. */
  readonly listensFirst?: boolean;
  /** A network, and where on it images may be fetched that a rescuer only names; none unless given. */
  readonly locators?: Locators | undefined;
  /** Why the board takes the image of an accepted manifest later; it takes it now unless given. */
  defers?(link: Link, plan: InstallPlan): Deferral | undefined;
}

export type TargetHost = SideHost<TargetRole>;

interface Refusal {
  readonly reason: string;
  readonly detail: string;
  readonly peer: string | undefined;
}

/** Bytes of an image that are taken right behind an offer: as many as blocks have room for (PROTOCOL.md 6.10). */
const INLINE_BYTES = 65_536;

/** What is said at the timeout if another node was there. */
const HEARD_TEXTS: HeardTexts = {
  offering: "a neighbour is there, but the board was not healed in time",
  rescuer: "a rescuer is there but offers nothing: its repository may have nothing for this hardware",
  "board-in-distress": "another board in distress is there, no rescuer",
  board: "a board that boots is there, no rescuer",
  // Frames came, and none that says who sent it.
  unknown:
    "a node asked who is there but offers nothing: if it is a rescuer, its repository may have nothing for this hardware",
};

/**
 * A run as target: one board, healed over its links. What its sessions came to is told by {@link TargetSessions}, what the
 * links bring at the same time by {@link ServingLinks}.
 */
export class TargetSide {
  readonly #host: TargetHost;
  readonly #duties: TargetDuties;
  readonly #start: TargetStart;
  readonly #hold: ImageHold = new ImageHold();
  readonly #swarm: Swarm = new Swarm();
  readonly #sessions: TargetSessions;
  #refusal: Refusal | undefined;
  /** What the last rescuer without a suitable image said on each link. */
  readonly #told: Map<Link, string> = new Map();
  /** The board was healed since it called last. The next call is that of another start: two heals are told apart by their nonces. */
  #wasHealed = false;
  readonly #serving: ServingLinks;
  readonly #located: LocatedImages | undefined;

  constructor(host: TargetHost, duties: TargetDuties) {
    this.#host = host;
    this.#duties = duties;
    this.#sessions = new TargetSessions(host);
    this.#serving = new ServingLinks(() => host.links);
    const tell = ({ endpoint }: Link, detail: string): void =>
      host.report({ event: "link", link: endpoint, state: "locator", detail });
    this.#located = duties.locators && new LocatedImages(duties.locators, host.clock, tell);
    this.#start = new TargetStart(targetNonces(duties.store, duties.linkKey, host.random));
  }

  linkKeyOf(): LinkKey | undefined {
    return this.#duties.linkKey;
  }

  makeRole(now: Millis, host: RoleHost<TargetEvent>): TargetRole {
    return this.roleThatCalls(now, host, this.#duties.cause ?? "help");
  }

  /** Creates the role on one link. */
  roleThatCalls(now: Millis, host: RoleHost<TargetEvent>, cause: CallCause): TargetRole {
    const { random } = this.#host;
    const { store } = this.#duties;
    const status = this.#duties.status ?? ((): NodeStatus => nodeStatusOf(store.status()));
    const isBlank = (): boolean => store.isBlank();
    const shared = { hold: this.#hold, swarm: this.#swarm, start: this.#start };
    const limits = { inlineBytes: INLINE_BYTES };
    const { listensFirst = false } = this.#duties;
    const role = new TargetRole(now, host, {
      ...{ random, status, isBlank, ...shared, cause, limits, listensFirst },
      takesLocators: this.#located !== undefined,
    });
    const serving = this.#serving.one;
    if (this.#wasHealed && serving === undefined) {
      this.#wasHealed = false;
      this.#start.renew();
    }
    // Who makes a role meanwhile wants a rescuer on this link to bring a part.
    if (serving !== undefined) role.setServedElsewhere(now, serving, true);
    return role;
  }

  /** The boot nonce of this start. */
  get bootNonce(): Uint8Array {
    return this.#start.bootNonce;
  }

  /** The session that a verdict with this code describes: the refused one, or else the last one. */
  figures(code: ExitCode): SessionFigures {
    return this.#sessions.figures(code === ExitCode.refused ? this.#refusal : undefined);
  }

  handleTimeout(): Ending {
    if (this.#refusal !== undefined) return refusedEnding(this.#refusal);
    return this.#host.line.endAtTimeout(this.#host.links, HEARD_TEXTS, this.#told);
  }

  /** A rescuer serves the board on one of its links. */
  get isServed(): boolean {
    return this.#serving.one !== undefined;
  }

  /** What serves the board, on one of its links; undefined while nothing does. */
  get serving(): ServingElsewhere | undefined {
    return this.#serving.one;
  }

  /** Reports what was seen on the links so far, while nobody serves the board. */
  reportCalling(forMs: Millis): void {
    for (const link of this.#host.links) {
      if (link.trouble !== undefined) continue;
      const seen = this.#host.line.whatWasSeen(link, HEARD_TEXTS, this.#told.get(link));
      const detail = `not healed for ${Math.round(forMs / 1000)} s: ${seen}`;
      this.#host.report({ event: "link", link: link.endpoint, state: "calling", detail });
    }
  }

  /** Reports this board's own call. */
  handleUp({ endpoint }: Link): void {
    this.#host.report(distressSent(endpoint, this.#duties.store.status()));
  }

  handle(now: Millis, event: TargetEvent, link: Link): void {
    const { store, defers } = this.#duties;
    const gate = defers && ((plan: InstallPlan) => defers(link, plan));
    const isEffect = applyTargetEffect(this.#host.clock, event, link.role, store, gate);
    if (!isEffect) this.#handleNews(now, event, link);
  }

  #handleNews(now: Millis, event: TargetEvent, link: Link): void {
    switch (event.tag) {
      case "offered":
        this.#handleOffered(now, event.offer, link);
        return;
      case "heard":
        this.#host.line.noteNode(link, event.who);
        return;
      case "locator":
        void this.#located?.handle(event, link);
        return;
      case "none":
        this.#handleNone(event, link);
        return;
      case "refused":
        this.#handleRefused(event, link);
        return;
      case "deferred":
        this.#handleDeferred(event, link);
        return;
      case "console":
      case "link":
      case "rate":
      case "stranger":
        this.#host.line.handle(event, link);
        return;
      default:
        if (this.#sessions.has(link)) this.#handleSession(now, event, link);
    }
  }

  #handleOffered(now: Millis, offer: Offer, link: Link): void {
    this.#located?.end(link);
    const cause = this.#duties.store.status().isBootable ? "update" : "heal";
    const session = this.#sessions.begin(now, link, offer, cause);
    const { rescuerId, digest, size } = offer;
    const givesWay = (): boolean => offer.partial !== undefined && session.blocks === 0;
    this.#serving.begin(now, link, { rescuerId, digest, givesWay });
    const at = { link: link.endpoint, peer: toHex(rescuerId) };
    const version = formatVersion(offer.version);
    this.#host.report({ event: "offer", ...at, digest: toHex(digest), version, size });
  }

  #handleRefused(event: Extract<TargetEvent, { tag: "refused" }>, link: Link): void {
    this.#located?.end(link);
    const { reason, mismatch, rescuerId } = event;
    const topic = { about: "refusal", side: "target", reason, mismatch } as const;
    const detail =
      mismatch === undefined
        ? (event.detail ?? "")
        : advised(MISMATCH_SENTENCES.target[mismatch], topic, this.#duties.advice);
    const peer = rescuerId && toHex(rescuerId);
    this.#refusal = { reason, detail, peer };
    this.#serving.end(this.#host.clock.now(), link);
    const last = this.#sessions.offeredOn(link);
    // A refusal that names another node than the last offer is about something else.
    const digest = last !== undefined && last.peer === peer ? { digest: last.offered } : {};
    const proven = link.end.isKeyed && reason !== "link-key";
    this.#host.report({ event: "refused", link: link.endpoint, peer, reason, proven, ...digest, detail });
  }

  #handleDeferred(event: Extract<TargetEvent, { tag: "deferred" }>, link: Link): void {
    const { digest, rescuerId } = event;
    const { reason, forMs } = event.deferral;
    this.#sessions.drop(link);
    this.#serving.end(this.#host.clock.now(), link);
    const about = { link: link.endpoint, peer: toHex(rescuerId), digest: toHex(digest) };
    this.#host.report({ event: "deferred", ...about, reason, seconds: Math.ceil(forMs / 1000) });
  }

  /** Reported once for each reason in a row. For a board that boots, that nothing is newer is an answer like a refusal. */
  #handleNone({ reason, rescuerId }: Extract<TargetEvent, { tag: "none" }>, link: Link): void {
    this.#host.line.noteNode(link, "rescuer");
    const detail = noneSentence(reason);
    const peer = toHex(rescuerId);
    if (reason === "version" && this.#duties.store.status().isBootable)
      this.#refusal ??= { reason, detail, peer };
    if (this.#told.get(link) === detail) return;
    this.#told.set(link, detail);
    this.#host.report({ event: "none", link: link.endpoint, peer, reason, detail });
  }

  #handleSession(now: Millis, event: TargetEvent, link: Link): void {
    const { store } = this.#duties;
    switch (event.tag) {
      case "receiving":
        this.#sessions.handleReceiving(now, link, event.plan.digest);
        return;
      case "progress":
        this.#sessions.handleProgress(now, link, event.descent);
        this.#serving.tellShared(now, link);
        return;
      case "sessionLost":
        this.#located?.end(link);
        this.#serving.end(now, link);
        if (!this.#serving.isElsewhere(link)) store.abandon();
        this.#sessions.handleLost(link, event.why);
        return;
      case "verified":
        this.#located?.end(link);
        this.#sessions.handleVerified(now, link, event.digest);
        this.#serving.tellHealed(now, link, event.digest);
        return;
      case "finished":
        this.#located?.end(link);
        this.#serving.endHealed(link);
        if (!this.#sessions.takeHealed(link, store.status().nodeId)) return;
        this.#wasHealed = true;
        this.#host.end({ code: ExitCode.done, reason: "healed" });
        return;
      default:
        return;
    }
  }
}
