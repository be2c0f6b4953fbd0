import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/prng.ts";
import { ENTRY_SIZE, flashMap } from "../../src/flash/geometry.ts";
import { MemoryStorage } from "../../src/flash/storage.ts";
import { CUTS, PowerCut } from "../../src/sim/power-cuts/power-cut.ts";
import { TornStorage } from "../../src/sim/power-cuts/torn-storage.ts";
import { flashCutAt } from "../flash/support.ts";
import { board, code, GEOMETRY } from "./support.ts";

describe("the starts that a board counts", () => {
  it("are numbered from 1, each one higher than all before, over power-ups", () => {
    const storage = new MemoryStorage(flashMap(GEOMETRY).size);
    const seen: number[] = [];
    for (let powerUps = 0; powerUps < 40; powerUps++) {
      const store = board({ storage }).store();
      seen.push(store.takeStart());
      if (powerUps % 5 === 0) seen.push(store.takeStart());
    }
    expect(seen).toEqual(Array.from({ length: 48 }, (_, i) => i + 1));
  });

  it("cost one entry each, and nothing when none is taken", () => {
    const made = board();
    const store = made.store();
    store.status();
    expect(made.nor.counters.programs).toBe(0);
    store.takeStart();
    const { programs } = made.nor.counters;
    store.takeStart();
    expect(made.nor.counters.programs).toBe(programs + 1);
    expect(made.nor.counters.bytesProgrammed).toBe((programs + 1) * ENTRY_SIZE);
  });

  it("end with the last number, and none is given twice", () => {
    const made = board();
    made.parts.record.append({ tag: "nonces", starts: 0xffff_fffe });
    const store = made.store();
    expect(store.takeStart()).toBe(0xffff_ffff);
    expect(code(() => store.takeStart())).toBe("starts-used-up 1");
    expect(code(() => board({ storage: made.storage }).store().takeStart())).toBe("starts-used-up 1");
  });

  it.each(CUTS)("are never given twice, wherever the power is cut (%s)", (cut) => {
    const map = flashMap(GEOMETRY);
    let cuts = 0;
    for (let seed = 0; seed < 20; seed++) {
      for (let at = 1; ; at++) {
        const random = new SeededRandom(100 * seed + at);
        const storage = new TornStorage(map, random);
        const start = (wrapAt: number): number =>
          board({
            storage,
            wrap: (nor) => flashCutAt(nor, storage, random, wrapAt, cut, true),
          })
            .store()
            .takeStart();
        const seen = [start(0), start(0)];
        let isCut = false;
        try {
          seen.push(start(at));
        } catch (error) {
          if (!(error instanceof PowerCut)) throw error;
          isCut = true;
          cuts++;
        }
        seen.push(start(0), start(0));
        expect(new Set(seen).size, `seed ${seed}, cut ${at}: ${seen.join()}`).toBe(seen.length);
        if (!isCut) break;
      }
    }
    expect(cuts).toBeGreaterThan(60);
  });
});
