import { equalBytes } from "../base/bytes.ts";
import type { Millis } from "../base/units.ts";
import type { Deferral } from "../session/handshake.ts";
import type { ImageWord } from "../wire/messages.ts";
import type { Admission, ServeCause } from "./dispatch.ts";
import { Gossip, HOPS_MAX, type Word } from "./gossip.ts";
import { HandedOn } from "./handed-on.ts";
import type { Engagement } from "./link-role.ts";
import { isEstablished, type Neighbour } from "./neighbours.ts";
import { NewsLimit } from "./news-limit.ts";
import type { OwnBoard } from "./own-board.ts";
import { type KeptImage, Rollout } from "./rollout.ts";
import { Suspects } from "./suspects.ts";

/** How carefully a node lets updates spread. Without any of it: one ring, no soak time, and suspicions count. */
export interface GateOptions {
  /** How much later each ring goes ahead. */
  readonly ringTimeMs?: Millis;
  /** An image runs for this long before it is handed on. */
  readonly soakMs?: Millis;
  /** What was kept of images before this start. */
  readonly kept?: readonly KeptImage[];
  /** Failures elsewhere hold an image up. They do unless given. */
  readonly heedsSuspects?: boolean;
}

/** A board whose image is on trial says that it takes another one after this time. */
const TRIAL_FOR_MS: Millis = 60_000;

type OwnImage = NonNullable<OwnBoard["status"]["installed"]>;

const NO_ORDER = { sequence: 0, version: { major: 0, minor: 0, patch: 0 } } as const;

/** Who a word comes from. `none`: the link has no key, and it may be anybody; `wrong`: it has, and the word shows none. */
export type AdviceProof = "good" | "none" | "wrong";

/** What came of a word. */
export type AdviceNews =
  | {
      readonly tag: "suspect";
      readonly digest: Uint8Array;
      readonly forMs: Millis;
      readonly isProven: boolean;
    }
  | undefined;

/**
 * What holds back the spread of an image: the ring of the board, failures here and elsewhere, and how many updates were handed on
 * lately (PROTOCOL.md 6.8). None of it is asked before a board that does not boot is healed.
 */
