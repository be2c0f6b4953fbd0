import { describe, expect, it } from "vitest";
import { concatBytes } from "../../../src/base/bytes.ts";
import { Link } from "../../../src/link/link.ts";
import { Unasked } from "../../../src/link/listening/unasked.ts";

describe("what nobody asked for", () => {
  it("may be said at once on a line without text", () => {
    expect(new Unasked().freeAt).toBe(Number.NEGATIVE_INFINITY);
  });

  it("waits until ten seconds after the last text", () => {
    const unasked = new Unasked();
    unasked.noteText(1_000, true, false);
    unasked.noteText(6_000, true, false);
    expect(unasked.freeAt).toBe(16_000);
  });

  it("is said once in 15 s after a minute of text that does not pause", () => {
    const unasked = new Unasked();
    for (let at = 0; at <= 60_000; at += 5_000) unasked.noteText(at, true, false);
    expect(unasked.freeAt).toBe(60_000);
    unasked.noteSaid(60_000);
    for (let at = 65_000; at <= 75_000; at += 5_000) unasked.noteText(at, true, false);
    expect(unasked.freeAt).toBe(75_000);
  });

  it("counts a new minute after a pause of ten seconds", () => {
    const unasked = new Unasked();
    for (let at = 0; at <= 50_000; at += 5_000) unasked.noteText(at, true, false);
    unasked.noteText(60_000, true, false);
    expect(unasked.freeAt).toBe(70_000);
    for (let at = 65_000; at <= 115_000; at += 5_000) unasked.noteText(at, true, false);
    expect(unasked.freeAt).toBe(120_000);
  });

  it("waits a minute after the last mark of a boot loader or a shell, whatever text follows", () => {
    const unasked = new Unasked();
    unasked.noteText(0, true, false);
    unasked.noteText(2_000, true, true);
    for (let at = 5_000; at <= 60_000; at += 5_000) unasked.noteText(at, true, false);
    expect(unasked.freeAt).toBe(62_000);
  });

  it("no longer waits for a boot loader once a valid frame came, but still for text", () => {
    const unasked = new Unasked();
    unasked.noteText(0, true, true);
    unasked.noteFrame(0);
    expect(unasked.freeAt).toBe(10_000);
  });

  it("does not wait for what looked like text and was a frame", () => {
    const unasked = new Unasked();
    unasked.noteText(0, false, true);
    expect(unasked.freeAt).toBe(60_000);
    unasked.noteFrame(0);
    expect(unasked.freeAt).toBe(Number.NEGATIVE_INFINITY);
  });

  it("does not wait for what looked like text and was noise", () => {
    const unasked = new Unasked();
    unasked.noteText(0, true, false);
    unasked.noteText(9_000, false, false);
    unasked.noteRunEnd();
    expect(unasked.freeAt).toBe(10_000);
  });
});

describe("text in a run that a delimiter ended", () => {
  const textOf = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

  function freeAfter(run: Uint8Array): number {
    const link = new Link({ baud: 115_200, rtoFloorMs: 10 });
    link.handleRun(0, run);
    return link.foreign.unasked.freeAt;
  }

  it("is foreign if the run is mostly text, and not if it may be a damaged frame that carries some", () => {
    const damaged = concatBytes(
      new Uint8Array(40).fill(0x9b),
      textOf("application/vnd.mayday"),
      Uint8Array.of(0),
    );
    expect(freeAfter(damaged)).toBe(Number.NEGATIVE_INFINITY);
    expect(freeAfter(damaged.subarray(0, -1))).toBe(10_000);
    expect(freeAfter(concatBytes(textOf("usb 1-1: reset\r\n"), Uint8Array.of(0)))).toBe(10_000);
  });
});
