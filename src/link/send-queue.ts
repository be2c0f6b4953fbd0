import type { Packet } from "../wire/messages.ts";
import { RangeSet } from "./range-set.ts";

/** Something to deliver in chunks: a block in one attempt, or an object. */
export interface SendItem {
  readonly key: string;
  /** Bytes. Read for the first time when the item's turn comes: it may be coded only then. */
  readonly length: number;
  /** Sent before other items: true for objects, which the target needs to ask for blocks. */
  readonly isUrgent: boolean;
  /** The packet with this number, with the bytes from `from` up to, but not including, `to`. */
  packet(packetNumber: number, from: number, to: number): Packet;
}

/** An item in the queue, and how far it was sent. */
export interface QueueEntry {
  readonly item: SendItem;
  /** Bytes to send, or to send again; undefined before its turn comes. */
  pending: RangeSet | undefined;
  inFlight: number;
}

/** Bytes of an item from `from` up to, but not including, `to`. */
export interface Stretch {
  readonly entry: QueueEntry;
  readonly from: number;
  readonly to: number;
}

/** What a session has to send: urgent items first, each kind in the order in which it was added. */
export class SendQueue {
  #entries: QueueEntry[] = [];
  readonly #completed: string[] = [];

  has(key: string): boolean {
    return this.#entries.some((entry) => entry.item.key === key);
  }

  /** Keys of the items that are queued, in flight, or acked and not dropped. */
  get keys(): string[] {
    return this.#entries.map((entry) => entry.item.key);
  }

  /** Some of it was not sent yet, or has to be sent again. */
  get hasPending(): boolean {
    return this.#entries.some(isPending);
  }

  /** Queues an item behind those of its kind. Does nothing if its key is queued already. */
  add(item: SendItem): void {
    if (this.has(item.key)) return;
    const entry: QueueEntry = { item, pending: undefined, inFlight: 0 };
    const firstBlock = this.#entries.findIndex((other) => !other.item.isUrgent);
    if (item.isUrgent && firstBlock >= 0) this.#entries.splice(firstBlock, 0, entry);
    else this.#entries.push(entry);
  }

  drop(key: string): void {
    this.#entries = this.#entries.filter((entry) => entry.item.key !== key);
  }

  clear(): void {
    this.#entries = [];
  }

  /** Takes the stretch that is sent next; `cut` says how many of its bytes. Undefined when nothing is pending. */
  take(cut: (available: number) => number): Stretch | undefined {
    const entry = this.#entries.find(isPending);
    const pending = entry && pendingOf(entry);
    const range = pending?.first;
    if (entry === undefined || pending === undefined || range === undefined) return undefined;
    const { from } = range;
    const to = from + cut(range.to - from);
    pending.remove(from, to);
    entry.inFlight++;
    return { entry, from, to };
  }

  /** The fate of a stretch that was taken is known; true if it has to be sent again. */
  settle({ entry, from, to }: Stretch, arrived: boolean): boolean {
    entry.inFlight--;
    if (!this.#entries.includes(entry)) return false;
    if (!arrived) pendingOf(entry).add(from, to);
    else if (entry.inFlight === 0 && !isPending(entry)) this.#completed.push(entry.item.key);
    return !arrived;
  }

  /** The next item of which every byte was acked, by its key; each once. */
  takeCompleted(): string | undefined {
    return this.#completed.shift();
  }
}

function isPending({ pending }: QueueEntry): boolean {
  return pending?.isEmpty !== true;
}

function pendingOf(entry: QueueEntry): RangeSet {
  entry.pending ??= RangeSet.of(0, entry.item.length);
  return entry.pending;
}
