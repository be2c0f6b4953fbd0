import { equalBytes } from "../../../src/base/bytes.ts";
import { type Random, randomBelow, randomBytes, SeededRandom } from "../../../src/base/prng.ts";
import type { Millis } from "../../../src/base/units.ts";
import { VirtualClock } from "../../../src/base/virtual-clock.ts";
import { hardwareId } from "../../../src/image/hardware.ts";
import { type ImageSource, memoryImage } from "../../../src/image/image-source.ts";
import { shortDigest } from "../../../src/image/manifest.ts";
import { LinkDriver } from "../../../src/node/link-driver.ts";
import { PickedImages } from "../../../src/node/rescuer-effects.ts";
import { tagOf } from "../../../src/session/identity.ts";
import { LinkEnd } from "../../../src/session/link-end.ts";
import type { RescuerEvent } from "../../../src/session/rescuer/rescuer-events.ts";
import { RescuerRole } from "../../../src/session/rescuer/rescuer-role.ts";
import type { TransportHandlers } from "../../../src/transport/transport.ts";
import { ACK_BITMAP_LENGTH } from "../../../src/wire/constants.ts";
import { decodeFrame, encodeMessage } from "../../../src/wire/frame.ts";
import type { Frame, Message, Offer } from "../../../src/wire/messages.ts";
import { testKey } from "../../support/virtual-rescue.ts";

const BLOCK = 1024;
/** How long an effect takes. */
const DELAYS_MS: readonly Millis[] = [1, 50, 500];
/** Hardware classes, each with an image of its own. */
const CLASSES = ["widget", "gadget", "gizmo", "doohickey"] as const;

interface Kind {
  readonly data: Uint8Array;
  readonly image: ImageSource;
  readonly hardwareId: Uint8Array;
}

const KINDS: readonly Kind[] = CLASSES.map((hardwareClass, i) => {
  const data = randomBytes(new SeededRandom(900 + i), 2 * BLOCK);
  const version = { major: i + 1, minor: 0, patch: 0 };
  const image = memoryImage(data, { vendor: "acme", hardwareClass, version, blockSize: BLOCK }, testKey);
  return { data, image, hardwareId: hardwareId("acme", hardwareClass) };
});

/** What was seen of all boards. */
export interface Seen {
  offers: number;
  sessions: number;
  healed: number;
  /** Most picks at the same time. */
  picks: number;
  readonly wrong: string[];
}

/** One board that calls: takes the first offer to it, and the manifest and first block of its session. */
class CallingBoard {
  readonly #kind: Kind;
  readonly #seen: Seen;
  readonly #random: Random;
  readonly #nodeId: Uint8Array;
  readonly #bootNonce: Uint8Array;
  readonly #send: (message: Message, tag: number) => void;
  #tag: number | undefined;
  #accepted: Offer | undefined;
  #isDone = false;

  constructor(kind: Kind, seen: Seen, random: Random, send: (message: Message, tag: number) => void) {
    this.#kind = kind;
    this.#seen = seen;
    this.#random = random;
    this.#nodeId = randomBytes(random, 8);
    this.#bootNonce = randomBytes(random, 8);
    this.#send = send;
  }

