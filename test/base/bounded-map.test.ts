import { fc, test as property } from "@fast-check/vitest";
import { beforeEach, describe, expect, it } from "vitest";
import { BoundedMap } from "../../src/base/bounded-map.ts";

let map: BoundedMap<string, number>;

beforeEach(() => {
  map = new BoundedMap(3);
  for (const [i, key] of ["a", "b", "c"].entries()) map.set(key, i);
});

describe("a bounded map", () => {
  it("drops the oldest entry for one too many", () => {
    map.set("d", 3);
    expect([map.size, map.has("a"), map.get("a")]).toEqual([3, false, undefined]);
    expect([...map.values()]).toEqual([1, 2, 3]);
  });

  it("makes an entry that is set again the newest, and needs no room for it", () => {
    map.set("a", 9);
    expect([...map.values()]).toEqual([1, 2, 9]);
    map.set("d", 3);
    expect([...map.values()]).toEqual([2, 9, 3]);
  });

  it("does not renew an entry that is looked up", () => {
    map.get("a");
    map.has("a");
    map.set("d", 3);
    expect(map.has("a")).toBe(false);
  });

  it("has room again after an entry was dropped", () => {
    expect([map.delete("b"), map.delete("b")]).toEqual([true, false]);
    map.set("d", 3);
    expect([...map.values()]).toEqual([0, 2, 3]);
  });

  it("holds one entry at least", () => {
    const single = new BoundedMap<string, number>(1);
    single.set("a", 1);
    single.set("b", 2);
    expect([...single.values()]).toEqual([2]);
    expect(() => new BoundedMap(0)).toThrow("a bounded map of 0 entries");
  });

  const command = fc.record({ isSet: fc.boolean(), key: fc.nat({ max: 9 }), value: fc.nat() });
  property.prop([fc.integer({ min: 1, max: 6 }), fc.array(command, { maxLength: 60 })])(
    "agrees with a list that is cut to its newest entries",
    (limit, commands) => {
      const bounded = new BoundedMap<number, number>(limit);
      let list: { readonly key: number; readonly value: number }[] = [];
      for (const { isSet, key, value } of commands) {
        const others = list.filter((entry) => entry.key !== key);
        if (isSet) bounded.set(key, value);
        else expect(bounded.delete(key)).toBe(others.length < list.length);
        list = (isSet ? [...others, { key, value }] : others).slice(-limit);
        expect([...bounded.values()]).toEqual(list.map((entry) => entry.value));
        expect(bounded.size).toBe(list.length);
        for (const entry of list) expect(bounded.get(entry.key)).toBe(entry.value);
      }
    },
  );
});
