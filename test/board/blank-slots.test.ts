import { describe, expect, it } from "vitest";
import { board, feed, GEOMETRY, image, randomData, spoil } from "./support.ts";

describe("a board whose flash holds nothing where an image goes", () => {
  it.each(["single", "ab"] as const)("says so, by a look at every byte: %s", (layout) => {
    const made = board({ geometry: { ...GEOMETRY, layout } });
    expect(made.store().isBlank()).toBe(true);
    for (const at of [0, 4_095, GEOMETRY.slotSize - 1]) {
      const other = board({ geometry: { ...GEOMETRY, layout } });
      spoil(other, at, Uint8Array.of(0x7f), layout === "ab" ? 1 : 0);
      expect(other.store().isBlank()).toBe(false);
    }
  });

  it("says so where erased bytes are zeros", () => {
    const geometry = { ...GEOMETRY, erasedByte: 0x00 as const };
    expect(board({ geometry }).store().isBlank()).toBe(true);
    const other = board({ geometry });
    spoil(other, 100, Uint8Array.of(1));
    expect(other.store().isBlank()).toBe(false);
  });

  it("no longer says so once an image was begun, in this start and the next", () => {
    const made = board();
    const store = made.store();
    expect(store.isBlank()).toBe(true);
    const source = image(randomData(20_000));
    store.checkManifest(source.envelope);
    expect(store.isBlank()).toBe(true);
    feed(store, source, (done) => done > 0);
    expect(store.isBlank()).toBe(false);
    store.close();
    expect(board({ storage: made.storage }).store().isBlank()).toBe(false);
  });

  it("does not say so while a sector is open that reads erased: a torn erase does at times", () => {
    const made = board();
    made.parts.flash.arm(...made.parts.flash.map.record);
    made.parts.record.append({ tag: "sectors", open: { first: 9, last: 9 } });
    expect(board({ storage: made.storage }).store().isBlank()).toBe(false);
  });
});
