import { isIP } from "node:net";
import { concatBytes } from "../base/bytes.ts";
import { RefusedError } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import { IMAGE_HEAD_MAX } from "../image/image-head.ts";
import { imageFromBytes } from "../image/image-source.ts";
import { AddressGuard, type NetworkRange, parseNetworkRange } from "../network/address-guard.ts";
import { fetchRange } from "../network/http-get.ts";
import type { Locators } from "./locator.ts";

/** Longest time without a KiB, and longest time of all: the session runs meanwhile, and waits for nothing. */
const IDLE_MS: Millis = 15_000;
const TOTAL_MS: Millis = 3_600_000;
/** Largest firmware that is fetched: it is kept in memory, and no file is made of what a neighbour named. */
const FIRMWARE_MAX = 64 * 1024 * 1024;

/**
 * Fetches located images from these origins. Addresses are public ones, and those that stand in an origin itself. Besides the
 * errors of `fetchRange` and `imageFromBytes` RefusedError `size` for more than 64 MiB.
 */
export function networkLocators(origins: readonly string[]): Locators {
  const guard = new AddressGuard(origins.flatMap(addressOf));
  return {
    origins,
    fetch: async (url, size, signal) => {
      if (size > FIRMWARE_MAX)
        throw new RefusedError("size", `${size} bytes are not fetched: ${FIRMWARE_MAX} at most`);
      const chunks: Uint8Array[] = [];
      const limit = size + IMAGE_HEAD_MAX;
      const limits = { limit, idleMs: IDLE_MS, totalMs: TOTAL_MS, tls: {} };
      const take = (chunk: Uint8Array): void => void chunks.push(chunk.slice());
      await fetchRange(url, { ...limits, guard, signal, take });
      return imageFromBytes(concatBytes(...chunks), url.href);
    },
  };
}

/** The address of an origin that names no host. */
function addressOf(origin: string): NetworkRange[] {
  const host = new URL(origin).hostname.replace(/^\[|\]$/g, "");
  return isIP(host) === 0 ? [] : [parseNetworkRange(host)];
}
