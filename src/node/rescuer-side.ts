import { toHex } from "../base/bytes.ts";
import { ExitCode } from "../base/errors.ts";
import type { RefusalReason } from "../base/refusal.ts";
import type { Millis } from "../base/units.ts";
import type { ImageSource } from "../image/image-source.ts";
import type { Repository } from "../image/repository.ts";
import { formatVersion } from "../image/version.ts";
import type { LinkKey } from "../link/link-key.ts";
import type { RescuerEvent } from "../session/rescuer/rescuer-events.ts";
import { RescuerRole } from "../session/rescuer/rescuer-role.ts";
import type { RoleHost } from "../session/role.ts";
import type { Beacon } from "../wire/messages.ts";
import { KnownBoards } from "./known-boards.ts";
import { freshBootNonce, freshId, type NodeLink } from "./node-link.ts";
import type { RunHost, Side } from "./node-run.ts";
import { applyRescuerEffect, offeredImage } from "./rescuer-effects.ts";
import { TransferProgress } from "./transfer-progress.ts";
import type { Ending, SessionFigures } from "./verdict.ts";

/** What a rescuer is to do. */
export interface RescuerDuties {
  /** Stays the caller's. */
  readonly repository: Repository;
  readonly allowUnsigned: boolean;
  /** The user named the one image: offer it even where it does not look suitable, and let the target judge. */
  readonly offersAnyway?: boolean;
  /** End after one DONE, or one refusal. */
  readonly once: boolean;
  /** For all links: heals only boards that have the same one. See `linkKeyOf`. */
  readonly linkKey?: LinkKey | undefined;
}

/** What this side has of its run. */
export type RescuerHost = RunHost<RescuerEvent, RescuerRole>;
type Link = NodeLink<RescuerEvent, RescuerRole>;

/** What is known of the session on one link. */
interface Session {
  image: ImageSource | undefined;
  progress: TransferProgress | undefined;
  startedAt: Millis | undefined;
  blocks: number;
}

/** The side of a rescuer: picks and reads images for its roles, and reports whom they heal. */
export class RescuerSide implements Side<RescuerEvent, RescuerRole> {
  readonly #host: RescuerHost;
  readonly #duties: RescuerDuties;
  readonly #nodeId: Uint8Array;
  readonly #bootNonce: Uint8Array;
  readonly #sessions: Map<Link, Session> = new Map();
  readonly #boards: KnownBoards = new KnownBoards();
  #seconds = 0;
  #blocks = 0;
  #healed = 0;
  #peer: string | undefined;
  #digest: string | undefined;
  #refusal: Ending | undefined;

  constructor(host: RescuerHost, duties: RescuerDuties) {
    this.#host = host;
    this.#duties = duties;
    this.#nodeId = freshId(host.random);
    this.#bootNonce = freshBootNonce(host.random);
  }

  get linkKey(): LinkKey | undefined {
    return this.#duties.linkKey;
  }

  makeRole(now: Millis, host: RoleHost<RescuerEvent>): RescuerRole {
    const { random } = this.#host;
    return new RescuerRole(now, host, { random, nodeId: this.#nodeId, bootNonce: this.#bootNonce });
  }

  handleTimeout(): Ending {
    if (this.#healed > 0) return { code: ExitCode.done, reason: "healed" };
    if (this.#refusal !== undefined) return this.#refusal;
    return this.#host.line.endOfTime(this.#host.links, "a node is there, but was not healed in time");
  }

  /** For the verdict. */
  get figures(): SessionFigures {
    return { blocks: this.#blocks, seconds: this.#seconds, peer: this.#peer, digest: this.#digest };
  }

  /** Gives back the images that are open. */
  async close(): Promise<void> {
    for (const { image } of this.#sessions.values()) {
      if (image !== undefined) await this.#duties.repository.release(image);
    }
  }

  #session(link: Link): Session {
    const known = this.#sessions.get(link);
    if (known !== undefined) return known;
    const session: Session = { image: undefined, progress: undefined, startedAt: undefined, blocks: 0 };
    this.#sessions.set(link, session);
    return session;
  }

  handle(now: Millis, event: RescuerEvent, link: Link): void {
    switch (event.tag) {
      case "pick":
        void this.#pick(event, link);
        return;
      case "readRun":
      case "readBlock":
        this.#read(event, link);
        return;
      default:
        this.#handleNews(now, event, link);
    }
  }

  async #pick(event: RescuerEvent & { readonly tag: "pick" }, link: Link): Promise<void> {
    const image = await this.#open(event.beacon, event.refused, link).catch((error: unknown) => {
      const detail = error instanceof Error ? error.message : String(error);
      this.#host.tell({ event: "link", link: link.endpoint, state: "image-unreadable", detail });
      return undefined;
    });
    const session = this.#session(link);
    if (session.image !== undefined && session.image !== image) {
      await this.#duties.repository.release(session.image);
    }
    session.image = image;
    link.role.handlePicked(this.#host.clock.now(), event.session, image && offeredImage(image));
    link.driver.pump();
  }

  async #open(beacon: Beacon, refused: readonly Uint8Array[], link: Link): Promise<ImageSource | undefined> {
    const { repository, allowUnsigned, offersAnyway } = this.#duties;
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
      applyRescuerEffect(event, link.role, session.image);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      this.#host.end({ code: ExitCode.failed, reason: "image-unreadable", detail });
    }
  }

