import { describe, expect, it } from "vitest";
import { installFrom } from "../../src/board/install.ts";
import { shortDigest } from "../../src/image/manifest.ts";
import { board, feed, GEOMETRY, image, randomData, spoil } from "./support.ts";

describe("the status of a board", () => {
  it("names the image being received as soon as, and as long as, the record does", () => {
    const [old, next] = [image(randomData(60_000, 1)), image(randomData(60_000, 2), { counter: 1 })];
    for (const layout of ["single", "ab"] as const) {
      const geometry = { ...GEOMETRY, layout };
      const made = board({ geometry });
      installFrom(made.store(), old);
      spoil(made, 100, new Uint8Array(64));
      const store = made.store();
      const named = (): unknown => store.status().receivingDigest8;
      store.checkManifest(next.envelope);
      expect([named(), store.status().failure]).toEqual([undefined, "hash"]);
      feed(store, next, (done) => done === 1);
      expect(named()).toEqual(shortDigest(next.digest));
      expect(store.status().failure).toBe("receiving");
      store.abandon();
      expect(named()).toEqual(shortDigest(next.digest));
      expect(board({ geometry, storage: made.storage }).store().status().receivingDigest8).toEqual(
        shortDigest(next.digest),
      );
      // The offer of another image changes nothing before the first of its blocks is written.
      store.checkManifest(old.envelope);
      expect(named()).toEqual(shortDigest(next.digest));
      store.checkManifest(next.envelope);
      feed(store, next);
      expect(store.commit().tag).toBe("bootable");
      expect(named()).toBeUndefined();
      expect(store.status().installed?.digest8).toEqual(shortDigest(next.digest));
    }
  });

  it("is told without reading flash, once it was asked for", () => {
    const [old, next] = [image(randomData(60_000, 1)), image(randomData(60_000, 2), { counter: 1 })];
    const made = board();
    installFrom(made.store(), old);
    for (const harm of [() => {}, () => spoil(made, 100, new Uint8Array(64))]) {
      harm();
      const store = made.store();
      const first = store.status();
      expect(first.installed?.digest8).toEqual(shortDigest(old.digest));
      const { reads } = made.nor.counters;
      for (let asked = 0; asked < 100; asked++) expect(store.status()).toEqual(first);
      expect(made.nor.counters.reads).toBe(reads);
    }
    const store = made.store();
    store.status();
    store.checkManifest(next.envelope);
    feed(store, next, (done) => done === 1);
    const { reads } = made.nor.counters;
    expect(store.status().installed?.digest8).toEqual(shortDigest(old.digest));
    expect(made.nor.counters.reads).toBe(reads);
  });

  it("names no installed image whose manifest cannot be read", () => {
    const made = board();
    installFrom(made.store(), image(randomData(60_000)));
    const [slot] = made.parts.record.state.slots;
    made.storage.write(made.nor.map.manifests[slot?.area ?? 0]?.offset ?? 0, new Uint8Array(64));
    const store = board({ storage: made.storage }).store();
    for (let asked = 0; asked < 2; asked++) {
      expect(store.status()).toMatchObject({ isBootable: false, failure: "manifest" });
      expect(store.status()).not.toHaveProperty("installed");
    }
  });
});
