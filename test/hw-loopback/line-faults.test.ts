import { readFileSync } from "node:fs";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";

interface Judged {
  readonly lost: number;
  readonly changed: number;
  readonly extra: number;
  readonly bitErrors: number;
  readonly firstDifferences: readonly object[];
  readonly faults: readonly string[];
}

const MODULE = new URL("../../hw-loopback/line-faults.mjs", import.meta.url).href;
const { judgeBytes, FAULTS, REMARKS } = (await import(MODULE)) as {
  readonly judgeBytes: (sent: Buffer, received: Buffer) => Judged;
  readonly FAULTS: Readonly<Record<string, string>>;
  readonly REMARKS: Readonly<Record<string, string>>;
};

const bytes = (...parts: readonly (number | readonly number[])[]): Buffer => Buffer.from(parts.flat());
const run = (value: number, count = 256): number[] => new Array<number>(count).fill(value);
const STREAM = Buffer.from(randomBytes(new SeededRandom(1), 4096));
const RUNS = bytes(run(0x00), run(0xff), run(0x11), run(0x13), run(0x0d), run(0x0a), run(0x7e), run(0xc0));
const without = (at: number, count: number): Buffer =>
  Buffer.concat([STREAM.subarray(0, at), STREAM.subarray(at + count)]);
const counts = ({ lost, changed, extra, bitErrors }: Judged): number[] => [lost, changed, extra, bitErrors];

describe("bytes that came as they were sent", () => {
  it.each([["none"], ["a stream"], ["runs"]])("have no fault: %s", (what) => {
    const sent = what === "none" ? bytes() : what === "runs" ? RUNS : STREAM;
    expect(judgeBytes(sent, Buffer.from(sent))).toEqual({
      lost: 0,
      changed: 0,
      extra: 0,
      bitErrors: 0,
      firstDifferences: [],
      faults: [],
    });
  });
});

describe("faults are counted and shown", () => {
  it("counts one lost byte, and shows where", () => {
    const judged = judgeBytes(STREAM, without(1000, 1));
    expect([counts(judged), judged.faults]).toEqual([[1, 0, 0, 0], ["loss"]]);
    expect(judged.firstDifferences).toEqual([{ at: 1000, sent: STREAM.toString("hex", 1000, 1001) }]);
  });

  it("counts changed bytes and their bits", () => {
    const received = Buffer.from(STREAM);
    received[10] = (received[10] ?? 0) ^ 0x01;
    received[2000] = (received[2000] ?? 0) ^ 0x81;
    const judged = judgeBytes(STREAM, received);
    expect([counts(judged), judged.faults]).toEqual([[0, 2, 0, 3], ["bit-errors"]]);
  });

  it("counts a byte that nobody sent", () => {
    const received = Buffer.concat([STREAM.subarray(0, 50), bytes(0x55), STREAM.subarray(50)]);
    const judged = judgeBytes(STREAM, received);
    expect([counts(judged), judged.faults]).toEqual([[0, 0, 1, 0], ["extra"]]);
  });

  it("finds back after an overrun of 3000 bytes", () => {
    expect(counts(judgeBytes(STREAM, without(500, 3000)))).toEqual([3000, 0, 0, 0]);
  });

  it("takes one loss within runs for one loss, though runs look alike", () => {
    expect(counts(judgeBytes(RUNS, RUNS.subarray(1)))).toEqual([1, 0, 0, 0]);
  });

  it("shows no more than eight differences", () => {
    const received = STREAM.map((byte, i) => (i % 100 === 0 ? byte ^ 1 : byte));
    const { firstDifferences, changed } = judgeBytes(STREAM, Buffer.from(received));
    expect([firstDifferences.length, changed]).toEqual([8, 41]);
  });
});

describe("what a line does has a name", () => {
  const translate = (sent: Buffer, to: (byte: number) => readonly number[]): Buffer =>
    Buffer.from([...sent].flatMap(to));
  const only = (value: number, into: readonly number[]) => (byte: number) => (byte === value ? into : [byte]);
  const cases: readonly (readonly [string, string, (byte: number) => readonly number[]])[] = [
    ["XON and XOFF eaten", "xon-xoff", (byte) => (byte === 0x11 || byte === 0x13 ? [] : [byte])],
    ["CR to LF", "newline", only(0x0d, [0x0a])],
    ["LF to CR", "newline", only(0x0a, [0x0d])],
    ["LF to CR LF", "newline", only(0x0a, [0x0d, 0x0a])],
    ["CR dropped", "newline", only(0x0d, [])],
    ["the top bit cleared", "top-bit", (byte) => [byte & 0x7f]],
    ["0xFF doubled", "ff-doubled", only(0xff, [0xff, 0xff])],
  ];

  it.each(cases)("%s", (_what, name, to) => {
    expect(judgeBytes(STREAM, translate(STREAM, to)).faults).toEqual([name]);
    expect(judgeBytes(RUNS, translate(RUNS, to)).faults).toEqual([name]);
  });

  it("names several together, as a terminal in its usual mode does them", () => {
    const cooked = translate(STREAM, (byte) => {
      if (byte === 0x11 || byte === 0x13) return [];
      return byte === 0x0d ? [0x0a] : [byte & 0x7f];
    });
    expect(judgeBytes(STREAM, cooked).faults).toEqual(["xon-xoff", "newline", "top-bit"]);
  });

  it("names a translation beside noise", () => {
    const received = translate(STREAM, only(0x0d, [0x0a]));
    received[3000] = (received[3000] ?? 0) ^ 0x40;
    expect(judgeBytes(STREAM, received).faults).toEqual(["newline", "bit-errors"]);
  });

  it("nothing at all, only zeros, or nothing right", () => {
    expect(judgeBytes(STREAM, bytes()).faults).toEqual(["silence"]);
    expect(judgeBytes(STREAM, bytes(run(0, 37))).faults).toEqual(["zeros"]);
    const noise = Buffer.from(STREAM.map((byte, i) => Math.imul(byte + i, 0x6b) ^ 0x5a));
    expect(judgeBytes(STREAM, noise).faults).toEqual(["garbled"]);
    expect(judgeBytes(STREAM, noise.subarray(0, 340)).faults).toEqual(["garbled"]);
  });
});

it("every fault and remark has a row in README.md, and nothing else has", () => {
  const readme = readFileSync(new URL("../../hw-loopback/README.md", import.meta.url), "utf8");
  const table = readme.slice(readme.indexOf("## Faults, and what to do"));
  const rows = [...table.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name);
  expect(rows.sort()).toEqual([...Object.keys(FAULTS), ...Object.keys(REMARKS)].sort());
});

const stream = fc.uint8Array({ minLength: 1, maxLength: 400 }).map((array) => Buffer.from(array));

test.prop([stream, stream])("the counts add up for any two streams", (sent, received) => {
  const { lost, changed, extra, faults } = judgeBytes(sent, received);
  expect(received.length - sent.length).toBe(extra - lost);
  expect(lost + changed).toBeLessThanOrEqual(sent.length);
  expect(faults.length > 0).toBe(!sent.equals(received));
  expect(faults.filter((name) => !(name in FAULTS))).toEqual([]);
});

test.prop([fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 20 })], {
  numRuns: 30,
})("losses apart from one another are counted exactly", (places) => {
  const gone = new Set(places.map((place) => place * 100));
  const received = Buffer.from(STREAM.filter((_, i) => !gone.has(i)));
  expect(counts(judgeBytes(STREAM, received))).toEqual([places.length, 0, 0, 0]);
});
