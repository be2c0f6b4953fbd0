import { hasNode, rootNode } from "../base/tree-shape.ts";
import type { Millis } from "../base/units.ts";
import { isGrowing, runOf, type ServedImage } from "../image/image-source.ts";
import { shortDigest } from "../image/manifest.ts";
import type { OfferedImage, RescuerEvent } from "../session/rescuer/rescuer-events.ts";
import type { RescuerRole } from "../session/rescuer/rescuer-role.ts";
import type { NoneReason } from "../wire/messages.ts";
import type { ImageCoders } from "./image-coder.ts";

/**
 * The images that a rescuer's picks chose, each held from the answer to its pick until the role releases it. What a session
 * sends comes from the image of its own offer, whatever was picked since.
 */
export class PickedImages {
  readonly #held: Map<number, ServedImage> = new Map();
  readonly #onRelease: (image: ServedImage) => void;
  readonly #coders: Pick<ImageCoders, "of"> | undefined;
  readonly #locatorOf: (digest: Uint8Array) => string | undefined;

  /**
   * `onRelease` gets each image that is no longer needed, as often as it was picked. `coders` make coded blocks; without
   * them there are none. `locatorOf`: where an image lies on a network, by its whole digest.
   */
  constructor(
    onRelease: (image: ServedImage) => void = () => {},
    coders?: Pick<ImageCoders, "of">,
    locatorOf: (digest: Uint8Array) => string | undefined = () => undefined,
  ) {
    this.#locatorOf = locatorOf;
    this.#onRelease = onRelease;
    this.#coders = coders;
  }

  /** The image of a pick, offer or session. */
  get(session: number): ServedImage | undefined {
    return this.#held.get(session);
  }

  /** Completes a pick; `image` undefined when none suits: `why` is told to the board. */
  answer(
    now: Millis,
    rescuer: RescuerRole | undefined,
    session: number,
    image: ServedImage | undefined,
    why?: NoneReason,
  ): void {
    if (image !== undefined) this.#held.set(session, image);
    if (rescuer === undefined) this.#release(session);
    else rescuer.handlePicked(now, session, image && this.#offered(image), why);
  }

  /**
   * Reads what a rescuer asks for and hands it over, or releases an image: `done`. `later`: it is not there yet, and is asked for
   * again by {@link RescuerRole.handleGrown}. Undefined if the event is not such an effect (a `pick` is the repository's). Throws
   * FailedError if the image can no longer be read.
   */
  apply(now: Millis, event: RescuerEvent, rescuer: RescuerRole | undefined): "done" | "later" | undefined {
    switch (event.tag) {
      case "readRun": {
        const image = this.#held.get(event.session);
        if (image === undefined) return "done";
        const { node, session } = event;
        const hasRun = node.level > 0 && hasNode(image.manifest.leafCount, node);
        const run = hasRun ? runOf(image, node) : undefined;
        if (hasRun && run === undefined) return "later";
        rescuer?.handleRunRead(now, session, node, run);
        return "done";
      }
      case "readBlock": {
        const image = this.#held.get(event.session);
        if (image === undefined) return "done";
        const block = image.readBlockSync(event.wish.block);
        if (block === undefined) return "later";
        rescuer?.handleBlockRead(now, event.session, event.wish, block, this.#coders?.of(image));
        return "done";
      }
      case "release":
        this.#release(event.session);
        return "done";
      default:
        return undefined;
    }
  }

  /** An image as a rescuer offers it. */
  #offered(image: ServedImage): OfferedImage {
    const text = this.#locatorOf(image.digest);
    const locator = text === undefined ? {} : { locator: new TextEncoder().encode(text) };
    return { ...offeredImage(image), ...locator };
  }

  /** Releases all. */
  releaseAll(): void {
    for (const session of [...this.#held.keys()]) this.#release(session);
  }

  #release(session: number): void {
    const image = this.#held.get(session);
    this.#held.delete(session);
    if (image !== undefined) this.#onRelease(image);
  }
}

/** What the wire says of an image. */
function offeredImage(image: ServedImage): OfferedImage {
  const { version, size, blockSize, counter, leafCount } = image.manifest;
  const held = isGrowing(image) ? image.heldBelow(rootNode(leafCount)) : [{ first: 0, count: leafCount }];
  const there = held.reduce((sum, { count }) => sum + count, 0);
  const partial = there < leafCount ? { partial: there } : {};
  const { digest, envelope } = image;
  return { digest: shortDigest(digest), version, size, blockSize, counter, envelope, ...partial };
}
