import { toHex } from "../base/bytes.ts";
import type { TargetStatus } from "../board/target-store.ts";
import { formatHardware } from "../image/hardware.ts";
import { formatVersion } from "../image/version.ts";
import type { Beacon } from "../wire/messages.ts";
import type { NodeEvent } from "./node-event.ts";

type DistressEvent = Extract<NodeEvent, { event: "distress" }>;

/** The event for a call that was heard. */
export function distressHeard(link: string, beacon: Beacon): DistressEvent {
  return {
    event: "distress",
    link,
    peer: toHex(beacon.nodeId),
    hardwareId: toHex(beacon.hardwareId),
    revision: beacon.revision,
    reason: beacon.failure,
    proven: false,
    version: beacon.installedDigest === undefined ? undefined : formatVersion(beacon.version),
    counterFloor: beacon.counterFloor,
  };
}

/** The event for a board's own call, with what its beacon says. */
export function distressSent(link: string, status: TargetStatus): DistressEvent {
  return {
    event: "distress",
    link,
    peer: toHex(status.nodeId),
    hardwareId: toHex(status.hardwareId8),
    ...(status.hardware && { hardware: formatHardware(status.hardware) }),
    revision: status.revision,
    reason: status.failure,
    proven: true,
    version: status.installed && formatVersion(status.installed.version),
    counterFloor: status.counterFloor,
  };
}
