import type { Beacon } from "../../wire/messages.ts";
import type { Serving } from "./serving.ts";

/** The states of a rescuer (PROTOCOL.md 6.2). `open`: it listens, picks and offers. */
export type RescuerState =
  | { readonly tag: "open" }
  | { readonly tag: "serving"; readonly serving: Serving }
  | { readonly tag: "healed"; readonly digest: Uint8Array }
  | { readonly tag: "stopped" };

/** A copy without views into the received run. */
export function keepBeacon(beacon: Beacon): Beacon {
  return {
    ...beacon,
    nodeId: beacon.nodeId.slice(),
    bootNonce: beacon.bootNonce.slice(),
    hardwareId: beacon.hardwareId.slice(),
    installedDigest: beacon.installedDigest?.slice(),
    receivingDigest: beacon.receivingDigest?.slice(),
  };
}
