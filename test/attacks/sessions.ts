import { expect } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { shortDigest } from "../../src/image/manifest.ts";
import { linkKeyOf } from "../../src/node/derived-link-key.ts";
import { ByeReason } from "../../src/wire/constants.ts";
import { VirtualRescue, type VirtualRescueOptions } from "../support/virtual-rescue.ts";
import { type Attack, type Contest, contest, healedAt, seconds } from "./attack.ts";

/** Attacks on a running session, and on bytes that change between check and use. */

const LIMIT_MS: Millis = 300_000;
const HIJACK_MS: Millis = 30_000;
const EVIL: Uint8Array = Uint8Array.of(0xe, 0xf, 1, 2, 3, 4, 5, 6);
const SIZE = 16_384;

function programs({ rescue }: Contest): number {
  return rescue.board.nor.counters.programs;
}

/** Changes bytes of the slot without asking the flash model, like a programmer clipped onto the chip. */
function swap(rescue: VirtualRescue, at: number): void {
  const offset = rescue.board.nor.map.slots[0]?.offset ?? 0;
  rescue.board.storage.write(offset + at, randomBytes(new SeededRandom(9), 64));
}

/** From the accept on, for {@link HIJACK_MS}: what ends, confuses and starves a session, as if from either side. */
function hijack(options: Partial<VirtualRescueOptions>): Contest {
  return contest(
    1,
    (attacker) => {
      const inject = (): void => {
        if (attacker.clock.now() > HIJACK_MS) return;
        attacker.clock.after(250, inject);
        const { accepted } = attacker;
        if (accepted === undefined) return;
        const { targetNonce, rescuerNonce, digest } = accepted;
        const entries = [{ first: 0, count: 255, attempt: 3, codecs: 1 }];
        attacker.send({ tag: "grant", sequence: attacker.random.u32() & 0xffff, entries });
        attacker.send({ tag: "ack", highest: 0xffff, delayMs: 0, bitmap: new Uint8Array(14).fill(0xff) });
        attacker.send({ tag: "done", digest });
        attacker.send({ tag: "bye", targetNonce, rescuerNonce, reason: ByeReason.stopped });
      };
      inject();
    },
    options,
  );
}

