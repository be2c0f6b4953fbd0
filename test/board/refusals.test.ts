import { describe, expect, it } from "vitest";
import type { RefusalReason } from "../../src/base/refusal.ts";
import type { StoreOptions } from "../../src/board/admission.ts";
import { attemptBoot, bootBoard, confirmBoot } from "../../src/board/boot.ts";
import { installFrom } from "../../src/board/install.ts";
import type { MemoryBoard } from "../../src/board/memory-board.ts";
import { FAILED_CONFIRMS_MAX } from "../../src/board/quarantine.ts";
import { TRIAL_BOOTS_MAX } from "../../src/flash/record/boot-decision.ts";
import { memoryImage } from "../../src/image/image-source.ts";
import { trustedKeyOf } from "../../src/image/keys.ts";
import { board, fields, GEOMETRY, image, policy, randomData, signer, spoil, stranger } from "./support.ts";

const data = randomData(30_000);
const version = (minor: number) => ({ version: { major: 1, minor, patch: 0 } });

/** Offers an image: the reason of the refusal, which must not touch the flash, or "accepted". */
function offer(
  made: MemoryBoard,
  envelope: Uint8Array,
  options: StoreOptions = {},
): RefusalReason | "accepted" {
  const store = made.store(options);
  const before = made.storage.read(0, made.nor.map.size);
  const { erases, programs } = made.nor.counters;
  const verdict = store.checkManifest(envelope);
  expect({ erases: made.nor.counters.erases, programs: made.nor.counters.programs }).toEqual({
    erases,
    programs,
  });
  expect(Buffer.compare(made.storage.read(0, made.nor.map.size), before)).toBe(0);
  if (verdict.tag === "accepted") return "accepted";
  expect(verdict.detail).not.toBe("");
  return verdict.reason;
}

describe("a board in distress refuses", () => {
  const recoverySigner = trustedKeyOf(signer, ["recovery"]);
  it.each<
    [string, RefusalReason | "accepted", Uint8Array, Partial<Parameters<typeof board>[0]>, StoreOptions?]
  >([
    ["nothing that is right", "accepted", image(data).envelope, {}],
    ["a stranger's signature", "signature", memoryImage(data, fields(), stranger).envelope, {}],
    ["an unsigned image", "unsigned", memoryImage(data, fields()).envelope, {}],
    [
      "an unsigned image, even if allowed, when it has a key",
      "unsigned",
      memoryImage(data, fields()).envelope,
      {
        policy: { ...policy, allowUnsigned: true },
      },
    ],
    [
      "no unsigned image when it has no key and allows them",
      "accepted",
      memoryImage(data, fields()).envelope,
      {
        policy: { keys: [], allowUnsigned: true },
      },
    ],
    [
      "a key for another role",
      "role",
      image(data).envelope,
      {
        policy: { keys: [recoverySigner], allowUnsigned: false },
      },
    ],
    [
      "a recovery image for its slot",
      "role",
      image(data, { role: "recovery" }).envelope,
      {
        policy: { keys: [trustedKeyOf(signer, ["app", "recovery"])], allowUnsigned: false },
      },
    ],
    ["another class", "hardware", image(data, { hardwareClass: "gate2" }).envelope, {}],
    ["another vendor", "hardware", image(data, { vendor: "acm" }).envelope, {}],
    ["a revision range below", "hardware", image(data, { revisionMax: 2 }).envelope, {}],
    ["a revision range above", "hardware", image(data, { revisionMin: 4 }).envelope, {}],
    [
      "no image whose revision range just includes its own",
      "accepted",
      image(data, { revisionMin: 3, revisionMax: 3 }).envelope,
      {},
    ],
    ["one byte too many", "size", image(randomData(65_537)).envelope, {}],
    [
      "blocks larger than it can buffer",
      "block-size",
      image(data, { blockSize: 8192 }).envelope,
      {},
      { maxBlockSize: 4096 },
    ],
    ["garbage", "manifest", Uint8Array.of(1, 2, 3), {}],
    ["nothing", "manifest", new Uint8Array(0), {}],
  ])("%s (%s)", (_name, expected, envelope, more, options) => {
    expect(offer(board(more), envelope, options)).toBe(expected);
  });

  it("every manifest with one bit altered", () => {
    const { envelope } = image(data);
    const store = board().store();
    for (let bit = 0; bit < envelope.length * 8; bit += 7) {
      const altered = envelope.slice();
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(store.checkManifest(altered).tag).toBe("refused");
    }
  });

  it("images below the counter floor, and images of keys that end below the floor, and keeps the floor", () => {
    const made = board();
    installFrom(made.store(), image(data, { counter: 5 }));
    confirmBoot(made.parts);
    spoil(made, 0, new Uint8Array(16));
    expect(made.store().status()).toMatchObject({ isBootable: false, failure: "hash", counterFloor: 5 });
    expect(offer(made, image(data, { counter: 4 }).envelope)).toBe("counter");
    expect(offer(made, image(data, { counter: 0, notAfterCounter: 4 }).envelope)).toBe("counter");
    expect(offer(made, image(data, { counter: 5 }).envelope)).toBe("accepted");
    // Older by version, but not below the floor: better than no firmware.
    expect(offer(made, image(data, { counter: 5, version: { major: 0, minor: 1, patch: 0 } }).envelope)).toBe(
      "accepted",
    );
  });
});

