import { describe, expect, it } from "vitest";
import type { BootOutcome } from "../../src/board/boot.ts";
import { installFrom } from "../../src/board/install.ts";
import { manifestRegion } from "../../src/board/manifest-area.ts";
import type { MemoryBoard } from "../../src/board/memory-board.ts";
import type { RunningBoard } from "../../src/board/running-board.ts";
import type { FlashLayout } from "../../src/flash/geometry.ts";
import { TRIAL_BOOTS_MAX } from "../../src/flash/record/boot-decision.ts";
import type { ImageSource } from "../../src/image/image-source.ts";
import type { ConfirmPolicy } from "../../src/image/manifest.ts";
import { board, code, feed, GEOMETRY, image, randomData, spoil } from "./support.ts";

const update = { allowUpdate: true, allowSingleUpdate: true };
const SIZE = 9000;

function version(n: number, confirm: ConfirmPolicy = "by-app"): ImageSource {
  return image(randomData(SIZE, n), { version: { major: n, minor: 0, patch: 0 }, counter: n, confirm });
}

function inLayout(layout: FlashLayout): MemoryBoard {
  return board({ geometry: { ...GEOMETRY, layout } });
}

/** A board that booted version 1 and confirmed it, with its store. */
function running(layout: FlashLayout): { made: MemoryBoard; store: RunningBoard } {
  const made = inLayout(layout);
  const store = made.store(update);
  installFrom(store, version(1));
  store.attempt();
  store.confirm();
  return { made, store };
}

function offer(store: RunningBoard, source: ImageSource): string {
  const verdict = store.checkManifest(source.envelope);
  store.abandon();
  return verdict.tag === "accepted" ? verdict.tag : verdict.reason;
}

const floorOf = ({ parts }: MemoryBoard): number => parts.record.state.counterFloor;
const bytesRead = ({ nor }: MemoryBoard): number => nor.counters.bytesRead;
const majorOf = (outcome: BootOutcome): number | string =>
  outcome.tag === "boot" ? outcome.image.manifest.version.major : outcome.reason;

/** Bytes that are read from the flash while `act` runs. */
function readBy(made: MemoryBoard, act: () => unknown): number {
  const before = bytesRead(made);
  act();
  return bytesRead(made) - before;
}

describe("a board that runs", () => {
  it.each(["single", "ab"] as const)(
    "installs, starts, tries and confirms one image after another, in %s",
    (layout) => {
      const { made, store } = running(layout);
      for (const n of [2, 3, 4]) {
        expect(offer(store, version(n))).toBe("accepted");
        expect(installFrom(store, version(n)).outcome.tag).toBe("bootable");
        expect(store.status()).toMatchObject({ isBootable: true, isTrial: true, layout });
        expect(store.attempt()).toMatchObject({ tag: "boot", isTrial: true });
        expect(store.ownSource()).toBeUndefined();
        expect(store.confirm()).toMatchObject({ tag: "boot", isTrial: false });
        expect(store.status()).toMatchObject({
          isTrial: false,
          counterFloor: n,
          installed: { version: { major: n } },
        });
        expect(store.ownSource()?.manifest.version.major).toBe(n);
        expect(majorOf(board({ geometry: { ...GEOMETRY, layout }, storage: made.storage }).boot())).toBe(n);
      }
    },
  );

  it("refuses the next update of ab while it tries one, and accepts it as soon as that is confirmed", () => {
    const { store } = running("ab");
    installFrom(store, version(2));
    store.attempt();
    expect(offer(store, version(3))).toBe("healthy");
    store.confirm();
    expect(offer(store, version(3))).toBe("accepted");
  });

  it("refuses the next update of ab while an image is unproven, and accepts it once it is confirmed or ran", () => {
    for (const prove of ["confirm", "attempt"] as const) {
      const { store } = running("ab");
      installFrom(store, version(2, "on-verify"));
      store.attempt();
      expect(store.status()).toMatchObject({ isTrial: false, counterFloor: 1 });
      expect(offer(store, version(3))).toBe("healthy");
      store[prove]();
      expect(store.status()).toMatchObject({ counterFloor: 2 });
      expect(offer(store, version(3))).toBe("accepted");
    }
  });

  it("accepts updates as it was told last", () => {
    const { store } = running("single");
    store.setPolicy({ allowUpdate: false });
    expect(offer(store, version(2))).toBe("healthy");
    store.setPolicy({ allowUpdate: true, allowSingleUpdate: false });
    expect(offer(store, version(2))).toBe("healthy");
    store.setPolicy({ allowSingleUpdate: true });
    expect(offer(store, version(2))).toBe("accepted");
  });

  it("keeps its other options when it is told what to accept", () => {
    const store = inLayout("single").store({ maxBlockSize: 1024 });
    store.setPolicy(update);
    expect(offer(store, version(1))).toBe("block-size");
  });
});

