import { describe, expect, it } from "vitest";
import { Muting } from "../../../src/link/listening/muting.ts";

/** Line time of an ack at 115200 baud. */
const ACK_MS = 2.2;

/** A rescuer's, that heard a frame at 0. */
function hearing(): Muting {
  const muting = new Muting();
  muting.setOn(0, true);
  muting.noteFrame(0);
  return muting;
}

describe("a rescuer", () => {
  it("is mute at first, and until a valid frame comes", () => {
    const muting = new Muting();
    muting.setOn(0, true);
    expect(muting.isMute).toBe(true);
    muting.noteForeign(5, true);
    muting.check(10_000, ACK_MS);
    expect(muting.isMute).toBe(true);
    muting.noteFrame(20_000);
    expect(muting.isMute).toBe(false);
  });

  it("is mute after a second of silence, and not before", () => {
    const muting = hearing();
    expect(muting.check(999, ACK_MS)).toBe(false);
    expect(muting.check(1_000, ACK_MS)).toBe(true);
    expect(muting.isMute).toBe(true);
  });

  it("is mute after text and 50 ms without a frame, counted from the text, or from a frame that came behind its start", () => {
    const muting = hearing();
    muting.noteBytes(100);
    muting.noteForeign(100, true);
    expect(muting.beginsAt(ACK_MS)).toBe(150);
    muting.noteFrame(120);
    expect(muting.beginsAt(ACK_MS)).toBe(1_120);
  });

  it("is mute after other foreign bytes and 250 ms without a frame, on slow lines after ten line times of an ack", () => {
    const muting = hearing();
    muting.noteBytes(100);
    muting.noteForeign(100, false);
    expect(muting.beginsAt(ACK_MS)).toBe(350);
    expect(muting.beginsAt(834)).toBe(100 + 8_340);
  });

  it("waits longer in silence while a long frame leaves a slow line", () => {
    const muting = hearing();
    muting.noteSent(2_000);
    expect(muting.beginsAt(26)).toBe(2_260);
  });
});

describe("a node that is no rescuer", () => {
  it("is mute a second after text without a frame, or at a mark, until it may speak unasked or a frame comes", () => {
    const muting = new Muting();
    muting.noteFrame(1_000);
    muting.noteText(1_200);
    muting.noteText(1_900);
    expect([muting.isMute, muting.beginsAt(ACK_MS)]).toEqual([false, 2_200]);
    expect([muting.check(2_200, ACK_MS), muting.isMute, muting.beginsAt(ACK_MS)]).toEqual([
      true,
      true,
      undefined,
    ]);
    muting.clearMark();
    expect([muting.isMute, muting.beginsAt(ACK_MS)]).toEqual([false, undefined]);
    expect([muting.noteMark(), muting.noteMark(), muting.isMute]).toEqual([true, false, true]);
    muting.noteFrame(3_000);
    expect(muting.isMute).toBe(false);
    muting.noteEcho();
    expect(muting.isMute).toBe(true);
  });

  it("is not mute for what may be a frame that still comes", () => {
    const muting = new Muting();
    muting.noteForeign(0, true);
    expect([muting.isMute, muting.beginsAt(ACK_MS), muting.check(1e9, ACK_MS)]).toEqual([
      false,
      undefined,
      false,
    ]);
  });
});
