import { toHex } from "../base/bytes.ts";
import type { RefusalReason } from "../base/refusal.ts";
import type { Millis } from "../base/units.ts";
import type { ImageSource } from "../image/image-source.ts";
import type { Repository } from "../image/repository.ts";
import { formatVersion } from "../image/version.ts";
import type { LinkKey } from "../link/link-key.ts";
import type { RescuerEvent } from "../session/rescuer/rescuer-events.ts";
import { RescuerMachine } from "../session/rescuer/rescuer-machine.ts";
import type { ResetLine } from "../transport/endpoint.ts";
import type { Beacon } from "../wire/messages.ts";
import type { NodeEvent, Verdict } from "./events.ts";
import { KnownBoards } from "./known-boards.ts";
import { bytesOf, type Ending, Lifetime, leave, type RunOptions } from "./lifetime.ts";
import { LineNews } from "./line-news.ts";
import { Meter } from "./meter.ts";
import { freshBootNonce, freshId, linkOptionsFor, NodeLink, openLinks } from "./node-link.ts";
import { applyRescuerEffect, offeredImage } from "./rescuer-effects.ts";
import { systemRandom } from "./system-random.ts";
import { type TransportSource, transportOf } from "./transport-source.ts";

export interface RescueOptions extends RunOptions {
  readonly links: readonly TransportSource[];
  /** Stays the caller's. */
  readonly repository: Repository;
  readonly allowUnsigned: boolean;
  /** The user named the one image: offer it even where it does not look suitable, and let the target judge. */
  readonly offersAnyway?: boolean;
  /** End after one DONE, or one refusal. */
  readonly once: boolean;
  readonly reset?: ResetLine;
  /** For all links: heals only boards that have the same one. See `linkKeyOf`. */
  readonly linkKey?: LinkKey | undefined;
}

type Link = NodeLink<RescuerEvent, RescuerMachine>;

/** What is known of the session on one link. */
interface Session {
  image: ImageSource | undefined;
  meter: Meter | undefined;
  startedAt: Millis | undefined;
  blocks: number;
}

/**
 * Heals whoever calls on any of the links. Without `once` until the timeout or the signal. Rejects only when no link
 * can be opened (TransportError).
 */
export async function runRescue(options: RescueOptions): Promise<Verdict> {
  const node = new RescueNode(options);
  return await node.run();
}

class RescueNode {
  readonly #options: RescueOptions;
  readonly #lifetime: Lifetime;
  readonly #links: Link[];
  readonly #sessions: Map<Link, Session> = new Map();
  readonly #boards: KnownBoards = new KnownBoards();
  #seconds = 0;
  #blocks = 0;
  #healed = 0;
  #peer: string | undefined;
  #digest: string | undefined;
  readonly #line: LineNews = new LineNews((event) => this.#tell(event));
  #refusal: Ending | undefined;

