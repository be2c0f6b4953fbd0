import { describe, expect, it } from "vitest";
import { Hearing } from "../../../src/link/forms/hearing.ts";

describe("Hearing (PROTOCOL.md 2.5)", () => {
  it("is good before anything came, and bad after a damaged run, until enough came undamaged", () => {
    const hearing = new Hearing();
    expect(hearing.isBad).toBe(false);
    hearing.noteDamaged(30);
    expect(hearing.isBad).toBe(true);
    hearing.noteFrame(16_000, 0);
    expect(hearing.isBad).toBe(false);
  });

  it("knows that bytes are wrong, and not lost, only from frames that were mended", () => {
    const hearing = new Hearing();
    for (let i = 0; i < 5; i++) hearing.noteDamaged(100);
    expect([hearing.isBad, hearing.hasMended]).toEqual([true, false]);
    hearing.noteCoded(96, 1);
    expect(hearing.hasMended).toBe(true);
    hearing.noteFrame(4_000, 0);
    expect(hearing.hasMended).toBe(false);
  });
});
