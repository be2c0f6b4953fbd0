import { afterEach, describe, expect, it, vi } from "vitest";
import type { attemptBoot, storedManifest } from "../../../src/board/boot.ts";
import type { storeManifest } from "../../../src/board/stored-manifest.ts";
import { isErased, padToUnits } from "../../../src/flash/geometry.ts";
import type { copyPlaces } from "../../../src/flash/record/manifest-places.ts";
import type { applyEvent } from "../../../src/flash/record/record-state.ts";

/** Small flashes with manifests in sectors of their own, and in those of the boot record. */
const OWN = ["small-single", "small-ab"];
const IN_RECORD = ["small-list", "small-ab-record"];

/** The laboratory over a program in which one thing is wrong: what it finds in a story on some of the small flashes. */
async function findings(storyName: string, caseNames: readonly string[] = OWN): Promise<string[]> {
  // Modules are loaded again for each defect, and so is the one that holds the cryptography.
  await import("../../../src/crypto/use-node-crypto.ts");
  const { Benches, sweepStory } = await import("../../../src/sim/power-cuts/sweep.ts");
  const { tortureCase } = await import("../../../src/sim/power-cuts/cases.ts");
  const { storyOf } = await import("../../../src/sim/power-cuts/stories.ts");
  const benches = new Benches();
  const story = storyOf(storyName);
  if (story === undefined) throw new Error(storyName);
  const sweeps = caseNames.map((name) => {
    const tortured = tortureCase(name);
    if (tortured === undefined) throw new Error(name);
    return sweepStory(benches.of(tortured), story, { depth: 1, seed: 0, every: 5 });
  });
  return [...new Set(sweeps.flatMap(({ failures }) => failures.map(({ what }) => what)))];
}