  constructor(options: RescueOptions) {
    this.#options = options;
    this.#lifetime = new Lifetime(options, () => this.#outOfPatience());
    const random = systemRandom;
    const nodeId = freshId(random);
    const bootNonce = freshBootNonce(random);
    this.#links = options.links.map((source) => {
      const transport = transportOf(source, options.reset);
      const link = { ...linkOptionsFor(transport), key: options.linkKey };
      const { clock } = this.#lifetime;
      const machine = new RescuerMachine(clock.now(), { link, random, nodeId, bootNonce });
      return new NodeLink(
        transport,
        machine,
        clock,
        (event, from) => this.#handle(event, from),
        (event) => this.#tell(event),
      );
    });
  }

  async run(): Promise<Verdict> {
    await openLinks(this.#links, (event) => this.#tell(event));
    const ending = await this.#lifetime.ended;
    for (const link of this.#links) link.machine.stop();
    await Promise.all(this.#links.map((link) => leave(link.driver, this.#lifetime.clock)));
    for (const { image } of this.#sessions.values()) {
      if (image !== undefined) await this.#options.repository.release(image);
    }
    return {
      ok: ending.code === 0,
      ...ending,
      ...bytesOf(this.#links.map((link) => link.machine.counters)),
      blocks: this.#blocks,
      seconds: this.#seconds,
      peer: this.#peer,
      digest: this.#digest,
    };
  }

  #tell(event: NodeEvent): void {
    this.#options.onEvent(event);
  }

  #outOfPatience(): Ending {
    if (this.#healed > 0) return { code: 0, reason: "healed" };
    if (this.#refusal !== undefined) return this.#refusal;
    return this.#line.outOfPatience(this.#links, "a node is there, but was not healed in time");
  }

  #session(link: Link): Session {
    const known = this.#sessions.get(link);
    if (known !== undefined) return known;
    const session: Session = { image: undefined, meter: undefined, startedAt: undefined, blocks: 0 };
    this.#sessions.set(link, session);
    return session;
  }

  #handle(event: RescuerEvent, link: Link): void {
    switch (event.tag) {
      case "pick":
        void this.#pick(event.beacon, event.refused, link);
        return;
      case "readRun":
      case "readBlock":
        this.#read(event, link);
        return;
      default:
        this.#handleNews(this.#lifetime.clock.now(), event, link);
    }
  }

  async #pick(beacon: Beacon, refused: readonly Uint8Array[], link: Link): Promise<void> {
    const image = await this.#open(beacon, refused, link).catch((error: unknown) => {
      const detail = error instanceof Error ? error.message : String(error);
      this.#tell({ event: "link", link: link.endpoint, state: "image-unreadable", detail });
      return undefined;
    });
    const session = this.#session(link);
    if (session.image !== undefined && session.image !== image) {
      await this.#options.repository.release(session.image);
    }
    session.image = image;
    link.machine.handlePicked(this.#lifetime.clock.now(), image && offeredImage(image));
    link.driver.pump();
  }

  async #open(beacon: Beacon, refused: readonly Uint8Array[], link: Link): Promise<ImageSource | undefined> {
    const { repository, allowUnsigned, offersAnyway } = this.#options;
    const choice = await repository.pick({
      hardwareId: beacon.hardwareId,
      revision: beacon.revision,
      counterFloor: beacon.counterFloor,
      allowUnsigned,
      receivingDigest8: beacon.receivingDigest,
      installedDigest8: beacon.installedDigest,
      refused,
    });
    if (choice.tag === "chosen") return await repository.open(choice.entry.digest);
    // The user knows already, and the same image is offered again after a while.
    if (refused.length > 0) return undefined;
    const [only, ...others] = choice.refusals;
    if (offersAnyway && only !== undefined && others.length === 0)
      return await repository.open(only.entry.digest);
    this.#refused(link, only?.reason ?? "hardware", choice.detail, undefined);
    return undefined;
  }

  #read(event: RescuerEvent, link: Link): void {
    const session = this.#session(link);
    if (session.image === undefined) return;
    if (event.tag === "readBlock") {
      session.blocks++;
      this.#blocks++;
    }
    try {
      applyRescuerEffect(event, link.machine, session.image);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      this.#lifetime.end({ code: 1, reason: "image-unreadable", detail });
    }
  }

  #handleNews(now: Millis, event: RescuerEvent, link: Link): void {
    const at = { link: link.endpoint };
    const session = this.#session(link);
    switch (event.tag) {
      case "heard":
        this.#line.heardNode = true;
        this.#tellBeacon(event.beacon, link);
        return;
      case "offered": {
        const { offer } = event;
        const digest = toHex(offer.digest);
        const version = formatVersion(offer.version);
        this.#tell({ event: "offer", ...at, peer: this.#peer ?? "", digest, version, size: offer.size });
        return;
      }
      case "accepted":
        session.startedAt = now;
        session.blocks = 0;
        session.meter = new Meter(now, link.endpoint, link.machine.counters.bytesSent);
        return;
      case "progress":
        this.#tellProgress(now, event.openBlocks, link, session);
        return;
      case "refused":
        this.#line.heardForeignVersion ||= event.reason === "protocol";
        this.#refused(link, event.reason, event.detail, event.digest);
        return;
      case "healed":
        this.#healed++;
        this.#seconds = session.startedAt === undefined ? 0 : (now - session.startedAt) / 1000;
        this.#digest = session.image === undefined ? toHex(event.digest) : toHex(session.image.digest);
        this.#tell({ event: "healed", ...at, peer: this.#peer ?? "", digest: this.#digest });
        if (this.#options.once) this.#lifetime.end({ code: 0, reason: "healed" });
        return;
      case "sessionLost":
        this.#tell({ event: "lost", ...at, why: event.why });
        if (event.why === "done-not-heard" && this.#options.once) {
          const detail = "everything was sent and acknowledged, but the target never said that it is healed";
          this.#lifetime.end({ code: 3, reason: "done-not-heard", detail });
        }
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

  #tellBeacon(beacon: Beacon, link: Link): void {
    this.#peer = toHex(beacon.nodeId);
    if (this.#boards.isCopied(link.endpoint, beacon)) {
      const detail = `board ${this.#peer} is on two links at once under two nonces: a copied board folder or flash`;
      this.#tell({ event: "link", link: link.endpoint, state: "copied-board", detail });
    }
    if (beacon.tag !== "distress") return;
    this.#tell({
      event: "distress",
      link: link.endpoint,
      peer: this.#peer,
      hardwareId: toHex(beacon.hardwareId),
      revision: beacon.revision,
      reason: beacon.failure,
      version: beacon.installedDigest === undefined ? undefined : formatVersion(beacon.version),
      counterFloor: beacon.counterFloor,
    });
  }

  #tellProgress(now: Millis, openBlocks: number, link: Link, session: Session): void {
    const manifest = session.image?.manifest;
    if (manifest === undefined) return;
    const { counters } = link.machine;
    const done = Math.max(0, session.blocks - openBlocks);
    const { leafCount, blockSize } = manifest;
    const told = session.meter?.measure(now, done, leafCount, blockSize, counters.bytesSent, counters);
    if (told !== undefined) this.#tell(told);
  }

  #refused(link: Link, reason: RefusalReason, why: string | undefined, digest: Uint8Array | undefined): void {
    const detail = why ?? REFUSAL_TEXT[reason];
    this.#refusal = { code: 4, reason, detail };
    const named = digest === undefined ? {} : { digest: toHex(digest) };
    this.#tell({ event: "refused", link: link.endpoint, reason, detail, ...named });
    if (this.#options.once) this.#lifetime.end(this.#refusal);
  }
}

/** What each refusal means, and the cure. */
const REFUSAL_TEXT: Readonly<Record<RefusalReason, string>> = {
  signature:
    "the target does not trust the key that signed this image: sign with a trusted one, or add its .pub",
  unsigned: "the target takes signed images only: sign the image with image build --key",
  hardware: "the image is for other hardware or another revision: compare image inspect and board status",
  version: "the target runs this version or a newer one already",
  counter: "the image's security counter is below the target's floor: build it with a higher --counter",
  size: "the image does not fit the target's slot",
  "block-size":
    "the image's blocks are larger than the target can buffer: build it with a smaller --block-size",
  role: "the image is not an application image, or its key may not sign one",
  manifest: "the target cannot read the manifest, or it is not the one offered",
  healthy: "the target boots, and was not asked to update",
  quarantined: "this image failed to confirm on the target too often",
  protocol: "the neighbour speaks another version of the protocol: bring both sides to the same release",
  flash: "the target's flash cannot be erased or programmed",
  "link-key":
    "the target has a link key and this rescuer has none: give rescue --link-key with the same file",
};
