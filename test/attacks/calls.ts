import { expect } from "vitest";
import { randomBelow, randomBytes, SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { type ImageSource, memoryImage } from "../../src/image/image-source.ts";
import { shortDigest } from "../../src/image/manifest.ts";
import { linkKeyOf } from "../../src/node/derived-link-key.ts";
import type { RescuerEvent } from "../../src/session/rescuer/rescuer-events.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { decodeCobs } from "../../src/wire/cobs.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import type { Beacon } from "../../src/wire/messages.ts";
import { interleave, type Seen } from "../session/rescuer/calling-boards.ts";
import { testKey, type VirtualRescueOptions } from "../support/virtual-rescue.ts";
import { wrappedTransport } from "../support/wrapped-transport.ts";
import { type Attack, type Contest, contest, healedAt, SEEDS, seconds, worst } from "./attack.ts";
import type { Attacker } from "./attacker.ts";
import { ghostCall } from "./ghost.ts";

/** Calls that meet while an image is picked, and callers that have no link key. */

const LIMIT_MS: Millis = 300_000;
const KEY = linkKeyOf(new Uint8Array(32).fill(0x4b));
const KEYED: Partial<VirtualRescueOptions> = { linkKeys: [KEY, KEY] };
const PICKS_MS: readonly Millis[] = [1, 50, 500];

interface SlowPicks {
  /** Most picks at the same time. */
  most: number;
  readonly onRescuerEvent: (event: RescuerEvent, proceed: () => void) => void;
}

function slowPicks(clockOf: () => Contest["clock"], duration: () => Millis): SlowPicks {
  let running = 0;
  const picks: SlowPicks = {
    most: 0,
    onRescuerEvent: (event, proceed) => {
      if (event.tag !== "pick") {
        proceed();
        return;
      }
      picks.most = Math.max(picks.most, ++running);
      clockOf().after(duration(), () => {
        running--;
        proceed();
      });
    },
  };
  return picks;
}

/** 1, 50 or 500 ms. */
function anyTime(seed: number): () => Millis {
  const random = new SeededRandom(seed);
  return () => PICKS_MS[randomBelow(random, PICKS_MS.length)] ?? 1;
}

/** 500 ms for the first pick, which opens and hashes the image; 5 ms once it is open. */
function openedOnce(): () => Millis {
  let picks = 0;
  return () => (picks++ === 0 ? 500 : 5);
}

/** When the board is healed while 160 calls a second come from boards that are not there. */
function flooded(options: Partial<VirtualRescueOptions>): string {
  let most = 0;
  const ms = worst((seed) => {
    const picks = slowPicks(() => all.clock, openedOnce());
    const all: Contest = contest(
      seed,
      (attacker) => {
        const call = (): void => {
          attacker.clock.after(6.25, call);
          attacker.send(ghostCall(attacker));
        };
        call();
      },
      { ...options, onRescuerEvent: picks.onRescuerEvent },
    );
    const at = healedAt(all, LIMIT_MS);
    most = Math.max(most, picks.most);
    return at;
  });
  expect(most).toBe(1);
  expect(ms).toBeLessThan(LIMIT_MS);
  return `one pick at a time; real board healed after ${seconds(ms)}`;
}

/** What somebody without the key makes of a call that the board is about to send. */
type Forge = (call: Beacon, attacker: Attacker, old: ImageSource) => Beacon;

const FORGERIES: readonly Forge[] = [
  (call, _attacker, old) => ({ ...call, installedDigest: shortDigest(old.digest) }),
  (call, { random }) => ({ ...call, bootNonce: randomBytes(random, 8) }),
  (_call, attacker) => ghostCall(attacker),
  (call) => ({ ...call, hardwareId: new Uint8Array(8).fill(9) }),
];

/** How long calls are kept from the rescuer, in the attack that does. */
const CUT_MS: Millis = 10_000;

/**
 * Healing time with a link key, with or without a forged call before each that the board sends; `isCut`: in place of each, for
 * {@link CUT_MS}.
 */
function forgedFirst(seed: number, forge: Forge | undefined, isCut = false): Millis {
  const old = memoryImage(new Uint8Array(2048).fill(seed + 1), OLD, testKey);
  const { onRescuerEvent } = slowPicks(() => all.clock, anyTime(seed));
  let attacker: Attacker | undefined;
  const before = (wire: Transport): Transport =>
    wrappedTransport(wire, {
      write: (bytes) => {
        const body = decodeCobs(bytes.filter((byte, i) => byte !== 0 || (i > 0 && i < bytes.length - 1)));
        const frame = body && decodeFrame(body, undefined);
        if (forge !== undefined && attacker !== undefined && frame?.tag === "distress")
          attacker.send(forge(frame, attacker, old));
        const isKept = isCut && (attacker?.clock.now() ?? 0) < CUT_MS && frame?.tag === "distress";
        if (isKept) return true;
        return wire.write(bytes);
      },
    });
  const begin = (made: Attacker): void => {
    attacker = made;
  };
  const all: Contest = contest(seed, begin, {
    ...KEYED,
    onRescuerEvent,
    wrap: (wire, end) => (end === 0 ? before(wire) : wire),
    others: [{ name: "old", data: new Uint8Array(2048).fill(seed + 1), digest: old.digest }],
    pick: (beacon) => {
      const hasOld = Buffer.compare(beacon.installedDigest ?? Buffer.of(), shortDigest(old.digest)) === 0;
      if (hasOld) return old;
      return beacon.hardwareId[0] === 9 ? undefined : all.rescue.image;
    },
  });
  const { rescue } = all;
  if (isCut) {
    rescue.run(CUT_MS, () => false);
    expect(rescue.hasEvent("offered")).toBe(false);
  }
  if (!rescue.run(LIMIT_MS, () => rescue.hasEvent("finished"))) throw new Error("not healed");
  expect(rescue.board.boot().tag).toBe("boot");
  return all.clock.now();
}

const OLD = {
  vendor: "acme",
  hardwareClass: "gate",
  version: { major: 1, minor: 0, patch: 0 },
  blockSize: 1024,
};

export const CALLS: readonly Attack[] = [
  {
    attack: "Two to four boards call in one moment",
    ids: "no attacker needed",
    happens:
      "the rescuer picks for one call at a time, and an offer and its session keep the image of their pick",
    play: () => {
      const seen: Seen = { offers: 0, sessions: 0, healed: 0, picks: 0, wrong: [] };
      for (let seed = 0; seed < 200; seed++) interleave(100_000 + seed, seen);
      expect(seen.healed).toBeGreaterThan(300);
      expect([seen.wrong, seen.picks]).toEqual([[], 1]);
      return "no board is offered or sent another's image";
    },
  },
  {
    attack: "Flood of calls, 160 a second under new ids, from before the image was opened on",
    ids: "drain of a rescuer",
    happens: "calls wait while an image is picked; of those that wait each has the same chance",
    play: () => flooded({}),
  },
  {
    attack: "The same flood on a link with a key, by somebody without it",
    ids: "drain of a rescuer",
    happens: "the same; a call has no proof, and an offer to it costs one frame",
    play: () => flooded(KEYED),
  },
  {
    attack: "A forged call before each genuine one, on a link with a key",
    ids: "denial by unproven calls",
    happens:
      "the genuine call is answered next, and an offer to a forged one begins no session: the call is bound into its proof; nothing is held against an id for calls",
    play: () => {
      let worstShare = 0;
      for (const forge of FORGERIES) {
        for (let seed = 0; seed < SEEDS; seed++) {
          const share = forgedFirst(seed, forge) / forgedFirst(seed, undefined);
          worstShare = Math.max(worstShare, share);
        }
      }
      expect(worstShare).toBeLessThan(1.5);
      return `healed within ${worstShare.toFixed(2)} times the undisturbed time`;
    },
  },
  {
    attack: "A forged call in place of each genuine one for 10 s, on a link with a key",
    ids: "freeze by unproven calls",
    happens:
      "offers to calls that the board did not send begin no session, whatever image was picked for them",
    play: () => {
      const [claimsOld = () => expect.fail("no forgery")] = FORGERIES;
      const ms = worst((seed) => forgedFirst(seed, claimsOld, true)) - CUT_MS;
      expect(ms).toBeLessThan(30_000);
      return `no offer is taken while it lasts; healed ${seconds(ms)} after it ends`;
    },
  },
];
