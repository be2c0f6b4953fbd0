import { type Random, randomBelow, randomBytes, randomChance } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { type SessionIdentity, tagOf } from "../../src/session/identity.ts";
import { LinkEnd } from "../../src/session/link-end.ts";
import type { OfferedImage, RescuerEvent } from "../../src/session/rescuer/rescuer-events.ts";
import { RescuerRole } from "../../src/session/rescuer/rescuer-role.ts";
import { ACK_BITMAP_LENGTH } from "../../src/wire/constants.ts";
import type { Frame, GrantEntry, Offer } from "../../src/wire/messages.ts";
import { type MachineTarget, must } from "./fuzz-target.ts";
import { BAUDS, MachineLife, randomPause } from "./machine-life.ts";
import { pick } from "./mutate.ts";
import { FRAME_TAGS, type FrameContext, randomFrame, randomNumber } from "./random-frame.ts";
import { frameOnWire } from "./wire-parsers.ts";

const STEPS_MAX = 60;
/** Silence of 20 s behind a busy of 10 s ends every session. */
const SESSION_MS: Millis = 31_000;
/** A query is answered within this, if no session runs. */
const ANSWER_MS: Millis = 3_000;
/** Blocks that a target may have open at once; it says so when it accepts. */
const OPEN_BLOCKS_MAX = 255;

/** A rescuer, hit by everything: bytes, damaged frames, and a target that asks for more than it should. */
class RescuerLife {
  readonly #random: Random;
  readonly #end: LinkEnd<RescuerEvent>;
  readonly #rescuer: RescuerRole;
  readonly #life: MachineLife<RescuerEvent>;
  readonly #nodeId: Uint8Array = new Uint8Array(8).fill(9);
  readonly #targetId: Uint8Array = new Uint8Array(8).fill(7);
  #bootNonce: Uint8Array;
  #offer: Offer | undefined;
  #openBlocks = 0;
  #reads = 0;
  #answers = 0;
  /** What is picked next. */
  #image: OfferedImage;
  /** Images of picks that were answered and not released, by number. */
  readonly #held: Map<number, OfferedImage> = new Map();
  /** Effects that are still to be answered. */
  readonly #late: (() => void)[] = [];
  #picking = 0;
  #isPrompt = false;
  readonly #numbers: number[] = [];
  #sequence = 0;
  readonly #seen: Set<string> = new Set();

  constructor(random: Random) {
    this.#random = random;
    this.#bootNonce = randomBytes(random, 8);
    this.#image = this.#randomImage();
    const link = { baud: pick(random, BAUDS), rtoFloorMs: 10 };
    const bootNonce = randomBytes(random, 8);
    this.#end = new LinkEnd<RescuerEvent>(link);
    const options = { random, nodeId: this.#nodeId, bootNonce };
    this.#rescuer = this.#end.exchange(0, (host) => new RescuerRole(0, host, options));
    this.#life = new MachineLife(
      this.#end,
      () => this.#tag,
      (event) => this.#handle(event),
      (frame) => this.#learn(frame),
    );
  }

