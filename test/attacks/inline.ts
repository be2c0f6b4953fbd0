import { expect } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { type ImageSource, memoryImage } from "../../src/image/image-source.ts";
import { fixedKey } from "../support/fixed-keys.ts";
import type { VirtualRescueOptions } from "../support/virtual-rescue.ts";
import { type Attack, type Contest, contest, healedAt, seconds, worst } from "./attack.ts";
import type { Attacker } from "./attacker.ts";
import { ghostCall } from "./ghost.ts";

/** Attacks on images that are sent right behind an offer (PROTOCOL.md 6.10), from either side. */

const LIMIT_MS: Millis = 300_000;
const HOUR_MS: Millis = 3_600_000;
const EVIL: Uint8Array = Uint8Array.of(0xe, 0xf, 1, 2, 3, 4, 5, 6);
const SIZE = 16_384;
const BLOCK = 1024;
const INLINE: Partial<VirtualRescueOptions> = { limits: { inlineBytes: 65_536 }, isEager: true };

/** An attacker that answers each call first, and has this sent behind its offer; the worst time until the board is healed. */
function pushing(push: (attacker: Attacker, image: ImageSource) => void): string {
  const ms = worst((seed) => {
    let writes = 0;
    const made: Contest = contest(
      seed,
      (attacker) => {
        attacker.onFrame = (frame) => {
          if (frame.tag !== "distress") return;
          writes = made.rescue.board.nor.counters.programs;
          const { image } = made.rescue;
          attacker.beginWith(attacker.offer(EVIL, image));
          push(attacker, image);
        };
      },
      INLINE,
    );
    const at = healedAt(made, LIMIT_MS);
    // What the attacker sent was right in no case.
    expect(writes).toBe(0);
    return at;
  });
  expect(ms).toBeLessThan(60_000);
  return `healed after ${seconds(ms)}`;
}

/** Blocks of anything, so many bytes. */
function sendGarbage(attacker: Attacker, bytes: number): void {
  for (let sent = 0; sent < bytes; sent += BLOCK)
    attacker.sendBlock((sent / BLOCK) % 16, BLOCK, randomBytes(attacker.random, BLOCK));
}

export const INLINE_ATTACKS: readonly Attack[] = [
  {
    attack: "Behind the offer: blocks without a manifest, four times what the board takes",
    ids: "endless data",
    happens:
      "they are kept up to what the call said, the rest is dropped; nothing is written, and the lease ends it",
    play: () => pushing((attacker) => sendGarbage(attacker, 262_144)),
  },
  {
    attack: "Behind the offer: another image's blocks with the real manifest and hashes",
    ids: "TUF mix-and-match",
    happens: "each block is compared with its hash and asked for again",
    play: () =>
      pushing((attacker, image) => {
        attacker.sendManifest(image);
        attacker.sendRuns(image, [{ level: 4, index: 0 }]);
        sendGarbage(attacker, SIZE);
      }),
  },
  {
    attack: "Behind the offer: a manifest of a key that the board does not trust, and its blocks",
    ids: "TUF arbitrary software; REQ.SEC.AUTHENTIC",
    happens: "the manifest is judged first: refused for its signature, and the blocks are nobody's",
    play: () => {
      const data = randomBytes(new SeededRandom(5), SIZE);
      const fields = { vendor: "acme", hardwareClass: "gate", version: { major: 9, minor: 0, patch: 0 } };
      const forged = memoryImage(data, { ...fields, blockSize: BLOCK }, fixedKey(0x66));
      return pushing((attacker) => {
        attacker.beginWith(attacker.offer(EVIL, forged));
        attacker.sendManifest(forged);
        for (let i = 0; i < 16; i++) attacker.sendBlock(i, BLOCK, data.subarray(i * BLOCK, (i + 1) * BLOCK));
      });
    },
  },
  {
    attack: "Calls of boards that are not there, which take an image behind the offer",
    ids: "amplification",
    happens:
      "without an ack no more than the window is sent behind an offer; what was sent so counts as wasted",
    play: () => {
      const all = contest(
        1,
        (attacker) => {
          const call = (): void => {
            if (attacker.clock.now() > HOUR_MS) return;
            attacker.clock.after(500, call);
            attacker.send({ ...ghostCall(attacker), inlineBytes: 65_536 });
          };
          call();
        },
        INLINE,
      );
      all.rescue.run(HOUR_MS, () => false);
      const { bytesSent } = all.rescue.rescuerEnd.counters;
      expect(bytesSent).toBeLessThan(2_500_000);
      expect(all.rescue.hasEvent("finished")).toBe(true);
      return `${(bytesSent / 1_048_576).toFixed(1)} MiB in an hour`;
    },
  },
];
