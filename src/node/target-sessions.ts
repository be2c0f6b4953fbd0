import { toHex } from "../base/bytes.ts";
import type { Millis } from "../base/units.ts";
import { formatVersion } from "../image/version.ts";
import type { ServeCause } from "../mesh/dispatch.ts";
import type { SessionLoss } from "../session/target/target-events.ts";
import type { TargetRole } from "../session/target/target-role.ts";
import type { TreeDescent } from "../session/target/tree-descent.ts";
import type { Offer } from "../wire/messages.ts";
import type { SideLink } from "./node-link.ts";
import type { SideHost } from "./node-run.ts";
import { TransferProgress } from "./transfer-progress.ts";
import type { SessionFigures } from "./verdict.ts";

type Link = SideLink<TargetRole>;

/** The last session on one link. */
interface LinkSession {
  /** The rescuer's id, in hexadecimal. */
  readonly peer: string;
  /** Digest of the image, in hexadecimal: its first bytes, as the wire carries them. */
  digest: string | undefined;
  /** The same of the image that was offered last. */
  readonly offered: string;
  readonly version: string;
  /** The boot nonce that the offer answered. */
  readonly nonce: string;
  /** Whether the board booted when it was offered. */
  readonly cause: ServeCause;
  /** When its first offer was accepted. */
  readonly startedAt: Millis;
  /** It ended early: the next offer begins another one. */
  isLost: boolean;
  /** When the image was verified. */
  doneAt: Millis | undefined;
  /** Rate of the line then, in bit/s, where it has one. */
  baud: number | undefined;
  blocks: number;
  readonly bytesBefore: number;
  progress: TransferProgress | undefined;
}

/** What came of the sessions on each link of a target: tells its user, and gives the figures of the verdict. */
export class TargetSessions {
  readonly #host: Pick<SideHost<never>, "clock" | "report">;
  readonly #sessions: Map<Link, LinkSession> = new Map();
  /** The session that the verdict describes: the one that healed the board, or else the last one. */
  #last: LinkSession | undefined;
  /** The image of the last sessions was healed: once for all of them. */
  #isHealed = false;

  constructor(host: Pick<SideHost<never>, "clock" | "report">) {
    this.#host = host;
  }

  /** Whether an offer was taken on this link, and nothing but a deferral came of it. */
  has(link: Link): boolean {
    return this.#sessions.has(link);
  }

  /** The rescuer whose offer was taken last on this link, and the image, in hexadecimal; undefined for none. */
  offeredOn(link: Link): { readonly peer: string; readonly offered: string } | undefined {
    return this.#sessions.get(link);
  }

  /** An offer was taken. One after a session that was not lost continues that. Gives what the session brings. */
  begin(now: Millis, link: Link, offer: Offer, cause: ServeCause): { readonly blocks: number } {
    const open = this.#sessions.get(link);
    const session: LinkSession = {
      peer: toHex(offer.rescuerId),
      digest: undefined,
      offered: toHex(offer.digest),
      version: formatVersion(offer.version),
      nonce: toHex(offer.targetNonce),
      cause,
      startedAt: open === undefined || open.isLost ? now : open.startedAt,
      isLost: false,
      doneAt: undefined,
      baud: undefined,
      blocks: 0,
      bytesBefore: link.end.counters.bytesSent,
      progress: undefined,
    };
    this.#sessions.set(link, session);
    this.#last = session;
    this.#isHealed = false;
    return session;
  }

  /** The board said that it takes the image later: there was no session. */
  drop(link: Link): void {
    this.#sessions.delete(link);
  }

  /** The manifest of the image with this short digest was accepted. */
  handleReceiving(now: Millis, link: Link, digest: Uint8Array): void {
    const session = this.#sessions.get(link);
    if (session === undefined) return;
    session.digest = toHex(digest);
    const at = { link: link.endpoint, peer: session.peer };
    session.progress = new TransferProgress(now, at, link.end.counters.bytesReceived);
  }

  handleProgress(now: Millis, link: Link, { plan, blocks, blocksRight }: TreeDescent): void {
    const session = this.#sessions.get(link);
    if (session === undefined) return;
    const { counters } = link.end;
    const { blockSize, leafCount } = plan;
    const { written } = blocks;
    session.blocks = written;
    const counts = {
      ...{ blocks: blocksRight, blocksTotal: leafCount },
      ...{ written, missing: leafCount - blocksRight + written, isAllKnown: true },
    };
    const report = session.progress?.measure(now, counts, blockSize, counters.bytesReceived, counters);
    if (report !== undefined) this.#host.report(report);
  }

  handleLost(link: Link, why: SessionLoss): void {
    const session = this.#sessions.get(link);
    if (session === undefined) return;
    session.isLost = true;
    this.#host.report({ event: "lost", link: link.endpoint, peer: session.peer, why });
  }

  /** The image with this short digest was read back from flash, and is right. */
  handleVerified(now: Millis, link: Link, digest: Uint8Array): void {
    const session = this.#sessions.get(link);
    if (session === undefined) return;
    session.doneAt = now;
    session.baud = link.driver.transport.facts.baud;
    session.digest = toHex(digest);
    this.#host.report({ event: "verified", link: link.endpoint, peer: session.peer, digest: session.digest });
  }

  /**
   * The board with this id is healed. Of several rescuers each hears so; it is healed once: whether this is the first.
   */
  takeHealed(link: Link, nodeId: Uint8Array): boolean {
    const session = this.#sessions.get(link);
    if (session === undefined || this.#isHealed) return false;
    this.#isHealed = true;
    this.#last = session;
    const { baud, cause, digest = "", nonce, version, blocks, peer } = session;
    this.#host.report({
      event: "healed",
      link: link.endpoint,
      peer,
      ...{ digest, version, proven: link.end.isKeyed, target: toHex(nodeId), nonce, cause },
      ...{ blocks, bytesTx: link.end.counters.bytesSent - session.bytesBefore },
      seconds: this.#secondsOf(session),
      ...(baud !== undefined && { baud }),
    });
    return true;
  }

  /** Figures of the last session; none if it was with another rescuer than the one that a refusal is about. */
  figures(refusal?: { readonly peer: string | undefined }): SessionFigures {
    const last = this.#last;
    const peer = refusal === undefined ? last?.peer : refusal.peer;
    if (last === undefined || last.peer !== peer) return { blocks: 0, seconds: 0, peer, digest: undefined };
    const { baud, blocks, digest } = last;
    const rate = baud !== undefined && { baud };
    return { blocks, seconds: this.#secondsOf(last), peer, digest, ...rate };
  }

  #secondsOf({ startedAt, doneAt = this.#host.clock.now() }: LinkSession): number {
    return (doneAt - startedAt) / 1000;
  }
}
