import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { concatBytes } from "../../src/base/bytes.ts";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { attemptBoot, confirmBoot } from "../../src/board/boot.ts";
import { installFrom, receiveFrom } from "../../src/board/install.ts";
import type { MemoryBoard } from "../../src/board/memory-board.ts";
import { SIGNED_PAYLOAD_OFFSET, signedBytes, wrapSigned } from "../../src/image/cose.ts";
import type { ImageSource } from "../../src/image/image-source.ts";
import type { KeyLimits } from "../../src/image/keys.ts";
import { MANIFEST_PAYLOAD_LENGTH } from "../../src/image/manifest-payload.ts";
import { writeImageFile } from "../../src/image-files/image-build.ts";
import { openImageFile } from "../../src/image-files/image-file.ts";
import { fixedKey } from "../support/fixed-keys.ts";
import { testKey } from "../support/virtual-rescue.ts";
import type { Attack } from "./attack.ts";
import { boardFor, duel, imageOf } from "./duel.ts";

/** Images that a board must refuse, offered by a rescuer that offers anything. */

const GOOD: Uint8Array = randomBytes(new SeededRandom(1), 6_000);
const EVIL: Uint8Array = randomBytes(new SeededRandom(2), 6_000);
const foreign = fixedKey(0x66);
/** Order of the Ed25519 base point, little-endian (RFC 8032 section 5.1). */
const ORDER = 0x1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3edn;

const good: ImageSource = imageOf(GOOD, { counter: 3 });
const original = { name: "good", data: GOOD, digest: good.digest };

/** The image with another envelope. */
function withEnvelope(image: ImageSource, envelope: Uint8Array): ImageSource {
  return { ...image, envelope };
}

function payloadOf(image: ImageSource): Uint8Array {
  return image.envelope.slice(SIGNED_PAYLOAD_OFFSET, SIGNED_PAYLOAD_OFFSET + MANIFEST_PAYLOAD_LENGTH);
}

/** S + L in place of S: the same equation, another signature. */
function malleated(image: ImageSource): ImageSource {
  const { envelope } = image;
  let scalar = ORDER;
  for (let i = 0; i < 32; i++) scalar += BigInt(envelope.at(i - 32) ?? 0) << BigInt(8 * i);
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => Number((scalar >> BigInt(8 * i)) & 0xffn));
  return withEnvelope(image, concatBytes(envelope.subarray(0, -32), bytes));
}

/** A manifest with a field that format 1 does not have, properly signed: the last key, padding, is renamed. */
function withUnknownField(image: ImageSource): ImageSource {
  const payload = payloadOf(image);
  const at = payload.lastIndexOf(17, MANIFEST_PAYLOAD_LENGTH - 2);
  expect(at).toBeGreaterThan(0);
  payload[at] = 18;
  return withEnvelope(image, wrapSigned(payload, testKey.keyId, testKey.sign(signedBytes(payload))));
}

/** Both ends name the reason and exit with 4, flash is unchanged, and then the right image heals the board. */
async function refused(
  image: ImageSource,
  reason: string,
  board: MemoryBoard = boardFor([original]),
  store: Parameters<typeof duel>[2] = {},
): Promise<string> {
  const before = board.storage.read(0, board.storage.size);
  const { erases, programs } = { ...board.nor.counters };
  const { distress, rescue } = await duel(board, image, store);
  expect(distress).toMatchObject({ ok: false, code: 4, reason });
  expect(rescue).toMatchObject({ ok: false, code: 4, reason });
  expect(board.nor.counters).toMatchObject({ erases, programs });
  expect(Buffer.compare(board.storage.read(0, board.storage.size), before)).toBe(0);
  if (board.boot().tag === "recovery") {
    const { timeoutMs = 20_000 } = store;
    const after = await duel(board, good, { timeoutMs });
    expect([after.distress.code, after.rescue.code]).toEqual([0, 0]);
  }
  expect(board.boot()).toMatchObject({ tag: "boot" });
  return `${reason}, exit 4, 0 bytes changed`;
}

const UPDATE = { allowUpdate: true, allowSingleUpdate: true, isForced: true };

/** A board with the good image, whose key has these limits: its counter floor is 3. */
function installed(limits: KeyLimits = {}): MemoryBoard {
  const board = boardFor([original], { limits });
  installFrom(board.store(), good);
  confirmBoot(board.parts);
  return board;
}

/** The second boot attempt shows that the image ran, and raises the floor. */
function bootTwice(board: MemoryBoard): void {
  for (let boots = 0; boots < 2; boots++) expect(attemptBoot(board.parts)).toMatchObject({ tag: "boot" });
}

