import { toHex } from "../base/bytes.ts";
import type { Millis } from "../base/units.ts";
import type { TargetStore } from "../board/target-store.ts";
import { formatVersion } from "../image/version.ts";
import type { LinkKey } from "../link/link-key.ts";
import { LinkEnd } from "../session/link-end.ts";
import type { TargetEvent } from "../session/target/target-events.ts";
import { TargetRole } from "../session/target/target-role.ts";
import type { NodeEvent, Verdict } from "./events.ts";
import { bytesOf, type Ending, Lifetime, leave, type RunOptions } from "./lifetime.ts";
import { LineNews } from "./line-news.ts";
import { Meter } from "./meter.ts";
import { freshBootNonce, linkOptionsFor, NodeLink, openLinks } from "./node-link.ts";
import { systemRandom } from "./system-random.ts";
import { applyTargetEffect, nodeStatusOf } from "./target-effects.ts";
import { type TransportSource, transportOf } from "./transport-source.ts";

export interface DistressOptions extends RunOptions {
  readonly links: readonly TransportSource[];
  /** The board to heal. Stays the caller's: it is abandoned in a resumable state, not closed. */
  readonly store: TargetStore;
  /** Call for help although the firmware boots. */
  readonly isForced?: boolean;
  /** For all links: takes help only from who has the same one. See `linkKeyOf`. */
  readonly linkKey?: LinkKey | undefined;
}

type Link = NodeLink<TargetEvent, TargetRole>;

/**
 * Begs on all links until the board is healed. Refusals do not end it; the timeout does, with exit 4 if something was
 * refused and 3 otherwise. Rejects only when no link can be opened (TransportError).
 */
export async function runDistress(options: DistressOptions): Promise<Verdict> {
  const node = new DistressNode(options);
  return await node.run();
}

class DistressNode {
  readonly #options: DistressOptions;
  readonly #store: TargetStore;
  readonly #lifetime: Lifetime;
  readonly #links: Link[];
  #meter: Meter | undefined;
  #startedAt: Millis | undefined;
  #doneAt: Millis | undefined;
  #blocks = 0;
  #peer: string | undefined;
  #digest: string | undefined;
  #refusal: { reason: string; detail: string } | undefined;
  readonly #line: LineNews = new LineNews((event) => this.#tell(event));

  constructor(options: DistressOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#lifetime = new Lifetime(options, () => this.#outOfPatience());
    const random = systemRandom;
    const bootNonce = freshBootNonce(random);
    const status = nodeStatusOf(options.store.status());
    this.#links = options.links.map((source) => {
      const transport = transportOf(source);
      const link = { ...linkOptionsFor(transport), key: options.linkKey };
      const now = this.#lifetime.clock.now();
      const isForced = options.isForced ?? false;
      const end = new LinkEnd<TargetEvent>(link);
      const role = end.exchange(
        now,
        (host) => new TargetRole(now, host, { random, status, bootNonce, isForced }),
      );
      return new NodeLink(
        transport,
        end,
        role,
        this.#lifetime.clock,
        (event, from) => this.#handle(event, from),
        (event) => this.#tell(event),
      );
    });
  }

  async run(): Promise<Verdict> {
    await openLinks(this.#links, (event) => this.#tell(event));
    const ending = await this.#lifetime.ended;
    for (const link of this.#links) link.end.stop();
    await Promise.all(this.#links.map((link) => leave(link.driver, this.#lifetime.clock)));
    this.#store.abandon();
    const doneAt = this.#doneAt ?? this.#lifetime.clock.now();
    return {
      ok: ending.code === 0,
      ...ending,
      ...bytesOf(this.#links.map((link) => link.end.counters)),
      blocks: this.#blocks,
      seconds: this.#startedAt === undefined ? 0 : (doneAt - this.#startedAt) / 1000,
      peer: this.#peer,
      digest: this.#digest,
    };
  }

  #tell(event: NodeEvent): void {
    this.#options.onEvent(event);
  }

  #outOfPatience(): Ending {
    if (this.#refusal !== undefined) return { code: 4, ...this.#refusal };
    return this.#line.outOfPatience(
      this.#links,
      "a neighbour is there, but the board was not healed in time",
    );
  }

  #handle(event: TargetEvent, link: Link): void {
    const now = this.#lifetime.clock.now();
    if (!applyTargetEffect(now, event, link.role, this.#store)) this.#handleNews(now, event, link);
  }

  #handleNews(now: Millis, event: TargetEvent, link: Link): void {
    const at = { link: link.endpoint };
    switch (event.tag) {
      case "offered": {
        const { offer } = event;
        this.#startedAt ??= now;
        this.#peer = toHex(offer.rescuerId);
        this.#line.heardNode = true;
        for (const other of this.#links) if (other !== link) other.role.setServedElsewhere(offer.rescuerId);
        const digest = toHex(offer.digest);
        const version = formatVersion(offer.version);
        this.#tell({ event: "offer", ...at, peer: this.#peer, digest, version, size: offer.size });
        return;
      }
      case "receiving":
        this.#digest = toHex(event.plan.digest);
        this.#meter = new Meter(now, link.endpoint, link.end.counters.bytesReceived);
        return;
      case "progress": {
        const { plan, blocks, blocksRight } = event.descent;
        this.#blocks = blocks.written;
        const { counters } = link.end;
        const { blockSize, leafCount } = plan;
        const received = counters.bytesReceived;
        const told = this.#meter?.measure(now, blocksRight, leafCount, blockSize, received, counters);
        if (told !== undefined) this.#tell(told);
        return;
      }
      case "refused":
        this.#refusal = { reason: event.reason, detail: event.detail };
        this.#free();
        this.#tell({ event: "refused", ...at, reason: event.reason, detail: event.detail });
        return;
      case "sessionLost":
        this.#free();
        this.#store.abandon();
        this.#tell({ event: "lost", ...at, why: event.why });
        return;
      case "verified":
        this.#doneAt = now;
        this.#digest = toHex(event.digest);
        this.#tell({ event: "verified", ...at, digest: this.#digest });
        return;
      case "finished":
        this.#tell({ event: "healed", ...at, peer: this.#peer ?? "", digest: this.#digest ?? "" });
        this.#lifetime.end({ code: 0, reason: "healed" });
        return;
      case "console":
      case "link":
      case "stranger":
        this.#line.handle(event, link);
        return;
      default:
        return;
    }
  }

  /** Offers are welcome on all links, unless one of them serves this board: a refusal may come from elsewhere. */
  #free(): void {
    if (this.#links.some(({ role }) => role.isServed)) return;
    for (const link of this.#links) link.role.setServedElsewhere(undefined);
  }
}
