import { assert, unreachable } from "../base/assert.ts";
import { toHex } from "../base/bytes.ts";
import type { Timer } from "../base/clock.ts";
import { ExitCode } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import { chainRepository } from "../image/chain-repository.ts";
import type { Repository } from "../image/repository.ts";
import type { LinkKey } from "../link/link-key.ts";
import type { Engagement, LinkRole } from "../mesh/link-role.ts";
import { type NodeAction, NodeMachine } from "../mesh/node-machine.ts";
import type { AdviceEnd } from "../session/advice-proof.ts";
import type { RescuerEvent } from "../session/rescuer/rescuer-events.ts";
import type { RescuerRole } from "../session/rescuer/rescuer-role.ts";
import type { AdviceEvent, LineEvent, RoleHost } from "../session/role.ts";
import type { TargetEvent } from "../session/target/target-events.ts";
import { TargetRole } from "../session/target/target-role.ts";
import { type Beacon, type ImageWord, isCall } from "../wire/messages.ts";
import { judgeAdvice, sayDeferral, sayWord } from "./advice-proofs.ts";
import { ImageGates } from "./image-gates.ts";
import type { NodeDuties } from "./node-duties.ts";
import type { SideLink } from "./node-link.ts";
import { type HeardStatus, type LinkReport, linkReport, NodeReports } from "./node-reports.ts";
import { innerHost, type RunHost, type Side, type SideHost } from "./node-run.ts";
import { type BoardReport, OwnBoardSide } from "./own-board-side.ts";
import { RescuerSide } from "./rescuer-side.ts";
import {
  asRescuerLink,
  asTargetLink,
  type FullLink,
  type NodeRole,
  type SidedEvent,
  SidedHost,
} from "./role-link.ts";
import { withoutOwnHardware } from "./soaked-updates.ts";
import { UnansweredOffers } from "./unanswered-offers.ts";
import { UntilHealthy } from "./until-healthy.ts";
import type { Ending } from "./verdict.ts";

/** What `mayday status --node` shows. */
export interface NodeReport extends HeardStatus {
  readonly nodeId: string;
  /** Null: a node without a board. */
  readonly board: BoardReport | null;
  readonly links: readonly LinkReport[];
}

export type FullHost = RunHost<SidedEvent, NodeRole>;

/** A link as both sides see it, and what was reported of it. */
interface Views {
  readonly link: FullLink;
  readonly index: number;
  readonly target: SideLink<TargetRole>;
  readonly rescuer: SideLink<RescuerRole>;
  reported: "idle" | "target" | "rescuer";
  readonly unanswered: UnansweredOffers;
}

/**
 * A node with all roles on all its links: gives each event to the side of the role that it came from, lets the node machine
 * decide about roles, and exchanges them.
 */
export class FullSide implements Side<SidedEvent, NodeRole> {
  readonly machine: NodeMachine;
  readonly rescuer: RescuerSide;
  /** The node's own board; undefined for a provider without one. */
  readonly own: OwnBoardSide | undefined;
  readonly reports: NodeReports;
  readonly #host: FullHost;
  readonly #untilHealthy: UntilHealthy | undefined;
  readonly #duties: NodeDuties;
  readonly #views: Map<FullLink, Views> = new Map();
  #timer: Timer | undefined;
  #timerAt: Millis | undefined;
  readonly #gates: ImageGates;

