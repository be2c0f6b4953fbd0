import { expect } from "vitest";
import { randomBytes } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { ACK_BITMAP_LENGTH } from "../../src/wire/constants.ts";
import type { Beacon, Frame } from "../../src/wire/messages.ts";
import { type Attack, contest, healedAt, seconds, worst } from "./attack.ts";
import type { Attacker } from "./attacker.ts";
import { distressOf, ghostCall } from "./ghost.ts";

/** Attackers that pose as boards in distress. */

const LIMIT_MS: Millis = 300_000;
const HOUR_MS: Millis = 3_600_000;
const GHOST: Uint8Array = Uint8Array.of(0x60, 2, 3, 4, 5, 6, 7, 8);

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

/** How a ghost ends its sessions. `id`: its node id in the next one. */
interface Ghost {
  readonly says: "nothing" | "done";
  readonly id: (attacker: Attacker) => Uint8Array;
  /** How often it takes each block. */
  readonly times: number;
}

/** Acts like a board: takes and acknowledges every block, then says that it is healed or nothing, and starts over. */
function hungry(attacker: Attacker, { says, id, times }: Ghost): void {
  let highest = 0;
  let sequence = 0;
  let next = 0;
  let attempt = 0;
  let nodeId = GHOST;
  let nonce = GHOST;
  const act = (): void => {
    attacker.clock.after(200, act);
    // Frames of other sessions do not count.
    const isOurs = Buffer.compare(attacker.accepted?.targetNonce ?? new Uint8Array(), nonce) === 0;
    if (!isOurs || (next > 16 && attempt + 1 >= times)) {
      if (isOurs && says === "done" && attacker.accepted !== undefined) {
        attacker.send({ tag: "grant", sequence: (sequence + 1) & 0xffff, entries: [] });
        attacker.send({ tag: "done", digest: attacker.accepted.digest });
      }
      [next, attempt] = [0, 0];
      nodeId = id(attacker);
      if (says === "done") nonce = randomBytes(attacker.random, 8);
      attacker.send(distressOf(nodeId, nonce));
      return;
    }
    if (next > 16) {
      next = 0;
      attempt++;
    }
    sequence = (sequence + 1) & 0xffff;
    const entries = next < 16 ? [{ first: next, count: 4, attempt, codecs: 1 }] : [];
    next += 4;
    const bitmap = new Uint8Array(ACK_BITMAP_LENGTH).fill(0xff);
    attacker.send({ tag: "ack", highest: highest & 0xffff, delayMs: 0, bitmap });
    attacker.send({ tag: "grant", sequence, entries });
  };
  act();
  attacker.onFrame = (frame: Frame) => {
    if (frame.tag === "offer" && Buffer.compare(frame.targetNonce, nonce) === 0) {
      attacker.targetId = nodeId;
      const { targetNonce, rescuerNonce, digest } = frame;
      const accept = { tag: "accept", targetNonce, rescuerNonce, digest } as const;
      attacker.accept({ ...accept, payloadMax: 2048, openBlocks: 64, codecs: 1 });
      [highest, next, attempt] = [0, 0, 0];
    }
    if (frame.tag === "data" || frame.tag === "object" || frame.tag === "probe")
      highest += (frame.packetNumber - highest) & 0xfff;
  };
}

/** KiB an hour that a ghost obtains over two hours, and the heals of an hour that it has the rescuer report. */
function drain(ghost: Ghost): { hourly: number; heals: number } {
  const all = contest(1, (attacker) => hungry(attacker, ghost));
  healedAt(all, LIMIT_MS);
  const [, , rescuer = 2] = all.wire.written.keys();
  const before = all.wire.written[rescuer] ?? 0;
  const healed = (): number => all.rescue.rescuerEvents.filter(({ tag }) => tag === "healed").length;
  const healedBefore = healed();
  all.rescue.run(2 * HOUR_MS, () => false);
  const hourly = ((all.wire.written[rescuer] ?? 0) - before) / 2 / 1024;
  expect(hourly).toBeGreaterThan(500);
  return { hourly: Math.round(hourly), heals: (healed() - healedBefore) / 2 };
}

