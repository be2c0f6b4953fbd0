import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { AssertionError } from "../../src/base/assert.ts";
import { concatBytes, fromHex, toHex } from "../../src/base/bytes.ts";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { SILENCE_MS, StreamSplitter } from "../../src/transport/splitter.ts";
import { PureSplitter } from "../../src/wire/run-splitter.ts";

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
      const due = splitter.pollTimeout();
      if (due !== undefined && due <= now + ms) splitter.handleTimeout(due);
      now += ms;
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

  it("takes runs of two bytes at least", () => {
    expect(() => new PureSplitter(() => {}, { maxRun: 1 })).toThrow(AssertionError);
    expect(new PureSplitter(() => {}, { maxRun: 2 }).heldBytes).toBe(0);
  });
});