export class Gates {
  readonly rollout: Rollout;
  readonly suspects: Suspects = new Suspects();
  readonly handedOn: HandedOn;
  readonly #nodeId: Uint8Array;
  readonly #links: number;
  readonly #heeds: boolean;
  readonly #gossip: Gossip = new Gossip();
  readonly #limits: Readonly<Record<ImageWord["tag"], NewsLimit>> = {
    suspect: new NewsLimit(),
    confirmed: new NewsLimit(),
  };

  constructor(now: Millis, nodeId: Uint8Array, links: number, fanOut: number, options: GateOptions = {}) {
    const { ringTimeMs = 0, soakMs = 0, kept = [], heedsSuspects = true } = options;
    this.#nodeId = nodeId;
    this.#links = links;
    this.#heeds = heedsSuspects;
    this.rollout = new Rollout(now, ringTimeMs, kept);
    this.handedOn = new HandedOn(fanOut, soakMs);
  }

  /**
   * A neighbour was heard. Its image, if it is newer than the own one, is known from now on; and one that was given an image may
   * show that this failed.
   */
  handleNeighbour(now: Millis, neighbour: Neighbour, isNewer: boolean): AdviceNews {
    const { link, installedDigest } = neighbour;
    if (isNewer && installedDigest !== undefined && isEstablished(neighbour))
      this.rollout.noteHeard(now, link, installedDigest);
    const failed = this.handedOn.failedWith(now, neighbour);
    if (failed === undefined || !this.#heeds) return undefined;
    // A beacon proves nothing: what it shows is not passed on, and holds the image up as long as any unproven word.
    let isNews = false;
    for (let any = 0; any < this.#links; any++)
      if (this.suspects.noteUnproven(now, any, failed)) isNews = true;
    return isNews ? this.#suspectNews(now, link, failed, false) : undefined;
  }

  /** A word came over a link. */
  handleAdvice(now: Millis, link: number, advice: ImageWord, proof: AdviceProof): AdviceNews {
    if (proof === "wrong" || !this.#heeds || !this.#limits[advice.tag].take(now, link)) return undefined;
    return advice.tag === "confirmed"
      ? this.#handleConfirmed(now, link, advice)
      : this.#handleSuspect(now, link, advice, proof === "good");
  }

  #handleConfirmed(now: Millis, link: number, advice: ImageWord): undefined {
    this.rollout.noteHeard(now, link, advice.digest);
    this.#pass(now, link, advice);
  }

  #handleSuspect(now: Millis, link: number, advice: ImageWord, isProven: boolean): AdviceNews {
    if (advice.tag !== "suspect") return undefined;
    const ageMs = advice.ageMinutes * 60_000;
    if (!isProven) {
      const isHeldUp = this.suspects.noteUnproven(now, link, advice.digest, ageMs);
      return isHeldUp ? this.#suspectNews(now, link, advice.digest, false) : undefined;
    }
    if (!this.#pass(now, link, advice)) return undefined;
    const isHeldUp = this.suspects.noteCertain(now, advice.digest, ageMs, false);
    return isHeldUp ? this.#suspectNews(now, link, advice.digest, true) : undefined;
  }

  #suspectNews(now: Millis, link: number, view: Uint8Array, isProven: boolean): AdviceNews {
    const digest = view.slice();
    return { tag: "suspect", digest, forMs: this.suspects.leftMs(now, link, digest), isProven };
  }

  /** Passes a word on that was not heard before; whether it was not. */
  #pass(now: Millis, link: number, advice: ImageWord): boolean {
    if (!this.#gossip.takeNew(advice)) return false;
    this.#gossip.say(now, { ...advice, hops: Math.min(HOPS_MAX, advice.hops) - 1 }, link);
    return true;
  }

  /** The image failed to confirm on this board, so many times by now. */
  noteFailed(now: Millis, digest: Uint8Array, failures: number): void {
    this.suspects.noteCertain(now, digest, 0, true);
    const originId = this.#nodeId;
    this.#say(now, { tag: "suspect", originId, digest, failures, ageMinutes: 0, hops: HOPS_MAX });
  }

  /** An image with rings has proven itself on this board: boards far away let their time run from now on. */
  noteConfirmed(now: Millis, digest: Uint8Array, ring: number): void {
    this.#say(now, { tag: "confirmed", originId: this.#nodeId, digest, ring, hops: HOPS_MAX });
  }

  #say(now: Millis, advice: ImageWord): void {
    if (this.#heeds && this.#gossip.takeNew(advice)) this.#gossip.say(now, advice);
  }

  /** How long the board may not ask for this image on this link, and for an own image not hand it on there. */
  heldUpMs(now: Millis, link: number, digest: Uint8Array): Millis {
    return this.#heeds ? this.suspects.leftMs(now, link, digest) : 0;
  }

  /** Why a board that boots takes this image later; undefined when nothing holds it up. `board`: it, if it may be on trial. */
  deferralOf(now: Millis, link: number, digest: Uint8Array, board?: OwnBoard): Deferral | undefined {
    if (board?.status.isTrial === true) {
      const { soakLeftMs } = board;
      return soakLeftMs === undefined
        ? { reason: "trial", forMs: TRIAL_FOR_MS }
        : { reason: "soak", forMs: soakLeftMs };
    }
    const ringMs = this.rollout.leftMs(now, digest);
    const heldMs = this.heldUpMs(now, link, digest);
    if (ringMs === 0 && heldMs === 0) return undefined;
    return ringMs >= heldMs ? { reason: "ring", forMs: ringMs } : { reason: "soak", forMs: heldMs };
  }

  /** Whether the board may ask for the image on this link. Of one whose manifest it does not know it asks for that. */
  mayAskFor(now: Millis, link: number, digest: Uint8Array): boolean {
    return this.deferralOf(now, link, digest) === undefined;
  }

  /** Why a neighbour is not served now, although others are not the reason. `own`: short digest of the own image. */
  holdUp(
    now: Millis,
    link: number,
    cause: ServeCause,
    others: readonly Engagement[],
    own: Uint8Array | undefined,
  ): Admission | undefined {
    if (cause === "heal") return undefined;
    if (own !== undefined && this.heldUpMs(now, link, own) > 0) return { tag: "wait", why: "suspect" };
    const running = others.filter((engagement) => engagement === "update").length;
    const isSpent = this.handedOn.freeAt(now) !== undefined && this.handedOn.isSpent(now, running);
    return isSpent ? { tag: "wait", why: "soak" } : undefined;
  }

  /** A neighbour got this image as an update. `own`: the own image. */
  handleUpdated(now: Millis, nodeId: Uint8Array, digest: Uint8Array, own: OwnImage | undefined): void {
    const isOwn = own !== undefined && equalBytes(own.digest, digest);
    // Of what came from a repository the order is not known: that its board went back is not seen.
    this.handedOn.note(now, nodeId, { ...(isOwn ? own : NO_ORDER), digest });
  }

  /** What is to be said now on the links that can say something. */
  takeWords(now: Millis, links: readonly number[]): Word[] {
    return this.#gossip.take(now, links);
  }

  /** When any of this has something to do, or changes what may be done. `links`: those that can say something. */
  nextAt(now: Millis, links: readonly number[]): Millis | undefined {
    const { rollout, suspects, handedOn } = this;
    const times = [
      rollout.nextDueAt(now),
      suspects.nextEndAt(now),
      handedOn.freeAt(now),
      this.#gossip.nextAt(links),
    ];
    return times.reduce((a, b) => (a === undefined ? b : b === undefined ? a : Math.min(a, b)));
  }
}
