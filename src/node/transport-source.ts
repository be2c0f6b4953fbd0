import type { Endpoint, ResetLine } from "../transport/endpoint.ts";
import { openPatiently, openTransport } from "../transport/open-transport.ts";
import type { Transport } from "../transport/transport.ts";

/** A link as an endpoint to open, or as a transport that somebody made already (tests, the simulator). */
export type TransportSource = Endpoint | Transport;

/** The transport of a source; not opened yet. */
export function transportOf(source: TransportSource, reset?: ResetLine): Transport {
  return "tag" in source ? openTransport(source, { reset }) : source;
}

/** The transport of a source, which is waited for if it cannot be opened. */
export function patientTransportOf(source: TransportSource, reset?: ResetLine): Transport {
  return "tag" in source ? openPatiently(source, { reset }) : source;
}
