import { describe, expect, it } from "vitest";
import { attemptBoot, confirmBoot } from "../../src/board/boot.ts";
import { installFrom } from "../../src/board/install.ts";
import type { MemoryBoard } from "../../src/board/memory-board.ts";
import type { FlashStorage } from "../../src/flash/storage.ts";
import { verifyEnvelope } from "../../src/image/envelope.ts";
import { type ImageSource, memoryImage } from "../../src/image/image-source.ts";
import { type KeyLimits, type SigningKey, type TrustedKey, trustedKeyOf } from "../../src/image/keys.ts";
import type { ImageFields } from "../../src/image/manifest.ts";
import { board, fields, randomData, signer, spoil, stranger } from "./support.ts";

const update = { allowUpdate: true, allowSingleUpdate: true };
const LARGEST = 0xffff_ffff;

function release(n: number, counter: number, key: SigningKey, more: Partial<ImageFields> = {}): ImageSource {
  const what = fields({ version: { major: n, minor: 0, patch: 0 }, counter, ...more });
  return memoryImage(randomData(5000, n), what, key);
}

function boardOf(keys: readonly TrustedKey[], storage?: FlashStorage): MemoryBoard {
  const policy = { keys, allowUnsigned: false };
  return board(storage === undefined ? { policy } : { policy, storage });
}

const trusted = (key: SigningKey, limits: KeyLimits = {}): TrustedKey => ({
  ...trustedKeyOf(key, ["app"]),
  ...limits,
});

function answer(made: MemoryBoard, source: ImageSource): string {
  const verdict = made.store(update).checkManifest(source.envelope);
  return verdict.tag === "accepted" ? "accepted" : verdict.reason;
}

/** A board that confirmed version 1 with this counter. */
function running(counter: number, limits: KeyLimits = {}, key: SigningKey = signer): MemoryBoard {
  const made = boardOf([trusted(key, limits)]);
  installFrom(made.store(), release(1, counter, key));
  confirmBoot(made.parts);
  return made;
}

describe("the largest counter of a key", () => {
  it("bars what a thief signs, whatever he writes into it; the owner's next release with the new key is taken", () => {
    const old = signer;
    const next = stranger;
    const made = running(5);
    const retired = boardOf([trusted(old, { maxCounter: 5 }), trusted(next)], made.storage);
    for (const counter of [6, 1005, LARGEST]) {
      expect(answer(retired, release(3, counter, old, { notAfterCounter: LARGEST }))).toBe("counter");
    }
    expect(answer(retired, release(2, 6, next))).toBe("accepted");
    installFrom(retired.store(update), release(2, 6, next));
    confirmBoot(retired.parts);
    expect(retired.boot()).toMatchObject({ tag: "boot", image: { manifest: { counter: 6 } } });
  });

  it("leaves what the key signed before as it was", () => {
    const made = running(5, { maxCounter: 5 });
    expect(made.boot().tag).toBe("boot");
    spoil(made, 0, new Uint8Array(32));
    expect(answer(made, release(1, 5, signer))).toBe("accepted");
  });

  it("is judged at each start: an installed image above it does not boot", () => {
    const made = running(6);
    expect(boardOf([trusted(signer, { maxCounter: 6 })], made.storage).boot().tag).toBe("boot");
    const retired = boardOf([trusted(signer, { maxCounter: 5 })], made.storage);
    expect(retired.boot()).toEqual({ tag: "recovery", reason: "counter" });
    expect(attemptBoot(retired.parts)).toEqual({ tag: "recovery", reason: "counter" });
    expect(retired.store().status()).toMatchObject({ isBootable: false, failure: "counter" });
  });

  it("of 0 leaves images with counter 0 alone, and the largest one bars nothing", () => {
    const zero = boardOf([trusted(signer, { maxCounter: 0 })]);
    expect([0, 1].map((counter) => answer(zero, release(1, counter, signer)))).toEqual([
      "accepted",
      "counter",
    ]);
    const all = boardOf([trusted(signer, { maxCounter: LARGEST })]);
    expect(answer(all, release(1, LARGEST, signer))).toBe("accepted");
  });

  it("holds for the key, however many entries it has and in whatever order", () => {
    const limited = trusted(signer, { maxCounter: 5 });
    const free: TrustedKey = { ...trustedKeyOf(signer, ["recovery"]) };
    for (const keys of [
      [limited, free],
      [free, limited],
    ]) {
      const verdicts = [5, 6].map((counter) =>
        verifyEnvelope(release(1, counter, signer).envelope, { keys, allowUnsigned: false }),
      );
      expect(verdicts).toMatchObject([{ tag: "accepted" }, { tag: "refused", reason: "counter" }]);
    }
  });

  it("is named behind the role: a recovery image above it is refused for what it is", () => {
    const key = { ...trustedKeyOf(signer, ["app", "recovery"]), maxCounter: 5 };
    expect(answer(boardOf([key]), release(1, 6, signer, { role: "recovery" }))).toBe("role");
  });

  it("is named when it refuses, with the key", () => {
    const made = boardOf([trusted(signer, { maxCounter: 5 })]);
    expect(made.store().checkManifest(release(1, 6, signer).envelope)).toMatchObject({
      detail: expect.stringMatching(/counter 6.*[0-9a-f]{16} up to 5.*max-counter/),
    });
  });
});

