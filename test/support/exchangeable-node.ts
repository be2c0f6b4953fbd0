import type { Clock } from "../../src/base/clock.ts";
import { type Random, randomBytes, SeededRandom } from "../../src/base/prng.ts";
import type { MemoryBoard } from "../../src/board/memory-board.ts";
import type { TargetStore } from "../../src/board/target-store.ts";
import type { ImageSource } from "../../src/image/image-source.ts";
import type { Link } from "../../src/link/link.ts";
import { LinkDriver, type SplitterFactory } from "../../src/node/link-driver.ts";
import { linkOptionsFor } from "../../src/node/node-link.ts";
import { PickedImages } from "../../src/node/rescuer-effects.ts";
import { applyTargetEffect, nodeStatusOf } from "../../src/node/target-effects.ts";
import type { NodeStatus } from "../../src/session/beacon.ts";
import { LinkEnd } from "../../src/session/link-end.ts";
import { randomNonces } from "../../src/session/nonces.ts";
import { type QueryEvent, QueryRole } from "../../src/session/query-role.ts";
import type { RescuerEvent } from "../../src/session/rescuer/rescuer-events.ts";
import { RescuerRole } from "../../src/session/rescuer/rescuer-role.ts";
import type { TargetEvent } from "../../src/session/target/target-events.ts";
import { TargetRole } from "../../src/session/target/target-role.ts";
import { TargetStart } from "../../src/session/target/target-start.ts";
import type { Transport } from "../../src/transport/transport.ts";

type Present =
  | { readonly tag: "none" }
  | { readonly tag: "query"; readonly role: QueryRole }
  | { readonly tag: "rescuer"; readonly role: RescuerRole; readonly image: ImageSource }
  | { readonly tag: "target"; readonly role: TargetRole; readonly store: TargetStore };

/** A node on one port that stays open while its role changes: query, rescuer of one image, or target with a board. */
export class ExchangeableNode {
  readonly end: LinkEnd<TargetEvent | RescuerEvent | QueryEvent>;
  /** Events of each kind since the role was last exchanged. */
  readonly seen: Map<string, number> = new Map();
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #driver: LinkDriver<TargetEvent | RescuerEvent | QueryEvent>;
  readonly #images: PickedImages = new PickedImages();
  #present: Present = { tag: "none" };

  constructor(transport: Transport, clock: Clock, makeSplitter: SplitterFactory, seed: number) {
    this.#clock = clock;
    this.#random = new SeededRandom(seed);
    this.end = new LinkEnd(linkOptionsFor(transport));
    const onEvent = (event: TargetEvent | RescuerEvent | QueryEvent): void => this.#handle(event);
    this.#driver = new LinkDriver(this.end, transport, clock, makeSplitter, { onEvent });
  }

  get link(): Link {
    return this.end.link;
  }

  async open(): Promise<void> {
    await this.#driver.open();
  }

  async close(): Promise<void> {
    this.end.stop();
    await this.#driver.close();
  }

  becomeQuery(): void {
    const random = this.#random;
    this.#exchanged({
      tag: "query",
      role: this.end.exchange(this.#clock.now(), (host) => new QueryRole(host, { random })),
    });
  }

  becomeRescuer(image: ImageSource): void {
    const options = { ...this.#ids(), random: this.#random };
    const now = this.#clock.now();
    const role = this.end.exchange(now, (host) => new RescuerRole(now, host, options));
    this.#exchanged({ tag: "rescuer", role, image });
  }

  becomeTarget(board: MemoryBoard): void {
    const store = board.store();
    const start = new TargetStart(randomNonces(this.#random));
    const status = (): NodeStatus => nodeStatusOf(store.status());
    const options = { random: this.#random, start, status, isBlank: () => store.isBlank() };
    const now = this.#clock.now();
    const role = this.end.exchange(now, (host) => new TargetRole(now, host, options));
    this.#exchanged({ tag: "target", role, store });
  }

  #ids(): { nodeId: Uint8Array; bootNonce: Uint8Array } {
    return { nodeId: randomBytes(this.#random, 8), bootNonce: randomBytes(this.#random, 8) };
  }

  #exchanged(present: Present): void {
    this.#present = present;
    this.seen.clear();
    this.#driver.pump();
  }

  #handle(event: TargetEvent | RescuerEvent | QueryEvent): void {
    this.seen.set(event.tag, (this.seen.get(event.tag) ?? 0) + 1);
    const present = this.#present;
    if (present.tag === "rescuer") {
      const heard = event as RescuerEvent;
      if (heard.tag === "pick")
        this.#images.answer(this.#clock.now(), present.role, heard.session, present.image);
      else this.#images.apply(this.#clock.now(), heard, present.role);
    } else if (present.tag === "target") {
      applyTargetEffect(this.#clock, event as TargetEvent, present.role, present.store);
    }
  }
}
