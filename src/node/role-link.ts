import type { Link } from "../link/link.ts";
import type { RescuerEvent } from "../session/rescuer/rescuer-events.ts";
import { RescuerRole } from "../session/rescuer/rescuer-role.ts";
import type { LineEvent, Role, RoleHost } from "../session/role.ts";
import type { TargetEvent } from "../session/target/target-events.ts";
import { TargetRole } from "../session/target/target-role.ts";
import type { NodeLink, SideLink } from "./node-link.ts";

/** An event of a role, with the side that has to handle it: the role may have been exchanged by then. */
export type SidedEvent =
  | { readonly side: "target"; readonly event: TargetEvent }
  | { readonly side: "rescuer"; readonly event: RescuerEvent };

/** The roles that a node has on its links. */
export type NodeRole = TargetRole | RescuerRole;

/** A link of a node with both roles. */
export type FullLink = NodeLink<SidedEvent, NodeRole>;

/** A link end as the host of a role of one side. */
export class SidedHost<Event extends TargetEvent | RescuerEvent> implements RoleHost<Event> {
  readonly #host: RoleHost<SidedEvent | LineEvent>;
  readonly #wrap: (event: Event) => SidedEvent;

  constructor(host: RoleHost<SidedEvent | LineEvent>, wrap: (event: Event) => SidedEvent) {
    this.#host = host;
    this.#wrap = wrap;
  }

  get link(): Link {
    return this.#host.link;
  }

  get isUp(): boolean {
    return this.#host.isUp;
  }

  emit(event: Event): void {
    this.#host.emit(this.#wrap(event));
  }

  reportEcho(): void {
    this.#host.reportEcho();
  }

  nextSession(): number {
    return this.#host.nextSession();
  }
}

/** A link as one of the two sides sees it: without a role while the other side's is on it. */
class RoleLink<R extends Role> implements SideLink<R> {
  readonly #link: FullLink;
  readonly #roleOf: (role: NodeRole) => R | undefined;

  constructor(link: FullLink, roleOf: (role: NodeRole) => R | undefined) {
    this.#link = link;
    this.#roleOf = roleOf;
  }

  get endpoint(): string {
    return this.#link.endpoint;
  }

  get end(): FullLink["end"] {
    return this.#link.end;
  }

  get role(): R | undefined {
    return this.#roleOf(this.#link.role);
  }

  get driver(): FullLink["driver"] {
    return this.#link.driver;
  }

  get trouble(): FullLink["trouble"] {
    return this.#link.trouble;
  }
}

/** A link as the target side sees it. */
export function asTargetLink(link: FullLink): SideLink<TargetRole> {
  return new RoleLink(link, (role) => (role instanceof TargetRole ? role : undefined));
}

/** A link as the rescuer side sees it. */
export function asRescuerLink(link: FullLink): SideLink<RescuerRole> {
  return new RoleLink(link, (role) => (role instanceof RescuerRole ? role : undefined));
}