describe("a board that boots refuses", () => {
  function healthy(layout: "single" | "ab" = "single"): MemoryBoard {
    const made = board({ geometry: { ...GEOMETRY, layout } });
    installFrom(made.store(), image(data, version(5)));
    return made;
  }
  const update = { allowUpdate: true, allowSingleUpdate: true };

  it("every image unless updates are allowed", () => {
    expect(offer(healthy(), image(data, version(6)).envelope)).toBe("healthy");
    expect(offer(healthy("ab"), image(data, version(6)).envelope)).toBe("healthy");
  });

  it("older images and other images of the same order, but not newer ones", () => {
    for (const layout of ["single", "ab"] as const) {
      const made = healthy(layout);
      expect(offer(made, image(data, version(4)).envelope, update)).toBe("version");
      expect(offer(made, image(randomData(100), version(5)).envelope, update)).toBe("version");
      expect(offer(made, image(data, { ...version(9), sequence: 1 }).envelope, update)).toBe("version");
      expect(offer(made, image(data, version(6)).envelope, update)).toBe("accepted");
    }
  });

  it.each(["single", "ab"] as const)(
    "the very image that it runs, in %s, whatever else the slot holds",
    (layout) => {
      const running = image(randomData(6000), { ...version(6), confirm: "by-app" });
      const made = healthy(layout);
      installFrom(made.store(update), running);
      attemptBoot(made.parts);
      const [slot, region] = [layout === "ab" ? 1 : 0, made.nor.map.slots[layout === "ab" ? 1 : 0]];
      expect(made.boot()).toMatchObject({ tag: "boot", slot, isTrial: true });
      expect(offer(made, running.envelope, update)).toBe("version");
      // Open sectors of a slot that boots, and bytes behind its image, are left for the next image.
      const first = made.nor.map.sectors.at(region?.offset ?? 0);
      made.parts.record.append({ tag: "sectors", open: { first, last: first } });
      made.storage.write((region?.offset ?? 0) + 6000, new Uint8Array(16));
      expect(offer(made, running.envelope, update)).toBe("version");
      // The trial has the boots left that it had.
      expect(made.parts.record.state.slots.at(-1)).toMatchObject({ attempts: 1, isConfirmed: false });
      confirmBoot(made.parts);
      expect(offer(made, running.envelope, update)).toBe("version");
      made.storage.write(region?.offset ?? 0, new Uint8Array(64));
      expect(offer(made, running.envelope, update)).toBe("accepted");
      installFrom(made.store(update), running);
      expect(made.parts.record.state.openSectors).toEqual([]);
      expect(made.storage.read((region?.offset ?? 0) + 6000, 16).every((byte) => byte === 0xff)).toBe(true);
    },
  );

  it("an image that would overwrite the fallback during a trial", () => {
    const made = healthy("ab");
    installFrom(made.store({ allowUpdate: true }), image(data, { ...version(6), confirm: "by-app" }));
    expect(bootBoard(made.parts)).toMatchObject({ tag: "boot", slot: 1, isTrial: true });
    expect(offer(made, image(data, version(7)).envelope, { allowUpdate: true })).toBe("healthy");
    confirmBoot(made.parts);
    expect(offer(made, image(data, version(7)).envelope, { allowUpdate: true })).toBe("accepted");
  });
});

