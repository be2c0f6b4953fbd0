import { equalBytes } from "../base/bytes.ts";
import type { Millis } from "../base/units.ts";
import type { NodeStatus } from "../session/beacon.ts";

/** What a node's policies need to know of its own board. */
export interface OwnBoard {
  readonly status: NodeStatus;
  /** `single`: an update overwrites the only image. */
  readonly layout: "single" | "ab";
  /** While the image is confirmed, and has not run for long enough to be handed on: how long it still has to. */
  readonly soakLeftMs?: Millis | undefined;
}

/** Whether neighbours have to hear of it: another image, bootable or not any more, on trial or not any more. */
export function isNews(before: OwnBoard | undefined, now: OwnBoard): boolean {
  if (before === undefined) return true;
  const { failure, installed, isTrial = false, isClaiming = false } = before.status;
  const next = now.status;
  return (
    failure !== next.failure ||
    isTrial !== (next.isTrial ?? false) ||
    isClaiming !== (next.isClaiming ?? false) ||
    !isSameDigest(installed?.digest, next.installed?.digest)
  );
}

/** Whether the board boots another image than the last one that it booted. */
export function runsOther(before: Uint8Array | undefined, { status }: OwnBoard): boolean {
  return status.failure === undefined && !isSameDigest(before, status.installed?.digest);
}

function isSameDigest(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalBytes(a, b);
}
