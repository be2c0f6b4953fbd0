import type { Heard, Transport, TransportFacts, TransportHandlers } from "./transport.ts";

/**
 * Handlers that pass everything on to `handlers` but for those given in `own`. Calls methods instead of copying them:
 * handlers may be an object of a class.
 */
export function relayHandlers(
  handlers: TransportHandlers,
  own: Partial<TransportHandlers>,
): TransportHandlers {
  return {
    onUp: () => handlers.onUp(),
    onDown: (error) => handlers.onDown(error),
    onBytes: (bytes) => handlers.onBytes(bytes),
    onWritable: () => handlers.onWritable(),
    onWaiting: (reason) => handlers.onWaiting?.(reason),
    onShared: (detail) => handlers.onShared?.(detail),
    ...own,
  };
}

/**
 * Base of all transports around another: forwards everything. Override what the wrapper is for, and call `super` for
 * the rest. The facts are those of the transport inside, all of them, as they are at the time of asking.
 */
export abstract class TransportWrapper implements Transport {
  /** May be exchanged for another one while it is down. */
  protected inner: Transport;

  constructor(inner: Transport) {
    this.inner = inner;
  }

  get facts(): TransportFacts {
    return this.inner.facts;
  }

  open(handlers: TransportHandlers): Promise<void> {
    return this.inner.open(handlers);
  }

  write(bytes: Uint8Array): boolean {
    return this.inner.write(bytes);
  }

  dropUnsent(): void {
    this.inner.dropUnsent?.();
  }

  noteHeard(heard: Heard): void {
    this.inner.noteHeard?.(heard);
  }

  noteDamage(): void {
    this.inner.noteDamage?.();
  }

  noteSessionEnd(): void {
    this.inner.noteSessionEnd?.();
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