  live(): string {
    this.#end.handleLinkUp(0, true);
    this.#life.pump();
    for (let left = 1 + randomBelow(this.#random, STEPS_MAX); left > 0; left--) this.#step();
    this.#mustComeBack();
    return [...this.#seen].sort().join(" ");
  }

  /** After the longest silence of a session it answers queries, and sends nothing unasked. */
  #mustComeBack(): void {
    this.#end.handleLinkUp(this.#life.now, true);
    this.#isPrompt = true;
    while (this.#late.length > 0) this.#answerLate();
    this.#life.pass(SESSION_MS);
    must(this.#held.size === 0, "it releases every image that was picked for it");
    this.#answers = 0;
    this.#send({ tag: "query", nodeId: this.#targetId, bootNonce: this.#bootNonce });
    this.#life.pass(ANSWER_MS);
    must(this.#answers > 0, "it answers a query after the longest silence of a session");
    const before = this.#life.sent;
    this.#life.pass(SESSION_MS);
    must(this.#life.sent === before, "it sends nothing unasked");
  }

  get #identity(): SessionIdentity | undefined {
    const offer = this.#offer;
    if (offer === undefined) return undefined;
    const { rescuerId, rescuerNonce, targetNonce, digest } = offer;
    return { targetId: this.#targetId, targetNonce, rescuerId, rescuerNonce, digest };
  }

  get #tag(): number | undefined {
    return this.#identity && tagOf(this.#identity);
  }

  #randomImage(): OfferedImage {
    const random = this.#random;
    const blockSize = 1024 << randomBelow(random, 7);
    const blocks = randomChance(random, 0.3) ? randomBelow(random, 5_000) : randomBelow(random, 20);
    const size = blocks * blockSize + 1 + randomBelow(random, blockSize);
    const version = { major: 1, minor: 2, patch: 3 };
    return {
      digest: randomBytes(random, 8),
      version,
      size,
      blockSize,
      counter: 0,
      envelope: new Uint8Array(400),
    };
  }

  #step(): void {
    const random = this.#random;
    if (this.#late.length > 0 && randomChance(random, 0.4)) this.#answerLate();
    switch (randomBelow(random, 10)) {
      case 0:
        this.#life.pass(randomPause(random));
        return;
      case 1:
        this.#life.hear(randomBytes(random, randomBelow(random, 200)));
        return;
      case 2:
        this.#send(randomFrame(random, pick(random, FRAME_TAGS), this.#context), randomChance(random, 0.3));
        return;
      case 3:
        this.#sendDistress();
        return;
      case 4:
        this.#sendAccept();
        return;
      case 5:
      case 6:
        this.#sendGrant();
        return;
      case 7:
        this.#sendRequest();
        return;
      case 8:
        this.#sendAck();
        return;
      default:
        this.#sendEnding();
    }
  }

  #answerLate(): void {
    const [answer] = this.#late.splice(randomBelow(this.#random, this.#late.length), 1);
    answer?.();
    this.#life.pump();
  }

  /** Answers an effect now or later, in any order. */
  #answer(answer: () => void): void {
    if (this.#isPrompt || randomChance(this.#random, 0.5)) answer();
    else this.#late.push(answer);
  }

  get #context(): FrameContext {
    const nonces = [this.#bootNonce, ...(this.#offer === undefined ? [] : [this.#offer.rescuerNonce])];
    return { ids: [this.#nodeId, this.#targetId], nonces, digests: [this.#image.digest] };
  }

  #send(frame: Frame, isBent = false): void {
    const bytes = frameOnWire(this.#random, frame, this.#tag ?? 1, isBent);
    if (isBent) this.#openBlocks = OPEN_BLOCKS_MAX;
    else if (frame.tag === "accept") this.#openBlocks = Math.max(this.#openBlocks, frame.openBlocks);
    this.#reads = 0;
    this.#life.hear(bytes);
    must(this.#reads <= Math.max(1, this.#openBlocks), "a grant opens no more blocks than were accepted");
  }

  #sendDistress(): void {
    const random = this.#random;
    if (randomChance(random, 0.3)) this.#bootNonce = randomBytes(random, 8);
    if (randomChance(random, 0.5)) this.#image = this.#randomImage();
    const beacon = randomFrame(random, "distress", this.#context);
    if (beacon.tag !== "distress") return;
    this.#send({ ...beacon, nodeId: this.#targetId, bootNonce: this.#bootNonce });
  }

  #sendAccept(): void {
    const offer = this.#offer;
    if (offer === undefined) return;
    const { targetNonce, rescuerNonce, digest } = offer;
    const openBlocks = randomBelow(this.#random, OPEN_BLOCKS_MAX + 1);
    const payloadMax = randomNumber(this.#random, 16);
    this.#send({ tag: "accept", targetNonce, rescuerNonce, digest, payloadMax, openBlocks, codecs: 3 });
  }

  #sendGrant(): void {
    const random = this.#random;
    const entries: GrantEntry[] = Array.from({ length: 1 + randomBelow(random, 4) }, () => ({
      first: randomBelow(random, 30),
      count: randomChance(random, 0.1) ? 255 : 1 + randomBelow(random, 4),
      attempt: randomBelow(random, 2),
      codecs: 3,
    }));
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#send({ tag: "grant", sequence: this.#sequence, entries });
  }

  #sendRequest(): void {
    const random = this.#random;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const wanted = Array.from({ length: 1 + randomBelow(random, 4) }, () => ({
      level: 1 + randomBelow(random, 6),
      index: randomBelow(random, 8),
    }));
    this.#send({ tag: "request", sequence: this.#sequence, wanted });
  }

  /** Of packets that were sent, most of them arrived. */
  #sendAck(): void {
    const highest = this.#numbers.length === 0 ? 0 : pick(this.#random, this.#numbers);
    const bitmap = new Uint8Array(ACK_BITMAP_LENGTH).fill(0xff);
    if (randomChance(this.#random, 0.3)) bitmap.set(randomBytes(this.#random, ACK_BITMAP_LENGTH));
    this.#send({ tag: "ack", highest, delayMs: randomBelow(this.#random, 60), bitmap });
  }

  #sendEnding(): void {
    const random = this.#random;
    const dice = randomBelow(random, 12);
    if (dice < 3) this.#end.handleLinkUp(this.#life.now, dice > 0);
    else if (dice < 6) this.#send({ tag: "busy", forMs: randomNumber(random, 16) });
    else if (dice < 8) this.#sendDone();
    else if (this.#offer !== undefined) {
      const { targetNonce, rescuerNonce, digest } = this.#offer;
      if (dice === 8) this.#send({ tag: "bye", targetNonce, rescuerNonce, reason: 1 });
      else if (dice === 9) this.#send({ tag: "refuse", targetNonce, rescuerNonce, digest, reason: "size" });
      else this.#send({ tag: "query", nodeId: this.#targetId, bootNonce: this.#bootNonce });
    }
    this.#life.pump();
  }

  /** Half of the time what makes it believable goes before: all is acked, and nothing is granted any more. */
  #sendDone(): void {
    if (randomChance(this.#random, 0.5)) {
      for (const highest of this.#numbers)
        this.#send({ tag: "ack", highest, delayMs: 0, bitmap: new Uint8Array(ACK_BITMAP_LENGTH).fill(0xff) });
      this.#sequence = (this.#sequence + 1) & 0xffff;
      this.#send({ tag: "grant", sequence: this.#sequence, entries: [] });
    }
    this.#send({ tag: "done", digest: this.#offer?.digest ?? this.#image.digest });
  }

  #learn(frame: Frame): void {
    this.#seen.add(`sends-${frame.tag}`);
    if (frame.tag === "offer") this.#offer = frame;
    if (frame.tag === "beacon") this.#answers++;
    if (frame.tag !== "data" && frame.tag !== "object" && frame.tag !== "probe") return;
    this.#numbers.push(frame.packetNumber);
    if (this.#numbers.length > 8) this.#numbers.shift();
  }

  #handle(event: RescuerEvent): void {
    this.#seen.add(event.tag);
    const random = this.#random;
    switch (event.tag) {
      case "pick": {
        must(++this.#picking === 1, "it picks for one call at a time");
        const image = randomChance(random, 0.95) ? this.#image : undefined;
        this.#answer(() => {
          this.#picking--;
          if (image !== undefined) this.#held.set(event.session, image);
          this.#rescuer.handlePicked(this.#life.now, event.session, image);
        });
        return;
      }
      case "release":
        must(this.#held.delete(event.session), "it releases what it holds, once");
        return;
      case "readRun": {
        const hashes = { tag: "hashes", hashes: new Uint8Array(512) } as const;
        const uniform = { tag: "uniform", byte: 0xff } as const;
        const payload = randomChance(random, 0.9) ? pick(random, [hashes, uniform]) : undefined;
        must(this.#held.has(event.session), "it reads from an image that it holds");
        this.#answer(() => this.#rescuer.handleRunRead(this.#life.now, event.session, event.node, payload));
        return;
      }
      case "accepted":
        must(this.#held.get(event.session) === event.image, "a session serves the image of its own pick");
        return;
      case "readBlock": {
        this.#reads++;
        const { blockSize, size } = this.#held.get(event.session) ?? { blockSize: 0, size: 0 };
        const length = Math.min(blockSize, size - event.wish.block * blockSize);
        must(length > 0, "blocks beyond the image are never read");
        this.#answer(() =>
          this.#rescuer.handleBlockRead(this.#life.now, event.session, event.wish, new Uint8Array(length)),
        );
        return;
      }
      default:
    }
  }
}

export const rescuerLife: MachineTarget = {
  tag: "machine",
  name: "rescuer",
  weight: 0.5,
  run: (random) => new RescuerLife(random).live(),
};
