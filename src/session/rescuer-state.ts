import type { Millis } from "../base/units.ts";
import type { Beacon, Offer } from "../wire/messages.ts";
import { identityOf } from "./handshake.ts";
import type { SessionIdentity } from "./identity.ts";
import type { OfferedImage } from "./rescuer-events.ts";
import type { Serving } from "./serving.ts";

/** What a rescuer is about (PROTOCOL.md 6.2). */
export type RescuerState =
  | { readonly tag: "listening" }
  | { readonly tag: "picking"; readonly beacon: Beacon }
  | {
      readonly tag: "offering";
      readonly beacon: Beacon;
      readonly image: OfferedImage;
      readonly offer: Offer;
      repeatAt: Millis;
      until: Millis;
      /** Something answered that our link key does not prove. */
      isDoubtful: boolean;
    }
  | { readonly tag: "serving"; readonly serving: Serving }
  | { readonly tag: "healed"; readonly digest: Uint8Array }
  | { readonly tag: "stopped" };

/** The session that is offered, or runs. */
export function peerOf(state: RescuerState): SessionIdentity | undefined {
  if (state.tag === "serving") return state.serving.peer;
  return state.tag === "offering" ? identityOf(state.offer, state.beacon.nodeId) : undefined;
}

/** The board that an offer or a session is about. */
export function sessionOf(state: RescuerState): { serving?: Serving; nodeId?: Uint8Array } {
  if (state.tag === "serving") return { serving: state.serving, nodeId: state.serving.peer.targetId };
  return state.tag === "offering" || state.tag === "picking" ? { nodeId: state.beacon.nodeId } : {};
}

/** A copy that does not hold views into the run it came from. */
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
