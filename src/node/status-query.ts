import { toHex } from "../base/bytes.ts";
import type { BootFailure } from "../base/refusal.ts";
import { formatVersion } from "../image/version.ts";
import type { LinkCounters } from "../link/counters.ts";
import { type QueryEvent, QueryMachine } from "../session/query-machine.ts";
import type { Beacon } from "../wire/messages.ts";
import { diagnose, type Seen } from "./diagnosis.ts";
import type { NodeEvent } from "./events.ts";
import { Lifetime, leave, type RunOptions } from "./lifetime.ts";
import { freshBootNonce, freshId, linkOptionsFor, NodeLink, openLinks } from "./node-link.ts";
import { systemRandom } from "./system-random.ts";
import { type TransportSource, transportOf } from "./transport-source.ts";

/** A node as its beacon shows it. Digests, ids in hexadecimal. */
export interface PeerStatus {
  readonly nodeId: string;
  readonly role: "target" | "provider" | "unknown";
  readonly isBootable: boolean | undefined;
  /** It talks to holders of its link key only. */
  readonly wantsLinkKey: boolean | undefined;
  readonly failure: BootFailure | undefined;
  readonly hardwareId: string | undefined;
  readonly revision: number | undefined;
  readonly version: string | undefined;
  readonly sequence: number | undefined;
  readonly counterFloor: number | undefined;
  readonly installedDigest: string | undefined;
  readonly receivingDigest: string | undefined;
}

/** Who is on a link, and what the line is like. */
export interface StatusReport {
  readonly link: string;
  readonly peer: PeerStatus | undefined;
  readonly counters: LinkCounters;
  readonly seen: Seen;
  /** For people: what was seen, and what to try next. */
  readonly detail: string;
}

export interface StatusOptions extends Omit<RunOptions, "onEvent"> {
  onEvent?(event: NodeEvent): void;
  readonly link: TransportSource;
  /** How long to wait for an answer. */
  readonly timeoutMs: number;
}

/** Asks who is there; resolves with the first answer or at the timeout. Rejects when the link cannot be opened. */
export async function queryStatus(options: StatusOptions): Promise<StatusReport> {
  const transport = transportOf(options.link);
  const tell = options.onEvent ?? (() => {});
  const lifetime = new Lifetime({ ...options, onEvent: tell }, () => ({ code: 3, reason: "timeout" }));
  const ids = { nodeId: freshId(systemRandom), bootNonce: freshBootNonce(systemRandom) };
  const machine = new QueryMachine({ link: linkOptionsFor(transport), ...ids });
  let peer: PeerStatus | undefined;
  let consoleText = "";
  let foreignVersion = false;
  const onEvent = (event: QueryEvent): void => {
    if (event.tag === "console") consoleText += consoleText.length < 200 ? event.text : "";
    else if (event.tag === "foreignVersion") foreignVersion = true;
    else {
      peer = event.tag === "heard" ? peerStatusOf(event.beacon) : (peer ?? askingPeer(event.nodeId));
      if (event.tag === "heard") lifetime.end({ code: 0, reason: "heard" });
    }
  };
  const link = new NodeLink(transport, machine, lifetime.clock, onEvent, tell);
  await openLinks([link], tell);
  await lifetime.ended;
  await leave(link.driver, lifetime.clock);
  const { baud, endpoint } = transport.facts;
  const noticed = {
    heardNode: peer !== undefined,
    consoleText,
    foreignVersion,
    baud,
    stranger: machine.stranger,
  };
  const { seen, detail } = diagnose(machine.counters, noticed);
  const trouble = seen === "silence" ? link.trouble?.message : undefined;
  return { link: endpoint, peer, counters: machine.counters, seen, detail: trouble ?? detail };
}

function peerStatusOf(beacon: Beacon): PeerStatus {
  const hasFirmware = beacon.installedDigest !== undefined;
  return {
    nodeId: toHex(beacon.nodeId),
    role: beacon.isProvider ? "provider" : "target",
    isBootable: beacon.isProvider ? undefined : beacon.failure === undefined,
    wantsLinkKey: beacon.wantsLinkKey === true,
    failure: beacon.failure,
    hardwareId: beacon.isProvider ? undefined : toHex(beacon.hardwareId),
    revision: beacon.isProvider ? undefined : beacon.revision,
    version: hasFirmware ? formatVersion(beacon.version) : undefined,
    sequence: hasFirmware ? beacon.sequence : undefined,
    counterFloor: beacon.isProvider ? undefined : beacon.counterFloor,
    installedDigest: beacon.installedDigest && toHex(beacon.installedDigest),
    receivingDigest: beacon.receivingDigest && toHex(beacon.receivingDigest),
  };
}

/** Somebody who only asks: nothing but the id is known. */
function askingPeer(nodeId: Uint8Array): PeerStatus {
  return {
    nodeId: toHex(nodeId),
    role: "unknown",
    isBootable: undefined,
    wantsLinkKey: undefined,
    failure: undefined,
    hardwareId: undefined,
    revision: undefined,
    version: undefined,
    sequence: undefined,
    counterFloor: undefined,
    installedDigest: undefined,
    receivingDigest: undefined,
  };
}
