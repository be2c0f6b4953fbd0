import type { Transport, TransportHandlers } from "../../src/transport/transport.ts";
import { relayHandlers, TransportWrapper } from "../../src/transport/transport-wrapper.ts";

/** What somebody on the wire does at one end; what is not given passes as it is. */
export interface Interception {
  /** In place of the wire's own `write`. */
  readonly write?: Transport["write"];
  /** Bytes that came for this end, and the handlers to give some of them to. */
  readonly onBytes?: (bytes: Uint8Array, handlers: TransportHandlers) => void;
}

/** One end of a wire with somebody on it. */
export function wrappedTransport(wire: Transport, interception: Interception): Transport {
  return new InterceptedTransport(wire, interception);
}

class InterceptedTransport extends TransportWrapper {
  readonly #interception: Interception;

  constructor(wire: Transport, interception: Interception) {
    super(wire);
    this.#interception = interception;
  }

  override open(handlers: TransportHandlers): Promise<void> {
    const { onBytes } = this.#interception;
    if (onBytes === undefined) return super.open(handlers);
    return super.open(relayHandlers(handlers, { onBytes: (bytes) => onBytes(bytes, handlers) }));
  }

  override write(bytes: Uint8Array): boolean {
    return this.#interception.write?.(bytes) ?? super.write(bytes);
  }
}
