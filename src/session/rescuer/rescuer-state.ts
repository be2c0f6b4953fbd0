import { toHex } from "../../base/bytes.ts";
import type { Beacon } from "../../wire/messages.ts";
import type { Serving } from "./serving.ts";

/** The states of a rescuer (PROTOCOL.md 6.2). `open`: it listens, picks and offers. */
export type RescuerState =
  | { readonly tag: "open" }
  | { readonly tag: "serving"; readonly serving: Serving }
  | { readonly tag: "healed"; readonly digest: Uint8Array }
  | { readonly tag: "stopped" };

/** A call that was heard. */
export interface Call extends Beacon {
  /** Digest of the frame that it came in; with a link key only (PROTOCOL.md 14.2). */
  readonly callDigest?: Uint8Array | undefined;
}

/**
 * What a call says of its board and of the image that it needs. Two calls with one name are answered alike; one under the same
 * id that says something else may come from somebody else. With a link key every byte of the frame counts, as in the proofs.
 */
export function callName(beacon: Call): string {
  if (beacon.callDigest !== undefined) return toHex(beacon.callDigest);
  const { nodeId, bootNonce, hardwareId, revision, counterFloor, installedDigest, receivingDigest } = beacon;
  const { failure, sequence, version } = beacon;
  const runs = failure === undefined ? [sequence, version.major, version.minor, version.patch] : [];
  const ids = [nodeId, bootNonce, hardwareId, installedDigest, receivingDigest];
  const hex = ids.map((bytes) => (bytes === undefined ? "-" : toHex(bytes)));
  return [...hex, revision, counterFloor, beacon.wantsLinkKey === true, ...runs].join(" ");
}
