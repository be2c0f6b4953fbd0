import { expect } from "vitest";
import { equalBytes } from "../../src/base/bytes.ts";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { lineTime, type Millis } from "../../src/base/units.ts";
import { type ImageSource, memoryImage } from "../../src/image/image-source.ts";
import { shortDigest } from "../../src/image/manifest.ts";
import { ByeReason } from "../../src/wire/constants.ts";
import { testKey } from "../support/virtual-rescue.ts";
import { type Attack, BAUD, type Contest, contest, healedAt, seconds } from "./attack.ts";
import type { Attacker } from "./attacker.ts";
import { HARDWARE } from "./duel.ts";

/** Rescuers that hold a board to a genuine image that they never finish, while an honest one has another image. */

const EVIL: Uint8Array = Uint8Array.of(0xe, 0xf, 1, 2, 3, 4, 5, 6);
const BLOCK = 1024;
/** As in image-hold.ts, before the first change. */
const HOLD_MS: Millis = 60_000;
/** From the end of a hold to the next call, and the draw among those who offer. */
const CALL_MS: Millis = 8_000;

/** The image of yesterday, signed by the same key. */
function oldImage(size: number): { readonly image: ImageSource; readonly data: Uint8Array } {
  const data = randomBytes(new SeededRandom(41), size);
  const version = { major: 1, minor: 0, patch: 0 };
  return { image: memoryImage(data, { ...HARDWARE, version, blockSize: BLOCK }, testKey), data };
}

/** Offers `image` at the first call and every `intervalMs`. Serves one block of the first offer, `each` of the others. */
export function holdWith(attacker: Attacker, image: ImageSource, intervalMs: Millis, each: number): void {
  let left = 1;
  let isBegun = false;
  const leave = (): void => {
    const { accepted } = attacker;
    if (accepted === undefined || !attacker.isServing(EVIL)) return;
    const { targetNonce, rescuerNonce } = accepted;
    attacker.send({ tag: "bye", targetNonce, rescuerNonce, reason: ByeReason.stopped });
  };
  const again = (): void => {
    attacker.clock.after(intervalMs, again);
    left = each;
    attacker.offer(EVIL, image);
  };
  attacker.onFrame = (frame) => {
    if (frame.tag === "distress" && !isBegun) {
      isBegun = true;
      attacker.offer(EVIL, image);
      attacker.clock.after(intervalMs, again);
    }
    if (!attacker.isServing(EVIL)) return;
    if (frame.tag === "accept") attacker.sendManifest(image);
    if (frame.tag === "request") attacker.sendRuns(image, frame.wanted);
    const [entry] = frame.tag === "grant" ? frame.entries : [];
    if (entry === undefined || left === 0) return;
    left--;
    attacker.sendBlock(entry.first, BLOCK, image.readBlockSync(entry.first), entry.attempt & 1);
    attacker.clock.after(200, leave);
  };
}

interface Held {
  readonly size: number;
  /** Of the honest image; as large as the other one unless given. */
  readonly honestSize?: number;
  readonly baud: number;
  readonly intervalMs: Millis;
  readonly each: number;
}

/** A board beside such an attacker and an honest rescuer with another image. */
function beside({ size, honestSize = size, baud, intervalMs, each }: Held): Contest {
  const { image, data } = oldImage(size);
  return contest(1, (attacker) => holdWith(attacker, image, intervalMs, each), {
    size: honestSize,
    slotSize: size,
    baud,
    others: [{ name: "old image", data, digest: image.digest }],
  });
}

/** When the board has begun the honest image, or even has it, at most `boundMs` and one wait between two calls after its start. */
function begunAt(made: Contest, boundMs: Millis): Millis {
  const { clock, rescue } = made;
  const digest = shortDigest(rescue.image.digest);
  const isBegun = (): boolean => {
    const { receivingDigest8 } = rescue.store.status();
    return receivingDigest8 !== undefined && equalBytes(receivingDigest8, digest);
  };
  let begun: Millis | undefined;
  for (let at = 1_000; begun === undefined && at <= boundMs + CALL_MS; at += 1_000) {
    rescue.run(at - clock.now(), () => false);
    if (isBegun() || rescue.hasEvent("finished")) begun = at;
  }
  expect(begun).toBeGreaterThan(HOLD_MS);
  return begun ?? Number.POSITIVE_INFINITY;
}

/** The hold, and twice the line time of the whole image. */
function boundOf({ size, baud }: Held): Millis {
  return HOLD_MS + 2 * lineTime(size, baud);
}

function healed(held: Held, boundMs: Millis): string {
  const made = beside(held);
  begunAt(made, boundMs);
  const { size, honestSize = size, baud } = held;
  return seconds(healedAt(made, 2 * lineTime(honestSize, baud) + CALL_MS));
}

export const HOLDING: readonly Attack[] = [
  {
    attack: "Held to an image: the begun one is offered every 50 s, and nothing of it served",
    ids: "TUF indefinite freeze",
    happens:
      "the target lets other images wait for 60 s after the begun one was served; an offer alone renews nothing",
    play: () => {
      const held: Held = { size: 16_384, baud: BAUD, intervalMs: 50_000, each: 0 };
      return `healed with the other image after ${healed(held, HOLD_MS)}`;
    },
  },
  {
    attack: "Held to an image: one new block an offer, for ever",
    ids: "TUF indefinite freeze; slow retrieval",
    happens:
      "from the first offer of another image on, the hold lasts at most 60 s and twice the line time of what was lacking; then the one that waited goes first",
    play: () => {
      const few: Held = { size: 64 * BLOCK, baud: BAUD, intervalMs: 2_000, each: 1 };
      const many: Held = { ...few, size: 16_384 * BLOCK, honestSize: 64 * BLOCK, baud: 3_000_000 };
      const slow = { ...many, intervalMs: 25_000 };
      const [ofFew, ofMany] = [healed(few, boundOf(few)), healed(slow, boundOf(slow))];
      return `64 blocks: healed with the other image after ${ofFew}; 16,384 blocks: after ${ofMany}`;
    },
  },
];
