import { describe, expect, it } from "vitest";
import { RatelessWindow } from "../../src/link/rateless-window.ts";

/** Sends through a queue that is emptied at `bytesPerMs`, after a delay of `delayMs`; the most that ever was in flight. */
function mostInFlight(bytesPerMs: number, delayMs: number, total: number): { most: number; ms: number } {
  const window = new RatelessWindow();
  const flight: { readonly bytes: number; readonly sentAt: number; readonly ackedAt: number }[] = [];
  let [now, sent, inFlight, most, freeAt] = [0, 0, 0, 0, 0];
  while (sent < total || flight.length > 0) {
    while (sent < total && inFlight < window.bytes) {
      freeAt = Math.max(freeAt, now) + 1024 / bytesPerMs;
      flight.push({ bytes: 1024, sentAt: now, ackedAt: freeAt + delayMs });
      sent += 1024;
      inFlight += 1024;
    }
    most = Math.max(most, inFlight);
    const [first] = flight.splice(0, 1);
    if (first === undefined) break;
    now = first.ackedAt;
    inFlight -= first.bytes;
    window.handleAck(now - first.sentAt, first.bytes);
  }
  return { most, ms: now };
}

describe("the window of a link without a rate", () => {
  it("grows on a fast network until the wire is full", () => {
    const { most, ms } = mostInFlight(12_500, 20, 1 << 20);
    expect(most).toBeGreaterThan(60_000);
    expect(ms).toBeLessThan(600);
  });

  it("stays small before a serial server: about a second of its line at 115200", () => {
    const { most, ms } = mostInFlight(11.52, 2, 1 << 20);
    expect(most).toBeLessThan(12_500);
    expect(ms).toBeLessThan(1.01 * ((1 << 20) / 11.52));
  });
});
