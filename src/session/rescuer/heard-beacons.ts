import { equalBytes } from "../../base/bytes.ts";
import type { Millis } from "../../base/units.ts";
import { type Beacon, isCall } from "../../wire/messages.ts";
import { keepBeacon } from "../beacon.ts";
import { callDigestOf } from "../call-digest.ts";
import type { LinkGuard } from "../link-guard.ts";
import type { RoleHost } from "../role.ts";
import type { Handshaking } from "./handshaking.ts";
import type { RescuerEvent } from "./rescuer-events.ts";
import type { Call } from "./rescuer-state.ts";
import type { ServedBoard } from "./served-board.ts";
import type { Serving } from "./serving.ts";

/** A board that was heard within this time is alive: another one on its wire is a wiring fault (PROTOCOL.md 6.2). */
const STRANGER_AFTER_MS = 2_000;

/** What hearing beacons shares with its role. */
export interface HeardBeaconsParts {
  readonly host: RoleHost<RescuerEvent>;
  readonly guard: LinkGuard;
  /** The rescuer's id. */
  readonly nodeId: Uint8Array;
  /** Boards that boot, and called for nothing, are offered images too. */
  readonly handsOut: boolean;
  readonly served: ServedBoard;
  readonly handshaking: Handshaking;
}

/**
 * What a rescuer takes from the beacons of boards: a call that it answers, a status, a sign that the board it serves runs the
 * image or has started again, or a second board on the wire (PROTOCOL.md 6.2).
 */
export class HeardBeacons {
  readonly #parts: HeardBeaconsParts;

  constructor(parts: HeardBeaconsParts) {
    this.#parts = parts;
  }

  /** `covered`: the frame of a call without CRC. */
  handle(now: Millis, beacon: Beacon, covered: Uint8Array | undefined): void {
    const { host, nodeId } = this.#parts;
    if (equalBytes(beacon.nodeId, nodeId)) host.reportEcho();
    else if (beacon.tag === "distress") this.#handleCall(now, beacon, covered);
    else if (!this.#handleInstalled(now, beacon)) {
      if (isCall(beacon)) this.#handleCall(now, beacon, covered);
      else this.#handleStatus(now, beacon);
    }
  }

  /** A board that boots says what it runs, and asks for nothing. */
  #handleStatus(now: Millis, beacon: Beacon): void {
    const { host, handsOut, served, handshaking } = this.#parts;
    const kept = keepBeacon(beacon);
    host.emit({ tag: "heard", beacon: kept });
    if (!handsOut || beacon.isProvider || served.serving !== undefined) return;
    // Such beacons stand behind each DONE (PROTOCOL.md 5.12): the answer to that, which waits for the line, goes first.
    if (served.isHealed && host.link.hasMessages) return;
    if (!handshaking.isAnswered(now, kept)) handshaking.handleCall(now, kept);
  }

  /** `covered`: the call's frame without CRC. */
  #handleCall(now: Millis, message: Beacon, covered: Uint8Array | undefined): void {
    const { host, guard, served, handshaking } = this.#parts;
    const { serving } = served;
    const isBound = guard.isKeyed && covered !== undefined;
    const beacon: Call = isBound ? { ...message, callDigest: callDigestOf(covered) } : message;
    if (serving !== undefined) {
      if (this.#checkStranger(now, beacon.nodeId, serving)) {
        handshaking.handleCallOfOther(now, keepBeacon(beacon));
        return;
      }
      if (guard.isKeyed) {
        serving.limits.markDoubtful();
        return;
      }
      const isSameStart = equalBytes(serving.peer.targetNonce, beacon.bootNonce);
      served.lose(now, serving, isSameStart ? "silence" : "restarted");
    } else if (beacon.isServed !== true && handshaking.isAnswered(now, beacon)) return;
    const kept = keepBeacon(beacon);
    host.emit({ tag: "heard", beacon: kept });
    // A board that is served over another link says where it is. Who has the image that it receives may bring a part of it.
    const takesPart = kept.failure !== undefined && kept.receivingDigest !== undefined;
    if (kept.isServed !== true || takesPart) handshaking.handleCall(now, kept);
  }

  /** Whether this is another board on the wire while the one we serve is alive: ignored, and reported as miswiring. */
  #checkStranger(now: Millis, nodeId: Uint8Array, { peer }: Serving): boolean {
    const { host } = this.#parts;
    if (equalBytes(nodeId, peer.targetId) || now - host.link.lastHeardAt > STRANGER_AFTER_MS) return false;
    host.emit({ tag: "link", state: "two-nodes" });
    return true;
  }

  /** A board that runs what it is served says so: that stands for DONE. A beacon proves nothing: not with a link key. */
  #handleInstalled(now: Millis, beacon: Beacon): boolean {
    const { host, guard, served } = this.#parts;
    const { serving } = served;
    if (serving === undefined || guard.isKeyed) return false;
    const { image, peer } = serving;
    if (!equalBytes(beacon.nodeId, peer.targetId) || !isInstalled(beacon, image.digest)) return false;
    host.emit({ tag: "heard", beacon: keepBeacon(beacon) });
    served.handleDone(now, image.digest);
    return true;
  }
}

function isInstalled(beacon: Beacon, digest: Uint8Array): boolean {
  return beacon.installedDigest !== undefined && equalBytes(beacon.installedDigest, digest);
}
