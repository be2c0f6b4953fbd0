import { toHex } from "../base/bytes.ts";
import type { Timer } from "../base/clock.ts";
import { ExitCode } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import type { LinkKey } from "../link/link-key.ts";
import { LISTEN_MS } from "../link/listening/unasked.ts";
import { admit, type ServeCause } from "../mesh/dispatch.ts";
import type { RescuerEvent } from "../session/rescuer/rescuer-events.ts";
import type { RescuerRole } from "../session/rescuer/rescuer-role.ts";
import type { LineEvent, RoleHost } from "../session/role.ts";
import type { PickPolicy } from "./image-picking.ts";
import type { NodeEvent } from "./node-event.ts";
import type { NodeLink, SideLink } from "./node-link.ts";
import { innerHost, NodeRun, type RunHost, type Side, type SideHost } from "./node-run.ts";
import { RescuerSide } from "./rescuer-side.ts";
import type { RunOptions } from "./run-options.ts";
import { type TransportSource, transportOf } from "./transport-source.ts";
import { type Ending, refusedEnding, type Verdict } from "./verdict.ts";

export interface DispatchOptions extends RunOptions, PickPolicy {
  readonly links: readonly TransportSource[];
  /** End after one board was updated, or refused its image. */
  readonly once: boolean;
  /** For all links: only boards with the same key are updated. */
  readonly linkKey?: LinkKey | undefined;
}

type Link = NodeLink<RescuerEvent, RescuerRole>;
type Host = RunHost<RescuerEvent, RescuerRole>;

/** It asks so often at first, and then from time to time: a board that was updated says so by itself. */
const ASK_FIRST_MS: Millis = 1_000;
const ASK_FIRST = 3;
const ASK_LATER_MS: Millis = 5_000;
/** Once all that were heard are done with, somebody new may answer for so long. */
const QUIET_MS: Millis = 4_000;
const LOOK_EVERY_MS: Millis = 100;

/**
 * Asks all neighbours for their versions, hands newer images to those that are older, one at a time, and ends when each one that
 * was heard runs what suits it, or refused it. Rejects if no link can be opened (TransportError).
 */
export async function runDispatch(options: DispatchOptions): Promise<Verdict> {
  const transports = options.links.map((source) => transportOf(source));
  const run = new NodeRun<RescuerEvent, RescuerRole, DispatchSide>(
    options,
    transports,
    (host: Host) => new DispatchSide(host, options),
  );
  const ending = await run.ended();
  await run.side.close();
  return run.verdict(ending, run.side.rescuer.figures(ending.code));
}

/** A board that was heard: `waits` until it runs what suits it. */
interface HeardBoard {
  state: "waits" | "current" | "updated" | "refused";
  reason: string;
}

class DispatchSide implements Side<RescuerEvent, RescuerRole> {
  readonly rescuer: RescuerSide;
  readonly #host: Host;
  readonly #once: boolean;
  readonly #boards: Map<string, HeardBoard> = new Map();
  readonly #timers: Map<Link, Timer> = new Map();
  #look: Timer;
  #changedAt: Millis;

  constructor(host: Host, options: DispatchOptions) {
    this.#host = host;
    this.#once = options.once;
    this.#changedAt = host.clock.now();
    this.rescuer = new RescuerSide(this.#sideHost(), {
      ...options,
      once: false,
      handsOut: true,
      admit: (link, cause) => admit(cause, this.#othersThan(link), 1),
      onPicked: (_link, beacon, isFound) => {
        if (!isFound) this.#note(toHex(beacon.nodeId), "current", "nothing newer");
      },
    });
    this.#look = host.clock.after(LOOK_EVERY_MS, () => this.#lookAgain());
  }

