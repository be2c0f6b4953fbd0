import { describe, expect, it } from "vitest";
import type { Millis } from "../../../src/base/units.ts";
import { ImageHold } from "../../../src/session/target/image-hold.ts";

const A = new Uint8Array(8).fill(0xa);
const B = new Uint8Array(8).fill(0xb);
const C = new Uint8Array(8).fill(0xc);
const HOUR_MS = 3_600_000;

/** A hold to `A`, begun at 0. */
function holding(): ImageHold {
  const hold = new ImageHold();
  hold.noteReceiving(0, A);
  return hold;
}

/** A session that ends as soon as it has brought one block. */
function serve(hold: ImageHold, now: Millis, block: number, isWorthless = false, digest = A): void {
  const session = { digest };
  hold.noteBlock(now, session, block);
  hold.noteSessionEnd(session, isWorthless);
}

describe("a hold to an image that was begun", () => {
  it("lets other images wait for 60 s, and never the begun one", () => {
    const hold = holding();
    expect(hold.defer(1_000, B)).toEqual({ reason: "begun", forMs: 59_000 });
    expect(hold.defer(1_000, A)).toBeUndefined();
    expect(hold.defer(59_999, B)).toEqual({ reason: "begun", forMs: 1 });
    expect(hold.defer(60_000, B)).toBeUndefined();
  });

  it("is renewed by a new block, and not by one that was right before in this start", () => {
    const hold = holding();
    serve(hold, 30_000, 1);
    serve(hold, 50_000, 1);
    expect(hold.defer(50_000, B)?.forMs).toBe(40_000);
  });

  it("believes a session while it runs, and takes that back if it ends as slow or by its lease", () => {
    const hold = holding();
    const session = { digest: A };
    hold.noteBlock(50_000, session, 1);
    expect(hold.defer(59_000, B)?.forMs).toBe(51_000);
    hold.noteSessionEnd(session, true);
    expect(hold.defer(59_000, B)?.forMs).toBe(1_000);
  });

  it("is not renewed by blocks of another image", () => {
    const hold = holding();
    serve(hold, 50_000, 1, false, B);
    expect(hold.defer(59_000, B)?.forMs).toBe(1_000);
  });

  it("lasts, from the first offer that waits, at most 60 s and twice the line time of what was lacking then", () => {
    const hold = holding();
    hold.noteLack({ digest: A }, 10_000);
    expect(hold.defer(5_000, B)).toBeDefined();
    for (let at = 10_000, block = 0; at <= 84_000; at += 1_000, block++) {
      serve(hold, at, block);
      hold.noteLack({ digest: A }, 9_000);
      expect(hold.defer(at, B)).toBeDefined();
      expect(hold.yields(at, A)).toBe(false);
    }
    serve(hold, 85_000, 100);
    expect(hold.defer(85_000, B)).toBeUndefined();
    expect(hold.yields(85_000, A)).toBe(true);
  });

  it("learns from the first session what is lacking, when it has outlived a restart", () => {
    const hold = holding();
    expect(hold.defer(5_000, B)).toBeDefined();
    hold.noteLack({ digest: A }, 1_000);
    for (let at = 10_000; at <= 66_000; at += 1_000) serve(hold, at, at);
    expect(hold.defer(66_999, B)).toEqual({ reason: "begun", forMs: 1 });
    expect(hold.defer(67_000, B)).toBeUndefined();
  });

  it("doubles with each change of image, up to an hour, and starts over when the board is healed", () => {
    const hold = holding();
    const waits: Millis[] = [];
    let now = 0;
    for (let i = 0; i < 8; i++) {
      const next = i % 2 === 0 ? B : A;
      const forMs = hold.defer(now, next)?.forMs ?? 0;
      waits.push(forMs);
      now += forMs;
      hold.noteReceiving(now, next);
    }
    expect(waits).toEqual([60, 120, 240, 480, 960, 1920, 3600, 3600].map((seconds) => seconds * 1000));
    hold.noteHealed();
    hold.noteReceiving(now, A);
    expect(hold.defer(now, B)?.forMs).toBe(60_000);
  });

  it("ends when the image is refused or fails, and comes back when it is served again", () => {
    const hold = holding();
    hold.release(B);
    expect(hold.defer(1_000, B)).toBeDefined();
    hold.release(A);
    expect(hold.defer(1_000, B)).toBeUndefined();
    serve(hold, 2_000, 1);
    expect(hold.defer(2_000, B)?.forMs).toBe(60_000);
  });
});

describe("the budget of changes of image", () => {
  /** Eight changes, one a second, of images that all fail. */
  function worn(): ImageHold {
    const hold = holding();
    for (let i = 1; i <= 8; i++) {
      const [was, next] = i % 2 === 0 ? [B, A] : [A, B];
      hold.release(was);
      expect(hold.defer(i * 1000, next)).toBeUndefined();
      hold.noteReceiving(i * 1000, next);
    }
    hold.release(A);
    return hold;
  }

  it("is eight an hour, also of images that are not held to", () => {
    const hold = worn();
    expect(hold.defer(9_000, C)).toEqual({ reason: "wear", forMs: HOUR_MS - 8_000 });
    expect(hold.defer(9_000, A)).toBeUndefined();
    expect(hold.defer(HOUR_MS + 1_000, C)).toBeUndefined();
  });

  it("counts a first image after a heal as none", () => {
    const hold = worn();
    hold.noteHealed();
    expect(hold.defer(10_000, C)).toBeUndefined();
  });
});
