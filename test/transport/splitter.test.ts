import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { AssertionError } from "../../src/base/assert.ts";
import { concatBytes, fromHex, toHex } from "../../src/base/bytes.ts";
import type { Clock, Timer } from "../../src/base/clock.ts";
import { SILENCE_MS, silenceAt } from "../../src/base/line-silence.ts";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { PureRunSplitter } from "../../src/node/pure-run-splitter.ts";
import { StreamSplitter } from "../../src/transport/stream-splitter.ts";
import { PureSplitter } from "../../src/wire/run-splitter.ts";
import { watchLineUntil } from "../support/watched-line.ts";

/** Either splitter, driven in the same way. */
interface Driven {
  push(bytes: Uint8Array): void;
  advance(ms: number): void;
  close(): void;
  readonly heldBytes: number;
}

function stream(onRun: (run: Uint8Array) => void, maxRun: number): Driven {
  const clock = new VirtualClock();
  const splitter = new StreamSplitter(onRun, { maxRun, clock });
  return {
    push: (bytes) => splitter.push(bytes),
    advance: (ms) => clock.advanceTo(clock.now() + ms),
    close: () => splitter.close(),
    get heldBytes() {
      return splitter.heldBytes;
    },
  };
}

function pure(onRun: (run: Uint8Array) => void, maxRun: number): Driven {
  let now = 0;
  const splitter = new PureSplitter(onRun, { maxRun });
  return {
    push: (bytes) => splitter.push(now, bytes),
    advance: (ms) => {
      now += ms;
      watchLineUntil(splitter, now);
    },
    close: () => splitter.close(),
    get heldBytes() {
      return splitter.heldBytes;
    },
  };
}

function runsOf(make: typeof stream, maxRun: number, drive: (driven: Driven) => void): string[] {
  const runs: string[] = [];
  drive(make((run) => runs.push(toHex(run)), maxRun));
  return runs;
}

const hex = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array();

describe.each([
  ["StreamSplitter", stream],
  ["PureSplitter", pure],
])("%s", (_name, make) => {
  it.each([
    ["00 0102 00", 8, ["00", "010200"]],
    ["0102 00 03 00 00", 8, ["010200", "0300", "00"]],
    ["000000", 8, ["00", "00", "00"]],
    ["0102030405060700", 8, ["0102030405060700"]], // a run of maxRun with its delimiter stays whole
    ["010203040506070800", 8, ["0102030405060708", "00"]], // one more is closed at maxRun
    ["0102030405", 2, ["0102", "0304"]],
  ])("cuts %s", (input, maxRun, expected) => {
    expect(runsOf(make, maxRun, (driven) => driven.push(hex(input)))).toEqual(expected);
  });

  it("delivers a run before push returns, also the very first", () => {
    const runs: Uint8Array[] = [];
    const driven = make((run) => runs.push(run), 64);
    driven.push(hex("01 00"));
    expect(runs).toEqual([hex("01 00")]);
    driven.push(hex("02"));
    expect(runs.length).toBe(1);
    driven.push(hex("00 03"));
    expect(runs[1]).toEqual(hex("02 00"));
  });

  it("closes a run without delimiter after exactly 50 ms of silence", () => {
    const runs = runsOf(make, 64, (driven) => {
      driven.push(hex("0102"));
      driven.advance(49);
      driven.push(hex("03"));
      driven.advance(49.9);
      expect(driven.heldBytes).toBe(3);
      driven.advance(0.1);
      expect(driven.heldBytes).toBe(0);
      driven.push(hex("0400"));
    });
    expect(runs).toEqual(["010203", "0400"]);
    expect(SILENCE_MS).toBe(50);
  });

  it("delivers what is held on close, once", () => {
    const runs = runsOf(make, 64, (driven) => {
      driven.push(hex("010200 0304"));
      driven.close();
      driven.close();
    });
    expect(runs).toEqual(["010200", "0304"]);
  });

  it("never holds maxRun bytes of noise without a delimiter", () => {
    const maxRun = 2100;
    const noise = randomBytes(new SeededRandom(7), 1 << 20).map((byte) => byte | 1);
    let runs = 0;
    let bytes = 0;
    let held = 0;
    const driven = make((run) => {
      runs += 1;
      bytes += run.length;
      expect(run.length).toBe(maxRun);
    }, maxRun);
    for (let at = 0; at < noise.length; at += 61) {
      driven.push(noise.subarray(at, at + 61));
      held = Math.max(held, driven.heldBytes);
    }
    expect(held).toBeLessThan(maxRun);
    expect(runs).toBe(Math.floor(noise.length / maxRun));
    expect(bytes + driven.heldBytes).toBe(noise.length);
  });

  it("delivers each delimiter of a line held low as a run of its own", () => {
    let runs = 0;
    const driven = make((run) => {
      runs += run.length;
    }, 64);
    driven.push(new Uint8Array(100_000));
    expect(runs).toBe(100_000);
    expect(driven.heldBytes).toBe(0);
  });
});

