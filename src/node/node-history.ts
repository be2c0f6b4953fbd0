import { BoundedMap } from "../base/bounded-map.ts";
import { toHex } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import type { Millis } from "../base/units.ts";
import { formatVersion } from "../image/version.ts";
import type { Neighbour } from "../mesh/neighbours.ts";
import type { NodeEvent } from "./node-event.ts";

/** Boards that wait, and heals, that are remembered. */
const WAITING_MAX = 64;
const HEALED_MAX = 16;
/** Who waits is reported once a minute; who was not, for this long, waits no longer. */
const WAITING_FOR_MS: Millis = 150_000;

/** Who waits for what. */
interface Waiting {
  readonly link: string;
  readonly peer: string;
  readonly what: "heal" | "update" | "image";
  readonly why: string;
  readonly since: Millis;
  /** When it was said last. */
  readonly at: Millis;
}

interface Healed {
  readonly link: string;
  readonly peer: string;
  readonly version: string;
  readonly at: Millis;
}

/** A neighbour as the status shows it. Null: of a node without a board, or without an image. */
export interface NeighbourReport {
  /** The endpoint. */
  readonly link: string;
  readonly peer: string;
  readonly isProvider: boolean;
  readonly isBootable: boolean | null;
  readonly isTrial: boolean;
  readonly version: string | null;
  readonly digest: string | null;
  readonly heardSecondsAgo: number;
  readonly firstHeardSecondsAgo: number;
}

/** Keeps of a node's events what its status says: who waits for what and since when, and who was healed. */
export class NodeHistory {
  readonly #clock: Clock;
  readonly #startedAt: Millis;
  readonly #waiting: BoundedMap<string, Waiting> = new BoundedMap(WAITING_MAX);
  readonly #healed: BoundedMap<number, Healed> = new BoundedMap(HEALED_MAX);
  #heals = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.now();
  }

  /** Takes every event of the node. */
  note(event: NodeEvent): void {
    const now = this.#clock.now();
    switch (event.event) {
      case "waiting": {
        const what = event.reason === "fan-out" || event.reason === "heal" ? "update" : "heal";
        this.#wait(now, event.link, event.peer, what, event.reason);
        return;
      }
      case "none":
        this.#wait(now, event.link, event.peer, "image", event.reason);
        return;
      case "offer":
        this.#waiting.delete(`${event.link} ${event.peer}`);
        return;
      case "healed": {
        const { link, peer, version } = event;
        this.#waiting.delete(`${link} ${peer}`);
        this.#healed.set(this.#heals++, { link, peer, version, at: now });
        return;
      }
      default:
        return;
    }
  }

  #wait(now: Millis, link: string, peer: string, what: Waiting["what"], why: string): void {
    const name = `${link} ${peer}`;
    const before = this.#waiting.get(name);
    const isSame = before?.what === what && before.why === why;
    this.#waiting.set(name, { link, peer, what, why, since: isSame ? before.since : now, at: now });
  }

  get uptimeSeconds(): number {
    return this.#secondsSince(this.#startedAt);
  }

  #secondsSince(at: Millis): number {
    return Math.round(this.#clock.now() - at) / 1000;
  }

  /** For the status: `waiting` and `healed`. */
  report(): { readonly waiting: readonly object[]; readonly healed: readonly object[] } {
    const now = this.#clock.now();
    const waiting = [...this.#waiting.values()]
      .filter(({ at }) => now - at < WAITING_FOR_MS)
      .map(({ since, at: _, ...rest }) => ({ ...rest, sinceSeconds: this.#secondsSince(since) }));
    const healed = [...this.#healed.values()].map(({ at, ...rest }) => {
      return { ...rest, secondsAgo: this.#secondsSince(at) };
    });
    return { waiting, healed };
  }

  /** What the own board asks for, as one that waits. `link`: its endpoint. */
  askReport(
    link: string,
    { nodeId, since }: { readonly nodeId: Uint8Array; readonly since: Millis },
  ): object {
    const sinceSeconds = this.#secondsSince(since);
    return { link, peer: toHex(nodeId), what: "answer", why: "asks-for-update", sinceSeconds };
  }

  /** A neighbour as the status shows it. `link`: its endpoint. */
  neighbourReport(link: string, neighbour: Neighbour): NeighbourReport {
    const { installedDigest, isProvider, version } = neighbour;
    const hasImage = !isProvider && installedDigest !== undefined;
    return {
      link,
      peer: toHex(neighbour.nodeId),
      isProvider,
      isBootable: isProvider ? null : neighbour.isBootable,
      isTrial: neighbour.isTrial,
      version: hasImage ? formatVersion(version) : null,
      digest: hasImage ? toHex(installedDigest) : null,
      heardSecondsAgo: this.#secondsSince(neighbour.heardAt),
      firstHeardSecondsAgo: this.#secondsSince(neighbour.firstHeardAt),
    };
  }
}
