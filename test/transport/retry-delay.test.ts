import { expect, it } from "vitest";
import { RetryDelay } from "../../src/transport/retry-delay.ts";

it("waits twice as long before each attempt, from 100 ms to 2 s, and 100 ms again after a success", () => {
  const delay = new RetryDelay();
  const waits = Array.from({ length: 7 }, () => delay.take());
  expect(waits).toEqual([100, 200, 400, 800, 1600, 2000, 2000]);
  delay.reset();
  expect([delay.take(), delay.take()]).toEqual([100, 200]);
});