/** Takes each offer made to it, acknowledges the manifest, and is busy from then on. */
function busyForEver(attacker: Attacker): void {
  attacker.keepsOwnSession = true;
  const isServed = (): boolean =>
    Buffer.compare(attacker.accepted?.targetNonce ?? new Uint8Array(), GHOST) === 0;
  const act = (): void => {
    attacker.clock.after(isServed() ? 1_000 : 110, act);
    attacker.send(isServed() ? { tag: "busy", forMs: 10_000 } : distressOf(GHOST, GHOST));
  };
  act();
  attacker.onFrame = (frame) => {
    if (frame.tag === "offer" && Buffer.compare(frame.targetNonce, GHOST) === 0) {
      attacker.targetId = GHOST;
      const { targetNonce, rescuerNonce, digest } = frame;
      const accept = { tag: "accept", targetNonce, rescuerNonce, digest } as const;
      attacker.accept({ ...accept, payloadMax: 2048, openBlocks: 64, codecs: 1 });
    }
    if (!isServed() || (frame.tag !== "object" && frame.tag !== "probe")) return;
    const bitmap = new Uint8Array(ACK_BITMAP_LENGTH).fill(0xff);
    attacker.send({ tag: "ack", highest: frame.packetNumber, delayMs: 0, bitmap });
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
    play: () => delayBy(ghostCall),
  },
  {
    attack: "Distress that never ends: takes blocks and is never healed",
    ids: "drain of a rescuer",
    happens:
      "a session sends at most eight times the image and 64 KiB; boards that are not healed get 1 MiB, and 1 MiB more per hour",
    play: () => {
      const { hourly } = drain({ says: "nothing", id: () => GHOST, times: 1 });
      expect(hourly).toBeLessThan(1.7 * 1024);
      return `${hourly} KiB an hour over two hours, of 40,500 that the line carries`;
    },
  },
  {
    attack: "The same, but says done at the end of each session, each block taken seven times",
    ids: "drain of a rescuer",
    happens: "a board that says twice in an hour that it was healed is not believed; 1 MiB as above",
    play: () => {
      const { hourly } = drain({ says: "done", id: () => GHOST, times: 7 });
      expect(hourly).toBeLessThan(1.7 * 1024);
      return `${hourly} KiB an hour over two hours`;
    },
  },
  {
    attack: "The same under a new id each time, each block taken once",
    ids: "drain of a rescuer",
    happens:
      "256 boards an hour are believed that they were healed; each costs 1.25 images and 4 KiB at most, and what is beyond that counts as wasted",
    play: () => {
      const { hourly } = drain({ says: "done", id: (attacker) => randomBytes(attacker.random, 8), times: 1 });
      expect(hourly).toBeLessThan(1.7 * 1024 + 256 * 24);
      return `${hourly} KiB an hour over two hours, of an image of 16 KiB`;
    },
  },
  {
    attack: "Busy without end: takes the manifest, then says that it works",
    ids: "TUF indefinite freeze",
    happens:
      "*busy* holds a session's limits for 20 minutes, the time of the image at 64 KiB/s, and what blocks add; two minutes later it has ended as slow",
    play: () => {
      const ms = healedAt(contest(1, busyForEver), 2 * HOUR_MS);
      expect(ms).toBeGreaterThan(1_200_000);
      expect(ms).toBeLessThan(1_200_000 + 120_000 + 90_000);
      return `real board healed after ${seconds(ms)}`;
    },
  },
  {
    attack: "Done without work: right behind each accept",
    ids: "REQ.SEC.REPORTING",
    happens: "a done before the manifest of its session was acked is ignored",
    play: () => {
      const all = contest(1, (attacker) => {
        let nonce = GHOST;
        const call = (): void => {
          attacker.clock.after(300, call);
          nonce = randomBytes(attacker.random, 8);
          attacker.send(distressOf(nonce, nonce));
        };
        call();
        attacker.onFrame = (frame) => {
          if (frame.tag !== "offer" || Buffer.compare(frame.targetNonce, nonce) !== 0) return;
          attacker.targetId = nonce;
          const { targetNonce, rescuerNonce, digest } = frame;
          const accept = { tag: "accept", targetNonce, rescuerNonce, digest } as const;
          attacker.accept({ ...accept, payloadMax: 2048, openBlocks: 64, codecs: 1 });
          for (let i = 0; i < 3; i++) attacker.send({ tag: "done", digest });
        };
      });
      all.rescue.run(120_000, () => false);
      const count = (wanted: string): number =>
        all.rescue.rescuerEvents.filter(({ tag }) => tag === wanted).length;
      const boards = all.rescue.hasEvent("finished") ? 1 : 0;
      expect(count("accepted")).toBeGreaterThan(10);
      expect(count("healed")).toBe(boards);
      return "no heal is reported that did not happen";
    },
  },
];
