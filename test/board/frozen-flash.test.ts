import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { confirmBoot } from "../../src/board/boot.ts";
import { installFrom } from "../../src/board/install.ts";
import { memoryBoard } from "../../src/board/memory-board.ts";
import type { FlashGeometry } from "../../src/flash/geometry.ts";
import { memoryImage } from "../../src/image/image-source.ts";
import { trustedKeyOf } from "../../src/image/keys.ts";
import { fixedKey } from "../support/fixed-keys.ts";
import { feed, fields, identity, randomData } from "./support.ts";

const KIB = 1024;
const key = fixedKey(0x42);
const policy = { keys: [trustedKeyOf(key, ["app"])], allowUnsigned: false };
const UPDATE = { allowUpdate: true, allowSingleUpdate: true };

/** SHA-256 of the whole flash after an install, a confirm, and half of an update after a restart. */
function flashAfterLife(geometry: FlashGeometry): string {
  const first = memoryBoard({ geometry, identity, policy });
  const old = memoryImage(randomData(50_000, 1), fields(), key);
  const next = memoryImage(randomData(50_000, 2), fields({ version: { major: 2, minor: 0, patch: 0 } }), key);
  installFrom(first.store(), old);
  confirmBoot(first.parts);
  const second = memoryBoard({ geometry, identity, policy, storage: first.storage });
  const store = second.store(UPDATE);
  expect(store.checkManifest(next.envelope).tag).toBe("accepted");
  feed(store, next, (done) => done === 6);
  const { storage } = second;
  return createHash("sha256").update(storage.read(0, storage.size)).digest("hex");
}

const F4 = [
  { count: 4, size: 16 * KIB },
  { count: 1, size: 64 * KIB },
  { count: 7, size: 128 * KIB },
];

/*
 * Boards have these bytes. A change here is a board that another version does not read: see PROTOCOL.md 13 before a
 * value is replaced.
 */
it.each<[string, FlashGeometry, string]>([
  [
    "single",
    { sectorSize: 4096, slotSize: 65_536, layout: "single" },
    "f7e7d22fa42dd9ea985a3e2bbc622c92ec46240f9dcd957f4984cac8f0b2eddd",
  ],
  [
    "ab",
    { sectorSize: 4096, slotSize: 65_536, layout: "ab" },
    "27ae91d0a43fb5675eed535109e1d0af14408757be1ab6d1774acec7eb96838c",
  ],
  [
    "an STM32F4's sectors, manifests in the record",
    { sectors: F4, slotSize: 960 * KIB, layout: "single", recoverySize: 32 * KIB, manifests: "record" },
    "73d4b06c2a4a69af6fcab70d323338cdde4b5443c1b8de1b33400863c37ea502",
  ],
  [
    "sectors of 256 KiB, ab, manifests in the record",
    { sectorSize: 256 * KIB, slotSize: 65_536, layout: "ab", manifests: "record" },
    "86261c562be7be38806cea927e3d722d290527a49f4e681fbfaba7fc8e16ee76",
  ],
])("the flash of a board is byte for byte as frozen: %s", (_name, geometry, frozen) => {
  expect(flashAfterLife(geometry)).toBe(frozen);
});
