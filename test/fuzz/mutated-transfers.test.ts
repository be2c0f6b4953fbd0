import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MUTATION_NAMES } from "../../lab/mutate/classes.ts";
import { runMutated, type Sabotage } from "../../lab/mutate/mutated-transfer.ts";
import {
  addSums,
  BATCH_RUNS,
  batchesLeft,
  batchSeeds,
  count,
  loadProgress,
  newSums,
  parseMutateCase,
  saveProgress,
} from "../../lab/mutate/progress.ts";
import { HASH_LENGTH } from "../../src/base/digest.ts";
import type { MemoryBoard } from "../../src/board/memory-board.ts";
import type { TargetStore } from "../../src/board/target-store.ts";
import { VerifiedBlock } from "../../src/flash/verified-block.ts";
import { trustedKeyOf } from "../../src/image/keys.ts";
import { fixedKey } from "../support/fixed-keys.ts";
import { testKey } from "../support/virtual-rescue.ts";

/** Transfers of the sample; `npm run lab:mutate` runs 200,000. */
const RUNS = MUTATION_NAMES.length * 16;
const SHARDS = 10;
const sums = newSums();

/** Whether transfers whose board was broken on purpose are found to go wrong in this way. */
function isFound(sabotage: Sabotage, failure: RegExp): boolean {
  for (let seed = 0; seed < 400; seed++) {
    if (runMutated(seed, sabotage).failures.some((found) => failure.test(found))) return true;
  }
  return false;
}

describe(`${RUNS} transfers with an attacker on the wire`, () => {
  it.each(Array.from({ length: SHARDS }, (_, shard) => shard))(
    "never bring a wrong image, and leave the board fit to be healed: share %i",
    async (shard) => {
      const share = newSums();
      for (let seed = shard; seed < RUNS; seed += SHARDS) {
        count(share, seed, runMutated(seed));
        await new Promise(setImmediate);
      }
      addSums(sums, share);
      const lines = share.failures.map(
        ({ id, failure }) => `npm run lab:mutate -- --case ${id}  # ${failure}`,
      );
      expect(lines).toEqual([]);
    },
    60_000,
  );

  it("tamper with frames in every class, end in every way, and are followed by honest rescues", () => {
    for (const [name, { transfers, touched }] of Object.entries(sums.classes)) {
      expect(transfers, name).toBe(RUNS / MUTATION_NAMES.length);
      expect(touched, name).toBeGreaterThan(3);
    }
    const outcomes = ["wanted", "other", "old", "recovery: empty", "recovery: receiving", "recovery: hash"];
    expect(Object.keys(sums.outcomes)).toEqual(expect.arrayContaining(outcomes));
    expect(Object.keys(sums.setups)).toHaveLength(9);
    expect(sums.healedAfter).toBeGreaterThan(50);
    expect(sums.bytesRight).toBeGreaterThan(100_000);
  });
});

describe("the checks of a mutated transfer", () => {
  /** Writes bytes of which no hash was right. */
  const careless = (store: TargetStore, { parts, nor }: MemoryBoard): TargetStore => {
    const writeBlock = store.writeBlock.bind(store);
    store.writeBlock = (index, bytes) => {
      const outcome = writeBlock(index, bytes);
      if (outcome !== "mismatch") return outcome;
      const any = new Uint8Array(HASH_LENGTH);
      const unchecked = VerifiedBlock.check(bytes, any, () => any, nor.map);
      const { record, manifests, slots, sectors } = nor.map;
      parts.flash.arm(...record, ...manifests, ...slots);
      const offset = slots[0]?.offset ?? 0;
      const { first, last } = sectors.range(offset, bytes.length);
      for (let sector = first; sector <= last; sector++) parts.flash.erase(sector);
      if (unchecked !== undefined) parts.flash.programVerified(offset, unchecked);
      return "mismatch";
    };
    return store;
  };

  it("find a byte that no signed image holds, whatever VerifiedBlock says", () => {
    expect(isFound({ store: careless }, /in no signed image/)).toBe(true);
  });

  it("find an image that boots and that nobody trusted signed", () => {
    const keys = [testKey, fixedKey(0x66)].map((key) => trustedKeyOf(key, ["app", "recovery"]));
    const gullible = { policy: { keys, allowUnsigned: false } };
    expect(isFound(gullible, /boots an image that nobody trusted signed/)).toBe(true);
    expect(isFound(gullible, /in no signed image/)).toBe(true);
  });

  it("find a done of a board that does not boot", () => {
    const hasty = (store: TargetStore): TargetStore => {
      store.commit = () => ({ tag: "bootable", version: { major: 1, minor: 0, patch: 0 }, slot: 0 });
      return store;
    };
    expect(isFound({ store: hasty }, /^done, but the board does not boot/)).toBe(true);
  });

  it("find a counter floor that fell", () => {
    const forgetful = ({ storage, nor }: MemoryBoard): void => {
      for (const { offset, size } of nor.map.record) storage.write(offset, new Uint8Array(size).fill(0xff));
    };
    expect(isFound({ afterwards: forgetful }, /the counter floor fell from \d to 0/)).toBe(true);
  });

  it("find an exception, and a board that is not healed", () => {
    const brittle = (store: TargetStore): TargetStore => {
      store.checkRun = () => {
        throw new Error("by chance");
      };
      return store;
    };
    expect(isFound({ store: brittle }, /^exception: Error: by chance/)).toBe(true);
    const stubborn = (store: TargetStore): TargetStore => {
      store.checkManifest = () => ({ tag: "refused", reason: "flash", detail: "never" });
      return store;
    };
    expect(isFound({ store: stubborn }, /an honest rescuer did not heal the board in time/)).toBe(true);
  });
});

describe("the progress of a long run", () => {
  it("resumes with the same plan, and starts over with another", () => {
    const folder = mkdtempSync(join(tmpdir(), "mayday-mutate-"));
    const path = join(folder, "deeper", "progress.json");
    const plan = { runs: 2 * BATCH_RUNS + 5, firstSeed: 1000, version: "abc", code: "c0de" };
    const progress = loadProgress(path, plan);
    expect(batchesLeft(progress)).toEqual([0, 1, 2]);
    count(progress.sums, 1000, runMutated(1000));
    progress.done.push(1);
    saveProgress(path, progress);
    expect(loadProgress(path, plan)).toEqual(progress);
    expect(batchesLeft(loadProgress(path, plan))).toEqual([0, 2]);
    expect(batchSeeds(plan, 2)).toEqual({ from: 1000 + 2 * BATCH_RUNS, to: 1000 + plan.runs });
    for (const change of [{ runs: 5 }, { firstSeed: 0 }, { code: "c0df" }]) {
      expect(loadProgress(path, { ...plan, ...change }).sums.transfers).toBe(0);
    }
    rmSync(folder, { recursive: true });
  });

  it("names each transfer so that it runs again", () => {
    expect(parseMutateCase("mutate:77")).toBe(77);
    expect(parseMutateCase("mutate:-1")).toBeUndefined();
    expect(runMutated(77)).toEqual(runMutated(77));
  });
});
