import type { TreeNode } from "../base/tree-shape.ts";
import type { SendSide } from "../link/send-side.ts";
import { CHUNK_UNIT, Codec, codecBit, ObjectKind } from "../wire/constants.ts";
import type { Grant, Request } from "../wire/messages.ts";
import { isAfter, type SessionIdentity } from "./identity.ts";
import type { BlockWish, OfferedImage, RunPayload } from "./rescuer-events.ts";
import { blockItem, blockKey, isBlockKey, objectItem, objectKey } from "./send-items.ts";

/** The rescuer's side of a running session: what the target wants now, and what of it is queued (PROTOCOL.md 6.2). */
export class Serving {
  readonly peer: SessionIdentity;
  readonly image: OfferedImage;
  readonly #sender: SendSide;
  readonly #openBlocksMax: number;
  #grantSequence: number | undefined;
  #requestSequence: number | undefined;
  /** Keys of the blocks granted now. */
  #granted: ReadonlySet<string> = new Set();
  /** The manifest was accepted: something beyond it was asked for. */
  #isPastManifest = false;

  /** `openBlocksMax`: what the target stated in ACCEPT. It bounds what is held for it: at least one block. */
  constructor(peer: SessionIdentity, image: OfferedImage, sender: SendSide, openBlocksMax: number) {
    this.peer = peer;
    this.image = image;
    this.#sender = sender;
    this.#openBlocksMax = Math.max(1, openBlocksMax);
  }

  /** Blocks that the target waits for. */
  get openBlocks(): number {
    return this.#granted.size;
  }

  /** Everything asked for was sent and acked: only DONE is missing. */
  get isDelivered(): boolean {
    return this.#isPastManifest && this.#sender.isIdle;
  }

  /** Queues the manifest, if the target can still need it. */
  sendManifest(): void {
    if (this.#isPastManifest) return;
    const name = { kind: ObjectKind.manifest, node: { level: 0, index: 0 } };
    this.#sender.add(objectItem(name, this.image.envelope));
  }

  /** Takes in a grant; gives the blocks to read, or undefined when it is an old one. */
  handleGrant(grant: Grant): BlockWish[] | undefined {
    if (this.#grantSequence !== undefined && !isAfter(grant.sequence, this.#grantSequence)) return undefined;
    this.#grantSequence = grant.sequence;
    this.#isPastManifest = true;
    const leafCount = Math.ceil(this.image.size / this.image.blockSize);
    const before = this.#granted;
    const granted = new Set<string>();
    const wishes: BlockWish[] = [];
    for (const { first, count, attempt, codecs } of grant.entries) {
      for (let block = first; block < Math.min(first + count, leafCount); block++) {
        const key = blockKey(block, attempt);
        if (granted.has(key)) continue;
        if (granted.size >= this.#openBlocksMax) break;
        granted.add(key);
        if (!before.has(key)) wishes.push({ block, attempt, codecs });
      }
    }
    for (const key of before) if (!granted.has(key)) this.#sender.drop(key);
    this.#granted = granted;
    return wishes;
  }

  /** Queues a block that was read, if it is still granted. */
  addBlock({ block, attempt, codecs }: BlockWish, octets: Uint8Array): void {
    if (!this.#granted.has(blockKey(block, attempt))) return;
    const position = (block * this.image.blockSize) / CHUNK_UNIT;
    const isUniformAllowed = (codecs & codecBit(Codec.uniform)) !== 0;
    this.#sender.add(blockItem(block, attempt, position, octets, isUniformAllowed));
  }

  /** Takes in a request; gives the nodes whose runs are to be read. */
  handleRequest(request: Request): TreeNode[] {
    if (this.#requestSequence !== undefined && !isAfter(request.sequence, this.#requestSequence)) return [];
    this.#requestSequence = request.sequence;
    const nodes: TreeNode[] = [];
    for (const wanted of request.wanted) {
      if (wanted === "manifest") this.sendManifest();
      else if (!this.#isQueued(wanted)) nodes.push(wanted);
    }
    if (nodes.length > 0) this.#isPastManifest = true;
    return nodes;
  }

  #isQueued(node: TreeNode): boolean {
    const kinds = [ObjectKind.run, ObjectKind.uniform];
    return kinds.some((kind) => this.#sender.has(objectKey({ kind, node })));
  }

  /** Queues a run that was read. */
  addRun(node: TreeNode, payload: RunPayload): void {
    const [kind, octets] =
      payload.tag === "hashes"
        ? [ObjectKind.run, payload.hashes]
        : [ObjectKind.uniform, Uint8Array.of(payload.byte)];
    this.#sender.add(objectItem({ kind, node }, octets));
  }

  /** Objects are forgotten once acked; a block stays until the grant no longer names it. */
  dropDelivered(): void {
    for (let key = this.#sender.takeCompleted(); key !== undefined; key = this.#sender.takeCompleted()) {
      if (!isBlockKey(key)) this.#sender.drop(key);
    }
  }

  /** Forgets all that is queued or in flight: the target has everything. */
  dropAll(): void {
    this.#sender.clear();
  }
}
