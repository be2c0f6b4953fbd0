import type { Transport, TransportHandlers } from "../../src/transport/transport.ts";

/** What somebody on the wire does at one end; what is not given passes as it is. */
export interface Interception {
  /** In place of the wire's own `write`. */
  readonly write?: Transport["write"];
  /** Bytes that came for this end, whose handlers take what of them it shall hear. */
  readonly onBytes?: (bytes: Uint8Array, handlers: TransportHandlers) => void;
}

/** One end of a wire with somebody on it. */
export function wrappedTransport(wire: Transport, { write, onBytes }: Interception): Transport {
  return {
    endpoint: wire.endpoint,
    baud: wire.baud,
    framing: wire.framing,
    open: (handlers) => {
      const heard = (bytes: Uint8Array): void => onBytes?.(bytes, handlers);
      return wire.open(onBytes === undefined ? handlers : { ...handlers, onBytes: heard });
    },
    write: write ?? ((bytes) => wire.write(bytes)),
    close: () => wire.close(),
  };
}
