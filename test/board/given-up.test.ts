import { describe, expect, it } from "vitest";
import { attemptBoot, confirmBoot } from "../../src/board/boot.ts";
import { installFrom, receiveFrom } from "../../src/board/install.ts";
import type { MemoryBoard } from "../../src/board/memory-board.ts";
import type { ImageSource } from "../../src/image/image-source.ts";
import type { ImageFields } from "../../src/image/manifest.ts";
import { board, code, image, randomData, spoil } from "./support.ts";

const update = { allowUpdate: true, allowSingleUpdate: true };

/** Version `n` with counter 0: the floor never decides here. */
function version(n: number, more: Partial<ImageFields> = {}): ImageSource {
  return image(randomData(9000, n), { version: { major: n, minor: 0, patch: 0 }, ...more });
}

/** A board with one slot that runs a confirmed version `n`. */
function running(n: number): MemoryBoard {
  const made = board();
  installFrom(made.store(), version(n));
  confirmBoot(made.parts);
  return made;
}

function powerUp({ storage }: MemoryBoard): MemoryBoard {
  return board({ storage });
}

/** The manifest and some blocks of an image, then silence. */
function abandon(made: MemoryBoard, source: ImageSource, blocks = 2): void {
  const store = powerUp(made).store(update);
  expect(store.checkManifest(source.envelope).tag).toBe("accepted");
  expect(receiveFrom(store, source, (done) => done === blocks).isComplete).toBe(false);
  store.close();
  expect(powerUp(made).boot()).toEqual({ tag: "recovery", reason: "receiving" });
}

function answer(made: MemoryBoard, source: ImageSource): string {
  const verdict = powerUp(made).store(update).checkManifest(source.envelope);
  return verdict.tag === "accepted" ? "accepted" : verdict.reason;
}

/** What the board answers to each version. */
function answers(made: MemoryBoard, ...versions: readonly number[]): string[] {
  return versions.map((n) => answer(made, version(n)));
}

describe("a board with one slot that gave up a confirmed image for a newer one", () => {
  it("takes that image, the newer one and newer ones yet, but no older one", () => {
    const made = running(5);
    expect(answers(made, 1)).toEqual(["version"]);
    abandon(made, version(6));
    expect(answers(made, 1, 4, 5, 6, 7)).toEqual(["version", "version", "accepted", "accepted", "accepted"]);
    expect(code(() => installFrom(powerUp(made).store(update), version(1)))).toBe("version 4");
  });

  it("still refuses older ones when a third image replaces the one that was received", () => {
    const made = running(5);
    abandon(made, version(6));
    abandon(made, version(7));
    expect(answers(made, 1, 5, 6)).toEqual(["version", "accepted", "accepted"]);
    // Now the image itself, in part.
    abandon(made, version(5), 1);
    expect(answers(made, 1, 5)).toEqual(["version", "accepted"]);
  });

  it("compares the sequence number before the version, to 48 bits", () => {
    const sequence = 2 ** 47 + 2 ** 33 + 5;
    const made = board();
    installFrom(made.store(), version(5, { sequence }));
    confirmBoot(made.parts);
    abandon(made, version(6, { sequence: sequence + 1 }));
    expect(answer(made, version(9, { sequence: sequence - 1 }))).toBe("version");
    expect(answer(made, version(4, { sequence }))).toBe("version");
    expect(answer(made, version(5, { sequence }))).toBe("accepted");
  });

  it("remembers it through fresh sectors of the journal and starts", () => {
    const made = running(5);
    abandon(made, version(6));
    for (let starts = 0; starts < 5; starts++) {
      const { record } = powerUp(made).parts;
      for (let events = 0; events < 60; events++) record.append({ tag: "floor", floor: 0 });
    }
    expect(answers(made, 1, 5)).toEqual(["version", "accepted"]);
  });

  it("forgets it when an image is confirmed: a later damage lets any image at the floor in", () => {
    const made = running(5);
    abandon(made, version(6));
    installFrom(powerUp(made).store(update), version(6));
    expect(answers(made, 5)).toEqual(["version"]);
    spoil(made, 100, new Uint8Array(64));
    expect(answers(made, 1, 5)).toEqual(["accepted", "accepted"]);
  });

  it("counts an image that was confirmed by its policy and never ran as confirmed", () => {
    const made = board();
    installFrom(made.store(), version(5));
    abandon(made, version(6));
    expect(answers(made, 1, 5)).toEqual(["version", "accepted"]);
  });
});

describe("a trial in the only slot", () => {
  const trial = version(5, { confirm: "by-app" });

  it("leaves in force what was confirmed before it, also when it is given up for a newer one", () => {
    const made = running(3);
    installFrom(powerUp(made).store(update), trial);
    abandon(made, version(6));
    expect(answers(made, 1, 2, 3, 4, 6)).toEqual(["version", "version", "accepted", "accepted", "accepted"]);
  });

  it("leaves it in force when it is reverted, and ends it when it is confirmed", () => {
    const made = running(3);
    installFrom(powerUp(made).store(update), trial);
    for (let starts = 0; starts < 4; starts++) attemptBoot(powerUp(made).parts);
    expect(answers(made, 1, 3)).toEqual(["version", "accepted"]);
    const other = running(3);
    installFrom(powerUp(other).store(update), trial);
    confirmBoot(powerUp(other).parts);
    spoil(other, 100, new Uint8Array(64));
    expect(answers(other, 1)).toEqual(["accepted"]);
  });

  it("that nothing confirmed went before bars no image", () => {
    const made = board();
    installFrom(made.store(), trial);
    abandon(made, version(6));
    expect(answers(made, 1)).toEqual(["accepted"]);
  });
});

describe("a board with one slot that is damaged without an update", () => {
  it("takes any image at its floor, and resumes it", () => {
    const made = running(5);
    spoil(made, 100, new Uint8Array(64));
    expect(answers(made, 1)).toEqual(["accepted"]);
    const store = powerUp(made).store();
    expect(store.checkManifest(version(1).envelope).tag).toBe("accepted");
    receiveFrom(store, version(1), (done) => done === 1);
    store.close();
    expect(answers(made, 1)).toEqual(["accepted"]);
  });

  it("does so after an update that a power cut ended before anything was given up", () => {
    const made = running(5);
    const order = { sequence: 5 * 2 ** 32, version: { major: 5, minor: 0, patch: 0 } };
    made.parts.record.append({ tag: "order", order });
    expect(powerUp(made).boot().tag).toBe("boot");
    spoil(made, 100, new Uint8Array(64));
    expect(answers(made, 1)).toEqual(["accepted"]);
    const store = powerUp(made).store();
    store.checkManifest(version(1).envelope);
    receiveFrom(store, version(1), (done) => done === 1);
    store.close();
    expect(answers(made, 1)).toEqual(["accepted"]);
  });
});
