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
  /** The installed image is on trial, or has not run for long enough to be passed on. */
  readonly isTrial?: boolean;
  /** The board is about to overwrite its only image, over another link: neighbours of its kind wait meanwhile. */
  readonly isClaiming?: boolean;
  /** The board does not boot, and is served over another link. */
  readonly isServed?: boolean;
}

/** Why a target calls: its board does not boot, or it does and its user insists, or it wants something newer. */
export type CallCause = "help" | "insists" | "update";

/** How a beacon says it. */
export interface BeaconManner {
  /** What the node calls for; it calls for nothing unless given. */
  readonly cause?: CallCause;
  /** It has a link key. */
  readonly isKeyed?: boolean;
  /** Bytes of an image that it takes right behind an offer; 0: none. */
  readonly inlineBytes?: number;
}

const NO_VERSION: WireVersion = { major: 0, minor: 0, patch: 0 };

/** The beacon of a node in this status: distress when it does not boot, or its user insists on calling. */
export function beaconOf(
  status: NodeStatus,
  bootNonce: Uint8Array,
  { cause, isKeyed = false, inlineBytes = 0 }: BeaconManner = {},
): Beacon {
  const isHealthy = status.failure === undefined;
  return {
    tag: isHealthy && cause !== "insists" ? "beacon" : "distress",
    nodeId: status.nodeId,
    bootNonce,
    hardwareId: status.hardwareId,
    revision: status.revision,
    failure: status.failure,
    ...(isKeyed ? { wantsLinkKey: true } : {}),
    ...(isHealthy && status.isTrial === true ? { isTrial: true } : {}),
    ...(isHealthy && (cause === "update" || status.isClaiming === true) ? { wantsUpdate: true } : {}),
    ...(isHealthy && status.isClaiming === true && cause !== "update" ? { isServed: true } : {}),
    ...(!isHealthy && status.isServed === true ? { isServed: true } : {}),
    isProvider: false,
    version: status.installed?.version ?? NO_VERSION,
    sequence: status.installed?.sequence ?? 0,
    counterFloor: status.counterFloor,
    installedDigest: status.installed?.digest,
    receivingDigest: status.receivingDigest,
    ...(inlineBytes > 0 && !isKeyed ? { inlineBytes } : {}),
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

/** A copy without views into the received run. */
export function keepBeacon<B extends Beacon>(beacon: B): B {
  return {
    ...beacon,
    nodeId: beacon.nodeId.slice(),
    bootNonce: beacon.bootNonce.slice(),
    hardwareId: beacon.hardwareId.slice(),
    installedDigest: beacon.installedDigest?.slice(),
    receivingDigest: beacon.receivingDigest?.slice(),
  };
}