  #handleNews(now: Millis, event: RescuerEvent, link: Link): void {
    const at = { link: link.endpoint };
    const session = this.#session(link);
    switch (event.tag) {
      case "heard":
        this.#host.line.heardNode = true;
        this.#tellBeacon(event.beacon, link);
        return;
      case "offered": {
        const { offer } = event;
        const digest = toHex(offer.digest);
        const version = formatVersion(offer.version);
        this.#host.tell({ event: "offer", ...at, peer: this.#peer ?? "", digest, version, size: offer.size });
        return;
      }
      case "accepted":
        session.startedAt = now;
        session.blocks = 0;
        session.progress = new TransferProgress(now, link.endpoint, link.end.counters.bytesSent);
        return;
      case "progress":
        this.#tellProgress(now, event.openBlocks, link, session);
        return;
      case "refused":
        this.#host.line.heardForeignVersion ||= event.reason === "protocol";
        this.#refused(link, event.reason, event.detail, event.digest);
        return;
      case "healed":
        this.#healed++;
        this.#seconds = session.startedAt === undefined ? 0 : (now - session.startedAt) / 1000;
        this.#digest = session.image === undefined ? toHex(event.digest) : toHex(session.image.digest);
        this.#host.tell({ event: "healed", ...at, peer: this.#peer ?? "", digest: this.#digest });
        if (this.#duties.once) this.#host.end({ code: ExitCode.done, reason: "healed" });
        return;
      case "sessionLost":
        this.#host.tell({ event: "lost", ...at, why: event.why });
        if (event.why === "done-not-heard" && this.#duties.once) {
          const detail = "everything was sent and acknowledged, but the target never said that it is healed";
          this.#host.end({ code: ExitCode.noNeighbour, reason: "done-not-heard", detail });
        }
        return;
      case "console":
      case "link":
      case "stranger":
        this.#host.line.handle(event, link);
        return;
      default:
        return;
    }
  }

  #tellBeacon(beacon: Beacon, link: Link): void {
    this.#peer = toHex(beacon.nodeId);
    if (this.#boards.isCopied(link.endpoint, beacon)) {
      const detail = `board ${this.#peer} is on two links at once under two nonces: a copied board folder or flash`;
      this.#host.tell({ event: "link", link: link.endpoint, state: "copied-board", detail });
    }
    if (beacon.tag !== "distress") return;
    this.#host.tell({
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
    const { counters } = link.end;
    const done = Math.max(0, session.blocks - openBlocks);
    const { leafCount, blockSize } = manifest;
    const told = session.progress?.measure(now, done, leafCount, blockSize, counters.bytesSent, counters);
    if (told !== undefined) this.#host.tell(told);
  }

  #refused(link: Link, reason: RefusalReason, why: string | undefined, digest: Uint8Array | undefined): void {
    const detail = why ?? REFUSAL_TEXT[reason];
    this.#refusal = { code: ExitCode.refused, reason, detail };
    const named = digest === undefined ? {} : { digest: toHex(digest) };
    this.#host.tell({ event: "refused", link: link.endpoint, reason, detail, ...named });
    if (this.#duties.once) this.#host.end(this.#refusal);
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
