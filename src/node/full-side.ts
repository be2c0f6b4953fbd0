import { assert } from "../base/assert.ts";
import { toHex } from "../base/bytes.ts";
import { ExitCode } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import { chainRepository } from "../image/chain-repository.ts";
import type { Repository } from "../image/repository.ts";
import type { LinkKey } from "../link/link-key.ts";
import type { LinkRole } from "../mesh/link-role.ts";
import { NodeMachine } from "../mesh/node-machine.ts";
import type { AdviceEnd } from "../session/advice-proof.ts";
import type { RescuerEvent } from "../session/rescuer/rescuer-events.ts";
import type { AdviceEvent, LineEvent, RoleHost } from "../session/role.ts";
import type { TargetEvent } from "../session/target/target-events.ts";
import { type Beacon, isCall } from "../wire/messages.ts";
import { judgeAdvice } from "./advice-proofs.ts";
import { ImageGates } from "./image-gates.ts";
import { MachineDriver } from "./machine-driver.ts";
import type { NodeDuties } from "./node-duties.ts";
import type { SideLink } from "./node-link.ts";
import { type HeardStatus, type LinkReport, NodeReports } from "./node-reports.ts";
import { innerHost, type RunHost, type Side, type SideHost } from "./node-run.ts";
import { type BoardReport, OwnBoardSide } from "./own-board-side.ts";
import { RescuerSide } from "./rescuer-side.ts";
import { type FullLink, type NodeRole, type SidedEvent, SidedHost } from "./role-link.ts";
import { type SidedLink, SidedLinks } from "./sided-link.ts";
import { withoutOwnHardware } from "./soaked-updates.ts";
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

/**
 * A node with all roles on all its links: gives each event to the side of the role that it came from, and to the node machine,
 * which decides about roles. What that wants is done by the {@link MachineDriver}.
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
  readonly #links: SidedLinks = new SidedLinks();
  readonly #driver: MachineDriver;
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
        this.#sideHost(({ target }) => target),
        duties,
        board,
        {
          gates,
          onChange: () => this.#driver.boardChanged(),
          hold: (isHeld) => this.#hold(isHeld),
          linkOf: (link) => this.#links.indexOf(link),
        },
      );
    this.own = own;
    this.rescuer = new RescuerSide(
      this.#sideHost(({ rescuer }) => rescuer),
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
        admit: (link, cause) => this.machine.admit(host.clock.now(), this.#links.indexOf(link), cause),
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
    this.#driver = new MachineDriver({
      ...{ host, own, machine: this.machine, links: this.#links },
      ...{ rescuer: this.rescuer, reports: this.reports },
      end: () => this.#end,
      newRole: (now, on, role, link) => this.#newRole(now, on, role, link),
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
  #sideHost<R>(viewOf: (sided: SidedLink) => SideLink<R>): SideHost<R> {
    return innerHost(this.#host, () => this.#links.all().map(viewOf), {
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
    link: SidedLink | undefined,
  ): NodeRole {
    if (role === "idle") {
      const wrap = (event: RescuerEvent): SidedEvent => ({ side: "rescuer", event });
      return this.rescuer.roleOn(now, new SidedHost(host, wrap), link?.rescuer);
    }
    assert(this.own !== undefined, "only a board calls");
    const wrap = (event: TargetEvent): SidedEvent => ({ side: "target", event });
    return this.own.makeRole(now, new SidedHost(host, wrap), role === "ask" ? "update" : "help");
  }

  /** Begins, once the links exist: the board starts, and the machine learns of it. */
  start(): void {
    this.#links.start(this.#host.links);
    this.#driver.boardChanged();
    void this.own?.start();
  }

  handleUp(link: FullLink): void {
    const sided = this.#links.of(link);
    if (sided.isCalling) this.own?.target.handleUp(sided.target);
    this.machine.handleLinkUp(this.#host.clock.now(), sided.index, true);
    this.#driver.pump();
  }

  handleDown(link: FullLink): void {
    const sided = this.#links.of(link);
    this.machine.handleLinkUp(this.#host.clock.now(), sided.index, false);
    this.#driver.watch(sided);
    this.#driver.pump();
  }

  handle(now: Millis, event: SidedEvent | LineEvent, link: FullLink): void {
    const sided = this.#links.of(link);
    if (!("side" in event)) this.#host.line.handle(event, link);
    else if (event.side === "target") this.#handleTarget(now, event.event, sided);
    else this.#handleRescuer(now, event.event, sided);
    this.#driver.watch(sided);
    this.#driver.pump();
  }

  #handleTarget(now: Millis, event: TargetEvent, link: SidedLink): void {
    this.own?.handle(now, event, link.target);
    if (event.tag === "heard" && event.beacon !== undefined) this.#handleHeard(now, link.index, event.beacon);
    if (event.tag === "receiving") this.machine.handleReceiving(now, link.index, event.plan.digest);
    else if (event.tag === "checkRun") this.rescuer.handleGrown(event.run.node);
    else if (event.tag === "writeBlock" || event.tag === "writeCodedBlock")
      this.rescuer.handleGrown({ level: 0, index: event.block });
    if (event.tag === "advice") this.#handleAdvice(now, event, link);
    if (event.tag === "deferred") this.machine.handleDeferred(now, link.index, event.digest);
    if (event.tag === "refused" || event.tag === "none")
      this.machine.handleRefused(now, link.index, event.rescuerId, event.reason === "link-key");
  }

  #handleRescuer(now: Millis, event: RescuerEvent, link: SidedLink): void {
    if (event.tag === "invited") this.machine.handleInvitation(now, link.index, event.offer);
    if (event.tag === "advice") this.#handleAdvice(now, event, link);
    this.rescuer.handle(now, event, link.rescuer);
    if (event.tag === "heard") this.#handleHeard(now, link.index, event.beacon);
  }

  /** Who the node is where it says a word. */
  get #end(): AdviceEnd {
    return { nodeId: this.own?.self.nodeId ?? this.rescuer.nodeId, bootNonce: this.rescuer.bootNonce };
  }

  #handleAdvice(now: Millis, { advice, proof }: AdviceEvent, { index }: SidedLink): void {
    const neighbours = this.machine.neighbours.of(index);
    const verdict = judgeAdvice(this.linkKeyOf(index), this.#end, neighbours, advice.digest, proof);
    this.machine.handleAdvice(now, index, advice, verdict);
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
    this.#driver.pump();
  }

  /** The fleet's owner holds an image up, by its short digest. */
  stopImage(digest8: Uint8Array, forMs: Millis): void {
    if (!this.#gates.gates.suspects.noteStopped(this.#host.clock.now(), digest8, forMs)) return;
    this.#driver.pump();
  }

  /** What `mayday status --node` shows. */
  status(): NodeReport {
    return {
      nodeId: toHex(this.own?.self.nodeId ?? this.rescuer.nodeId),
      board: this.own?.report() ?? null,
      links: this.#links.all().map((link) => link.report()),
      ...this.reports.status(this.machine, (index) => this.#links.endpointAt(index)),
    };
  }

  handleTimeout(): Ending {
    return { code: ExitCode.done, reason: "timeout" };
  }

  /** Stops everything that is not a link, and returns the open images. */
  async close(): Promise<void> {
    this.#driver.close();
    this.#untilHealthy?.close();
    this.own?.close();
    this.#gates.close();
    await this.rescuer.close();
  }
}
