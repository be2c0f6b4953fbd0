import type { Clock } from "../base/clock.ts";
import type { TransportError } from "../base/errors.ts";
import { type Random, randomBytes } from "../base/prng.ts";
import type { LinkOptions } from "../link/link.ts";
import type { LinkEnd } from "../session/link-end.ts";
import type { LineEvent } from "../session/role.ts";
import { StreamSplitter } from "../transport/splitter.ts";
import type { Transport } from "../transport/transport.ts";
import { ID_LENGTH, NONCE_LENGTH, RUN_MAX } from "../wire/constants.ts";
import type { NodeEvent } from "./events.ts";
import type { Ending } from "./lifetime.ts";
import { LinkDriver } from "./link-driver.ts";

/** Behind a USB adapter bytes wait for up to 16 ms; a native UART only waits for the event loop (PROTOCOL.md 4.4). */
const RTO_FLOOR_USB_MS = 25;
const RTO_FLOOR_NATIVE_MS = 10;
/** An I2C peripheral's frames wait until its controller looks in. */
const RTO_FLOOR_MESSAGE_MS = 25;

/** Link parameters that follow from the transport. */
export function linkOptionsFor(transport: Transport): LinkOptions {
  const { baud, framing } = transport;
  if (framing === "message") return { baud, framing, rtoFloorMs: RTO_FLOOR_MESSAGE_MS };
  const isUsb = /ttyUSB|ttyACM|usb/i.test(transport.endpoint);
  return { baud, rtoFloorMs: isUsb ? RTO_FLOOR_USB_MS : RTO_FLOOR_NATIVE_MS };
}

export function freshId(random: Random): Uint8Array {
  return randomBytes(random, ID_LENGTH);
}

export function freshBootNonce(random: Random): Uint8Array {
  return randomBytes(random, NONCE_LENGTH);
}

/** One link of a node: link end, role, driver, and the events that every kind of node reports. */
export class NodeLink<Event, R> {
  readonly end: LinkEnd<Event>;
  readonly role: R;
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
  ) {
    this.end = end;
    this.role = role;
    this.endpoint = transport.endpoint;
    const link = transport.endpoint;
    const makeSplitter = (onRun: (run: Uint8Array) => void): StreamSplitter =>
      new StreamSplitter(onRun, { maxRun: RUN_MAX, clock });
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
      onWaiting: (reason) => {
        this.trouble = reason;
        tell({ event: "link", link, state: "waiting", ...detailOf(reason) });
      },
    });
  }
}

function detailOf(error: TransportError | undefined): { detail?: string } {
  return error === undefined ? {} : { detail: error.message };
}

/** Opens all links; when none opens, throws the first one's error. Links that fail are told and left out. */
export async function openLinks<Event, R>(
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

/** The ending when every link was up once and is gone now: exit 6, as for a port that never was there. */
export function lostForGood(
  links: readonly { readonly trouble: TransportError | undefined }[],
): Ending | undefined {
  const [trouble] = links.map((link) => link.trouble);
  const isLost = links.every((link) => link.trouble?.code.startsWith("port-"));
  return trouble !== undefined && isLost
    ? { code: 6, reason: trouble.code, detail: trouble.message }
    : undefined;
}