/** The manifest of an image and one of its blocks, and no more. */
function abandon(board: MemoryBoard, image: ImageSource): void {
  const store = board.store(UPDATE);
  expect(store.checkManifest(image.envelope).tag).toBe("accepted");
  expect(receiveFrom(store, image, (done) => done === 1).isComplete).toBe(false);
  store.abandon();
  expect(board.boot()).toEqual({ tag: "recovery", reason: "receiving" });
}

/** The same, with a part of the image spoilt. */
function spoilt(): MemoryBoard {
  const board = installed();
  board.storage.write((board.nor.map.slots[0]?.offset ?? 0) + 50, new Uint8Array(9));
  return board;
}

function refusal(attack: string, ids: string, happens: string, play: () => Promise<string>): Attack {
  return { attack, ids, happens, play };
}

export const IMAGES: readonly Attack[] = [
  refusal(
    "Arbitrary image",
    "TUF arbitrary software; REQ.SEC.AUTHENTIC",
    "the board does not trust the key that signed it",
    () => refused(imageOf(EVIL, {}, foreign), "signature"),
  ),
  refusal(
    "Arbitrary image under a trusted key's id",
    "REQ.SEC.AUTHENTIC",
    "the signature does not verify with that key",
    () => {
      const disguised = {
        ...foreign,
        keyId: testKey.keyId,
        sign: (bytes: Uint8Array) => foreign.sign(bytes),
      };
      return refused(imageOf(EVIL, {}, disguised), "signature");
    },
  ),
  refusal("Wrong key id on a good signature", "REQ.SEC.AUTHENTIC", "no trusted key has this id", () => {
    const payload = payloadOf(good);
    const signature = testKey.sign(signedBytes(payload));
    return refused(withEnvelope(good, wrapSigned(payload, foreign.keyId, signature)), "signature");
  }),
  refusal(
    "Signature in a second form (S + L)",
    "signature malleability",
    "S must be below the group order",
    () => refused(malleated(good), "signature"),
  ),
  refusal("Unsigned image", "REQ.SEC.AUTHENTIC", "a board that trusts a key refuses unsigned images", () =>
    refused(imageOf(EVIL, {}, "unsigned"), "unsigned"),
  ),
  refusal(
    "Unsigned bytes beside the signed ones",
    "CVE-2024-32883",
    "an envelope has a fixed layout without room for further bytes",
    () => refused(withEnvelope(good, concatBytes(good.envelope, Uint8Array.of(0))), "manifest"),
  ),
  refusal(
    "Wrong role",
    "REQ.SEC.RIGHTS",
    "the board checks the signed role, and which roles the key may sign",
    () => refused(imageOf(EVIL, { role: "recovery" }), "role"),
  ),
  refusal(
    "Wrong hardware",
    "THREAT.IMG.INCOMPATIBLE",
    "the board compares the signed vendor and class with its own",
    () => refused(imageOf(EVIL, { hardwareClass: "pump" }), "hardware"),
  ),
  refusal(
    "Wrong hardware revision",
    "THREAT.IMG.INCOMPATIBLE",
    "the board compares the signed range of revisions with its own",
    () => refused(imageOf(EVIL, { revisionMin: 4 }), "hardware"),
  ),
  refusal(
    "Wrong location",
    "REQ.SEC.AUTH.IMG_LOC",
    "a manifest has no field for a location, and unknown fields are refused",
    () => refused(withUnknownField(good), "manifest"),
  ),
  refusal(
    "Image beyond the slot",
    "THREAT.IMG.EXTRA",
    "the board checks the signed size before it erases anything",
    () => refused(imageOf(randomBytes(new SeededRandom(3), 8_193)), "size"),
  ),
  refusal(
    "Downgrade of a broken board",
    "THREAT.IMG.EXPIRED",
    "its security counter is below the floor that the board keeps in flash",
    () => refused(imageOf(EVIL, { counter: 2 }), "counter", spoilt()),
  ),
  refusal(
    "Downgrade of a board that boots",
    "TUF rollback",
    "a board that boots takes newer images only",
    () => {
      const older = imageOf(EVIL, { counter: 3, version: { major: 0, minor: 9, patch: 0 } });
      return refused(older, "version", installed(), UPDATE);
    },
  ),
  refusal(
    "Two steps down: an update that is begun and abandoned, then an old image",
    "TUF rollback; mcuboot#628",
    "the record keeps the order of the confirmed image that was given up, until another one is confirmed",
    () => {
      const board = boardFor([original, { name: "newer", data: EVIL, digest: new Uint8Array(32) }]);
      installFrom(board.store(), good);
      confirmBoot(board.parts);
      abandon(board, imageOf(EVIL, { counter: 3, version: { major: 2, minor: 0, patch: 0 } }));
      return refused(
        imageOf(EVIL, { counter: 3, version: { major: 0, minor: 9, patch: 0 } }),
        "version",
        board,
        // The image that was begun is held to for a while, before another one is judged at all.
        { timeoutMs: 200_000 },
      );
    },
  ),
  refusal(
    "Stolen key, retired: any counter and not-after-counter that the thief likes",
    "REQ.SEC.KEY.PROTECTED; TUF key compromise",
    "the board keeps the largest counter of each key itself, and checks it with the signature",
    () => {
      const evil = { counter: 900, notAfterCounter: 0xffff_ffff, version: { major: 9, minor: 0, patch: 0 } };
      return refused(imageOf(EVIL, evil), "counter", installed({ maxCounter: 3 }), UPDATE);
    },
  ),
  refusal(
    "Stolen key, theft unknown: the largest counter, to lock the owner out",
    "TUF fast-forward",
    "from the first confirmed image on, one image raises the floor by 1,000 at most, or by the key's own step",
    () => {
      const evil = { counter: 0xffff_ffff, version: { major: 9, minor: 0, patch: 0 } };
      return refused(imageOf(EVIL, evil), "counter", spoilt());
    },
  ),
  {
    attack: "Signed image that does not run, on a board with two slots",
    ids: "THREAT.IMG.NON_AUTH; mcuboot#2282",
    happens:
      "the floor waits until the image ran, so that the old one boots when the new one does not verify",
    play: () => {
      const newer = imageOf(EVIL, { counter: 4, version: { major: 2, minor: 0, patch: 0 } });
      const originals = [original, { name: "newer", data: EVIL, digest: newer.digest }];
      const board = boardFor(originals, { layout: "ab" });
      installFrom(board.store(), good);
      confirmBoot(board.parts);
      installFrom(board.store(UPDATE), newer);
      expect(attemptBoot(board.parts)).toMatchObject({ slot: 1 });
      board.storage.write((board.nor.map.slots[1]?.offset ?? 0) + 50, new Uint8Array(9));
      expect(board.boot()).toMatchObject({ tag: "boot", slot: 0 });
      expect(board.parts.record.state.counterFloor).toBe(3);
      return "boots the image before; floor 3, as before";
    },
  },
  {
    attack: "Fast-forward: an offer claims the highest version and counter",
    ids: "TUF fast-forward",
    happens: "only signed values count; the floor rises to the signed counter once the image ran",
    play: async () => {
      const board = boardFor([original]);
      const claims = {
        ...good.manifest,
        counter: 0xffff_ffff,
        version: { major: 0xffff, minor: 0, patch: 0 },
      };
      const { distress } = await duel(board, { ...good, manifest: claims });
      expect(distress).toMatchObject({ code: 0 });
      expect(board.parts.record.state.counterFloor).toBe(0);
      bootTwice(board);
      expect(board.parts.record.state.counterFloor).toBe(3);
      return "healed, exit 0; counter floor 3, as signed";
    },
  },
  {
    attack: "Freeze: an old image that is still allowed",
    ids: "TUF indefinite freeze; EXPIRED.OFFLINE",
    happens:
      "a board without a clock cannot notice: it takes the old image, and a newer one when that is offered",
    play: async () => {
      const newer = imageOf(EVIL, { counter: 4, version: { major: 2, minor: 0, patch: 0 } });
      const board = boardFor([original, { name: "newer", data: EVIL, digest: newer.digest }]);
      expect((await duel(board, good)).distress.code).toBe(0);
      bootTwice(board);
      const { distress } = await duel(board, newer, UPDATE);
      expect(distress.code).toBe(0);
      bootTwice(board);
      expect(board.parts.record.state.counterFloor).toBe(4);
      return "no promise of freshness; the update that follows ends with exit 0";
    },
  },
  {
    attack: "File swapped on the rescuer between hash and send",
    ids: "CVE-2020-25860; TOCTOU",
    happens: "the rescuer compares each block with its hash when it reads it, and stops",
    play: async () => {
      const folder = mkdtempSync(join(tmpdir(), "mayday-swap-"));
      const path = join(folder, "image.mdy");
      await writeImageFile(good, path);
      const image = await openImageFile(path);
      const bytes = readFileSync(path);
      bytes.fill(0x5a, bytes.length - 2_000);
      writeFileSync(path, bytes);
      const { distress, rescue } = await duel(boardFor([original]), image);
      await image.close();
      rmSync(folder, { recursive: true });
      expect(rescue).toMatchObject({ code: 1, reason: "image-unreadable" });
      expect(distress.code).not.toBe(0);
      return "image-unreadable, exit 1; not one wrong byte is sent";
    },
  },
];