describe("StreamSplitter", () => {
  it("hands out plain byte arrays, whose slice is a copy, not the parser's Buffers", () => {
    expect.assertions(3);
    const driven = stream((run) => expect(run.constructor).toBe(Uint8Array), 8);
    driven.push(Buffer.from([0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
  });

  it("ignores bytes after close", () => {
    const runs = runsOf(stream, 64, (driven) => {
      driven.close();
      driven.push(hex("0100"));
    });
    expect(runs).toEqual([]);
  });
});

/** Bytes with many delimiters, cut anywhere, with pauses in between. */
const pieces = fc.array(
  fc.record({
    bytes: fc.uint8Array({ maxLength: 24, max: 3 }),
    pauseMs: fc.constantFrom(0, 1, 49, 50, 120),
  }),
  { maxLength: 30 },
);

describe("both splitters", () => {
  property.prop([pieces, fc.integer({ min: 2, max: 20 })])(
    "give the same runs, joined the input",
    (input, maxRun) => {
      const drive = (driven: Driven): void => {
        for (const { bytes, pauseMs } of input) {
          driven.push(bytes);
          driven.advance(pauseMs);
        }
        driven.close();
      };
      const runs = runsOf(stream, maxRun, drive);
      expect(runsOf(pure, maxRun, drive)).toEqual(runs);
      expect(runs.join("")).toBe(toHex(concatBytes(...input.map((piece) => piece.bytes))));
      for (const run of runs) {
        expect(run.length / 2).toBeLessThanOrEqual(maxRun);
        expect(run.slice(0, -2).match(/.{2}/g) ?? []).not.toContain("00");
      }
    },
  );

  property.prop([fc.array(fc.uint8Array({ maxLength: 24, max: 3 }), { maxLength: 20 })])(
    "cut alike however the bytes came",
    (parts) => {
      const whole = runsOf(stream, 9, (driven) => driven.push(concatBytes(...parts)));
      for (const make of [stream, pure]) {
        expect(
          runsOf(make, 9, (driven) => {
            for (const part of parts) driven.push(part);
          }),
        ).toEqual(whole);
      }
    },
  );
});

/** A clock whose process can be busy: time passes and no timer fires until the event loop turns again. */
class BusyClock implements Clock {
  #now = 0;
  #timers: { readonly at: number; readonly fire: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(delay: number, fire: () => void): Timer {
    const timer = { at: this.#now + delay, fire };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  /** Time passes in which the process does something else. */
  busy(ms: number): void {
    this.#now += ms;
  }

  /** Fires what is due, as the event loop does before it reads; what that sets is for a later turn. */
  turn(): void {
    const due = this.#timers.filter(({ at }) => at <= this.#now);
    this.#timers = this.#timers.filter(({ at }) => at > this.#now);
    for (const { fire } of due) fire();
  }

  /** Time passes with an event loop that turns every half millisecond. */
  idle(ms: number): void {
    for (const end = this.#now + ms; this.#now < end; ) {
      this.#now = Math.min(end, this.#now + 0.5);
      this.turn();
    }
  }
}

type MakeOnClock = (
  onRun: (run: Uint8Array) => void,
  clock: Clock,
  maxRun: number,
) => Pick<StreamSplitter, "push" | "close">;

const ON_A_CLOCK: readonly (readonly [string, MakeOnClock])[] = [
  ["StreamSplitter", (onRun, clock, maxRun) => new StreamSplitter(onRun, { maxRun, clock })],
  ["PureRunSplitter", (onRun, clock, maxRun) => new PureRunSplitter(onRun, clock, { maxRun })],
];

describe.each(ON_A_CLOCK)("%s in a process that is held up", (_name, make) => {
  const HALF = new Uint8Array(900).fill(7);
  const REST = Uint8Array.of(...HALF, 0);

  function lengthsOf(
    drive: (clock: BusyClock, push: (bytes: Uint8Array) => void, soFar: readonly number[]) => void,
  ): number[] {
    const lengths: number[] = [];
    const clock = new BusyClock();
    const splitter = make((run) => lengths.push(run.length), clock, 2073);
    drive(clock, (bytes) => splitter.push(bytes), lengths);
    return lengths;
  }

  // 52 ms: the timer for 50 ms is hardly late, and yet the process was deaf all the time. 5 s: fsync on a slow card.
  it.each([45, 52, 60, 99, 5000])(
    "keeps a frame whole whose rest waited while it was busy for %d ms",
    (ms) => {
      const lengths = lengthsOf((clock, push) => {
        push(HALF);
        clock.busy(ms);
        clock.turn();
        clock.idle(4);
        push(REST);
      });
      expect(lengths).toEqual([1801]);
    },
  );

  it("keeps a frame whole that is read before any timer fires, however late", () => {
    const lengths = lengthsOf((clock, push) => {
      push(HALF);
      clock.busy(10_000);
      push(REST);
    });
    expect(lengths).toEqual([1801]);
  });

  it("keeps a frame whole when it is held up again and again, and just before the second look", () => {
    const lengths = lengthsOf((clock, push) => {
      push(HALF);
      clock.idle(44);
      for (let i = 0; i < 5; i++) {
        clock.busy(60);
        clock.turn();
        clock.idle(4);
      }
      push(REST);
    });
    expect(lengths).toEqual([1801]);
  });

  it("closes a run shortly after it was held up, when nothing more comes", () => {
    const lengths = lengthsOf((clock, push, soFar) => {
      push(HALF);
      clock.busy(60);
      clock.turn();
      clock.idle(9.5);
      expect(soFar).toEqual([]);
      clock.idle(1);
    });
    expect(lengths).toEqual([900]);
  });
});

describe("splitters on a clock", () => {
  const step = fc.record({
    bytes: fc.uint8Array({ maxLength: 24, max: 3 }),
    idleMs: fc.constantFrom(0, 1, 38, 41, 49, 52, 120),
    busyMs: fc.constantFrom(0, 0, 3, 12, 60),
  });

  property.prop([fc.array(step, { maxLength: 12 }), fc.integer({ min: 2, max: 20 })])(
    "give the same runs, joined the input, also in a process that is held up",
    (steps, maxRun) => {
      const [stream = [], pure = []] = ON_A_CLOCK.map(([, make]) => {
        const runs: string[] = [];
        const clock = new BusyClock();
        const splitter = make((run) => runs.push(toHex(run)), clock, maxRun);
        for (const { bytes, idleMs, busyMs } of steps) {
          splitter.push(bytes);
          clock.idle(idleMs);
          clock.busy(busyMs);
          clock.turn();
        }
        splitter.close();
        return runs;
      });
      expect(pure).toEqual(stream);
      expect(stream.join("")).toBe(toHex(concatBytes(...steps.map(({ bytes }) => bytes))));
    },
  );
});

describe("the silence that closes a run", () => {
  it.each([undefined, 9600, 115_200, 3_000_000])("is 50 ms at %s baud", (baud) => {
    expect(silenceAt(baud)).toBe(50);
  });

  it.each([
    [4800, 100],
    [1200, 400],
    [300, 1600],
  ])("is the time of 48 bytes at %d baud, as a UART hands over up to 16 at a time", (baud, ms) => {
    expect(silenceAt(baud)).toBe(ms);
  });
});

describe("PureSplitter alone", () => {
  it("hands on views of what was pushed, and copies only what spans two pushes", () => {
    const runs: Uint8Array[] = [];
    const splitter = new PureSplitter((run) => runs.push(run), { maxRun: 4 });
    const bytes = hex("0102 00 00 03040506 07");
    splitter.push(0, bytes);
    splitter.push(1, hex("08 00"));
    expect(runs.map(toHex)).toEqual(["010200", "00", "03040506", "070800"]);
    expect(runs.map(({ buffer }) => buffer === bytes.buffer)).toEqual([true, true, true, false]);
  });

  it("is due only while it holds bytes", () => {
    const splitter = new PureSplitter(() => {}, { maxRun: 8, silenceMs: 5 });
    expect(splitter.pollTimeout()).toBeUndefined();
    splitter.push(3, hex("01"));
    expect(splitter.pollTimeout()).toBe(8);
    splitter.push(4, hex("02"));
    expect(splitter.pollTimeout()).toBe(9);
    splitter.push(5, new Uint8Array());
    expect(splitter.pollTimeout()).toBe(9);
    splitter.push(6, hex("00"));
    expect(splitter.pollTimeout()).toBeUndefined();
  });

  it("delivers nothing at a timeout while it holds nothing", () => {
    const runs: Uint8Array[] = [];
    const splitter = new PureSplitter((run) => runs.push(run), { maxRun: 8, silenceMs: 5 });
    splitter.push(0, hex("01 00"));
    for (const now of [5, 6, 20, 25, 30]) splitter.handleTimeout(now);
    expect(runs.map(toHex)).toEqual(["0100"]);
  });

  it("takes runs of two bytes at least", () => {
    expect(() => new PureSplitter(() => {}, { maxRun: 1 })).toThrow(AssertionError);
    expect(new PureSplitter(() => {}, { maxRun: 2 }).heldBytes).toBe(0);
  });
});
