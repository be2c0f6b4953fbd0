import { toHex } from "../base/bytes.ts";
import { ExitCode } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import type { TargetStore } from "../board/target-store.ts";
import { formatVersion } from "../image/version.ts";
import type { LinkKey } from "../link/link-key.ts";
import type { RoleHost } from "../session/role.ts";
import type { TargetEvent } from "../session/target/target-events.ts";
import { TargetRole } from "../session/target/target-role.ts";
import type { Offer } from "../wire/messages.ts";
import { advised } from "./advice.ts";
import type { HeardTexts } from "./line-reports.ts";
import { freshBootNonce, type NodeLink } from "./node-link.ts";
import type { RunHost, Side } from "./node-run.ts";
import { MISMATCH_SENTENCES } from "./refusal-sentences.ts";
import type { RunOptions } from "./run-options.ts";
import { applyTargetEffect, nodeStatusOf } from "./target-effects.ts";
import { TransferProgress } from "./transfer-progress.ts";
import type { Ending, SessionFigures } from "./verdict.ts";

/** What a target is to do. */
export interface TargetDuties extends Pick<RunOptions, "advice"> {
  /** The board to heal. Stays the caller's: it is abandoned in a resumable state, not closed. */
  readonly store: TargetStore;
  /** Call for help although the firmware boots. */
  readonly isForced?: boolean;
  /** For all links: takes help only from rescuers that have the same one. See `linkKeyOf`. */
  readonly linkKey?: LinkKey | undefined;
}

/** What this side has of its run. */
export type TargetHost = RunHost<TargetEvent, TargetRole>;
type Link = NodeLink<TargetEvent, TargetRole>;

/** What is known of the sessions on one link: of the last of them, but for its start. */
interface LinkSession {
  /** The rescuer's id, in hexadecimal. */
  peer: string;
  /** Digest of the image, in hexadecimal: its first bytes, as the wire carries them. */
  digest: string | undefined;
  version: string;
  /** When the first offer was taken. */
  startedAt: Millis;
  /** When the image was verified. */
  doneAt: Millis | undefined;
  blocks: number;
  bytesBefore: number;
  progress: TransferProgress | undefined;
}

interface Refusal {
  readonly reason: string;
  readonly detail: string;
  readonly peer: string | undefined;
}

/** What it means that another node was there, when the time is over. */
const HEARD_TEXTS: HeardTexts = {
  offering: "a neighbour is there, but the board was not healed in time",
  rescuer: "a rescuer is there but offers nothing: its repository may have nothing for this hardware",
  "board-in-distress": "another board in distress is there, no rescuer",
  board: "a board that boots is there, no rescuer",
  // Rescuers ask when they start, and say what they are only when they are asked.
  unknown:
    "a node asked who is there but offers nothing: if it is a rescuer, its repository may have nothing for this hardware",
};

/** The side of a target: one board, which its roles may heal, one at a time. */
export class TargetSide implements Side<TargetEvent, TargetRole> {
  readonly #host: TargetHost;
  readonly #duties: TargetDuties;
  readonly #bootNonce: Uint8Array;
  readonly #sessions: Map<Link, LinkSession> = new Map();
  /** The session that decides what the verdict names: the one that healed, or else the last one. */
  #last: LinkSession | undefined;
  #refusal: Refusal | undefined;

  constructor(host: TargetHost, duties: TargetDuties) {
    this.#host = host;
    this.#duties = duties;
    this.#bootNonce = freshBootNonce(host.random);
  }

  get linkKey(): LinkKey | undefined {
    return this.#duties.linkKey;
  }

