import { expect, it } from "vitest";
import { installFrom } from "../../src/board/install.ts";
import { manifestRegion } from "../../src/board/manifest-area.ts";
import type { FlashGeometry } from "../../src/flash/geometry.ts";
import { MemoryStorage } from "../../src/flash/storage.ts";
import { board, feed, image, randomData } from "./support.ts";

const GEOMETRY: FlashGeometry = {
  sectorSize: 4096,
  slotSize: 20_000,
  layout: "single",
  manifests: "record",
};

it("a manifest that reads right once, and is copied wrong, is stored again by the same session", () => {
  const source = image(randomData(20_000));
  const first = board({ geometry: GEOMETRY });
  const store = first.store();
  expect(store.checkManifest(source.envelope).tag).toBe("accepted");
  feed(store, source, (done) => done === 2);
  const place = manifestRegion(first.parts, 0);
  if (place === undefined || !(first.storage instanceof MemoryStorage)) expect.fail("it lies somewhere");

  const { storage } = first;
  const made = board({ geometry: GEOMETRY, storage });
  const read = storage.read.bind(storage);
  const erase = storage.erase.bind(storage);
  let isTorn = true;
  let reads = 0;
  // The bit is right when it is looked at first, and wrong from then on until its sector is erased.
  storage.read = (offset, length) => {
    const bytes = read(offset, length);
    if (isTorn && offset === place.offset && reads++ > 0) bytes[40] = (bytes[40] ?? 0) ^ 1;
    return bytes;
  };
  storage.erase = (offset, size, erasedByte) => {
    if (offset <= place.offset && place.offset < offset + size) isTorn = false;
    erase(offset, size, erasedByte);
  };
  expect(installFrom(made.store(), source).outcome.tag).toBe("bootable");
  expect({ isTorn, reads }).toEqual({ isTorn: false, reads: 2 });
  expect(board({ geometry: GEOMETRY, storage }).boot()).toMatchObject({ tag: "boot" });
});
