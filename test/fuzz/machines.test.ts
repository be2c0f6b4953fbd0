import { describe, expect, it } from "vitest";
import { rescuerLife } from "../../lab/fuzz/rescuer-life.ts";
import { fuzz } from "../../lab/fuzz/run-fuzz.ts";
import { targetLife } from "../../lab/fuzz/target-life.ts";
import { SeededRandom } from "../../src/base/prng.ts";

/** Whole lives of a machine, each of up to 60 inputs. */
const LIVES = 500;
const SHARDS = 4;

describe.each([targetLife, rescuerLife])("a $name that is fed anything at any time", (target) => {
  it.each(Array.from({ length: SHARDS }, (_, shard) => shard))(
    "throws nothing, comes to rest, and answers again after its longest timeout: share %i",
    (shard) => {
      const { failed } = fuzz(target, (shard * LIVES) / SHARDS, ((shard + 1) * LIVES) / SHARDS);
      expect(failed.map(({ id, failure }) => `npm run lab -- --case ${id}  # ${failure}`)).toEqual([]);
    },
  );
});

/** Events and frames that two hundred lives must meet, or the fuzzer does not get far. */
const MET = [
  [
    targetLife,
    ["checkRun", "writeBlock", "verified", "finished", "refused", "sessionLost", "sends-standDown"],
  ],
  [rescuerLife, ["readRun", "readBlock", "healed", "refused", "sessionLost", "sends-probe", "sends-doneAck"]],
] as const;

describe("two hundred lives", () => {
  it.each(MET)("meet all states of a $name", (target, met) => {
    const words = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      for (const word of target.run(new SeededRandom(seed)).split(" ")) words.add(word);
    }
    expect([...words]).toEqual(expect.arrayContaining([...met]));
  });
});
