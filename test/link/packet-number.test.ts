import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { decodeNumber, decodePacketNumber } from "../../src/link/packet-number.ts";
import { IN_FLIGHT_MAX, PACKET_NUMBER_BITS } from "../../src/wire/constants.ts";

/** The number congruent to `low` nearest to `expected`, the larger of two that are equally near; by trying. */
function nearest(low: number, bits: number, expected: number): number {
  const span = 2 ** bits;
  let best = low;
  for (
    let n = low + Math.max(0, Math.floor(expected / span) - 2) * span;
    n <= expected + 2 * span;
    n += span
  ) {
    if (Math.abs(n - expected) <= Math.abs(best - expected)) best = n;
  }
  return best;
}

describe("packet numbers", () => {
  it("decode as in the example of RFC 9000 A.3", () => {
    expect(decodeNumber(0x9b32, 16, 0xa82f30ea + 1)).toBe(0xa82f9b32);
  });

  it.each([
    ["the first packet", 0, -1, 0],
    ["the next packet", 1, 0, 1],
    ["the first packet after 20 losses", 20, -1, 20],
    ["across the wrap", 0x001, 0xfff, 0x1001],
    ["a late one across the wrap", 0xffe, 0x1000, 0xffe],
    ["half the span ahead", 0x800, 0x1fff, 0x2800],
    ["one more than half the span ahead is behind", 0x801, 0x1fff, 0x1801],
    ["half the span behind counts as ahead", 0x000, 0x17ff, 0x2000],
    ["nothing below zero", 0xfff, 0, 0xfff],
  ])("%s", (_name, low, highest, number) => {
    expect(decodePacketNumber(low, highest)).toBe(number);
  });

  const highest = fc.oneof(fc.integer({ min: -1, max: 9000 }), fc.integer({ min: -1, max: 2 ** 44 }));

  property.prop([fc.nat({ max: 0xfff }), highest])("are the nearest that fit", (low, seen) => {
    expect(decodePacketNumber(low, seen)).toBe(nearest(low, PACKET_NUMBER_BITS, seen + 1));
  });

  property.prop([fc.integer({ min: -1, max: 2 ** 44 }), fc.integer({ min: -1024, max: 2 * IN_FLIGHT_MAX })])(
    "are right for all that may be in flight, twice over",
    (seen, ahead) => {
      const number = Math.max(0, seen + ahead);
      expect(decodePacketNumber(number % 0x1000, seen)).toBe(number);
    },
  );
});