describe("trial boots", () => {
  const byApp = image(data, { ...version(2), confirm: "by-app", counter: 3 });

  it("are counted by boot attempts only, then given up, and do not raise the counter floor", () => {
    const made = board();
    installFrom(made.store(), byApp);
    for (let i = 0; i < TRIAL_BOOTS_MAX; i++) {
      expect(made.boot()).toMatchObject({ tag: "boot", isTrial: true });
      expect(attemptBoot(made.parts)).toMatchObject({ tag: "boot", isTrial: true });
    }
    expect(made.boot()).toEqual({ tag: "recovery", reason: "reverted" });
    expect(attemptBoot(made.parts)).toEqual({ tag: "recovery", reason: "reverted" });
    expect(board({ storage: made.storage }).boot()).toEqual({ tag: "recovery", reason: "reverted" });
    expect(made.parts.record.state.counterFloor).toBe(0);
  });

  it("end with a confirmation, which raises the floor", () => {
    const made = board();
    installFrom(made.store(), byApp);
    attemptBoot(made.parts);
    expect(confirmBoot(made.parts).manifest.version.minor).toBe(2);
    const { programs } = made.nor.counters;
    confirmBoot(made.parts);
    expect(made.nor.counters.programs).toBe(programs);
    for (let i = 0; i < TRIAL_BOOTS_MAX + 1; i++)
      expect(attemptBoot(made.parts)).toMatchObject({ isTrial: false });
    expect(board({ storage: made.storage }).parts.record.state.counterFloor).toBe(3);
  });

  it("allow the image to be confirmed in the last of them", () => {
    const made = board();
    installFrom(made.store(), byApp);
    for (let i = 0; i < TRIAL_BOOTS_MAX; i++) attemptBoot(made.parts);
    confirmBoot(made.parts);
    expect(attemptBoot(made.parts)).toMatchObject({ tag: "boot", isTrial: false });
  });

  it("in ab fall back to the confirmed image", () => {
    const made = board({ geometry: { ...GEOMETRY, layout: "ab" } });
    installFrom(made.store(), image(data, version(1)));
    installFrom(made.store({ allowUpdate: true }), byApp);
    for (let i = 0; i < TRIAL_BOOTS_MAX; i++) expect(attemptBoot(made.parts)).toMatchObject({ slot: 1 });
    expect(attemptBoot(made.parts)).toMatchObject({ tag: "boot", slot: 0, isTrial: false });
  });

  it("put an image that failed to confirm too often into quarantine, and no other image", () => {
    const made = board();
    for (let round = 0; round < FAILED_CONFIRMS_MAX; round++) {
      expect(installFrom(made.store(), byApp).outcome.tag).toBe("bootable");
      for (let i = 0; i <= TRIAL_BOOTS_MAX; i++) attemptBoot(made.parts);
    }
    expect(offer(made, byApp.envelope)).toBe("quarantined");
    expect(offer(made, image(data, version(3)).envelope)).toBe("accepted");
  });

  it("end a quarantine after a number of refusals that doubles with each failed confirm", () => {
    const made = board();
    const waits: number[] = [];
    for (let failed = 0; failed < FAILED_CONFIRMS_MAX + 6; failed++) {
      const store = made.store();
      let refusals = 0;
      while (store.checkManifest(byApp.envelope).tag === "refused") refusals++;
      waits.push(refusals);
      installFrom(store, byApp);
      for (let i = 0; i <= TRIAL_BOOTS_MAX; i++) attemptBoot(made.parts);
    }
    expect(waits).toEqual([0, 0, 0, 3, 6, 12, 24, 48, 48]);
  });

  it("keep an image in quarantine as long as the board boots", () => {
    const made = board({ geometry: { ...GEOMETRY, layout: "ab" } });
    installFrom(made.store(), image(data, version(1)));
    for (let failed = 0; failed < FAILED_CONFIRMS_MAX; failed++) {
      installFrom(made.store({ allowUpdate: true }), byApp);
      for (let i = 0; i <= TRIAL_BOOTS_MAX; i++) attemptBoot(made.parts);
    }
    const store = made.store({ allowUpdate: true });
    for (let i = 0; i < 100; i++) {
      expect(store.checkManifest(byApp.envelope)).toMatchObject({ reason: "quarantined" });
    }
  });

  it("are not needed again for a confirmed image that is only repaired", () => {
    const made = board();
    installFrom(made.store(), byApp);
    confirmBoot(made.parts);
    spoil(made, 100, new Uint8Array(16));
    expect(made.boot()).toEqual({ tag: "recovery", reason: "hash" });
    installFrom(made.store(), byApp);
    expect(made.boot()).toMatchObject({ tag: "boot", isTrial: false });
  });
});

describe("the boot decision notices changes since the image was installed", () => {
  it.each<[string, (made: MemoryBoard) => MemoryBoard, string]>([
    [
      "a damaged manifest",
      (made) => {
        const area = made.parts.record.state.slots[0]?.area ?? 0;
        made.storage.write((made.nor.map.manifests[area]?.offset ?? 0) + 60, new Uint8Array(4));
        return made;
      },
      "manifest",
    ],
    [
      "a key that is no longer trusted",
      (made) =>
        board({
          storage: made.storage,
          policy: { keys: [trustedKeyOf(stranger, ["app"])], allowUnsigned: false },
        }),
      "signature",
    ],
    [
      "other hardware",
      (made) => board({ storage: made.storage, identity: { ...made.parts.identity, revision: 9 } }),
      "hardware",
    ],
    [
      "one altered byte",
      (made) => {
        spoil(made, 29_999, Uint8Array.of(1 ^ (data[29_999] ?? 0)));
        return made;
      },
      "hash",
    ],
  ])("%s", (_name, alter, reason) => {
    const made = board();
    installFrom(made.store(), image(data, { revisionMax: 5 }));
    expect(made.boot().tag).toBe("boot");
    expect(alter(made).boot()).toEqual({ tag: "recovery", reason });
  });

  it("but not bytes after the end of the image", () => {
    const made = board();
    installFrom(made.store(), image(data));
    spoil(made, 30_000, new Uint8Array(100));
    expect(made.boot().tag).toBe("boot");
  });
});