export const SESSIONS: readonly Attack[] = [
  {
    attack: "Mix and match: manifest and hashes of one image, blocks of another",
    ids: "TUF mix-and-match",
    happens: "the target compares each block with its hash under the signed root, and programs none",
    play: () => {
      const other = randomBytes(new SeededRandom(77), SIZE);
      const all: Contest = contest(1, (attacker) => {
        attacker.onFrame = (frame) => {
          const { image } = all.rescue;
          if (frame.tag === "distress") attacker.offer(EVIL, image);
          if (!attacker.isServing(EVIL)) return;
          if (frame.tag === "accept") attacker.sendManifest(image);
          if (frame.tag === "request") attacker.sendRuns(image, frame.wanted);
          const [entry] = frame.tag === "grant" ? frame.entries : [];
          if (entry === undefined) return;
          const block = other.subarray(entry.first * 1024, (entry.first + 1) * 1024);
          attacker.sendBlock(entry.first, 1024, block, entry.attempt & 1);
        };
      });
      all.rescue.run(LIMIT_MS, () => all.rescue.hasEvent("sessionLost"));
      expect(all.rescue.targetEvents).toContainEqual({ tag: "sessionLost", why: "damaged" });
      expect(programs(all)).toBe(0);
      return `session lost: damaged; healed after ${seconds(healedAt(all, LIMIT_MS))}`;
    },
  },
  {
    attack: "Replayed session",
    ids: "TUF mix-and-match; replay",
    happens:
      "the frames carry nonces of an earlier start: each has a wrong tag or is addressed to somebody else",
    play: () => {
      const first = contest(1, () => {});
      healedAt(first, LIMIT_MS);
      const recorded = first.attacker.heard;
      expect(recorded.length).toBeGreaterThan(40);
      const second = contest(1, (attacker) => {
        const again = (): void => {
          attacker.clock.after(2_000, again);
          if (attacker.clock.now() < 20_000) for (const frame of recorded) attacker.replay(frame);
        };
        again();
      });
      second.rescue.stopRescuer();
      second.rescue.restartTarget();
      second.rescue.run(20_000, () => false);
      expect(second.rescue.hasEvent("receiving")).toBe(false);
      expect(programs(second)).toBe(0);
      const from = second.clock.now();
      second.rescue.restartRescuer();
      return `0 bytes programmed; healed ${seconds(healedAt(second, LIMIT_MS) - from)} after it ends`;
    },
  },
  {
    attack: "Hijack without a link key: bye, done, grants and acks with right nonces and tags",
    ids: "session hijack",
    happens: "the board is not healed as long as the attack lasts; its firmware does not change",
    play: () => {
      const all = hijack({});
      all.rescue.run(HIJACK_MS, () => false);
      const isDenied = !all.rescue.hasEvent("finished");
      expect(all.rescue.targetEvents).toContainEqual({ tag: "sessionLost", why: "bye" });
      const end = all.clock.now();
      const after = isDenied ? healedAt(all, LIMIT_MS) - end : 0;
      return isDenied ? `denied for 30 s; healed ${seconds(after)} after it ends` : "healed meanwhile";
    },
  },
  {
    attack: "Hijack with a link key: the same frames by somebody without the key",
    ids: "session hijack",
    happens:
      "frames without a valid seal are dropped, and the session continues; `test/session/link-key.test.ts` tries each message",
    play: () => {
      const linkKey = linkKeyOf(new Uint8Array(16).fill(1));
      const all = hijack({ linkKeys: [linkKey, linkKey] });
      const at = healedAt(all, HIJACK_MS);
      expect(all.rescue.hasEvent("sessionLost")).toBe(false);
      for (const { counters } of [all.rescue.targetEnd, all.rescue.rescuerEnd])
        expect(counters.unauthenticFrames).toBeGreaterThan(10);
      return `healed after ${seconds(at)} in the one session, while it lasts`;
    },
  },
  {
    attack: "Status lying: a forged done for a board that is not healed",
    ids: "REQ.SEC.REPORTING",
    happens:
      "alone it is ignored; after a forged grant of nothing the rescuer believes it; the board still calls, and is served again",
    play: () => {
      const all: Contest = contest(1, (attacker) => {
        let grants = 0;
        attacker.onFrame = (frame) => {
          if (frame.tag !== "grant") return;
          const digest = shortDigest(all.rescue.image.digest);
          attacker.send({ tag: "done", digest });
          if (++grants !== 3) return;
          expect(all.rescue.rescuerEvents.some(({ tag }) => tag === "healed")).toBe(false);
          attacker.send({ tag: "grant", sequence: (frame.sequence + 1) & 0xffff, entries: [] });
          attacker.send({ tag: "done", digest });
        };
      });
      all.rescue.run(LIMIT_MS, () => all.rescue.rescuerEvents.some(({ tag }) => tag === "healed"));
      expect(all.rescue.board.boot()).toMatchObject({ tag: "recovery" });
      return `healed after ${seconds(healedAt(all, LIMIT_MS))}`;
    },
  },
  {
    attack: "Flash swapped between a block's check and the commit",
    ids: "THREAT.IMG.REPLACE; TOCTOU",
    happens: "the commit reads every byte back: the board is not bootable, and another session heals it",
    play: () => {
      const rescue = new VirtualRescue({ seed: 1, size: SIZE, blockSize: 1024, baud: 115_200 });
      const isHalfway = (): boolean =>
        rescue.targetEvents.some((event) => event.tag === "progress" && event.descent.blocks.written >= 8);
      rescue.run(LIMIT_MS, isHalfway);
      swap(rescue, 100);
      rescue.run(LIMIT_MS, () => rescue.hasEvent("sessionLost"));
      expect(rescue.targetEvents).toContainEqual({ tag: "sessionLost", why: "not-bootable" });
      expect(rescue.run(LIMIT_MS)).toBe(true);
      expect(Buffer.compare(rescue.flashed, rescue.data)).toBe(0);
      return "session lost: not-bootable; then healed";
    },
  },
  {
    attack: "Flash swapped between commit and boot",
    ids: "THREAT.IMG.REPLACE; TOCTOU",
    happens: "each boot verifies every byte: the board starts in recovery and calls",
    play: () => {
      const rescue = new VirtualRescue({ seed: 1, size: SIZE, blockSize: 1024, baud: 115_200 });
      expect(rescue.run(LIMIT_MS)).toBe(true);
      swap(rescue, 100);
      const outcome = rescue.board.boot();
      expect(outcome).toEqual({ tag: "recovery", reason: "hash" });
      return "recovery: hash";
    },
  },
];
