import { hasNode, type TreeNode } from "../base/tree-shape.ts";
import type { ImageSource } from "../image/image-source.ts";
import { shortDigest } from "../image/manifest.ts";
import type { OfferedImage, RescuerEvent, RunPayload } from "../session/rescuer/rescuer-events.ts";
import type { RescuerRole } from "../session/rescuer/rescuer-role.ts";

/**
 * Reads what a rescuer asks for from its image and hands it over; false if the event is not such an effect (a `pick` is
 * the repository's). Throws FailedError if the image can no longer be read.
 */
export function applyRescuerEffect(event: RescuerEvent, rescuer: RescuerRole, image: ImageSource): boolean {
  switch (event.tag) {
    case "readRun":
      rescuer.handleRunRead(event.session, event.node, readRun(image, event.node));
      return true;
    case "readBlock":
      rescuer.handleBlockRead(event.session, event.wish, image.readBlockSync(event.wish.block));
      return true;
    default:
      return false;
  }
}

function readRun(image: ImageSource, node: TreeNode): RunPayload | undefined {
  if (node.level < 1 || !hasNode(image.manifest.leafCount, node)) return undefined;
  const byte = image.uniformByteOf(node);
  return byte === undefined ? { tag: "hashes", hashes: image.tree.run(node) } : { tag: "uniform", byte };
}

/** An image as a rescuer offers it. */
export function offeredImage(image: ImageSource): OfferedImage {
  const { version, size, blockSize, counter } = image.manifest;
  return { digest: shortDigest(image.digest), version, size, blockSize, counter, envelope: image.envelope };
}
