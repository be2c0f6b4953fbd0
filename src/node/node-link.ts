import type { Clock } from "../base/clock.ts";
import { ExitCode, type TransportError } from "../base/errors.ts";
import { silenceAt } from "../base/line-silence.ts";
import { type Random, randomBytes } from "../base/prng.ts";
import type { Millis } from "../base/units.ts";
import type { LinkCounters } from "../link/counters.ts";
import type { LinkOptions } from "../link/link.ts";
import type { Stranger } from "../link/strangers/stranger.ts";
import type { LinkEnd } from "../session/link-end.ts";
import { RATE_MAX } from "../session/rate-table.ts";
import type { LineEvent, Role, RoleHost } from "../session/role.ts";
import type { Transport, TransportFacts } from "../transport/transport.ts";
import { ID_LENGTH, NONCE_LENGTH } from "../wire/constants.ts";
import { RUN_MAX } from "../wire/line-code.ts";
import { LinkDriver, type SplitterFactory } from "./link-driver.ts";
import type { NodeEvent } from "./node-event.ts";
import { makePureSplitter } from "./pure-run-splitter.ts";
import type { Ending } from "./verdict.ts";

/** Link parameters that follow from the transport. */
export function linkOptionsFor(transport: Transport): LinkOptions {
  const { baud, baudMax = RATE_MAX, bitsPerByte, framing, isNoisy, rtoFloorMs, setBaud } = transport.facts;
  return { baud, baudMax: setBaud && baudMax, bitsPerByte, framing, rtoFloorMs, isHunting: isNoisy };
}

/** The splitter that the transport names, else the pure one, with the silence that its line rate asks for. */
function splitterFor(facts: TransportFacts, clock: Clock): SplitterFactory {
  const make = facts.makeSplitter ?? makePureSplitter;
  const silenceMs = silenceAt(facts.baud, facts.bitsPerByte);
  return (onRun) => make(onRun, { maxRun: RUN_MAX, silenceMs, clock });
}

export function freshId(random: Random): Uint8Array {
  return randomBytes(random, ID_LENGTH);
}

export function freshBootNonce(random: Random): Uint8Array {
  return randomBytes(random, NONCE_LENGTH);
}

/** A link, as a side of a node works with it. */
export interface SideLink<R> {
  readonly endpoint: string;
  readonly end: {
    readonly counters: LinkCounters;
    readonly stranger: Stranger | undefined;
    readonly isKeyed: boolean;
  };
  /** The side's role on this link; undefined while another one is on it. */
  readonly role: R | undefined;
  readonly driver: Pick<LinkDriver<never>, "pump" | "transport">;
  /** Why the link is down or was never up. */
  readonly trouble: TransportError | undefined;
}

/** One link of a node: link end, role, driver, and the events that every kind of node reports. */
export class NodeLink<Event, R extends Role> implements SideLink<R> {
  readonly end: LinkEnd<Event>;
  #role: R;
  readonly driver: LinkDriver<Event | LineEvent>;
  readonly endpoint: string;
  /** Why the link is down or was never up. */
  trouble: TransportError | undefined;

  constructor(
    transport: Transport,
    end: LinkEnd<Event>,
    role: R,
    clock: Clock,
    onEvent: (event: Event | LineEvent, link: NodeLink<Event, R>) => void,
    tell: (event: NodeEvent) => void,
    makeSplitter: SplitterFactory = splitterFor(transport.facts, clock),
  ) {
    this.end = end;
    this.#role = role;
    const link = transport.facts.endpoint;
    this.endpoint = link;
    this.driver = new LinkDriver(end, transport, clock, makeSplitter, {
      onEvent: (event) => onEvent(event, this),
      onUp: () => {
        this.trouble = undefined;
        tell({ event: "ready", link });
      },
      onDown: (error) => {
        this.trouble = error;
        tell({ event: "link", link, state: "down", ...detailOf(error) });
      },
      onShared: (detail) => tell({ event: "link", link, state: "shared", detail }),
      onWaiting: (reason) => {
        this.trouble = reason;
        tell({ event: "link", link, state: "waiting", ...detailOf(reason) });
      },
    });
  }

  get role(): R {
    return this.#role;
  }

  /** Puts another role on the link, whose port stays open: {@link LinkEnd.exchange}. */
  exchange(now: Millis, make: (host: RoleHost<Event | LineEvent>) => R): void {
    this.#role = this.end.exchange(now, make);
    this.driver.pump();
  }
}

function detailOf(error: TransportError | undefined): { detail?: string } {
  return error === undefined ? {} : { detail: error.message };
}

/** Opens all links; when none opens, throws the first one's error. Links that fail are told and left out. */
export async function openLinks<Event, R extends Role>(
  links: readonly NodeLink<Event, R>[],
  tell: (event: NodeEvent) => void,
): Promise<void> {
  const results = await Promise.allSettled(links.map((link) => link.driver.open()));
  const failures = results.flatMap((result, i) =>
    result.status === "rejected"
      ? [{ error: result.reason as TransportError, link: links[i]?.endpoint ?? "" }]
      : [],
  );
  const [first] = failures;
  if (first !== undefined && failures.length === links.length) throw first.error;
  for (const { error, link } of failures)
    tell({ event: "link", link, state: "failed", detail: error.message });
}

/** The ending when every link is down for a reason that waiting does not heal: exit 6, as for a port that is missing. */
export function lostForGood(
  links: readonly { readonly trouble: TransportError | undefined }[],
): Ending | undefined {
  const [trouble] = links.map((link) => link.trouble);
  const isLost = links.every((link) => link.trouble?.isFinal === true);
  return trouble !== undefined && isLost
    ? { code: ExitCode.transport, reason: trouble.code, detail: trouble.message }
    : undefined;
}
