import { createPrivateKey } from "node:crypto";
import { toHex } from "../../base/bytes.ts";
import { randomBytes, SeededRandom } from "../../base/prng.ts";
import type { BoardIdentity } from "../../board/board-parts.ts";
import { type FlashMap, flashMap } from "../../flash/geometry.ts";
import type { TrustPolicy } from "../../image/envelope.ts";
import { type ImageSource, memoryImage } from "../../image/image-source.ts";
import { type SigningKey, trustedKeyOf } from "../../image/keys.ts";
import type { ConfirmPolicy } from "../../image/manifest.ts";
import { signingKeyFromPem } from "../../image-files/pem-keys.ts";
import type { TortureCase } from "./cases.ts";
import { referenceBoard } from "./reference-board.ts";
import type { BoardMaker } from "./tortured-board.ts";

const HARDWARE = { vendor: "mayday", hardwareClass: "torture" };
/** PKCS #8 of an Ed25519 key, up to its 32 bytes (RFC 8410 section 7). */
const PKCS8_PREFIX = Uint8Array.of(48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32);

/** An image, with the bytes that a slot must hold whenever it boots. */
export interface TortureImage {
  readonly source: ImageSource;
  readonly data: Uint8Array;
  /** Whether its application confirms its health. */
  readonly isHealthy: boolean;
}

/** What a case is done with: the same in every run, so that a replay meets the same bytes. */
export interface Bench {
  readonly case: TortureCase;
  readonly map: FlashMap;
  readonly identity: BoardIdentity;
  readonly policy: TrustPolicy;
  /** Starts a board. */
  readonly start: BoardMaker;
  /** 0.9.0, counter 1, on-verify: older than what any board runs, at its floor. */
  readonly relic: TortureImage;
  /** 1.0.0, counter 1, on-verify: what boards come with. */
  readonly old: TortureImage;
  /** 2.0.0, counter 2, by-app. */
  readonly next: TortureImage;
  /** 3.0.0, counter 3, by-app; never confirms. */
  readonly bad: TortureImage;
  /** 4.0.0, counter 4, on-verify. */
  readonly fix: TortureImage;
  /** 5.0.0, counter 5, on-verify. */
  readonly later: TortureImage;
}

/** Builds the images of a case, for boards of a make. */
export function makeBench(tortured: TortureCase, start: BoardMaker = referenceBoard): Bench {
  const { geometry, blockSize } = tortured;
  const key = fixedKey();
  const make = (major: number, share: number, confirm: ConfirmPolicy, isHealthy = true): TortureImage => {
    const data = randomBytes(new SeededRandom(major), Math.floor(geometry.slotSize * share));
    // As firmware has them: a stretch of erased bytes, and one of zeros.
    data.fill(0xff, data.length >> 2, (data.length >> 2) + blockSize);
    data.fill(0x00, data.length - blockSize - 100, data.length - 100);
    const version = major === 0 ? { major, minor: 9, patch: 0 } : { major, minor: 0, patch: 0 };
    const fields = { ...HARDWARE, version, blockSize, confirm, counter: Math.max(1, major) };
    return { source: memoryImage(data, fields, key), data, isHealthy };
  };
  return {
    case: tortured,
    map: flashMap(geometry),
    identity: { nodeId: new Uint8Array(8).fill(7), hardware: HARDWARE, revision: 0 },
    policy: { keys: [trustedKeyOf(key, ["app"])], allowUnsigned: false },
    start,
    relic: make(0, 0.8, "on-verify"),
    old: make(1, 1, "on-verify"),
    next: make(2, 0.9, "by-app"),
    bad: make(3, 0.95, "by-app", false),
    fix: make(4, 0.85, "on-verify"),
    later: make(5, 0.8, "on-verify"),
  };
}

/** The image with that digest, or undefined. */
export function imageOf(bench: Bench, digest: Uint8Array): TortureImage | undefined {
  const wanted = toHex(digest);
  return imagesOf(bench).find(({ source }) => toHex(source.digest) === wanted);
}

/** All images of a bench. */
export function imagesOf({ relic, old, next, bad, fix, later }: Bench): readonly TortureImage[] {
  return [relic, old, next, bad, fix, later];
}

/** Signs nothing that any board outside trusts. */
function fixedKey(): SigningKey {
  const der = Buffer.concat([PKCS8_PREFIX, Buffer.alloc(32, 0x42)]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return signingKeyFromPem(key.export({ type: "pkcs8", format: "pem" }).toString());
}
