import type { TransportError } from "../base/errors.ts";

/**
 * What a transport tells its user. All calls come one at a time, never from inside `write`, and none after `close`
 * was called.
 */
export interface TransportHandlers {
  /** Bytes can flow (UART: open; TCP: connected). Comes again after `onDown` where the transport reconnects. */
  onUp(): void;
  /** The flow ended: unplugged, connection lost. Undefined: the other side ended it in an orderly way. */
  onDown(error: TransportError | undefined): void;
  /** Bytes as they arrived, in order, cut anywhere. The view stays valid; nobody writes into it again. */
  onBytes(bytes: Uint8Array): void;
  /** What a `write` that returned false held back has drained: go on. */
  onWritable(): void;
  /**
   * Not up, and trying on (a TCP connection that is refused, say). Called when the reason changes, not for each
   * attempt. For diagnosis only.
   */
  onWaiting?(reason: TransportError): void;
}

/**
 * Moves bytes over one wire and knows nothing of what they mean. A UART loses, garbles and delays; TCP does not; users
 * must expect the worst of all.
 */
export interface Transport {
  /** The endpoint as the user wrote it. */
  readonly endpoint: string;
  /**
   * How frames travel: in a byte stream between delimiters (default), or each whole, as one message: then each `write`
   * is one frame without COBS, and so is what each `onBytes` brings (I2C).
   */
  readonly framing?: "stream" | "message" | undefined;
  /** Line rate in baud to pace by; undefined: the transport has no rate of its own (TCP). */
  readonly baud: number | undefined;
  /**
   * Starts. Rejects with a TransportError on what waiting does not heal: port missing, busy, forbidden, a directory.
   * What waiting does heal (nobody listens yet) resolves, and `onUp` follows. Once, or again after `onDown` of a
   * transport that does not reconnect by itself (UART).
   */
  open(handlers: TransportHandlers): Promise<void>;
  /**
   * Takes the bytes; never throws. False: taken, but write no more until `onWritable`. While down they are dropped and
   * the result is true. The array must not be changed afterwards.
   */
  write(bytes: Uint8Array): boolean;
  /** Ends. Idempotent, never rejects, settles within about a second even if a write is blocked. */
  close(): Promise<void>;
}

/** Most bytes that a transport holds for a wire that does not take them; beyond that they are dropped and counted. */
export const WRITE_QUEUE_BYTES_MAX: number = 256 * 1024;
/** From so many held bytes on, `write` returns false. */
export const WRITE_QUEUE_BYTES_HIGH: number = 64 * 1024;
