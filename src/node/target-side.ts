import { toHex } from "../base/bytes.ts";
import { ExitCode } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import type { TargetStore } from "../board/target-store.ts";
import { formatVersion } from "../image/version.ts";
import type { LinkKey } from "../link/link-key.ts";
import type { RoleHost } from "../session/role.ts";
import type { TargetEvent } from "../session/target/target-events.ts";
import { TargetRole } from "../session/target/target-role.ts";
import { freshBootNonce, type NodeLink } from "./node-link.ts";
import type { RunHost, Side } from "./node-run.ts";
import { applyTargetEffect, nodeStatusOf } from "./target-effects.ts";
import { TransferProgress } from "./transfer-progress.ts";
import type { Ending, SessionFigures } from "./verdict.ts";

/** What a target is to do. */
export interface TargetDuties {
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

/** The side of a target: one board, which its roles may heal, one at a time. */
export class TargetSide implements Side<TargetEvent, TargetRole> {
  readonly #host: TargetHost;
  readonly #duties: TargetDuties;
  readonly #bootNonce: Uint8Array;
  #progress: TransferProgress | undefined;
  #startedAt: Millis | undefined;
  #doneAt: Millis | undefined;
  #blocks = 0;
  #peer: string | undefined;
  #digest: string | undefined;
  #refusal: { reason: string; detail: string } | undefined;

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

  /** For the verdict. */
  get figures(): SessionFigures {
    const doneAt = this.#doneAt ?? this.#host.clock.now();
    const seconds = this.#startedAt === undefined ? 0 : (doneAt - this.#startedAt) / 1000;
    return { blocks: this.#blocks, seconds, peer: this.#peer, digest: this.#digest };
  }

  handleTimeout(): Ending {
    if (this.#refusal !== undefined) return { code: ExitCode.refused, ...this.#refusal };
    const heard = "a neighbour is there, but the board was not healed in time";
    return this.#host.line.endOfTime(this.#host.links, heard);
  }

  handle(now: Millis, event: TargetEvent, link: Link): void {
    if (!applyTargetEffect(now, event, link.role, this.#duties.store)) this.#handleNews(now, event, link);
  }

  #handleNews(now: Millis, event: TargetEvent, link: Link): void {
    const at = { link: link.endpoint };
    switch (event.tag) {
      case "offered": {
        const { offer } = event;
        this.#startedAt ??= now;
        this.#peer = toHex(offer.rescuerId);
        this.#host.line.heardNode = true;
        for (const other of this.#host.links)
          if (other !== link) other.role.setServedElsewhere(offer.rescuerId);
        const digest = toHex(offer.digest);
        const version = formatVersion(offer.version);
        this.#host.tell({ event: "offer", ...at, peer: this.#peer, digest, version, size: offer.size });
        return;
      }
      case "receiving":
        this.#digest = toHex(event.plan.digest);
        this.#progress = new TransferProgress(now, link.endpoint, link.end.counters.bytesReceived);
        return;
      case "progress": {
        const { plan, blocks, blocksRight } = event.descent;
        this.#blocks = blocks.written;
        const { counters } = link.end;
        const { blockSize, leafCount } = plan;
        const received = counters.bytesReceived;
        const told = this.#progress?.measure(now, blocksRight, leafCount, blockSize, received, counters);
        if (told !== undefined) this.#host.tell(told);
        return;
      }
      case "refused":
        this.#refusal = { reason: event.reason, detail: event.detail };
        this.#free();
        this.#host.tell({ event: "refused", ...at, reason: event.reason, detail: event.detail });
        return;
      case "sessionLost":
        this.#free();
        this.#duties.store.abandon();
        this.#host.tell({ event: "lost", ...at, why: event.why });
        return;
      case "verified":
        this.#doneAt = now;
        this.#digest = toHex(event.digest);
        this.#host.tell({ event: "verified", ...at, digest: this.#digest });
        return;
      case "finished":
        this.#host.tell({ event: "healed", ...at, peer: this.#peer ?? "", digest: this.#digest ?? "" });
        this.#host.end({ code: ExitCode.done, reason: "healed" });
        return;
      case "console":
      case "link":
      case "stranger":
        this.#host.line.handle(event, link);
        return;
      default:
        return;
    }
  }

  /** Offers are welcome on all links, unless one of them serves this board: a refusal may come from elsewhere. */
  #free(): void {
    const { links } = this.#host;
    if (links.some(({ role }) => role.isServed)) return;
    for (const link of links) link.role.setServedElsewhere(undefined);
  }
}
