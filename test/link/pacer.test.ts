import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { lineTime } from "../../src/base/units.ts";
import { Pacer } from "../../src/link/pacer.ts";

/** PROTOCOL.md 4.8. */
const AHEAD_BYTES = 2600;
const AHEAD_MS = 40;

describe("pacing by the clock", () => {
  it("is ready at once on an idle line, and tells when a byte leaves the wire", () => {
    const pacer = new Pacer(1_000_000);
    expect(pacer.bytesPerMs).toBeCloseTo(100);
    expect(pacer.isReady(500)).toBe(true);
    expect(pacer.handOver(500, 1000)).toBeCloseTo(510);
    expect(pacer.handOver(500, 1000)).toBeCloseTo(520);
  });

  it("is ready again exactly when 2600 bytes are left on the wire", () => {
    const pacer = new Pacer(1_000_000);
    pacer.handOver(0, 2000);
    pacer.handOver(0, 2000);
    expect(pacer.readyAt).toBeCloseTo(40 - AHEAD_BYTES / 100);
    expect(pacer.isReady(pacer.readyAt - 0.001)).toBe(false);
    expect(pacer.isReady(pacer.readyAt)).toBe(true);
  });

  it("keeps no more than 40 ms of a slow line ahead", () => {
    const pacer = new Pacer(115_200);
    pacer.handOver(0, 1152);
    expect(pacer.readyAt).toBeCloseTo(100 - AHEAD_MS);
  });

  it("does not save up an idle time", () => {
    const pacer = new Pacer(115_200);
    pacer.handOver(0, 1152);
    expect(pacer.handOver(10_000, 1152)).toBeCloseTo(10_100);
  });

  it("never holds back a link without a rate", () => {
    const pacer = new Pacer(undefined);
    for (let i = 0; i < 100; i++) expect(pacer.handOver(7, 2000)).toBe(7);
    expect(pacer.isReady(7)).toBe(true);
    expect(pacer.bytesPerMs).toBeUndefined();
  });

  it("counts the bits of each byte: 10 at 8N1, 11 with a parity bit, 12 with a second stop bit too", () => {
    const [plain, parity, both] = [undefined, 11, 12].map((bits) => new Pacer(115_200, bits));
    expect(plain?.handOver(0, 1152)).toBeCloseTo(100);
    expect(parity?.handOver(0, 1152)).toBeCloseTo(110);
    expect(both?.handOver(0, 1152)).toBeCloseTo(120);
    expect(both?.lineTime(96)).toBeCloseTo(10);
    expect(both?.readyAt).toBeCloseTo(120 - AHEAD_MS);
  });

  it("counts bytes that were handed over before a change of rate at the old one, later bytes at the new one", () => {
    const pacer = new Pacer(9600);
    expect(pacer.handOver(0, 96)).toBeCloseTo(100);
    pacer.setBaud(960_000);
    expect(pacer.lineFreeAt).toBeCloseTo(100);
    expect(pacer.handOver(0, 96)).toBeCloseTo(101);
    expect(pacer.bytesPerMs).toBeCloseTo(96);
    pacer.setBaud(undefined);
    expect(pacer.isReady(0)).toBe(true);
    expect(pacer.handOver(3, 96)).toBe(3);
  });

  property.prop([
    fc.constantFrom(9600, 115_200, 921_600, 3_000_000),
    fc.array(fc.record({ bytes: fc.integer({ min: 8, max: 2075 }), lateMs: fc.nat({ max: 30 }) }), {
      maxLength: 60,
    }),
  ])(
    "never has more than 2600 bytes and a frame ahead, and never lets a busy line run dry",
    (baud, frames) => {
      const pacer = new Pacer(baud);
      let now = 0;
      let dueAt = 0;
      for (const { bytes, lateMs } of frames) {
        now = Math.max(now, pacer.readyAt) + lateMs;
        expect(pacer.isReady(now)).toBe(true);
        expect(pacer.readyAt).toBeLessThanOrEqual(Math.max(dueAt, 0));
        const start = Math.max(now, dueAt);
        dueAt = pacer.handOver(now, bytes);
        expect(dueAt).toBeCloseTo(start + lineTime(bytes, baud), 6);
        expect(dueAt - now).toBeLessThanOrEqual(lineTime(AHEAD_BYTES + bytes, baud) + 1e-6);
        expect(dueAt - now).toBeLessThanOrEqual(AHEAD_MS + lineTime(bytes, baud) + 1e-6);
      }
    },
  );
});
