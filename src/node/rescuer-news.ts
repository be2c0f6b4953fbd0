import { equalBytes, toHex } from "../base/bytes.ts";
import { ExitCode } from "../base/errors.ts";
import { errorWords } from "../base/system-error.ts";
import { rootNode } from "../base/tree-shape.ts";
import type { Millis } from "../base/units.ts";
import { isGrowing } from "../image/image-source.ts";
import { shortDigest } from "../image/manifest.ts";
import { Neighbours } from "../mesh/neighbours.ts";
import { heardFrom } from "../session/heard-node.ts";
import type { RescuerEvent } from "../session/rescuer/rescuer-events.ts";
import type { Beacon } from "../wire/messages.ts";
import { advised } from "./advice.ts";
import { BoardNames } from "./board-names.ts";
import { distressHeard } from "./distress-event.ts";
import { HealthReports } from "./health-reports.ts";
import type { NodeEvent } from "./node-event.ts";
import { MISMATCH_SENTENCES, REFUSAL_SENTENCES } from "./refusal-sentences.ts";
import type { RescuerDuties } from "./rescuer-duties.ts";
import type { RescuerHost, RescuerLink, RescuerLinks } from "./rescuer-links.ts";
import { type BoardRefusal, RescuerOutcome } from "./rescuer-outcome.ts";
import {
  type EventOf,
  healedReport,
  offerReport,
  progressReport,
  spentReport,
  waitingReport,
} from "./rescuer-reports.ts";
import { TransferProgress } from "./transfer-progress.ts";
import { type Ending, refusedEnding } from "./verdict.ts";

/** Most boards that are remembered. */
const BOARDS_MAX = 256;

/** What a rescuer's roles report: told to the user, and counted for the verdict. With `once` the first board's end is the run's. */
export class RescuerNews {
  readonly #host: RescuerHost;
  readonly #duties: RescuerDuties;
  readonly #links: RescuerLinks;
  /** Which boards were heard on which link; a node that knows its neighbours itself needs none. */
  readonly #boards: Neighbours = new Neighbours({ perLinkMax: BOARDS_MAX, total: BOARDS_MAX });
  readonly outcome: RescuerOutcome = new RescuerOutcome();
  readonly names: BoardNames;
  readonly #health: HealthReports | undefined;

  constructor(host: RescuerHost, duties: RescuerDuties, links: RescuerLinks) {
    this.#host = host;
    this.#duties = duties;
    this.#links = links;
    this.names = new BoardNames(duties.repository);
    const { advice, once, waitHealthyMs: waitMs } = duties;
    const report = (event: NodeEvent): void => this.report(event);
    this.#health =
      waitMs === undefined ? undefined : new HealthReports({ host, waitMs, once, advice, report });
  }

  /** It is waited for that a healed board becomes healthy. */
  get isWaiting(): boolean {
    return this.#health?.isWaiting === true;
  }

  /** With `once`: a board was healed, and its health alone decides how the run ends. No other one is served. */
  get isSettled(): boolean {
    return this.#duties.once && this.#health?.hasBegun === true;
  }