  makeRole(now: Millis, host: RoleHost<TargetEvent>): TargetRole {
    const { random } = this.#host;
    const status = nodeStatusOf(this.#duties.store.status());
    const isForced = this.#duties.isForced ?? false;
    return new TargetRole(now, host, { random, status, bootNonce: this.#bootNonce, isForced });
  }

  /** For a verdict with this code: it names the rescuer whose image was refused, or else that of the last session. */
  figures(code: ExitCode): SessionFigures {
    const last = this.#last;
    const refusal = code === ExitCode.refused ? this.#refusal : undefined;
    const peer = refusal === undefined ? last?.peer : refusal.peer;
    if (last === undefined || last.peer !== peer) return { blocks: 0, seconds: 0, peer, digest: undefined };
    return { blocks: last.blocks, seconds: this.#secondsOf(last), peer, digest: last.digest };
  }

  #secondsOf({ startedAt, doneAt = this.#host.clock.now() }: LinkSession): number {
    return (doneAt - startedAt) / 1000;
  }

  handleTimeout(): Ending {
    if (this.#refusal !== undefined) {
      const { reason, detail } = this.#refusal;
      return { code: ExitCode.refused, reason, detail };
    }
    return this.#host.line.endOfTime(this.#host.links, HEARD_TEXTS);
  }

  /** Tells our own call, with what the beacon says. */
  handleUp({ endpoint }: Link): void {
    const { nodeId, hardwareId8, revision, failure, installed, counterFloor } = this.#duties.store.status();
    this.#host.tell({
      event: "distress",
      link: endpoint,
      peer: toHex(nodeId),
      hardwareId: toHex(hardwareId8),
      revision,
      reason: failure,
      version: installed && formatVersion(installed.version),
      counterFloor,
    });
  }

  handle(now: Millis, event: TargetEvent, link: Link): void {
    if (!applyTargetEffect(now, event, link.role, this.#duties.store)) this.#handleNews(now, event, link);
  }

  #handleNews(now: Millis, event: TargetEvent, link: Link): void {
    switch (event.tag) {
      case "offered":
        this.#handleOffered(now, event.offer, link);
        return;
      case "heard":
        this.#host.line.noteNode(link, event.who);
        return;
      case "refused":
        this.#handleRefused(event, link);
        return;
      case "console":
      case "link":
      case "stranger":
        this.#host.line.handle(event, link);
        return;
      default: {
        const session = this.#sessions.get(link);
        if (session !== undefined) this.#handleSession(now, event, link, session);
      }
    }
  }

  #handleOffered(now: Millis, offer: Offer, link: Link): void {
    const at = { link: link.endpoint, peer: toHex(offer.rescuerId) };
    const version = formatVersion(offer.version);
    this.#last = {
      peer: at.peer,
      digest: undefined,
      version,
      startedAt: this.#sessions.get(link)?.startedAt ?? now,
      doneAt: undefined,
      blocks: 0,
      bytesBefore: link.end.counters.bytesSent,
      progress: undefined,
    };
    this.#sessions.set(link, this.#last);
    for (const other of this.#host.links) if (other !== link) other.role.setServedElsewhere(offer.rescuerId);
    this.#host.tell({ event: "offer", ...at, digest: toHex(offer.digest), version, size: offer.size });
  }

  #handleRefused(event: Extract<TargetEvent, { tag: "refused" }>, link: Link): void {
    const { reason, mismatch, rescuerId } = event;
    const topic = { about: "refusal", side: "target", reason, mismatch } as const;
    const detail =
      mismatch === undefined
        ? (event.detail ?? "")
        : advised(MISMATCH_SENTENCES.target[mismatch], topic, this.#duties.advice);
    const peer = rescuerId && toHex(rescuerId);
    this.#refusal = { reason, detail, peer };
    this.#free();
    this.#host.tell({ event: "refused", link: link.endpoint, peer, reason, detail });
  }

  #handleSession(now: Millis, event: TargetEvent, link: Link, session: LinkSession): void {
    const at = { link: link.endpoint, peer: session.peer };
    const { counters } = link.end;
    switch (event.tag) {
      case "receiving":
        session.digest = toHex(event.plan.digest);
        session.progress = new TransferProgress(now, at, counters.bytesReceived);
        return;
      case "progress": {
        const { plan, blocks, blocksRight } = event.descent;
        session.blocks = blocks.written;
        const { blockSize, leafCount } = plan;
        const { bytesReceived } = counters;
        const told = session.progress?.measure(
          now,
          blocksRight,
          leafCount,
          blockSize,
          bytesReceived,
          counters,
        );
        if (told !== undefined) this.#host.tell(told);
        return;
      }
      case "sessionLost":
        this.#free();
        this.#duties.store.abandon();
        this.#host.tell({ event: "lost", ...at, why: event.why });
        return;
      case "verified":
        session.doneAt = now;
        session.digest = toHex(event.digest);
        this.#host.tell({ event: "verified", ...at, digest: session.digest });
        return;
      case "finished":
        this.#last = session;
        this.#tellHealed(at, session, counters.bytesSent - session.bytesBefore);
        this.#host.end({ code: ExitCode.done, reason: "healed" });
        return;
      default:
        return;
    }
  }

  #tellHealed(at: { link: string; peer: string }, session: LinkSession, bytesTx: number): void {
    const { digest = "", version, blocks } = session;
    const seconds = this.#secondsOf(session);
    this.#host.tell({ event: "healed", ...at, digest, version, blocks, bytesTx, seconds });
  }

  /** Offers are welcome on all links, unless one of them serves this board: a refusal may come from elsewhere. */
  #free(): void {
    const { links } = this.#host;
    if (links.some(({ role }) => role.isServed)) return;
    for (const link of links) link.role.setServedElsewhere(undefined);
  }
}
