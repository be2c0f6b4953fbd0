import type { Transport, TransportHandlers } from "../../src/transport/transport.ts";

/** What somebody on the wire does at one end; what is not given passes as it is. */
export interface Interception {
  /** In place of the wire's own `write`. */
  readonly write?: Transport["write"];
  /** Octets that came for this end, whose handlers take what of them it shall hear. */
  readonly onOctets?: (octets: Uint8Array, handlers: TransportHandlers) => void;
}

/** One end of a wire with somebody on it. */
export function wrappedTransport(wire: Transport, { write, onOctets }: Interception): Transport {
  return {
    endpoint: wire.endpoint,
    baud: wire.baud,
    framing: wire.framing,
    open: (handlers) => {
      const heard = (octets: Uint8Array): void => onOctets?.(octets, handlers);
      return wire.open(onOctets === undefined ? handlers : { ...handlers, onOctets: heard });
    },
    write: write ?? ((octets) => wire.write(octets)),
    close: () => wire.close(),
  };
}
