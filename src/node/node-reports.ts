import { toHex } from "../base/bytes.ts";
import { formatVersion } from "../image/version.ts";
import type { Neighbour } from "../mesh/neighbours.ts";
import type { NodeAction } from "../mesh/node-action.ts";
import type { NodeMachine } from "../mesh/node-machine.ts";
import type { NodeEvent } from "./node-event.ts";
import { NodeHistory } from "./node-history.ts";
import type { SideHost } from "./node-run.ts";
import type { FullLink } from "./role-link.ts";

/** Tells a node's user what happens, and what its status is. */
export class NodeReports {
  readonly #host: Pick<SideHost<never>, "clock" | "report">;
  readonly #history: NodeHistory;
  readonly #named: (event: NodeEvent) => NodeEvent;

  /** `named`: adds to an event what is known of its board. */
  constructor(host: Pick<SideHost<never>, "clock" | "report">, named: (event: NodeEvent) => NodeEvent) {
    this.#host = host;
    this.#named = named;
    this.#history = new NodeHistory(host.clock);
  }

  report(event: NodeEvent): void {
    this.#history.note(event);
    this.#host.report(this.#named(event));
  }

  /** A neighbour said something new of itself. `link`: the endpoint. */
  neighbour(link: string, neighbour: Neighbour): void {
    const { failure, installedDigest, isTrial, nodeId } = neighbour;
    if (neighbour.isProvider) return;
    const version = installedDigest === undefined ? undefined : formatVersion(neighbour.version);
    this.report({
      event: "neighbour",
      link,
      peer: toHex(nodeId),
      version,
      bootable: neighbour.isBootable,
      hardwareId: toHex(neighbour.hardwareId),
      ...(installedDigest !== undefined && { digest: toHex(installedDigest) }),
      nonce: toHex(neighbour.bootNonce),
      ...(isTrial && { trial: true }),
      ...(failure !== undefined && { reason: failure }),
    });
  }

  /** A neighbour runs another image of the same order. */
  conflict(link: string, { installedDigest, nodeId, version }: Neighbour): void {
    const digest = toHex(installedDigest ?? new Uint8Array());
    this.report({ event: "conflict", link, peer: toHex(nodeId), version: formatVersion(version), digest });
  }

  /** An image failed on another board. `link`: the endpoint. */
  suspect(link: string, { digest, forMs, isProven }: Extract<NodeAction, { tag: "suspect" }>): void {
    const seconds = Math.ceil(forMs / 1000);
    this.report({ event: "suspect", link, digest: toHex(digest), proven: isProven, seconds });
  }

  /** One id was heard on two links with two boot nonces in turn. */
  copied(link: string, nodeId: Uint8Array): void {
    const detail = `board ${toHex(nodeId)} is on two links at once under two nonces: a copied board folder or flash`;
    this.report({ event: "link", link, state: "copied-board", detail });
  }

  /** Who was heard, and who waits for what and since when. `endpointOf`: a link's endpoint by its number. */
  status(
    { asks, neighbours }: NodeMachine,
    endpointOf: (link: number) => string,
  ): Readonly<Record<string, unknown>> {
    const { waiting, healed } = this.#history.report();
    const own = asks === undefined ? [] : [this.#history.askReport(endpointOf(asks.link), asks)];
    return {
      uptimeSeconds: this.#history.uptimeSeconds,
      neighbours: neighbours.all().map((one) => this.#history.neighbourReport(endpointOf(one.link), one)),
      waiting: [...own, ...waiting],
      healed,
    };
  }
}

/** A link as the status shows it. */
export function linkReport(
  { driver, endpoint, end, trouble }: FullLink,
  role: "idle" | "target" | "rescuer",
): Readonly<Record<string, unknown>> {
  return {
    link: endpoint,
    role: end.isUp ? role : "down",
    isUp: end.isUp,
    trouble: trouble?.message ?? null,
    rttMs: end.link.rtt.smoothed ?? null,
    baud: driver.transport.facts.baud ?? null,
    counters: end.counters,
  };
}
