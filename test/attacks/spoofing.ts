import { expect } from "vitest";
import { randomBytes } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { hardwareId } from "../../src/image/hardware.ts";
import { ACK_BITMAP_LENGTH } from "../../src/wire/constants.ts";
import type { Beacon, Frame } from "../../src/wire/messages.ts";
import { type Attack, contest, healedAt, seconds, worst } from "./attack.ts";
import type { Attacker } from "./attacker.ts";

/** Attackers that pose as boards in distress. */

const LIMIT_MS: Millis = 300_000;
const HOUR_MS: Millis = 3_600_000;
const GHOST: Uint8Array = Uint8Array.of(0x60, 2, 3, 4, 5, 6, 7, 8);

function distressOf(nodeId: Uint8Array, bootNonce: Uint8Array): Beacon {
  return {
    tag: "distress",
    nodeId,
    bootNonce,
    hardwareId: hardwareId("acme", "gate"),
    revision: 3,
    failure: "empty",
    isProvider: false,
    version: { major: 0, minor: 0, patch: 0 },
    sequence: 0,
    counterFloor: 0,
    installedDigest: undefined,
    receivingDigest: undefined,
  };
}

/** Time until the real board is healed while a ghost calls every 20 ms. */
function delayBy(call: (attacker: Attacker) => Beacon): string {
  const ms = worst((seed) => {
    const script = (attacker: Attacker): void => {
      const begin = (): void => {
        attacker.clock.after(20, begin);
        attacker.send(call(attacker));
      };
      begin();
    };
    return healedAt(contest(seed, script), LIMIT_MS);
  });
  expect(ms).toBeLessThan(60_000);
  return `real board healed after ${seconds(ms)}`;
}

/** Acts like a board: takes and acknowledges every block, and then starts over instead of saying done. */
function hungry(attacker: Attacker): void {
  let highest = 0;
  let sequence = 0;
  let next = 0;
  const act = (): void => {
    attacker.clock.after(200, act);
    // Frames of other sessions do not count.
    const isOurs = Buffer.compare(attacker.accepted?.targetNonce ?? new Uint8Array(), GHOST) === 0;
    if (!isOurs || next > 16) {
      next = 0;
      attacker.send(distressOf(GHOST, GHOST));
      return;
    }
    sequence = (sequence + 1) & 0xffff;
    const entries = next < 16 ? [{ first: next, count: 4, attempt: 0, codecs: 1 }] : [];
    next += 4;
    const bitmap = new Uint8Array(ACK_BITMAP_LENGTH).fill(0xff);
    attacker.send({ tag: "ack", highest: highest & 0xffff, delayMs: 0, bitmap });
    attacker.send({ tag: "grant", sequence, entries });
  };
  act();
  attacker.onFrame = (frame: Frame) => {
    if (frame.tag === "offer" && Buffer.compare(frame.targetNonce, GHOST) === 0) {
      attacker.targetId = GHOST;
      const { targetNonce, rescuerNonce, digest } = frame;
      const accept = { tag: "accept", targetNonce, rescuerNonce, digest } as const;
      attacker.accept({ ...accept, payloadMax: 2048, openBlocks: 64, codecs: 1 });
      highest = 0;
      next = 0;
    }
    if (frame.tag === "data" || frame.tag === "object" || frame.tag === "probe")
      highest += (frame.packetNumber - highest) & 0xfff;
  };
}

export const SPOOFING: readonly Attack[] = [
  {
    attack: "Spoofed distress that answers no offer",
    ids: "drain of a rescuer",
    happens: "the rescuer offers to the later caller, but still takes an accept of its earlier offer",
    play: () => delayBy(() => distressOf(GHOST, GHOST)),
  },
  {
    attack: "Spoofed distress, a new start each time",
    ids: "drain of a rescuer",
    happens: "a restart before the board took anything counts against it, too",
    play: () => delayBy((attacker) => distressOf(GHOST, randomBytes(attacker.random, 8))),
  },
  {
    attack: "Spoofed distress under a new id each time",
    ids: "drain of a rescuer",
    happens: "the rescuer offers to the later caller, but still takes an accept of its earlier offer",
    play: () =>
      delayBy((attacker) => distressOf(randomBytes(attacker.random, 8), randomBytes(attacker.random, 8))),
  },
  {
    attack: "Distress that never ends: takes blocks and is never healed",
    ids: "drain of a rescuer",
    happens:
      "a session sends at most eight times the image and 64 KiB; boards that are not healed get 1 MiB, and 1 MiB more per hour",
    play: () => {
      const all = contest(1, hungry);
      healedAt(all, LIMIT_MS);
      const [, , rescuer = 2] = all.wire.written.keys();
      const before = all.wire.written[rescuer] ?? 0;
      all.rescue.run(2 * HOUR_MS, () => false);
      const hourly = ((all.wire.written[rescuer] ?? 0) - before) / 2;
      expect(hourly).toBeGreaterThan(500_000);
      expect(hourly).toBeLessThan(1.7 * 1_048_576);
      return `${Math.round(hourly / 1024)} KiB an hour over two hours, of 40,500 that the line carries`;
    },
  },
];