  /** With `once`, what happens to a board ends the run, unless it was decided before. */
  endOnce(ending: Ending): void {
    if (this.#duties.once && !this.isSettled) this.#host.end(ending);
  }

  /** Nothing is waited for any more. */
  close(): void {
    this.#health?.close();
  }

  /** Takes in what is no effect. */
  handle(now: Millis, event: RescuerEvent, link: RescuerLink): void {
    switch (event.tag) {
      case "heard":
        this.#host.line.noteNode(link, heardFrom(event.beacon));
        this.#reportBeacon(event.beacon, link);
        return;
      case "spent":
        this.report(spentReport(link.endpoint, event));
        return;
      case "waiting":
        this.report(waitingReport(link.endpoint, event));
        return;
      case "offered":
        this.report(offerReport(link.endpoint, event));
        return;
      case "accepted":
        this.#handleAccepted(now, event, link);
        return;
      case "progress": {
        const { session } = this.#links.of(link);
        const report = progressReport(now, event, session, link.end.counters);
        if (report !== undefined) this.report(report);
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

  #handleAccepted(now: Millis, { session, targetId }: EventOf<"accepted">, link: RescuerLink): void {
    const work = this.#links.of(link);
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

  #handleHealed(now: Millis, event: EventOf<"healed">, link: RescuerLink): void {
    const { cause, session } = this.#links.of(link);
    const { bytesSent } = link.end.counters;
    const { baud } = link.driver.transport.facts;
    this.#noteServed(link, event.targetId, event.digest);
    const report = healedReport(now, link.endpoint, event, session, bytesSent, baud, cause);
    const { isSettled } = this;
    this.outcome.noteHealed(report, !isSettled);
    this.report(report);
    if (this.#health === undefined) this.endOnce({ code: ExitCode.done, reason: "healed" });
    else if (!isSettled) this.#awaitHealth(now, event, link, report.digest);
  }

  #awaitHealth(now: Millis, event: EventOf<"healed">, link: RescuerLink, digest: string): void {
    const { targetId: nodeId, digest: short } = event;
    const confirm = this.#links.of(link).session?.image?.manifest.confirm ?? "by-app";
    const heal = { link: link.endpoint, nodeId, digest: short, confirm, isKeyed: link.end.isKeyed };
    this.#health?.handleHealed(now, heal, digest);
    // A beacon may stand for DONE, or come before it (PROTOCOL.md 5.12). Before the session the board did not boot this image.
    const said = this.#boards.get(this.#host.links.indexOf(link), nodeId);
    const { isBootable = false, installedDigest: boots } = said ?? {};
    if (said !== undefined && isBootable && boots !== undefined && equalBytes(boots, short))
      this.#health?.handleHeard(now, link.endpoint, nodeId, said);
  }

  #noteServed(link: RescuerLink, targetId: Uint8Array, digest: Uint8Array): void {
    if (this.#links.of(link).cause === "update") this.#duties.onUpdated?.(targetId, digest);
  }

  #handleLost({ why, targetId }: EventOf<"sessionLost">, link: RescuerLink): void {
    const peer = toHex(targetId);
    const image = this.#links.of(link).session?.image;
    if (why === "done-not-heard" && image !== undefined)
      this.#noteServed(link, targetId, shortDigest(image.digest));
    this.outcome.lastHeard = peer;
    this.report({ event: "lost", link: link.endpoint, peer, why });
    if (why === "done-not-heard") {
      const detail = "everything was sent and acknowledged, but the target never said that it is healed";
      this.endOnce({ code: ExitCode.noNeighbour, reason: "done-not-heard", detail });
    }
  }

  /** With the hardware of the board, where it is known. */
  report(event: NodeEvent): void {
    this.#host.report(this.names.named(event));
  }

  #reportBeacon(beacon: Beacon, link: RescuerLink): void {
    this.names.note(beacon);
    const peer = toHex(beacon.nodeId);
    this.outcome.lastHeard = peer;
    if (this.#duties.self === undefined && this.#isCopied(beacon, link)) {
      const detail = `board ${peer} is on two links at once under two nonces: a copied board folder or flash`;
      this.report({ event: "link", link: link.endpoint, state: "copied-board", detail });
    }
    if (beacon.tag === "distress") this.report(distressHeard(link.endpoint, beacon));
    this.#health?.handleHeard(this.#host.clock.now(), link.endpoint, beacon.nodeId, beacon);
  }

  #isCopied(beacon: Beacon, link: RescuerLink): boolean {
    const index = this.#host.links.indexOf(link);
    return this.#boards.note(this.#host.clock.now(), index, beacon).isCopied;
  }

  #handleRefused(
    { reason, mismatch, digest, targetId, isProven }: EventOf<"refused">,
    link: RescuerLink,
  ): void {
    const sentence =
      mismatch === undefined ? REFUSAL_SENTENCES[reason] : MISMATCH_SENTENCES.rescuer[mismatch];
    const topic = { about: "refusal", side: "rescuer", reason, mismatch } as const;
    const detail = advised(sentence, topic, this.#duties.advice);
    const peer = targetId === undefined ? undefined : toHex(targetId);
    this.reportRefusal(link, { reason, detail, peer, isProven, digest });
  }

  /** With a link key, what anybody on the wire can cause does not end a run. Another key, or none, does: PROTOCOL.md 14.6. */
  #isBelieved(link: RescuerLink, { isProven, reason }: BoardRefusal): boolean {
    return !link.end.isKeyed || isProven || reason === "link-key";
  }

  /** A board refused its image, or none suits it. */
  reportRefusal(link: RescuerLink, { digest, isProven, ...refusal }: BoardRefusal): void {
    const heard = { ...refusal, isProven };
    this.outcome.noteRefusal(heard);
    const named = digest === undefined ? {} : { digest: toHex(digest) };
    this.report({ event: "refused", link: link.endpoint, ...refusal, proven: isProven, ...named });
    if (this.#isBelieved(link, heard)) this.endOnce(refusedEnding(heard));
  }

  /** An image cannot be opened or read; others may be. */
  reportUnreadable(link: RescuerLink, error: unknown): void {
    const state = "image-unreadable";
    this.report({ event: "link", link: link.endpoint, state, detail: errorWords(error) });
  }
}
