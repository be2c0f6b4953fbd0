import type { BootFailure } from "../base/refusal.ts";
import type { Beacon, WireVersion } from "../wire/messages.ts";

/** A node's firmware status, as it goes into its beacon (PROTOCOL.md 5.2). */
export interface NodeStatus {
  /** 8 bytes; never changes. */
  readonly nodeId: Uint8Array;
  /** First 8 bytes of SHA-256 over "vendor/class". */
  readonly hardwareId: Uint8Array;
  readonly revision: number;
  /** Undefined when the node boots. */
  readonly failure: BootFailure | undefined;
  readonly installed:
    | { readonly digest: Uint8Array; readonly version: WireVersion; readonly sequence: number }
    | undefined;
  readonly receivingDigest: Uint8Array | undefined;
  readonly counterFloor: number;
}

const NO_VERSION: WireVersion = { major: 0, minor: 0, patch: 0 };

/**
 * The beacon of a node in this status: distress when it does not boot, or calls although it does (`isForced`).
 * `isKeyed`: it has a link key.
 */
export function beaconOf(
  status: NodeStatus,
  bootNonce: Uint8Array,
  isForced = false,
  isKeyed = false,
): Beacon {
  return {
    tag: status.failure === undefined && !isForced ? "beacon" : "distress",
    nodeId: status.nodeId,
    bootNonce,
    hardwareId: status.hardwareId,
    revision: status.revision,
    failure: status.failure,
    ...(isKeyed ? { wantsLinkKey: true } : {}),
    isProvider: false,
    version: status.installed?.version ?? NO_VERSION,
    sequence: status.installed?.sequence ?? 0,
    counterFloor: status.counterFloor,
    installedDigest: status.installed?.digest,
    receivingDigest: status.receivingDigest,
  };
}

/** The beacon of a node that only holds images for others (concept claims C20 to C22). */
export function providerBeacon(nodeId: Uint8Array, bootNonce: Uint8Array, isKeyed = false): Beacon {
  return {
    tag: "beacon",
    nodeId,
    bootNonce,
    hardwareId: new Uint8Array(nodeId.length),
    revision: 0,
    failure: undefined,
    ...(isKeyed ? { wantsLinkKey: true } : {}),
    isProvider: true,
    version: NO_VERSION,
    sequence: 0,
    counterFloor: 0,
    installedDigest: undefined,
    receivingDigest: undefined,
  };
}
