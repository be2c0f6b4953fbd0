import type { ExitCode } from "../base/errors.ts";
import type { TreeNode } from "../base/tree-shape.ts";
import type { Millis } from "../base/units.ts";
import type { LinkKey } from "../link/link-key.ts";
import type { ServeCause } from "../mesh/dispatch.ts";
import type { RescuerEvent } from "../session/rescuer/rescuer-events.ts";
import { RescuerRole } from "../session/rescuer/rescuer-role.ts";
import type { RoleHost } from "../session/role.ts";
import type { BoardNames } from "./board-names.ts";
import { ImageCoders } from "./image-coder.ts";
import type { HeardTexts } from "./line-reports.ts";
import { freshBootNonce, freshId } from "./node-link.ts";
import type { RescuerDuties, RescuerSelf } from "./rescuer-duties.ts";
import { PickedImages } from "./rescuer-effects.ts";
import { RescuerImages } from "./rescuer-images.ts";
import { type RescuerHost, type RescuerLink, RescuerLinks } from "./rescuer-links.ts";
import { RescuerNews } from "./rescuer-news.ts";
import { RescuerPicks } from "./rescuer-picks.ts";
import type { Ending, SessionFigures } from "./verdict.ts";
import { zlibDeflate } from "./zlib-deflate.ts";

/** What is said at the timeout if another node was there. */
const HEARD_TEXTS: HeardTexts = {
  "board-in-distress": "a node is there, but was not healed in time",
  rescuer: "another rescuer is there, and no board in distress",
  board: "a board that boots is there, and none in distress",
  unknown: "a node is there, but did not call for help",
};

/** A run as rescuer: chooses and reads images for its roles, and reports what they do. */
export class RescuerSide {
  readonly #host: RescuerHost;
  readonly #duties: RescuerDuties;
  readonly #self: Pick<RescuerSelf, "nodeId" | "bootNonce"> & Partial<RescuerSelf>;
  readonly #links: RescuerLinks;
  readonly #picks: RescuerPicks;
  readonly #news: RescuerNews;

  constructor(host: RescuerHost, duties: RescuerDuties) {
    this.#host = host;
    this.#duties = duties;
    const images = new RescuerImages(duties);
    // Coded blocks, kept from one board to the next.
    const coders = new ImageCoders(zlibDeflate);
    const makeImages = (): PickedImages =>
      new PickedImages(
        (image) => images.release(image),
        coders,
        (digest) => duties.locatorOf?.(digest),
      );
    const links = new RescuerLinks(host.random, makeImages);
    const news = new RescuerNews(host, duties, links);
    this.#links = links;
    this.#news = news;
    this.#picks = new RescuerPicks({ host, duties, links, images, coders, news });
    const bootNonce = freshBootNonce(host.random);
    this.#self = duties.self ?? { nodeId: freshId(host.random), bootNonce: () => bootNonce };
  }

  get names(): BoardNames {
    return this.#news.names;
  }

  linkKeyOf(): LinkKey | undefined {
    return this.#duties.linkKey;
  }

  get nodeId(): Uint8Array {
    return this.#self.nodeId;
  }

  get bootNonce(): Uint8Array {
    return this.#self.bootNonce();
  }

  makeRole(now: Millis, host: RoleHost<RescuerEvent>): RescuerRole {
    return this.roleOn(now, host, undefined);
  }

  /** Creates the role on one link, with what is remembered of that link from earlier roles. */
  roleOn(now: Millis, host: RoleHost<RescuerEvent>, link: RescuerLink | undefined): RescuerRole {
    const { random } = this.#host;
    const { nodeId, bootNonce, status } = this.#self;
    return new RescuerRole(now, host, {
      random,
      nodeId,
      bootNonce: bootNonce(),
      ...(status && { status }),
      ...(this.#duties.handsOut === true && { handsOut: true }),
      ...(this.#duties.isEager === true && { isEager: true }),
      ...(link && { callers: this.#links.of(link).callers }),
    });
  }

  /** Why the board is served, or about to be, that is engaged on this link; undefined when none is. */
  causeOn(link: RescuerLink): ServeCause | undefined {
    return link.role?.isEngaged === true ? this.#links.of(link).cause : undefined;
  }

  isWaiting(): boolean {
    return this.#news.isWaiting;
  }

  handleTimeout(): Ending {
    return this.#news.outcome.ending ?? this.#host.line.endAtTimeout(this.#host.links, HEARD_TEXTS);
  }

  /** What a verdict with this code says of the sessions. */
  figures(code: ExitCode): SessionFigures {
    return this.#news.outcome.figures(code);
  }

  /** Returns the open images to the repository, those of picks that still run too. */
  async close(): Promise<void> {
    this.#news.close();
    await this.#picks.close();
  }

  /** More is there below a node of the image that the node's own board receives: neighbours may wait for it. */
  handleGrown(node: TreeNode): void {
    this.#picks.handleGrown(node);
  }

  handle(now: Millis, event: RescuerEvent, link: RescuerLink): void {
    switch (event.tag) {
      case "pick":
        this.#picks.pick(event, link);
        return;
      case "readRun":
      case "readBlock":
      case "release":
        this.#picks.carryOut(event, link);
        return;
      default:
        this.#news.handle(now, event, link);
    }
  }
}