  constructor(host: FullHost, duties: NodeDuties) {
    this.#host = host;
    this.reports = new NodeReports(host, (event) => this.rescuer.names.named(event));
    this.#duties = duties;
    const { board, allowUnsigned = false, repository } = duties;
    const gatesOf = (nodeId: Uint8Array): ImageGates =>
      new ImageGates({ ...duties, clock: host.clock, nodeId, links: duties.links.length });
    const gates = board && gatesOf(board.status().nodeId);
    const own =
      board &&
      gates &&
      new OwnBoardSide(
        this.#sideHost((views) => views.target),
        duties,
        board,
        {
          gates,
          onChange: () => this.#boardChanged(),
          hold: (isHeld) => this.#hold(isHeld),
          linkOf: (link) => this.#indexOf(({ target }) => target === link),
        },
      );
    this.own = own;
    this.rescuer = new RescuerSide(
      this.#sideHost((views) => views.rescuer),
      {
        repository: chainRepository(() => own?.life.source("heal"), repository),
        updates: chainRepository(() => own?.life.source("update"), this.#updatesOf(duties)),
        allowUnsigned,
        once: false,
        self: own?.self,
        isEager: duties.isEager,
        locatorOf: (digest) => duties.locatorOf?.(digest),
        handsOut: own === undefined && duties.policy.update === "auto",
        advice: duties.advice,
        admit: (link, cause) =>
          this.machine.admit(
            host.clock.now(),
            this.#indexOf(({ rescuer }) => rescuer === link),
            cause,
          ),
        onUpdated: (targetId, digest) => this.machine.handleUpdated(host.clock.now(), targetId, digest),
        avoided: () => this.machine.gates.suspects.certain(host.clock.now()),
        onUnreadable: () => this.own?.life.reverify(),
        relayed: () => (this.machine.isReceiving ? this.own?.receivedImage() : undefined),
      },
    );
    const nodeId = own?.self.nodeId ?? this.rescuer.nodeId;
    const { random } = host;
    const { policy, fanOut, cutThrough, links } = duties;
    this.#gates = gates ?? gatesOf(nodeId);
    this.machine = new NodeMachine({
      ...{ random, nodeId, policy, fanOut, links: links.length },
      gates: this.#gates.gates,
      ...(cutThrough === undefined ? {} : { cutThrough }),
    });
    if (duties.untilHealthy === true) this.#untilHealthy = this.#watchHealth();
  }

  /** Images for boards that boot, beside the own one. */
  #updatesOf({ board, policy, repository, soakMs = 0 }: NodeDuties): Repository | undefined {
    if (board === undefined || repository === undefined || soakMs === 0 || policy.update === "never")
      return repository;
    return withoutOwnHardware(repository, board.status().hardwareId8);
  }

