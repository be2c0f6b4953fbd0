import { describe, expect, it } from "vitest";
import { attemptBoot, confirmBoot, verifySlot } from "../../src/board/boot.ts";
import { installFrom } from "../../src/board/install.ts";
import type { MemoryBoard } from "../../src/board/memory-board.ts";
import type { FlashLayout } from "../../src/flash/geometry.ts";
import { slotRecord } from "../../src/flash/record/record-state.ts";
import type { ImageSource } from "../../src/image/image-source.ts";
import type { ConfirmPolicy } from "../../src/image/manifest.ts";
import { board, code, GEOMETRY, image, randomData, spoil } from "./support.ts";

const update = { allowUpdate: true, allowSingleUpdate: true };

/** Version `n`, with counter `n` unless another one is given. */
function version(n: number, counter = n, confirm: ConfirmPolicy = "on-verify"): ImageSource {
  return image(randomData(9000, n), { version: { major: n, minor: 0, patch: 0 }, counter, confirm });
}

/** A board that booted version 1 twice. */
function running(layout: FlashLayout): MemoryBoard {
  const made = board({ geometry: { ...GEOMETRY, layout } });
  installFrom(made.store(), version(1));
  attemptBoot(made.parts);
  attemptBoot(made.parts);
  expect(floorOf(made)).toBe(1);
  return made;
}

function floorOf(made: MemoryBoard): number {
  return powerUp(made).parts.record.state.counterFloor;
}

function powerUp(made: MemoryBoard): MemoryBoard {
  return board({ geometry: { ...GEOMETRY, layout: made.nor.map.layout }, storage: made.storage });
}

function versionOf(made: MemoryBoard): number | string {
  const outcome = powerUp(made).boot();
  return outcome.tag === "boot" ? outcome.image.manifest.version.major : outcome.reason;
}

describe("an on-verify image", () => {
  it.each(["single", "ab"] as const)(
    "raises the floor with the boot attempt after the one that ran it, in %s",
    (layout) => {
      const made = running(layout);
      installFrom(made.store(update), version(2));
      expect([versionOf(made), floorOf(made)]).toEqual([2, 1]);
      expect(attemptBoot(made.parts)).toMatchObject({ tag: "boot", isTrial: false });
      expect([versionOf(made), floorOf(made)]).toEqual([2, 1]);
      expect(attemptBoot(powerUp(made).parts)).toMatchObject({ tag: "boot", isTrial: false });
      expect([versionOf(made), floorOf(made)]).toEqual([2, 2]);
      // From here on a start writes nothing.
      const settled = powerUp(made);
      settled.parts.record.settle();
      const { programs } = settled.nor.counters;
      attemptBoot(settled.parts);
      expect(settled.nor.counters.programs).toBe(programs);
    },
  );

  it.each(["single", "ab"] as const)(
    "raises the floor when it is confirmed before it ran, in %s",
    (layout) => {
      const made = running(layout);
      installFrom(made.store(update), version(2));
      confirmBoot(made.parts);
      expect(floorOf(made)).toBe(2);
      expect(slotRecord(powerUp(made).parts.record.state, layout === "ab" ? 1 : 0)).not.toHaveProperty(
        "isUnproven",
      );
    },
  );

  it("leaves the other slot as a way back until it ran: when it is damaged, the old image boots", () => {
    const made = running("ab");
    installFrom(made.store(update), version(2));
    const old = slotRecord(made.parts.record.state, 0);
    if (old === undefined) expect.fail("slot 0 holds version 1");
    expect(verifySlot(made.parts, old)).toMatchObject({ slot: 0 });
    attemptBoot(made.parts);
    spoil(made, 100, new Uint8Array(64), 1);
    expect(versionOf(made)).toBe(1);
    // And the old image may then go on running: its starts raise nothing.
    for (let starts = 0; starts < 3; starts++) attemptBoot(powerUp(made).parts);
    expect([versionOf(made), floorOf(made)]).toEqual([1, 1]);
  });

  it("ends the way back when it is proven, since the old counter is below the floor", () => {
    const made = running("ab");
    installFrom(made.store(update), version(2));
    attemptBoot(made.parts);
    attemptBoot(made.parts);
    spoil(made, 100, new Uint8Array(64), 1);
    expect(versionOf(made)).toBe("hash");
  });

  it("is never reverted for want of a confirmation", () => {
    const made = running("ab");
    installFrom(made.store(update), version(2));
    for (let starts = 0; starts < 300; starts++) attemptBoot(made.parts);
    expect(versionOf(made)).toBe(2);
  });

  it("keeps an update off the way back until it is proven", () => {
    const made = running("ab");
    installFrom(made.store(update), version(2));
    const offer = (): string => code(() => installFrom(powerUp(made).store(update), version(3)));
    expect(offer()).toBe("healthy 4");
    attemptBoot(made.parts);
    expect([offer(), versionOf(made)]).toEqual(["healthy 4", 2]);
    attemptBoot(powerUp(made).parts);
    expect([offer(), versionOf(made)]).toEqual(["fine", 3]);
  });

  it.each<[string, (made: MemoryBoard) => void]>([
    ["is damaged", (made) => spoil(made, 100, new Uint8Array(64), 0)],
    [
      "holds half of another image",
      (made) => {
        made.parts.record.append({
          tag: "receiving",
          receiving: { slot: 0, digest: new Uint8Array(32), area: 2 },
        });
      },
    ],
  ])("lets an update into the other slot before it is proven, if that slot %s", (_what, harm) => {
    const made = running("ab");
    installFrom(made.store(update), version(2));
    harm(made);
    expect(code(() => installFrom(powerUp(made).store(update), version(3)))).toBe("fine");
  });

  it("lets an update into the other slot before it is proven, if that slot is empty", () => {
    const made = board({ geometry: { ...GEOMETRY, layout: "ab" } });
    installFrom(made.store(), version(1));
    expect(code(() => installFrom(made.store(update), version(2)))).toBe("fine");
  });

  it("has to run again when it is repaired before it is proven; a proven one does not", () => {
    const made = running("single");
    const repair = (source: ImageSource): void => {
      spoil(made, 100, new Uint8Array(64));
      installFrom(powerUp(made).store(), source);
    };
    repair(version(1));
    expect(floorOf(made)).toBe(1);
    expect(powerUp(made).parts.record.state.slots[0]).not.toHaveProperty("isUnproven");
    installFrom(powerUp(made).store(update), version(2));
    attemptBoot(powerUp(made).parts);
    repair(version(2));
    attemptBoot(powerUp(made).parts);
    expect(floorOf(made)).toBe(1);
    attemptBoot(powerUp(made).parts);
    expect(floorOf(made)).toBe(2);
  });

  it("raises nothing when it is decided on or looked at without an attempt", () => {
    const made = running("ab");
    installFrom(made.store(update), version(2));
    for (let looks = 0; looks < 5; looks++) powerUp(made).boot();
    expect(floorOf(made)).toBe(1);
  });
});

describe("a by-app image", () => {
  it("raises the floor only when it is confirmed, as ever", () => {
    const made = running("ab");
    installFrom(made.store(update), version(2, 2, "by-app"));
    attemptBoot(made.parts);
    attemptBoot(made.parts);
    expect(floorOf(made)).toBe(1);
    confirmBoot(made.parts);
    expect(floorOf(made)).toBe(2);
  });
});