describe("an attempt", () => {
  it("counts trial boots, gives the trial up after the last one, and falls back in ab", () => {
    const { made, store } = running("ab");
    installFrom(store, version(2));
    for (let boots = 1; boots <= TRIAL_BOOTS_MAX; boots++) {
      expect(store.attempt()).toMatchObject({ tag: "boot", slot: 1, isTrial: true });
      expect(made.parts.record.state.slots[1]).toMatchObject({ attempts: boots, isReverted: false });
      expect(store.status()).toMatchObject({ isBootable: true, isTrial: true });
    }
    expect(store.attempt()).toMatchObject({ tag: "boot", slot: 0, isTrial: false });
    expect(store.status()).toMatchObject({ isTrial: false, installed: { version: { major: 1 } } });
    expect(store.ownSource()?.manifest.version.major).toBe(1);
    expect(floorOf(made)).toBe(1);
  });

  it("leaves a board in distress, in single, that had all its trial boots", () => {
    const made = inLayout("single");
    const store = made.store();
    installFrom(store, version(2));
    for (let boots = 0; boots < TRIAL_BOOTS_MAX; boots++) store.attempt();
    expect(store.attempt()).toEqual({ tag: "recovery", reason: "reverted" });
    expect(store.status()).toMatchObject({ isBootable: false, failure: "reverted", isTrial: false });
    expect(store.ownSource()).toBeUndefined();
    expect(installFrom(store, version(2)).outcome.tag).toBe("bootable");
  });

  it("hashes an image that was just verified no second time, and one that ran already again", () => {
    const made = inLayout("single");
    const store = made.store();
    installFrom(store, version(1));
    expect(readBy(made, () => store.attempt())).toBeLessThan(SIZE);
    expect(readBy(made, () => store.attempt())).toBeGreaterThanOrEqual(SIZE);
    const again = board({ storage: made.storage });
    const started = again.store();
    expect(readBy(again, () => started.attempt())).toBeLessThan(SIZE);
    started.reverify();
    expect(readBy(again, () => started.confirm())).toBeLessThan(SIZE);
    expect(readBy(again, () => started.confirm())).toBeGreaterThanOrEqual(SIZE);
  });

  it("sees damage since the attempt before", () => {
    const { made, store } = running("single");
    spoil(made, 10, new Uint8Array(8));
    expect(store.attempt()).toEqual({ tag: "recovery", reason: "hash" });
    expect(store.status()).toMatchObject({ isBootable: false, failure: "hash" });
  });

  it("abandons a session, which resumes afterwards", () => {
    const made = inLayout("single");
    const store = made.store();
    const source = version(1);
    store.checkManifest(source.envelope);
    expect(feed(store, source, (done) => done === 1).isComplete).toBe(false);
    expect(store.attempt()).toEqual({ tag: "recovery", reason: "receiving" });
    expect(store.writeBlock(1, source.readBlockSync(1))).toBe("failed");
    expect(installFrom(store, source).blocks).toEqual([1, 2]);
  });

  it("does not boot what is being overwritten, whatever was verified before", () => {
    const { store } = running("single");
    store.reverify();
    store.checkManifest(version(2).envelope);
    feed(store, version(2), (done) => done === 1);
    expect(store.ownSource()).toBeUndefined();
    expect(store.attempt()).toEqual({ tag: "recovery", reason: "receiving" });
  });
});

