import type { RunPayload, TreeNode } from "../../base/tree-shape.ts";
import type { SendSide } from "../../link/send-side.ts";
import { ObjectKind } from "../../wire/constants.ts";
import type { ObjectName } from "../../wire/messages.ts";
import type { OfferedImage } from "./rescuer-events.ts";
import { objectItem, objectKey } from "./send-items.ts";

const MANIFEST: ObjectName = { kind: ObjectKind.manifest, node: { level: 0, index: 0 } };
const LOCATOR: ObjectName = { kind: ObjectKind.locator, node: { level: 0, index: 0 } };
const MANIFEST_KEY = objectKey(MANIFEST);

/** What a rescuer sends of an image beside its blocks: the manifest, runs of its tree, and where else it lies. */
export class SendingObjects {
  readonly #sender: SendSide;
  readonly #image: OfferedImage;
  #isPastManifest = false;
  #isManifestAcked = false;

  constructor(sender: SendSide, image: OfferedImage) {
    this.#sender = sender;
    this.#image = image;
  }

  /** The manifest was accepted: something beyond it was asked for. */
  get isPastManifest(): boolean {
    return this.#isPastManifest;
  }

  /** The target has the manifest of this session. */
  get isManifestAcked(): boolean {
    return this.#isManifestAcked;
  }

  notePastManifest(): void {
    this.#isPastManifest = true;
  }

  /** Queues the manifest, if the target can still need it. */
  sendManifest(): void {
    if (this.#isPastManifest) return;
    this.#sender.add(objectItem(MANIFEST, this.#image.envelope));
  }

  /** Queues the locator, if the image has one. */
  sendLocator(): void {
    const { locator } = this.#image;
    if (locator !== undefined) this.#sender.add(objectItem(LOCATOR, locator));
  }

  /** Queues a run that was read. */
  sendRun(node: TreeNode, payload: RunPayload): void {
    const [kind, bytes] =
      payload.tag === "hashes"
        ? [ObjectKind.run, payload.hashes]
        : [ObjectKind.uniform, Uint8Array.of(payload.byte)];
    this.#sender.add(objectItem({ kind, node }, bytes));
  }

  /** Whether the run is queued or in flight. */
  isRunQueued(node: TreeNode): boolean {
    const kinds = [ObjectKind.run, ObjectKind.uniform];
    return kinds.some((kind) => this.#sender.has(objectKey({ kind, node })));
  }

  /** An object was acked, and is forgotten. */
  handleAcked(key: string): void {
    if (key === MANIFEST_KEY) this.#isManifestAcked = true;
    this.#sender.drop(key);
  }
}
