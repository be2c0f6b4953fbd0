import { expect } from "vitest";
import { randomBytes } from "../../src/base/prng.ts";
import { leftmostPath } from "../../src/base/tree-shape.ts";
import type { Millis } from "../../src/base/units.ts";
import type { ImageSource } from "../../src/image/image-source.ts";
import { type Attack, type Contest, contest, healedAt, seconds, worst } from "./attack.ts";
import type { Attacker } from "./attacker.ts";

/** Rescuers that are always first to offer and then waste the target's time. */

const LIMIT_MS: Millis = 300_000;
const HOUR_MS: Millis = 3_600_000;
const EVIL: Uint8Array = Uint8Array.of(0xe, 0xf, 1, 2, 3, 4, 5, 6);

/** Offers the honest image at each call, before anybody else can, under `id`. */
function firstWith(attacker: Attacker, image: () => ImageSource, id: () => Uint8Array = () => EVIL): void {
  attacker.onFrame = (frame) => {
    if (frame.tag === "distress") attacker.offer(id(), image());
  };
}

/** Time until the honest rescuer has healed the board all the same, the worst of some seeds. */
function delayOf(
  script: (attacker: Attacker, image: () => ImageSource) => void,
  options: Parameters<typeof contest>[2] = {},
): Millis {
  return worst((seed) => {
    let made: Contest | undefined;
    const image = (): ImageSource => {
      if (made === undefined) throw new Error("nobody calls before all are there");
      return made.rescue.image;
    };
    made = contest(seed, (attacker) => script(attacker, image), options);
    return healedAt(made, LIMIT_MS);
  });
}

/** A hostile rescuer with the real manifest and real hashes; `onBlocks` says what becomes of the blocks asked for. */
function serving(
  attacker: Attacker,
  image: () => ImageSource,
  onBlocks: (first: number, attempt: number) => void,
): void {
  attacker.onFrame = (frame) => {
    if (frame.tag === "distress") attacker.offer(EVIL, image());
    if (!attacker.isServing(EVIL)) return;
    if (frame.tag === "accept") {
      attacker.sendManifest(image());
      attacker.sendRuns(image(), leftmostPath(image().manifest.leafCount));
    }
    if (frame.tag === "request") attacker.sendRuns(image(), frame.wanted);
    const [entry] = frame.tag === "grant" ? frame.entries : [];
    if (entry !== undefined) onBlocks(entry.first, entry.attempt);
  };
}

function bounded(ms: Millis, mostMs: Millis): string {
  expect(ms).toBeLessThanOrEqual(mostMs);
  return `healed after ${seconds(ms)}`;
}

export const STALLING: readonly Attack[] = [
  {
    attack: "Spoofed offers: always first, then silent",
    ids: "TUF slow retrieval; EXPIRED.OFFLINE",
    happens: "the target loses two sessions with it, then prefers other rescuers",
    play: () => bounded(delayOf(firstWith), 20_000),
  },
  {
    attack: "Spoofed offers under a new id each time",
    ids: "TUF slow retrieval",
    happens:
      "after two lost sessions the target draws one of all offers at random, so that being first does not help",
    play: () => {
      const script = (attacker: Attacker, image: () => ImageSource): void =>
        firstWith(attacker, image, () => randomBytes(attacker.random, 8));
      return bounded(delayOf(script), 60_000);
    },
  },
  {
    attack: "Endless data",
    ids: "TUF endless data",
    happens: "bytes that belong to no requested block do not renew the lease, which ends",
    play: () => {
      const script = (attacker: Attacker, image: () => ImageSource): void => {
        const junk = new Uint8Array(1024);
        const flood = (): void => {
          attacker.clock.after(100, flood);
          if (attacker.isServing(EVIL)) attacker.sendBlock(9_999, 1024, junk);
        };
        flood();
        serving(attacker, image, () => {});
      };
      return bounded(delayOf(script), 30_000);
    },
  },
  {
    attack: "Wrong blocks without end",
    ids: "TUF endless data",
    happens: "32 wrong blocks or hash runs, or 8 of one block, end the session; none is programmed",
    play: () => {
      const script = (attacker: Attacker, image: () => ImageSource): void => {
        const junk = new Uint8Array(1024).fill(0x5a);
        serving(attacker, image, (first, attempt) => attacker.sendBlock(first, 1024, junk, attempt & 1));
      };
      return bounded(delayOf(script), 30_000);
    },
  },
  {
    attack: "Slow drip: one right block before each lease ends",
    ids: "TUF slow retrieval",
    happens: "the session ends as too slow after two minutes; verified blocks stay in flash",
    play: () => {
      const script = (attacker: Attacker, image: () => ImageSource): void => {
        let next = 0;
        let attempts = 0;
        const drip = (): void => {
          attacker.clock.after(4_500, drip);
          if (attacker.isServing(EVIL))
            attacker.sendBlock(next, 1024, image().readBlockSync(next), attempts & 1);
        };
        // Never silent, or a query of another node would end the session.
        const chatter = (): void => {
          attacker.clock.after(100, chatter);
          if (attacker.isServing(EVIL)) attacker.send({ tag: "later", forMs: 0 });
        };
        chatter();
        drip();
        serving(attacker, image, (first, attempt) => {
          next = first;
          attempts = attempt;
        });
      };
      return bounded(delayOf(script, { baud: 921_600, size: 131_072 }), 180_000);
    },
  },
  {
    attack: "The same under *later*: one right block in 50 s",
    ids: "TUF slow retrieval",
    happens:
      "*later* holds a session's limits for ten minutes, and what its right blocks take at 1200 baud: who drips more slowly ends as slow then; who is faster heals the board",
    play: () => {
      const script = (attacker: Attacker): void => {
        let next = 0;
        let attempts = 0;
        const drip = (): void => {
          attacker.clock.after(50_000, drip);
          if (attacker.isServing(EVIL))
            attacker.sendBlock(next, 1024, all.rescue.image.readBlockSync(next), attempts & 1);
        };
        const stall = (): void => {
          attacker.clock.after(100, stall);
          if (attacker.isServing(EVIL)) attacker.send({ tag: "later", forMs: 0xffff });
        };
        drip();
        stall();
        serving(
          attacker,
          () => all.rescue.image,
          (first, attempt) => {
            next = first;
            attempts = attempt;
          },
        );
      };
      const all: Contest = contest(1, script, { baud: 921_600, size: 131_072 });
      const losses = () => all.rescue.targetEvents.flatMap((event) => ("why" in event ? [event.why] : []));
      all.rescue.run(HOUR_MS, () => losses().length > 0);
      const ms = all.clock.now();
      expect(losses()).toEqual(["slow"]);
      expect(ms).toBeGreaterThan(600_000);
      expect(ms).toBeLessThan(900_000);
      healedAt(all, HOUR_MS);
      return `the session ends as slow after ${seconds(ms)}; healed`;
    },
  },
  {
    attack: "Later without end",
    ids: "TUF indefinite freeze",
    happens: "*later* renews a lease for one minute at most while nothing verifies",
    play: () => {
      const script = (attacker: Attacker, image: () => ImageSource): void => {
        const stall = (): void => {
          attacker.clock.after(1_000, stall);
          if (attacker.isServing(EVIL)) attacker.send({ tag: "later", forMs: 0xffff });
        };
        stall();
        serving(attacker, image, () => {});
      };
      return bounded(delayOf(script), 180_000);
    },
  },
];