describe("a confirmation", () => {
  it("is taken in the last trial boot, and writes nothing when it is repeated", () => {
    const made = inLayout("single");
    const store = made.store();
    installFrom(store, version(3));
    for (let boots = 0; boots < TRIAL_BOOTS_MAX; boots++) store.attempt();
    expect(store.confirm()).toMatchObject({ tag: "boot", isTrial: false });
    expect(floorOf(made)).toBe(3);
    const { programs } = made.nor.counters;
    expect(store.confirm()).toMatchObject({ tag: "boot", isTrial: false });
    expect(made.nor.counters.programs).toBe(programs);
    expect(store.attempt()).toMatchObject({ tag: "boot", isTrial: false });
  });

  it("is refused for a board that does not boot, and the status says so from then on", () => {
    const made = inLayout("single");
    const store = made.store();
    expect(code(() => store.confirm())).toBe("board-not-bootable 5");
    installFrom(store, version(1));
    store.attempt();
    spoil(made, 10, new Uint8Array(8));
    expect(store.status().isBootable).toBe(true);
    expect(code(() => store.confirm())).toBe("board-not-bootable 5");
    expect(store.status()).toMatchObject({ isBootable: false, failure: "hash" });
    expect(floorOf(made)).toBe(0);
  });
});

describe("looking at the slots again", () => {
  it("finds flash that was damaged meanwhile, and the board is healed by the same image", () => {
    const { made, store } = running("single");
    spoil(made, 5000, Uint8Array.of(0, 0, 0, 0));
    expect(store.status().isBootable).toBe(true);
    expect(store.reverify()).toEqual({ tag: "recovery", reason: "hash" });
    expect(store.status()).toMatchObject({ isBootable: false, failure: "hash" });
    expect(store.ownSource()).toBeUndefined();
    expect(installFrom(store, version(1)).blocks).toEqual([1]);
    expect(store.status()).toMatchObject({ isBootable: true, isTrial: false });
  });

  it("falls back to the other slot in ab", () => {
    const { made, store } = running("ab");
    installFrom(store, version(2));
    store.attempt();
    store.confirm();
    installFrom(store, version(3));
    store.attempt();
    spoil(made, 0, new Uint8Array(16));
    expect(majorOf(store.reverify())).toBe(2);
    expect(store.status()).toMatchObject({ isBootable: true, isTrial: false });
  });

  it("leaves a trial running that is in its last boot, and changes nothing", () => {
    const made = inLayout("single");
    const store = made.store();
    installFrom(store, version(1));
    for (let boots = 0; boots < TRIAL_BOOTS_MAX; boots++) store.attempt();
    const { programs } = made.nor.counters;
    expect(store.reverify()).toMatchObject({ tag: "boot", isTrial: true });
    expect(made.nor.counters.programs).toBe(programs);
    expect(made.store().status()).toMatchObject({ isBootable: false, failure: "reverted" });
  });

  it("does not go on with what a session knew of the slot before it was damaged", () => {
    const made = inLayout("single");
    const store = made.store();
    const source = image(randomData(60_000));
    store.checkManifest(source.envelope);
    feed(store, source, (done) => done === 5);
    spoil(made, 2 * 4096, new Uint8Array(16));
    expect(store.reverify()).toEqual({ tag: "recovery", reason: "receiving" });
    expect(installFrom(store, source)).toMatchObject({ outcome: { tag: "bootable" } });
  });
});

describe("the own source of a board that runs", () => {
  it("is the same one until the boot decision changes", () => {
    const { store } = running("ab");
    const source = store.ownSource();
    expect(source?.manifest.version.major).toBe(1);
    expect(store.ownSource()).toBe(source);
    installFrom(store, version(2));
    expect(store.ownSource()).toBeUndefined();
    store.attempt();
    store.confirm();
    expect(store.ownSource()?.manifest.version.major).toBe(2);
  });

  it("reads on from its slot in ab while the other one is written", () => {
    const { store } = running("ab");
    const source = store.ownSource();
    store.checkManifest(version(2).envelope);
    feed(store, version(2), (done) => done === 2);
    expect(store.ownSource()).toBe(source);
    expect(source?.readBlockSync(0)).toEqual(version(1).readBlockSync(0));
  });

  it("never sends a block of the image that replaces it in single", () => {
    const { store } = running("single");
    const source = store.ownSource();
    installFrom(store, version(2));
    expect(code(() => source?.readBlockSync(0))).toBe("image-changed 1");
  });

  it("says when its manifest was damaged, each time it is asked", () => {
    const { made, store } = running("single");
    const region = manifestRegion(made.parts, made.parts.record.state.slots[0]?.area ?? 0);
    made.storage.write((region?.offset ?? 0) + 40, new Uint8Array(4));
    expect(code(() => store.ownSource())).toBe("slot-manifest 1");
    expect(code(() => store.ownSource())).toBe("slot-manifest 1");
    expect(store.reverify()).toEqual({ tag: "recovery", reason: "manifest" });
  });
});
