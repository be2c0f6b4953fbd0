import { randomBytes } from "../../src/base/prng.ts";
import { hardwareId } from "../../src/image/hardware.ts";
import type { Beacon } from "../../src/wire/messages.ts";
import type { Attacker } from "./attacker.ts";

/** The call of a board that is not there. */
export function distressOf(nodeId: Uint8Array, bootNonce: Uint8Array): Beacon {
  return {
    tag: "distress",
    nodeId,
    bootNonce,
    hardwareId: hardwareId("acme", "gate"),
    revision: 3,
    failure: "empty",
    isProvider: false,
    version: { major: 0, minor: 0, patch: 0 },
    sequence: 0,
    counterFloor: 0,
    installedDigest: undefined,
    receivingDigest: undefined,
  };
}

/** The same under a new id. */
export function ghostCall(attacker: Attacker): Beacon {
  return distressOf(randomBytes(attacker.random, 8), randomBytes(attacker.random, 8));
}
