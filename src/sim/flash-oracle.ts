import { equalBytes } from "../base/bytes.ts";
import { contains, type FlashMap, overlaps, type Region } from "../flash/geometry.ts";
import type { Flash } from "../flash/nor-flash.ts";
import type { VerifiedBlock } from "../flash/verified-block.ts";
import { shortDigest } from "../image/manifest.ts";

/** An image that a board may hold, as it was before anybody sent it. */
export interface Original {
  readonly name: string;
  readonly data: Uint8Array;
  /** 32 bytes. */
  readonly digest: Uint8Array;
}

/**
 * A second opinion on everything that goes to flash. It knows the bytes of all images that were signed by a trusted
 * key, and compares with them; it trusts no hash, no manifest and no `VerifiedBlock`.
 */
export class FlashOracle implements Flash {
  readonly map: FlashMap;
  /** What went to flash and should not have, each in words. */
  readonly violations: string[] = [];
  /** Bytes that were compared with an original, and are right. */
  bytesRight = 0;
  readonly #inner: Flash;
  readonly #originals: readonly Original[];
  readonly #isStrict: boolean;

  /** `isStrict`: throws at what should not be, instead of only noting it. */
  constructor(inner: Flash, originals: readonly Original[], isStrict = false) {
    this.#inner = inner;
    this.#originals = originals;
    this.#isStrict = isStrict;
    this.map = inner.map;
  }

  #object(violation: string): void {
    this.violations.push(violation);
    if (this.#isStrict) throw new Error(`the flash oracle objects: ${violation}`);
  }

  read(offset: number, length: number): Uint8Array {
    return this.#inner.read(offset, length);
  }

  erase(sector: number): void {
    const { sectors, recovery } = this.map;
    if (overlaps(sectors.region(sector), recovery))
      this.#object(`erases sector ${sector} of the recovery image`);
    this.#inner.erase(sector);
  }

  program(offset: number, bytes: Uint8Array): void {
    const region = { offset, size: bytes.length };
    for (const forbidden of [this.map.recovery, ...this.map.slots]) {
      if (overlaps(forbidden, region))
        this.#object(`programs ${bytes.length} bytes at ${offset}, past the check`);
    }
    this.#inner.program(offset, bytes);
  }

  programVerified(offset: number, block: VerifiedBlock): void {
    const bytes = block.padded;
    const slot = this.map.slots.find((region) => contains(region, { offset, size: bytes.length }));
    const at = offset - (slot?.offset ?? 0);
    const isOriginal = this.#originals.some(({ data }) => isPartOf(data, at, bytes));
    if (slot === undefined || !isOriginal)
      this.#object(`programs ${bytes.length} bytes at ${offset} that are in no signed image`);
    else this.bytesRight += block.size;
    this.#inner.programVerified(offset, block);
  }

  arm(...regions: readonly Region[]): void {
    this.#inner.arm(...regions);
  }

  sync(): void {
    this.#inner.sync();
  }
}

/** Whether `bytes` are what an image has at `at`; behind its end there is only 0xFF. */
function isPartOf(data: Uint8Array, at: number, bytes: Uint8Array): boolean {
  if (at >= data.length) return false;
  const inside = data.subarray(at, at + bytes.length);
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== (inside[i] ?? 0xff)) return false;
  return true;
}

/** The original that lies in a slot: its every byte, and the digest that is said to be installed. */
export function originalIn(
  slot: Uint8Array,
  digest: Uint8Array,
  originals: readonly Original[],
): Original | undefined {
  return originals.find(
    (original) =>
      equalBytes(shortDigest(original.digest), shortDigest(digest)) &&
      equalBytes(slot.subarray(0, original.data.length), original.data),
  );
}
