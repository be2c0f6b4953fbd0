import { BoundedMap } from "../base/bounded-map.ts";
import { toHex } from "../base/bytes.ts";
import { ExitCode } from "../base/errors.ts";
import { errorWords } from "../base/system-error.ts";
import type { TreeNode } from "../base/tree-shape.ts";
import type { Millis } from "../base/units.ts";
import { isGrowing } from "../image/image-source.ts";
import type { WaitReason } from "../mesh/dispatch.ts";
import { type Beacon, isCall } from "../wire/messages.ts";
import type { ImageCoders } from "./image-coder.ts";
import type { PickedImage } from "./image-picking.ts";
import type { RescuerDuties } from "./rescuer-duties.ts";
import type { RescuerImages } from "./rescuer-images.ts";
import type { RescuerHost, RescuerLink, RescuerLinks } from "./rescuer-links.ts";
import type { RescuerNews } from "./rescuer-news.ts";
import type { EventOf } from "./rescuer-reports.ts";

type ImageEvent = EventOf<"readRun" | "readBlock" | "release">;

/** Most boards of which it is remembered that they wait. */
const BOARDS_MAX = 256;
/** A board that has to wait calls again about this often, in seconds (PROTOCOL.md 5.2); it is reported once a minute. */
const CALLS_EVERY_S = 2;
const WAITING_REPORT_MS: Millis = 60_000;

/** What a rescuer's picks share with the rest of it. */
export interface RescuerPicksParts {
  readonly host: RescuerHost;
  readonly duties: RescuerDuties;
  readonly links: RescuerLinks;
  readonly images: RescuerImages;
  readonly coders: ImageCoders;
  readonly news: RescuerNews;
}

/** Carries out the effects of a rescuer's roles: chooses an image for each call, and reads what the sessions send of it. */
export class RescuerPicks {
  readonly #host: RescuerHost;
  readonly #duties: RescuerDuties;
  readonly #links: RescuerLinks;
  readonly #images: RescuerImages;
  readonly #coders: ImageCoders;
  readonly #news: RescuerNews;
  /** When it was reported last that a board waits, and why. */
  readonly #waitingTold: BoundedMap<string, Millis> = new BoundedMap(BOARDS_MAX);

  constructor({ host, duties, links, images, coders, news }: RescuerPicksParts) {
    this.#host = host;
    this.#duties = duties;
    this.#links = links;
    this.#images = images;
    this.#coders = coders;
    this.#news = news;
  }

  /** Returns the open images to the repository, those of picks that still run too. */
  async close(): Promise<void> {
    await this.#images.settled();
    for (const [, { images }] of this.#links.all()) images.releaseAll();
    await this.#images.settled();
  }

  /** More is there below a node of the image that the node's own board receives: neighbours may wait for it. */
  handleGrown(node: TreeNode): void {
    for (const [{ driver, role }, { session }] of this.#links.all()) {
      if (session?.image === undefined || !isGrowing(session.image)) continue;
      role?.handleGrown(node.level === 0 ? node.index : undefined);
      role?.handleHeld(this.#host.clock.now(), session.image.heldBelow(node));
      driver.pump();
    }
  }

  /** Looks for an image for a board that calls, and answers its pick. */
  pick(event: EventOf<"pick">, link: RescuerLink): void {
    this.#images.track(this.#host.whileAnswering(this.#pick(event, link)));
  }

  async #pick({ beacon, refused, session }: EventOf<"pick">, link: RescuerLink): Promise<void> {
    const work = this.#links.of(link);
    if (this.#news.isSettled) {
      work.images.answer(this.#host.clock.now(), link.role, session, undefined);
      link.driver.pump();
      return;
    }
    work.cause = beacon.failure === undefined ? "update" : "heal";
    const admission = this.#duties.admit?.(link, work.cause);
    if (admission?.tag === "wait") {
      work.images.answer(this.#host.clock.now(), link.role, session, undefined);
      this.#reportWaiting(link, beacon, admission.why);
      link.driver.pump();
      return;
    }
    const picked = await this.#imageFor(beacon, refused, link);
    const image = picked?.tag === "image" ? picked.image : undefined;
    const none = picked?.tag === "none" ? picked : undefined;
    const why = picked === undefined ? "no-image" : none?.why;
    this.#links.of(link).images.answer(this.#host.clock.now(), link.role, session, image, why);
    link.driver.pump();
    if (image !== undefined) this.#coders.prepare(image);
    this.#duties.onPicked?.(link, beacon, image !== undefined);
    // A board that did not ask is told nothing, and is none that was refused.
    if (none === undefined || !isCall(beacon)) return;
    // Last: with `once` it ends the run, and the board is to hear why.
    const { reason, detail } = none;
    this.#news.reportRefusal(link, { reason, detail, peer: toHex(beacon.nodeId), isProven: false });
  }

  #reportWaiting(link: RescuerLink, { nodeId }: Beacon, reason: WaitReason): void {
    const now = this.#host.clock.now();
    const name = `${link.endpoint} ${toHex(nodeId)} ${reason}`;
    const toldAt = this.#waitingTold.get(name);
    if (toldAt !== undefined && now - toldAt < WAITING_REPORT_MS) return;
    this.#waitingTold.set(name, now);
    const seconds = CALLS_EVERY_S;
    this.#news.report({ event: "waiting", link: link.endpoint, peer: toHex(nodeId), reason, seconds });
  }

  async #imageFor(
    beacon: Beacon,
    refused: readonly Uint8Array[],
    link: RescuerLink,
  ): Promise<PickedImage | undefined> {
    let isUnreadable = false;
    const onUnreadable = (error: unknown): void => {
      isUnreadable = true;
      this.#news.reportUnreadable(link, error);
    };
    try {
      const picked = await this.#images.pick(this.#host.clock.now(), beacon, refused, onUnreadable);
      // The board is told that there is none, as it was not at an earlier call.
      return picked.tag === "again" && isUnreadable ? undefined : picked;
    } catch (error) {
      this.#news.reportUnreadable(link, error);
      return undefined;
    }
  }

  /** Reads what a session asks for, or releases its image. */
  carryOut(event: ImageEvent, link: RescuerLink): void {
    const { images, session } = this.#links.of(link);
    try {
      const outcome = images.apply(this.#host.clock.now(), event, link.role);
      if (event.tag !== "readBlock" || outcome === "later") return;
      if (session !== undefined) session.blocks++;
      this.#news.outcome.blocks++;
    } catch (error) {
      this.#handleUnreadable(event.session, link, error);
    }
  }

  /** An image cannot be read in the middle of a session: the session ends, the board is told, and its next call gets another one. */
  #handleUnreadable(session: number, link: RescuerLink, error: unknown): void {
    const now = this.#host.clock.now();
    const image = this.#links.of(link).images.get(session);
    if (image !== undefined) this.#images.noteUnreadable(now, image.digest);
    const isOnlyOne = this.#duties.once && this.#duties.offersAnyway === true;
    if (isOnlyOne && !this.#news.isSettled) {
      this.#host.end({ code: ExitCode.failed, reason: "image-unreadable", detail: errorWords(error) });
      return;
    }
    this.#news.reportUnreadable(link, error);
    link.role?.handleUnreadable(now, session);
    this.#duties.onUnreadable?.(link);
  }
}