  /** What a side gets of the run: its views of the links; and an end is no end of the node. */
  #sideHost<R>(viewOf: (views: Views) => SideLink<R>): SideHost<R> {
    return innerHost(this.#host, () => [...this.#views.values()].map(viewOf), {
      report: (event) => this.reports.report(event),
      end: (ending) => {
        if (ending.code === ExitCode.failed) this.#host.end(ending);
      },
    });
  }

  linkKeyOf(index: number): LinkKey | undefined {
    return this.#duties.links[index]?.linkKey;
  }

  #watchHealth(): UntilHealthy {
    const isHealthy = (): boolean => this.own?.isRunning !== false;
    return new UntilHealthy(this.#host.clock, isHealthy, () =>
      this.#host.end({ code: ExitCode.done, reason: "healthy" }),
    );
  }

  /** The first role on a link. */
  makeRole(now: Millis, host: RoleHost<SidedEvent | LineEvent>): NodeRole {
    return this.#newRole(now, host, "idle", undefined);
  }

  #newRole(
    now: Millis,
    host: RoleHost<SidedEvent | LineEvent>,
    role: LinkRole,
    views: Views | undefined,
  ): NodeRole {
    if (role === "idle") {
      const wrap = (event: RescuerEvent): SidedEvent => ({ side: "rescuer", event });
      return this.rescuer.roleOn(now, new SidedHost(host, wrap), views?.rescuer);
    }
    assert(this.own !== undefined, "only a board calls");
    const wrap = (event: TargetEvent): SidedEvent => ({ side: "target", event });
    return this.own.makeRole(now, new SidedHost(host, wrap), role === "ask" ? "update" : "help");
  }

  /** Begins, once the links exist: the board starts, and the machine learns of it. */
  start(): void {
    for (const [index, link] of this.#host.links.entries()) {
      const views = { link, index, target: asTargetLink(link), rescuer: asRescuerLink(link) };
      this.#views.set(link, { ...views, reported: "idle", unanswered: new UnansweredOffers() });
    }
    this.#boardChanged();
    void this.own?.start();
  }

  handleUp(link: FullLink): void {
    const views = this.#viewsOf(link);
    if (link.role instanceof TargetRole) this.own?.target.handleUp(views.target);
    this.machine.handleLinkUp(this.#host.clock.now(), views.index, true);
    this.#pump();
  }

  handleDown(link: FullLink): void {
    this.machine.handleLinkUp(this.#host.clock.now(), this.#viewsOf(link).index, false);
    this.#watch(this.#viewsOf(link));
    this.#pump();
  }

  handle(now: Millis, sided: SidedEvent | LineEvent, link: FullLink): void {
    const views = this.#viewsOf(link);
    if (!("side" in sided)) this.#host.line.handle(sided, link);
    else if (sided.side === "target") this.#handleTarget(now, sided.event, views);
    else this.#handleRescuer(now, sided.event, views);
    this.#watch(views);
    this.#pump();
  }

  #handleTarget(now: Millis, event: TargetEvent, views: Views): void {
    this.own?.handle(now, event, views.target);
    if (event.tag === "heard" && event.beacon !== undefined)
      this.#handleHeard(now, views.index, event.beacon);
    if (event.tag === "receiving") this.machine.handleReceiving(now, views.index, event.plan.digest);
    else if (event.tag === "checkRun") this.rescuer.handleGrown(event.run.node);
    else if (event.tag === "writeBlock" || event.tag === "writeCodedBlock")
      this.rescuer.handleGrown({ level: 0, index: event.block });
    if (event.tag === "advice") this.#handleAdvice(now, event, views);
    if (event.tag === "deferred") this.machine.handleDeferred(now, views.index, event.digest);
    if (event.tag === "refused" || event.tag === "none")
      this.machine.handleRefused(now, views.index, event.rescuerId, event.reason === "link-key");
  }

  #handleRescuer(now: Millis, event: RescuerEvent, views: Views): void {
    if (event.tag === "invited") this.machine.handleInvitation(now, views.index, event.offer);
    if (event.tag === "advice") this.#handleAdvice(now, event, views);
    this.rescuer.handle(now, event, views.rescuer);
    if (event.tag === "heard") this.#handleHeard(now, views.index, event.beacon);
  }

  /** Who the node is where it says a word. */
  get #end(): AdviceEnd {
    return { nodeId: this.own?.self.nodeId ?? this.rescuer.nodeId, bootNonce: this.rescuer.bootNonce };
  }

  #handleAdvice(now: Millis, { advice, proof }: AdviceEvent, { index }: Views): void {
    const neighbours = this.machine.neighbours.of(index);
    const verdict = judgeAdvice(this.linkKeyOf(index), this.#end, neighbours, advice.digest, proof);
    this.machine.handleAdvice(now, index, advice, verdict);
  }

  #advise(now: Millis, { index, link }: Views, word: ImageWord): void {
    sayWord(now, link.end.link, this.#end, this.machine.neighbours.of(index), word);
    link.driver.pump();
  }

  #decline(
    { link, rescuer }: Views,
    { offer, why, deferral }: Extract<NodeAction, { tag: "decline" }>,
  ): void {
    const servedBy = this.own?.target.serving?.rescuerId;
    if (deferral === undefined) rescuer.role?.decline(offer, why, servedBy);
    else sayDeferral(link.end.link, offer, this.#end.nodeId, deferral);
    link.driver.pump();
  }

  #handleHeard(now: Millis, index: number, beacon: Beacon): void {
    this.rescuer.names.note(beacon);
    this.machine.handleHeard(now, index, beacon);
    const neighbour = this.machine.neighbours.get(index, beacon.nodeId);
    const isOlder = neighbour !== undefined && this.machine.compare(neighbour) === "older";
    if (isCall(beacon) || isOlder) this.#untilHealthy?.noteNeed();
  }

  /** While held the board neither calls nor asks. */
  #hold(isHeld: boolean): void {
    this.machine.setHeld(this.#host.clock.now(), isHeld);
    this.#pump();
  }

  /** The fleet's owner holds an image up, by its short digest. */
  stopImage(digest8: Uint8Array, forMs: Millis): void {
    if (!this.#gates.gates.suspects.noteStopped(this.#host.clock.now(), digest8, forMs)) return;
    this.#pump();
  }

  /** The own board changed its status. */
  #boardChanged(): void {
    if (this.own !== undefined) this.machine.handleBoard(this.#host.clock.now(), this.own.life.own());
    this.#pump();
  }

  /** Tells the machine what a link is engaged in, and the user when that changed. */
  #watch(views: Views): void {
    const engagement = this.#engagementOn(views);
    this.machine.handleEngaged(this.#host.clock.now(), views.index, engagement);
    const isTarget = views.link.role instanceof TargetRole;
    const isServing = views.rescuer.role?.isServing === true;
    const role = isTarget ? "target" : isServing ? "rescuer" : "idle";
    if (role === views.reported) return;
    views.reported = role;
    this.reports.report({ event: "role", link: views.link.endpoint, role });
  }

  #engagementOn({ link, rescuer, unanswered }: Views): Engagement {
    if (link.role instanceof TargetRole) return link.role.isServed ? "target" : "none";
    const cause = this.rescuer.causeOn(rescuer);
    if (cause === undefined) return "none";
    return unanswered.holdsUp(this.#host.clock.now(), link.role.isSending) ? cause : "none";
  }

  /** Does what the machine wants, and sets its timer. */
  #pump(): void {
    const now = this.#host.clock.now();
    for (const views of this.#views.values())
      this.machine.handleEngaged(now, views.index, this.#engagementOn(views));
    for (let action = this.machine.pollAction(); action; action = this.machine.pollAction())
      this.#do(now, action);
    const at = this.machine.pollTimeout(now);
    // Most events change nothing of it.
    if (this.#timer !== undefined && at === this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer =
      at === undefined ? undefined : this.#host.clock.after(Math.max(0, at - now), () => this.#handleTime());
  }

  #handleTime(): void {
    this.#timer = undefined;
    for (const views of this.#views.values()) this.#watch(views);
    this.machine.handleTimeout(this.#host.clock.now());
    this.#pump();
  }

  #do(now: Millis, action: NodeAction): void {
    switch (action.tag) {
      case "role":
        this.#exchange(this.#viewsAt(action.link), action.role);
        return;
      case "announce":
        this.#announce(now, this.#viewsAt(action.link));
        return;
      case "decline":
        this.#decline(this.#viewsAt(action.link), action);
        return;
      case "advise":
        this.#advise(now, this.#viewsAt(action.link), action.advice);
        return;
      case "suspect":
        this.reports.suspect(this.#endpointAt(action.link), action);
        return;
      case "claim":
        this.own?.setClaiming(action.isOn);
        this.#boardChanged();
        return;
      case "neighbour":
        this.reports.neighbour(this.#endpointAt(action.neighbour.link), action.neighbour);
        return;
      case "conflict":
        this.reports.conflict(this.#endpointAt(action.neighbour.link), action.neighbour);
        return;
      case "copied":
        // Without a board of its own the rescuer side tells it.
        if (this.own !== undefined) this.reports.copied(this.#endpointAt(action.link), action.nodeId);
        return;
      default:
        unreachable(action);
    }
  }

  #exchange(views: Views, role: LinkRole): void {
    const now = this.#host.clock.now();
    views.link.exchange(now, (host) => this.#newRole(now, host, role, views));
    if (role !== "idle" && views.link.end.isUp) this.own?.target.handleUp(views.target);
    this.#watch(views);
  }

  #announce(now: Millis, { link, rescuer }: Views): void {
    rescuer.role?.announce(now);
    link.driver.pump();
  }

  #viewsOf(link: FullLink): Views {
    const views = this.#views.get(link);
    assert(views !== undefined, "a link of this node");
    return views;
  }

  #viewsAt(index: number): Views {
    const link = this.#host.links[index];
    assert(link !== undefined, `a link ${index}`);
    return this.#viewsOf(link);
  }

  #endpointAt(index: number): string {
    return this.#viewsAt(index).link.endpoint;
  }

  /** What `mayday status --node` shows. */
  status(): NodeReport {
    const links = [...this.#views.values()].map(({ link, reported }) => linkReport(link, reported));
    return {
      nodeId: toHex(this.own?.self.nodeId ?? this.rescuer.nodeId),
      board: this.own?.report() ?? null,
      links,
      ...this.reports.status(this.machine, (index) => this.#endpointAt(index)),
    };
  }

  #indexOf(isIt: (views: Views) => boolean): number {
    return [...this.#views.values()].find(isIt)?.index ?? -1;
  }

  handleTimeout(): Ending {
    return { code: ExitCode.done, reason: "timeout" };
  }

  /** Stops everything that is not a link, and returns the open images. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#untilHealthy?.close();
    this.own?.close();
    this.#gates.close();
    await this.rescuer.close();
  }
}
