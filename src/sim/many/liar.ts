import { type Random, randomBelow, randomBytes } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import type { VirtualClock } from "../../base/virtual-clock.ts";
import type { Transport } from "../../transport/transport.ts";
import { decodeCobs, encodeDelimited } from "../../wire/cobs.ts";
import { decodeFrame, encodeMessage } from "../../wire/frame.ts";
import type { Beacon, Message } from "../../wire/messages.ts";
import { createMemoryPair } from "../wires/memory-pair.ts";

/** Announcements have no session. */
const ANY_TAG = 1;
const EVERY_MS: Millis = 150;
/** Frames that are remembered, to be sent again. */
const RECORDED_MAX = 32;

/**
 * A node on a wire that plays the attackers of SECURITY.md: calls under invented ids, claims versions that it does not have,
 * offers images that it does not send, says that boards are healed or served, that images failed or are proven, and sends again
 * what it heard.
 */
export class Liar {
  /** The other end of its wire: a board's. */
  readonly end: Transport;
  readonly #own: Transport;
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #recorded: Uint8Array[] = [];
  #victim: Beacon | undefined;
  #isSilent = false;

  /** `name`: of the board's end of the wire. */
  constructor(clock: VirtualClock, random: Random, baud: number, name: string) {
    const line = { baud, latencyMs: 1 };
    const [own, end] = createMemoryPair(clock, { aToB: line, bToA: line, names: ["liar", name] });
    this.#own = own;
    this.end = end;
    this.#clock = clock;
    this.#random = random;
    void own.open({
      onUp: () => {},
      onDown: () => {},
      onWritable: () => {},
      onBytes: (bytes) => this.#hear(bytes),
    });
    this.#clock.after(EVERY_MS, () => this.#act());
  }

  /** Says nothing any more. */
  silence(): void {
    this.#isSilent = true;
  }

  #hear(bytes: Uint8Array): void {
    if (this.#recorded.length >= RECORDED_MAX) this.#recorded.shift();
    this.#recorded.push(bytes.slice());
    const body = decodeCobs(bytes.filter((byte, i) => byte !== 0 || (i > 0 && i < bytes.length - 1)));
    const frame = body === undefined ? undefined : decodeFrame(body, undefined);
    if (frame?.tag === "beacon" || frame?.tag === "distress") this.#victim = frame;
  }

  #act(): void {
    if (this.#isSilent) return;
    this.#clock.after(EVERY_MS, () => this.#act());
    const lies = [
      () => this.#say(this.#beacon("distress")),
      () => this.#say(this.#beacon("beacon")),
      () => this.#offer(),
      () => this.#standDown(),
      () => this.#suspect(),
      () => this.#confirm(),
      () => this.#replay(),
      () => this.#own.write(encodeDelimited(randomBytes(this.#random, 1 + randomBelow(this.#random, 80)))),
    ];
    lies[randomBelow(this.#random, lies.length)]?.();
  }

  #say(message: Message): void {
    this.#own.write(encodeDelimited(encodeMessage(message, ANY_TAG)));
  }

  /** Of a made-up board, or of one with the victim's hardware and a version above all. */
  #beacon(tag: "beacon" | "distress"): Beacon {
    const random = this.#random;
    return {
      tag,
      nodeId: randomBytes(random, 8),
      bootNonce: randomBytes(random, 8),
      hardwareId: this.#victim?.hardwareId ?? randomBytes(random, 8),
      revision: 1,
      failure: tag === "distress" ? "hash" : undefined,
      isProvider: false,
      version: { major: 9, minor: randomBelow(random, 9), patch: 0 },
      sequence: 2 ** 40 + randomBelow(random, 2 ** 20),
      counterFloor: 0,
      installedDigest: randomBytes(random, 8),
      receivingDigest: undefined,
    };
  }

  #offer(): void {
    if (this.#victim === undefined) return;
    const random = this.#random;
    this.#say({
      tag: "offer",
      rescuerId: randomBytes(random, 8),
      rescuerNonce: randomBytes(random, 8),
      targetNonce: this.#victim.bootNonce,
      digest: randomBytes(random, 8),
      version: { major: 9, minor: 0, patch: 0 },
      size: 8_192,
      counter: 1,
      blockSize: 4_096,
    });
  }

  #standDown(): void {
    if (this.#victim === undefined) return;
    const random = this.#random;
    const [targetId, winnerId, rescuerNonce] = [
      this.#victim.nodeId,
      randomBytes(random, 8),
      randomBytes(random, 8),
    ];
    this.#say({ tag: "standDown", targetId, rescuerNonce, winnerId, retryAfterMs: 60_000 });
  }

  /** Of the image that the victim runs, or of one that nobody has. */
  get #digest(): Uint8Array {
    const invented = randomBytes(this.#random, 8);
    return randomBelow(this.#random, 2) === 0 ? invented : (this.#victim?.installedDigest ?? invented);
  }

  #suspect(): void {
    const [originId, digest] = [randomBytes(this.#random, 8), this.#digest];
    this.#say({ tag: "suspect", originId, digest, failures: 3, ageMinutes: 0, hops: 255 });
  }

  #confirm(): void {
    const [originId, digest] = [randomBytes(this.#random, 8), this.#digest];
    this.#say({ tag: "confirmed", originId, digest, ring: 0, hops: 255 });
  }

  #replay(): void {
    // A board that is off at first has said nothing yet.
    if (this.#recorded.length === 0) return;
    const bytes = this.#recorded[randomBelow(this.#random, this.#recorded.length)];
    if (bytes !== undefined) this.#own.write(bytes);
  }
}
