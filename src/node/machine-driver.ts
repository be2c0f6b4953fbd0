import { unreachable } from "../base/assert.ts";
import type { Timer } from "../base/clock.ts";
import type { Millis } from "../base/units.ts";
import type { LinkRole } from "../mesh/link-role.ts";
import type { NodeAction } from "../mesh/node-action.ts";
import type { NodeMachine } from "../mesh/node-machine.ts";
import type { AdviceEnd } from "../session/advice-proof.ts";
import type { LineEvent, RoleHost } from "../session/role.ts";
import type { ImageWord } from "../wire/messages.ts";
import { sayDeferral, sayWord } from "./advice-proofs.ts";
import type { NodeReports } from "./node-reports.ts";
import type { RunHost } from "./node-run.ts";
import type { OwnBoardSide } from "./own-board-side.ts";
import type { RescuerSide } from "./rescuer-side.ts";
import type { NodeRole, SidedEvent } from "./role-link.ts";
import type { SidedLink, SidedLinks } from "./sided-link.ts";

/** What driving a node machine shares with its node. */
export interface DrivenParts {
  readonly host: Pick<RunHost<SidedEvent, NodeRole>, "clock">;
  readonly machine: NodeMachine;
  readonly links: SidedLinks;
  readonly own: OwnBoardSide | undefined;
  readonly rescuer: RescuerSide;
  readonly reports: NodeReports;
  /** Who the node is where it says a word. */
  end(): AdviceEnd;
  /** A role for a link, in place of the one that is on it. */
  newRole(now: Millis, host: RoleHost<SidedEvent | LineEvent>, role: LinkRole, link: SidedLink): NodeRole;
}

/**
 * Drives a node machine: tells it what each link is engaged in and how the board is, does what it wants, and wakes it when it
 * asks for that. After every call to the machine the node calls {@link pump}.
 */
export class MachineDriver {
  readonly #parts: DrivenParts;
  #timer: Timer | undefined;
  #timerAt: Millis | undefined;

  constructor(parts: DrivenParts) {
    this.#parts = parts;
  }

  get #now(): Millis {
    return this.#parts.host.clock.now();
  }

  /** The own board changed its status. */
  boardChanged(): void {
    const { machine, own } = this.#parts;
    if (own !== undefined) machine.handleBoard(this.#now, own.life.own());
    this.pump();
  }

  /** Tells the machine what a link is engaged in, and the user when that changed. */
  watch(sided: SidedLink): void {
    this.#noteEngagement(this.#now, sided);
    const role = sided.takeUse();
    if (role !== undefined) this.#parts.reports.report({ event: "role", link: sided.link.endpoint, role });
  }

  #noteEngagement(now: Millis, sided: SidedLink): void {
    const { machine, rescuer } = this.#parts;
    machine.handleEngaged(now, sided.index, sided.engagement(now, rescuer.causeOn(sided.rescuer)));
  }

  /** Does what the machine wants, and sets its timer. */
  pump(): void {
    const { host, machine, links } = this.#parts;
    const now = this.#now;
    for (const sided of links.all()) this.#noteEngagement(now, sided);
    for (let action = machine.pollAction(); action; action = machine.pollAction()) this.#do(now, action);
    const at = machine.pollTimeout(now);
    // Most events change nothing of it.
    if (this.#timer !== undefined && at === this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer =
      at === undefined ? undefined : host.clock.after(Math.max(0, at - now), () => this.#handleTime());
  }

  #handleTime(): void {
    this.#timer = undefined;
    for (const sided of this.#parts.links.all()) this.watch(sided);
    this.#parts.machine.handleTimeout(this.#now);
    this.pump();
  }

  #do(now: Millis, action: NodeAction): void {
    const { links, own, reports } = this.#parts;
    switch (action.tag) {
      case "role":
        this.#exchange(links.at(action.link), action.role);
        return;
      case "announce":
        this.#announce(now, links.at(action.link));
        return;
      case "decline":
        this.#decline(links.at(action.link), action);
        return;
      case "advise":
        this.#advise(now, links.at(action.link), action.advice);
        return;
      case "suspect":
        reports.suspect(links.endpointAt(action.link), action);
        return;
      case "claim":
        own?.setClaiming(action.isOn);
        this.boardChanged();
        return;
      case "neighbour":
        reports.neighbour(links.endpointAt(action.neighbour.link), action.neighbour);
        return;
      case "conflict":
        reports.conflict(links.endpointAt(action.neighbour.link), action.neighbour);
        return;
      case "copied":
        // Without a board of its own the rescuer side tells it.
        if (own !== undefined) reports.copied(links.endpointAt(action.link), action.nodeId);
        return;
      default:
        unreachable(action);
    }
  }

  #exchange(sided: SidedLink, role: LinkRole): void {
    const { own, newRole } = this.#parts;
    const now = this.#now;
    sided.link.exchange(now, (host) => newRole(now, host, role, sided));
    if (role !== "idle" && sided.link.end.isUp) own?.target.handleUp(sided.target);
    this.watch(sided);
  }

  #announce(now: Millis, { link, rescuer }: SidedLink): void {
    rescuer.role?.announce(now);
    link.driver.pump();
  }

  #advise(now: Millis, { index, link }: SidedLink, word: ImageWord): void {
    const { machine, end } = this.#parts;
    sayWord(now, link.end.link, end(), machine.neighbours.of(index), word);
    link.driver.pump();
  }

  #decline(
    { link, rescuer }: SidedLink,
    { offer, why, deferral }: Extract<NodeAction, { tag: "decline" }>,
  ): void {
    const { own, end } = this.#parts;
    const servedBy = own?.target.serving?.rescuerId;
    if (deferral === undefined) rescuer.role?.decline(offer, why, servedBy);
    else sayDeferral(link.end.link, offer, end().nodeId, deferral);
    link.driver.pump();
  }

  close(): void {
    this.#timer?.cancel();
  }
}
