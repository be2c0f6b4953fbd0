import type { Beacon } from "../../wire/messages.ts";
import type { SessionIdentity } from "../identity.ts";
import type { Offering } from "./offering.ts";
import type { Serving } from "./serving.ts";

/** The states of a rescuer (PROTOCOL.md 6.2). */
export type RescuerState =
  | { readonly tag: "listening" }
  | { readonly tag: "picking"; readonly number: number; readonly beacon: Beacon }
  | { readonly tag: "offering"; readonly offering: Offering }
  | { readonly tag: "serving"; readonly serving: Serving }
  | { readonly tag: "healed"; readonly digest: Uint8Array }
  | { readonly tag: "stopped" };

/** The session that is offered, or runs. */
export function peerOf(state: RescuerState): SessionIdentity | undefined {
  if (state.tag === "serving") return state.serving.peer;
  return state.tag === "offering" ? state.offering.peer : undefined;
}

/** The board that is picked, offered to or served. */
export function nodeIdOf(state: RescuerState): Uint8Array | undefined {
  return state.tag === "picking" ? state.beacon.nodeId : peerOf(state)?.targetId;
}

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