  call(): void {
    if (this.#accepted !== undefined) return;
    const version = { major: 0, minor: 0, patch: 0 };
    const ids = { nodeId: this.#nodeId, bootNonce: this.#bootNonce, hardwareId: this.#kind.hardwareId };
    const status = { revision: 0, failure: "empty", isProvider: false, version, sequence: 0 } as const;
    const none = { counterFloor: 0, installedDigest: undefined, receivingDigest: undefined };
    this.#send({ tag: "distress", ...ids, ...status, ...none }, 1);
  }

  hear(bytes: Uint8Array): void {
    const frame = decodeFrame(bytes, this.#tag);
    if (frame.tag === "offer") this.#handleOffer(frame);
    else if (frame.tag === "object" || frame.tag === "data") this.#handlePacket(frame);
    else if (frame.tag === "doneAck" && this.#isDone) this.#seen.healed++;
  }

  #handleOffer(offer: Offer): void {
    if (!equalBytes(offer.targetNonce, this.#bootNonce)) return;
    this.#seen.offers++;
    if (!equalBytes(offer.digest, shortDigest(this.#kind.image.digest))) this.#seen.wrong.push("offer");
    if (this.#accepted !== undefined || randomBelow(this.#random, 4) === 0) return;
    this.#accepted = offer;
    const { targetNonce, rescuerNonce, rescuerId, digest } = offer;
    this.#tag = tagOf({ targetId: this.#nodeId, targetNonce, rescuerNonce, rescuerId, digest });
    const limits = { payloadMax: 2048, openBlocks: 4, codecs: 1 };
    this.#send({ tag: "accept", targetNonce, rescuerNonce, digest, ...limits }, 1);
  }

  #handlePacket(frame: Extract<Frame, { tag: "object" | "data" }>): void {
    const { data, image } = this.#kind;
    const tag = this.#tag ?? 0;
    const isManifest = frame.tag === "object";
    const all = isManifest ? image.envelope : data.subarray(0, BLOCK);
    const from = isManifest ? frame.offset : frame.position * 32;
    const { payload } = frame;
    if (!equalBytes(payload, all.subarray(from, from + payload.length)))
      this.#seen.wrong.push(isManifest ? "manifest" : "block");
    const bitmap = new Uint8Array(ACK_BITMAP_LENGTH).fill(0xff);
    this.#send({ tag: "ack", highest: frame.packetNumber & 0xffff, delayMs: 0, bitmap }, tag);
    if (from + payload.length < all.length || this.#isDone) return;
    if (isManifest) {
      this.#seen.sessions++;
      const entries = [{ first: 0, count: 1, attempt: 0, codecs: 1 }];
      this.#send({ tag: "grant", sequence: 1, entries }, tag);
      return;
    }
    this.#isDone = true;
    this.#send({ tag: "grant", sequence: 2, entries: [] }, tag);
    this.#send({ tag: "done", digest: shortDigest(image.digest) }, tag);
  }
}

/**
 * Two to four boards of different hardware call one rescuer, whose picks and reads take 1, 50 or 500 ms each, in any order.
 * `seen` collects what they saw.
 */
export function interleave(seed: number, seen: Seen): void {
  const random = new SeededRandom(seed);
  const clock = new VirtualClock();
  let handlers: TransportHandlers | undefined;
  const boards: CallingBoard[] = [];
  const facts = { endpoint: "wire", framing: "message", baud: undefined, bitsPerByte: 10 } as const;
  const transport = {
    facts: { ...facts, rtoFloorMs: 10, setBaud: undefined, makeSplitter: undefined },
    open: (opened: TransportHandlers) => {
      handlers = opened;
      opened.onUp();
      return Promise.resolve();
    },
    write: (bytes: Uint8Array) => {
      const frame = bytes.slice();
      clock.after(1, () => {
        for (const board of boards) board.hear(frame);
      });
      return true;
    },
    close: () => Promise.resolve(),
  };
  const end = new LinkEnd<RescuerEvent>({ ...facts, rtoFloorMs: 10 });
  const options = { random, nodeId: randomBytes(random, 8), bootNonce: randomBytes(random, 8) };
  const rescuer = end.exchange(0, (host) => new RescuerRole(0, host, options));
  const images = new PickedImages();
  let picking = 0;
  const carryOut = (event: RescuerEvent): void => {
    if (event.tag === "pick") {
      picking--;
      const kind = KINDS.find((known) => equalBytes(known.hardwareId, event.beacon.hardwareId));
      images.answer(clock.now(), rescuer, event.session, kind?.image);
    } else images.apply(clock.now(), event, rescuer);
    driver.pump();
  };
  const onEvent = (event: RescuerEvent): void => {
    if (event.tag === "pick") seen.picks = Math.max(seen.picks, ++picking);
    const takesTime = event.tag === "pick" || event.tag === "readBlock" || event.tag === "readRun";
    const delay = DELAYS_MS[randomBelow(random, DELAYS_MS.length)] ?? 0;
    if (takesTime) clock.after(delay, () => carryOut(event));
    else carryOut(event);
  };
  const splitter = { push: () => {}, close: () => {} };
  const driver = new LinkDriver(end, transport, clock, () => splitter, { onEvent });
  void driver.open();
  const send = (message: Message, tag: number): void => {
    const bytes = encodeMessage(message, tag);
    clock.after(1, () => handlers?.onBytes(bytes));
  };
  const count = 2 + randomBelow(random, KINDS.length - 1);
  for (const kind of KINDS.slice(0, count)) {
    const board = new CallingBoard(kind, seen, random, send);
    boards.push(board);
    // Now and then all in one moment, and again while an image is picked.
    const first = randomBelow(random, 3) * randomBelow(random, 40);
    for (const at of [first, first + 1 + randomBelow(random, 900), 2_000, 4_000, 7_000])
      clock.after(at, () => board.call());
  }
  while (clock.runNext(12_000));
  void driver.close();
}
