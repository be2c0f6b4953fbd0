import { assert } from "../base/assert.ts";
import { toHex } from "../base/bytes.ts";
import { ExitCode } from "../base/errors.ts";
import type { BootFailure } from "../base/refusal.ts";
import type { Millis } from "../base/units.ts";
import { formatVersion } from "../image/version.ts";
import type { LinkCounters } from "../link/counters.ts";
import { type QueryEvent, QueryRole } from "../session/query-role.ts";
import type { RoleHost } from "../session/role.ts";
import type { Beacon } from "../wire/messages.ts";
import { advised } from "./advice.ts";
import { diagnose, type Seen } from "./diagnosis.ts";
import { NodeRun, type RunHost, type Side } from "./node-run.ts";
import type { RunOptions } from "./run-options.ts";
import { isChange } from "./stranger-names.ts";
import { type TransportSource, transportOf } from "./transport-source.ts";
import type { Ending } from "./verdict.ts";

/** Console text kept as a sample, in characters. */
const SAMPLE_MAX = 200;

/** A node, as its beacon describes it. Ids and digests are hexadecimal. */
export interface PeerStatus {
  readonly nodeId: string;
  readonly role: "target" | "provider" | "unknown";
  readonly isBootable: boolean | undefined;
  /** Whether it accepts sessions only with its link key. */
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

/** What is at the other end of a link, and what was seen on the line. */
export interface StatusReport {
  readonly link: string;
  readonly peer: PeerStatus | undefined;
  readonly counters: LinkCounters;
  readonly seen: Seen;
  /** Whether a query was sent: none is while text is on the line. */
  readonly asked: boolean;
  /** For people: what was seen, and with `advice` what to try next. */
  readonly detail: string;
}

export interface StatusOptions extends RunOptions {
  readonly link: TransportSource;
  /** Longest wait for an answer. */
  readonly timeoutMs: number;
  /** Ask at once, whatever is on the line. Unless given, it listens for a second, and asks only a line without text. */
  readonly asksAtOnce?: boolean | undefined;
}

/** Asks who is there. Resolves with the first answer or at the timeout; rejects if the link cannot be opened. */
export async function queryStatus(options: StatusOptions): Promise<StatusReport> {
  const transport = transportOf(options.link);
  const run = new NodeRun(options, [transport], (host: QueryHost) => new QuerySide(host, options.asksAtOnce));
  await run.ended();
  const [link] = run.links;
  assert(link !== undefined, "a link for the transport");
  const { end } = link;
  const { peer, consoleText, foreignVersion } = run.side;
  const noticed = { heardNode: peer !== undefined, consoleText, foreignVersion, stranger: end.stranger };
  const { baud, endpoint } = transport.facts;
  const { seen, detail } = diagnose(end.counters, { ...noticed, baud, endpoint }, options.advice);
  const trouble = seen === "silence" ? link.trouble?.message : undefined;
  const asked = link.role.hasAsked;
  const isForeign = end.stranger !== undefined && !isChange(end.stranger.kind);
  const isHeldBack = !asked && (consoleText !== "" || isForeign);
  const topic = { about: "unasked" } as const;
  const held = isHeldBack ? `; ${advised("nothing was asked, as text came", topic, options.advice)}` : "";
  const found = { seen, asked, detail: trouble ?? `${detail}${held}` };
  return { link: transport.facts.endpoint, peer, counters: end.counters, ...found };
}

type QueryHost = RunHost<QueryEvent, QueryRole>;

/** A run that only asks, and ends with the first answer. */
class QuerySide implements Side<QueryEvent, QueryRole> {
  peer: PeerStatus | undefined;
  consoleText = "";
  foreignVersion = false;
  readonly #host: QueryHost;
  readonly #asksAtOnce: boolean | undefined;

  constructor(host: QueryHost, asksAtOnce: boolean | undefined) {
    this.#host = host;
    this.#asksAtOnce = asksAtOnce;
  }

  makeRole(_now: Millis, host: RoleHost<QueryEvent>): QueryRole {
    const { random } = this.#host;
    return new QueryRole(host, { random, asksAtOnce: this.#asksAtOnce });
  }

  handle(_now: Millis, event: QueryEvent): void {
    if (event.tag === "console") this.consoleText += this.consoleText.length < SAMPLE_MAX ? event.text : "";
    else if (event.tag === "foreignVersion") this.foreignVersion = true;
    else if (event.tag === "asked") this.peer ??= askingPeer(event.nodeId);
    else if (event.tag === "heard") {
      this.peer = peerStatusOf(event.beacon);
      this.#host.end({ code: ExitCode.done, reason: "heard" });
    }
  }

  handleTimeout(): Ending {
    return { code: ExitCode.noNeighbour, reason: "timeout" };
  }
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

/** A node that only asks: nothing but its id is known. */
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
