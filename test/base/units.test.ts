import { describe, expect, it } from "vitest";
import { lineTime, UART_BITS_PER_BYTE } from "../../src/base/units.ts";

describe("the time on a line", () => {
  it("is ten bits a byte at 8N1", () => {
    expect(UART_BITS_PER_BYTE).toBe(10);
    expect(lineTime(1152, 115_200)).toBe(100);
    expect(lineTime(0, 115_200)).toBe(0);
  });

  it("is longer with a parity bit or a second stop bit", () => {
    expect(lineTime(1152, 115_200, 11)).toBe(110);
    expect(lineTime(1152, 115_200, 12)).toBe(120);
  });
});
