import type { Millis } from "../base/units.ts";
import {
  CHUNK_UNIT,
  DATA_HEADER_LENGTH,
  OBJECT_HEADER_LENGTH,
  PAYLOAD_MAX,
  PAYLOAD_MIN,
} from "../wire/constants.ts";

/** Longest line time of a frame: several frames fit into the shortest silence that ends a session (PROTOCOL.md 4.7). */
export const FRAME_TIME_MAX_MS: Millis = 2_000;

/** Bytes that an object frame has more than a data frame. */
const OBJECT_EXTRA: number = OBJECT_HEADER_LENGTH - DATA_HEADER_LENGTH;

/**
 * Largest payload of a frame, in bytes, a multiple of 32: what the peer takes, and what leaves in time. `overhead`: bytes of a
 * data frame on the line beyond its payload; `bytesPerMs`: undefined on links without a rate.
 */
export function largestPayload(payloadMax: number, overhead: number, bytesPerMs: number | undefined): number {
  const inTime = (bytesPerMs ?? Number.POSITIVE_INFINITY) * FRAME_TIME_MAX_MS - overhead - OBJECT_EXTRA;
  return Math.max(
    PAYLOAD_MIN,
    Math.floor(Math.min(payloadMax, PAYLOAD_MAX, inTime) / CHUNK_UNIT) * CHUNK_UNIT,
  );
}

/** The payload in COBS that promises the most of the line at `rate` errors per byte, above 0, up to `max` (PROTOCOL.md 4.7). */
export function bestPayload(overhead: number, rate: number, max: number): number {
  return wholePayload((Math.sqrt(overhead * overhead + (4 * overhead) / rate) - overhead) / 2, max);
}

/** The nearest payload to `bytes`, in whole units of 32, up to `max`. */
export function wholePayload(bytes: number, max: number): number {
  return Math.min(max, Math.max(PAYLOAD_MIN, Math.round(bytes / CHUNK_UNIT) * CHUNK_UNIT));
}

/** Share of the line that is payload which arrives in COBS, at `rate` errors per byte: 0 to 1. */
export function cobsGoodput(payload: number, overhead: number, rate: number): number {
  const bytes = payload + overhead;
  return (payload / bytes) * Math.exp(-rate * bytes);
}

/** Bytes to take from a stretch of `available`: equal parts, whole units, so that no frame is a mere remainder. */
export function equalPart(available: number, payload: number): number {
  const frames = Math.ceil(available / payload);
  return Math.min(available, Math.ceil(available / frames / CHUNK_UNIT) * CHUNK_UNIT);
}