describe("the power-cut laboratory finds", () => {
  afterEach(() => {
    vi.doUnmock("../../../src/board/boot.ts");
    vi.doUnmock("../../../src/board/admission.ts");
    vi.doUnmock("../../../src/board/installed-slot.ts");
    vi.doUnmock("../../../src/board/stored-manifest.ts");
    vi.doUnmock("../../../src/flash/record/manifest-places.ts");
    vi.doUnmock("../../../src/flash/record/record-state.ts");
    vi.doUnmock("../../../src/flash/record/sector-ranges.ts");
    vi.doUnmock("../../../src/flash/verified-block.ts");
    vi.resetModules();
  });

  it("a boot loader that does not verify", async () => {
    vi.doMock("../../../src/board/boot.ts", async (actual) => {
      const real = await actual<{ attemptBoot: typeof attemptBoot; storedManifest: typeof storedManifest }>();
      const sloppy: typeof attemptBoot = (parts) => {
        const outcome = real.attemptBoot(parts);
        const slot = parts.record.state.slots.at(-1);
        const stored = slot === undefined ? "empty" : real.storedManifest(parts, slot);
        if (outcome.tag === "boot" || slot === undefined || typeof stored === "string") return outcome;
        const image = { slot: slot.slot, ...stored, leaves: new Uint8Array() };
        return { tag: "boot", slot: slot.slot, isTrial: false, image };
      };
      return { ...real, attemptBoot: sloppy };
    });
    expect(await findings("update")).toContain("bytes boot that are not the image's");
  });

  it("a counter floor that can fall", async () => {
    vi.doMock("../../../src/flash/record/record-state.ts", async (actual) => {
      const real = await actual<{ applyEvent: typeof applyEvent }>();
      const falling: typeof applyEvent = (state, event) => {
        const next = real.applyEvent(state, event);
        return event.tag === "slot" ? { ...next, counterFloor: event.floor } : next;
      };
      return { ...real, applyEvent: falling };
    });
    expect((await findings("revert")).join()).toContain("the counter floor fell");
  });

  it("a board that takes nothing more once something was begun", async () => {
    vi.doMock("../../../src/board/admission.ts", async (actual) => {
      const real = await actual<typeof import("../../../src/board/admission.ts")>();
      const locked: typeof real.judgeManifest = (parts, ...rest) =>
        parts.record.state.receiving === undefined
          ? real.judgeManifest(parts, ...rest)
          : { tag: "refused", reason: "flash", detail: "the slot is in use" };
      return { ...real, judgeManifest: locked };
    });
    expect(await findings("update")).toContain("the board begs and takes none of what is offered");
  });

  it("a counter floor that rises before the image ran", async () => {
    vi.doMock("../../../src/board/installed-slot.ts", async (actual) => {
      const real = await actual<typeof import("../../../src/board/installed-slot.ts")>();
      const early: typeof real.installedEvent = (state, place, manifest) => {
        const event = real.installedEvent(state, place, manifest);
        return event.tag === "installed" ? { ...event, floor: manifest.counter } : event;
      };
      return { ...real, installedEvent: early };
    });
    const found = (await findings("way-back")).join();
    expect(found).toContain("the counter floor rose to 4 before such an image ran");
  });

  it("an update that takes the way back of an image which never ran", async () => {
    vi.doMock("../../../src/board/installed-slot.ts", async (actual) => {
      const real = await actual<typeof import("../../../src/board/installed-slot.ts")>();
      const sure: typeof real.installedEvent = (state, place, manifest) => {
        const event = real.installedEvent(state, place, manifest);
        return event.tag === "installed" ? { ...event, slot: real.provenSlot(event.slot) } : event;
      };
      return { ...real, installedEvent: sure };
    });
    expect((await findings("way-back")).join()).toContain("takes the way back of an image that never ran");
  });

  it("a board that forgets the order of an image which it gave up", async () => {
    vi.doMock("../../../src/flash/record/record-state.ts", async (actual) => {
      const real = await actual<typeof import("../../../src/flash/record/record-state.ts")>();
      return { ...real, leastOrder: () => undefined };
    });
    expect((await findings("abandoned")).join()).toContain("older than the confirmed one");
  });

  it("an order that a fresh sector of the journal does not carry on", async () => {
    vi.doMock("../../../src/flash/record/record-state.ts", async (actual) => {
      const real = await actual<typeof import("../../../src/flash/record/record-state.ts")>();
      const short: typeof real.snapshotEvents = (state) =>
        real.snapshotEvents(state).filter(({ tag }) => tag !== "order");
      return { ...real, snapshotEvents: short };
    });
    expect((await findings("abandoned")).join()).toContain("older than the confirmed one");
  });

  it("sectors that are not marked before they change", async () => {
    vi.doMock("../../../src/flash/record/sector-ranges.ts", async (actual) => ({
      ...(await actual<object>()),
      addRange: () => [],
    }));
    const found = (await findings("heal")).join();
    expect(found).toMatch(/programs over torn bits|read differently|needs-erase/);
  });

  it("bytes that are programmed unverified", async () => {
    vi.doMock("../../../src/flash/verified-block.ts", async (actual) => {
      const real = await actual<typeof import("../../../src/flash/verified-block.ts")>();
      const check: typeof real.VerifiedBlock.check = (bytes, expected, hash, unit) => {
        const block = real.VerifiedBlock.check(bytes, expected, hash, unit);
        if (block === undefined) return undefined;
        block.padded[0] = (block.padded[0] ?? 0) ^ 1;
        // As if nobody asked again.
        Object.defineProperty(block, "isIntact", { value: true });
        return block;
      };
      return { ...real, VerifiedBlock: { check } };
    });
    await expect(findings("update")).rejects.toThrow("unverified bytes are programmed");
  });

  /** A board that copies manifests to a fresh sector of the record in another way. */
  function copies(places: (real: typeof copyPlaces) => typeof copyPlaces): void {
    vi.doMock("../../../src/flash/record/manifest-places.ts", async (actual) => {
      const real = await actual<{ copyPlaces: typeof copyPlaces }>();
      return { ...real, copyPlaces: places(real.copyPlaces) };
    });
  }

  it("manifests that a fresh sector of the record does not get", async () => {
    copies(() => () => {});
    expect((await findings("journal", IN_RECORD)).join()).toContain("not touched does not boot");
  });

  it("manifests that are copied when the fresh sector holds already", async () => {
    copies((copy) => (flash, from, to, areas) => {
      // Done just before the other sector is erased: behind header and seal.
      const erase = flash.erase.bind(flash);
      flash.erase = (sector) => {
        flash.erase = erase;
        copy(flash, from, to, areas);
        erase(sector);
      };
    });
    expect((await findings("journal", IN_RECORD)).join()).toContain("not touched does not boot");
  });

  it("a sector of the record that is erased before the other one is sealed", async () => {
    copies((copy) => (flash, from, to, areas) => {
      copy(flash, from, to, areas);
      flash.erase(flash.map.sectors.at(flash.map.record[from].offset));
    });
    expect((await findings("journal", IN_RECORD)).join()).toContain("the counter floor fell");
  });

  it("a manifest that is written to a sector which an earlier run began", async () => {
    vi.doMock("../../../src/board/stored-manifest.ts", async (actual) => {
      const real = await actual<{ storeManifest: typeof storeManifest }>();
      const hasty: typeof storeManifest = (parts, image, envelope) => {
        const { flash, record } = parts;
        const place = record.placeOf(image.area);
        const isBlank = place && isErased(flash.map, flash.read(place.offset, place.size));
        if (place === undefined || isBlank !== true) return real.storeManifest(parts, image, envelope);
        // As if a run could know what is blank.
        flash.program(place.offset, padToUnits(flash.map, envelope));
      };
      return { ...real, storeManifest: hasty };
    });
    expect((await findings("other-image", IN_RECORD)).join()).toContain("programs over torn bits");
  });
});