describe("the largest step of the floor", () => {
  it("is 1,000 unless the key has another one, also in distress", () => {
    const made = running(5);
    const offers = (): string[] =>
      [1005, 1006, LARGEST].map((counter) => answer(made, release(2, counter, signer)));
    expect(offers()).toEqual(["accepted", "counter", "counter"]);
    spoil(made, 0, new Uint8Array(32));
    expect(offers()).toEqual(["accepted", "counter", "counter"]);
  });

  it("is the key's own where it has one", () => {
    const made = running(5, { maxStep: 2 });
    expect([7, 8].map((counter) => answer(made, release(2, counter, signer)))).toEqual([
      "accepted",
      "counter",
    ]);
    const none = running(5, { maxStep: 0 });
    expect([5, 6].map((counter) => answer(none, release(2, counter, signer)))).toEqual([
      "accepted",
      "counter",
    ]);
    const any = running(5, { maxStep: LARGEST });
    expect(answer(any, release(2, LARGEST, signer))).toBe("accepted");
  });

  it("is the lowest of all entries of the key, of which one without a step has 1,000", () => {
    const made = running(5);
    const entries = [trusted(signer, { maxStep: LARGEST }), trusted(signer)];
    for (const keys of [entries, entries.toReversed()]) {
      const several = boardOf(keys, made.storage);
      expect([1005, 1006].map((counter) => answer(several, release(2, counter, signer)))).toEqual([
        "accepted",
        "counter",
      ]);
    }
  });

  it("counts from the first confirmed image on: before it any counter is taken", () => {
    const made = boardOf([trusted(signer)]);
    expect(answer(made, release(1, 70_000, signer))).toBe("accepted");
    installFrom(made.store(), release(1, 70_000, signer, { confirm: "by-app" }));
    expect(answer(made, release(2, 4_000_000, signer))).toBe("accepted");
    confirmBoot(made.parts);
    expect([71_000, 71_001].map((counter) => answer(made, release(2, counter, signer)))).toEqual([
      "accepted",
      "counter",
    ]);
  });

  it("counts from a confirmed image with counter 0, and still when no slot tells of it any more", () => {
    const made = running(0);
    const offers = (): string[] => [1000, 1001].map((counter) => answer(made, release(9, counter, signer)));
    expect(offers()).toEqual(["accepted", "counter"]);
    // Damaged, not updated, and replaced by a trial: nothing in the slot is confirmed now.
    spoil(made, 0, new Uint8Array(32));
    installFrom(made.store(), release(2, 0, signer, { confirm: "by-app" }));
    expect(made.parts.record.state.slots).toMatchObject([{ isConfirmed: false }]);
    expect(offers()).toEqual(["accepted", "counter"]);
    const later = boardOf([trusted(signer)], made.storage);
    for (let events = 0; events < 60; events++) later.parts.record.append({ tag: "floor", floor: 0 });
    expect(answer(boardOf([trusted(signer)], made.storage), release(9, 1001, signer))).toBe("counter");
  });

  it("does not count from an image that never ran", () => {
    const made = boardOf([trusted(signer)]);
    installFrom(made.store(), release(1, 5, signer));
    expect(answer(made, release(2, 5000, signer))).toBe("accepted");
    attemptBoot(made.parts);
    attemptBoot(made.parts);
    expect(answer(made, release(2, 5000, signer))).toBe("counter");
  });

  it("is not judged at a start: what was installed still boots when the step is lowered", () => {
    const made = running(5);
    installFrom(made.store(update), release(2, 900, signer));
    expect(boardOf([trusted(signer, { maxStep: 1 })], made.storage).boot().tag).toBe("boot");
  });

  it("limits a key, and not a board without keys that takes unsigned images", () => {
    const made = board({ policy: { keys: [], allowUnsigned: true } });
    const unsigned = (n: number, counter: number): ImageSource =>
      memoryImage(randomData(5000, n), fields({ version: { major: n, minor: 0, patch: 0 }, counter }));
    installFrom(made.store(), unsigned(1, 5));
    confirmBoot(made.parts);
    expect(answer(made, unsigned(2, 1006))).toBe("accepted");
    expect(answer(made, unsigned(2, 4))).toBe("counter");
  });

  it("is named when it refuses, with the floor and the key", () => {
    const made = running(5);
    expect(made.store(update).checkManifest(release(2, 2000, signer).envelope)).toMatchObject({
      detail: expect.stringMatching(/counter 2000.*floor is 5.*[0-9a-f]{16}.*1000.*max-step/),
    });
  });
});