  #sideHost(): SideHost<RescuerRole> {
    const host = this.#host;
    return innerHost(host, () => host.links, {
      report: (event) => this.#report(event),
      end: (ending) => host.end(ending),
    });
  }

  #othersThan(link: SideLink<RescuerRole>): ServeCause[] {
    const others = this.#host.links.filter((other) => other !== link);
    return others.flatMap((other) => this.rescuer.causeOn(other) ?? []);
  }

  linkKeyOf(): LinkKey | undefined {
    return this.rescuer.linkKeyOf();
  }

  makeRole(now: Millis, host: RoleHost<RescuerEvent>): RescuerRole {
    return this.rescuer.makeRole(now, host);
  }

  handle(now: Millis, event: RescuerEvent | LineEvent, link: Link): void {
    if (event.tag === "heard" && !event.beacon.isProvider)
      this.#note(toHex(event.beacon.nodeId), "waits", "was not updated in time");
    this.rescuer.handle(now, event, link);
  }

  #report(event: NodeEvent): void {
    this.#host.report(event);
    if (event.event === "healed") this.#end(event.peer, "updated", "");
    else if (event.event === "refused" && event.peer !== undefined)
      this.#end(event.peer, "refused", event.detail ?? event.reason);
  }

  #end(peer: string, state: "updated" | "refused", reason: string): void {
    this.#note(peer, state, reason);
    if (this.#once) this.#host.end(this.#ending());
  }

  /** A board that was updated may be heard once more as it was before, and for one that refused its image there is nothing else. */
  #note(peer: string, state: HeardBoard["state"], reason: string): void {
    const before = this.#boards.get(peer);
    const isKnown = before?.state === state || (before !== undefined && state === "waits");
    const isOver = before?.state === "updated" || (before?.state === "refused" && state === "current");
    if (isKnown || isOver) return;
    this.#boards.set(peer, { state, reason });
    this.#changedAt = this.#host.clock.now();
  }

  handleUp(link: Link): void {
    this.#askLater(link, LISTEN_MS, ASK_FIRST);
  }

  handleDown(link: Link): void {
    this.#timers.get(link)?.cancel();
  }

  #askLater(link: Link, delay: Millis, left: number): void {
    this.#timers.get(link)?.cancel();
    const ask = (): void => {
      link.role.ask(this.#host.clock.now());
      link.driver.pump();
      this.#askLater(link, left > 1 ? ASK_FIRST_MS : ASK_LATER_MS, left - 1);
    };
    this.#timers.set(link, this.#host.clock.after(delay, ask));
  }

  #lookAgain(): void {
    this.#look = this.#host.clock.after(LOOK_EVERY_MS, () => this.#lookAgain());
    const isIdle = this.#host.links.every(({ role }) => !role.isEngaged);
    const isQuiet = this.#host.clock.now() - this.#changedAt >= QUIET_MS;
    const isDone = [...this.#boards.values()].every(({ state }) => state !== "waits");
    if (this.#boards.size > 0 && isIdle && isQuiet && isDone) this.#host.end(this.#ending());
  }

  #ending(): Ending {
    const boards = [...this.#boards.values()];
    if (boards.some(({ state }) => state === "updated")) return { code: ExitCode.done, reason: "updated" };
    const refused = boards.find(({ state }) => state === "refused");
    if (refused !== undefined) return refusedEnding({ reason: "refused", detail: refused.reason });
    return { code: ExitCode.done, reason: "up-to-date" };
  }

  /** At the timeout: boards that wait count more than those that were updated. */
  handleTimeout(): Ending {
    const waiting = [...this.#boards].find(([, { state }]) => state === "waits");
    if (this.#boards.size === 0) return this.rescuer.handleTimeout();
    if (waiting === undefined) return this.#ending();
    const detail = `board ${waiting[0]} is older and did not take the image: it may be busy, on trial, or not allowed to update`;
    return { code: ExitCode.noNeighbour, reason: "timeout", detail };
  }

  async close(): Promise<void> {
    this.#look.cancel();
    for (const timer of this.#timers.values()) timer.cancel();
    await this.rescuer.close();
  }
}
