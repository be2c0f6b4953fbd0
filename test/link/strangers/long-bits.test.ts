import { describe, expect, it } from "vitest";
import { randomBytes, SeededRandom } from "../../../src/base/prng.ts";
import { LongBits } from "../../../src/link/strangers/long-bits.ts";

/** What a UART at `rate` makes of bytes that are sent 8N1 at `sent`, without those whose stop bit is missing, as Linux drops them. */
function heardAt(rate: number, sent: number, bytes: Uint8Array): Uint8Array {
  const bits = [...bytes].flatMap((byte) => [0, ...Array.from({ length: 8 }, (_, i) => (byte >> i) & 1), 1]);
  const level = (time: number): number => bits[Math.floor(time * sent)] ?? 1;
  const end = bits.length / sent;
  const step = 1 / rate;
  const heard: number[] = [];
  for (let time = 0; time < end; ) {
    if (level(time) === 1) {
      time += step / 16;
      continue;
    }
    const at = (bit: number): number => level(time + (bit + 1.5) * step);
    const byte = Array.from({ length: 8 }, (_, i) => at(i) << i).reduce((sum, bit) => sum + bit, 0);
    const hasStop = at(8) === 1;
    if (hasStop) heard.push(byte);
    time += 9.5 * step;
    while (!hasStop && level(time) === 0 && time < end) time += step / 16;
  }
  return Uint8Array.from(heard);
}

function areSeen(bytes: Uint8Array): boolean {
  const bits = new LongBits();
  bits.add(bytes);
  return bits.areSeen;
}

const frames = randomBytes(new SeededRandom(1), 4000);

describe("bits that last longer than ours", () => {
  it.each([
    [115_200, 38_400],
    [230_400, 57_600],
    [115_200, 19_200],
    [921_600, 115_200],
  ])("are seen at %i baud from a sender at %i", (rate, sent) => {
    expect(areSeen(heardAt(rate, sent, frames))).toBe(true);
  });

  it.each([
    [115_200, 115_200],
    [9600, 115_200],
    [57_600, 115_200],
    [115_200, 100_000],
  ])(
    "are not seen at %i baud from a sender at %i, which is as fast, faster, or hardly slower",
    (rate, sent) => {
      expect(areSeen(heardAt(rate, sent, frames))).toBe(false);
    },
  );

  it.each([
    ["random bytes", frames],
    [
      "text",
      new TextEncoder().encode(
        "Starting kernel ... [    0.000000] Booting Linux on physical CPU 0x0\r\n".repeat(9),
      ),
    ],
    ["erased flash", new Uint8Array(500).fill(0xff)],
    ["a line held low", new Uint8Array(500)],
    ["too few bytes", heardAt(115_200, 38_400, frames).subarray(0, 60)],
  ])("are not seen in %s", (_what, bytes) => {
    expect(areSeen(bytes)).toBe(false);
  });

  it("are so long from a tenth of the rate on that no byte comes", () => {
    expect(heardAt(115_200, 9600, frames)).toHaveLength(0);
  });

  it("are forgotten when a frame came, and found again among much else", () => {
    const slow = heardAt(115_200, 38_400, frames);
    const bits = new LongBits();
    bits.add(slow);
    bits.clear();
    expect(bits.areSeen).toBe(false);
    bits.add(frames);
    for (let i = 0; i < 40; i++) bits.add(slow);
    expect(bits.areSeen).toBe(true);
  });
});
