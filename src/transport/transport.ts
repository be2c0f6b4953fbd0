import type { Clock } from "../base/clock.ts";
import type { TransportError } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";

/**
 * Events of a transport. Calls come one at a time, never from inside `write`, and none after `close` was called.
 */
export interface TransportHandlers {
  /** Bytes can flow (UART: open; TCP: connected). Called again after `onDown` where the transport reconnects. */
  onUp(): void;
  /** No more bytes: unplugged, connection lost. Undefined: the other side closed the connection. */
  onDown(error: TransportError | undefined): void;
  /** Bytes as they arrived, in order, split anywhere. The view stays valid; nobody writes into it again. */
  onBytes(bytes: Uint8Array): void;
  /** The queue of a `write` that returned false has drained: write again. */
  onWritable(): void;
  /**
   * Not up, and still trying (a TCP connection that is refused, say). Called when the reason changes, not for each
   * attempt. For diagnosis only.
   */
  onWaiting?(reason: TransportError): void;
  /** Bytes may go missing although the link is up: another program reads the port, say. For people. */
  onShared?(detail: string): void;
}

/**
 * What a link makes of bytes that it was handed: a valid frame of nobody's session, or a valid frame of its present
 * session, sealed where the link has a key.
 */
export type Heard = "announcement" | "session";

/** Cuts a stream of bytes into runs that end with the delimiter 0x00 (PROTOCOL.md 2.2). */
export interface RunSplitter {
  /** Takes bytes; the runs they complete are delivered before it returns. Cuts nothing by time. */
  push(bytes: Uint8Array): void;
  /** Delivers what is held as a last run. Idempotent; later bytes are ignored. */
  close(): void;
}

export interface SplitterOptions {
  /** Most bytes in a run, delimiter included, at least 2: a run that reaches it is closed without a delimiter. */
  readonly maxRun: number;
  /** Silence after which a run is closed without a delimiter; 50 ms. */
  readonly silenceMs?: Millis;
  readonly clock: Clock;
}

/** Makes a splitter that gives its runs to `onRun`. */
export type MakeSplitter = (onRun: (run: Uint8Array) => void, options: SplitterOptions) => RunSplitter;

/** What a transport is and can do, stated by itself. */
export interface TransportFacts {
  /** The endpoint as the user wrote it. */
  readonly endpoint: string;
  /**
   * How frames travel. `stream`: as bytes between delimiters. `message`: each `write` is one frame without COBS, and so
   * is what each `onBytes` brings (I2C).
   */
  readonly framing: "stream" | "message";
  /** Bytes may come wrong, as on a UART: frames may need the second form (PROTOCOL.md 2.5). Not unless given. */
  readonly isNoisy?: boolean;
  /** Line rate now, in bits per second; undefined: the transport has no rate of its own (TCP) or does not know it. */
  readonly baud: number | undefined;
  /** Bits on the line for each byte: 10 on a UART at 8N1, 9 on I2C. */
  readonly bitsPerByte: number;
  /**
   * Lowest retransmission timeout that makes sense here, in milliseconds: how long adapter, driver and event loop may
   * hold received bytes back, beyond the line time.
   */
  readonly rtoFloorMs: Millis;
  /**
   * Changes the line rate of this end, to bits per second; undefined: it is fixed. Bytes still on the line are damaged:
   * wait for their line time first. Rejects with TransportError; the old rate stays then. Gives undefined when it is done, or
   * refused, at once: {@link baud} tells.
   */
  readonly setBaud: ((baud: number) => Promise<void> | undefined) | undefined;
  /** Highest rate that {@link setBaud} may be asked for, in bits per second; 3,000,000 unless given. */
  readonly baudMax?: number | undefined;
  /** How this transport's stream is cut into runs; undefined: the user's choice. All splitters give the same runs. */
  readonly makeSplitter: MakeSplitter | undefined;
}

/** Retransmission floor behind a USB adapter, which holds received bytes back for up to 16 ms (FTDI's latency timer). */
export const RTO_FLOOR_USB_MS: Millis = 25;
/** Retransmission floor where received bytes only wait for the event loop: native UART, pseudo terminal, TCP. */
export const RTO_FLOOR_NATIVE_MS: Millis = 10;
/** Retransmission floor on I2C: a peripheral's frames wait until its controller reads. */
export const RTO_FLOOR_I2C_MS: Millis = 25;

/**
 * Moves bytes over one wire and knows nothing of what they mean. A UART loses, garbles and delays; TCP does not; users
 * must expect the worst of all.
 */
export interface Transport {
  /**
   * What this transport is and can do, as of now: ask again after `onUp`, and do not keep a copy. One member, so that a
   * wrapper cannot forward some facts and forget others.
   */
  readonly facts: TransportFacts;
  /**
   * Starts. Rejects with a TransportError that is final: port missing, busy, forbidden, a directory. Where waiting helps
   * (nobody listens yet) it resolves, and `onUp` follows later. Call it once, or again after `onDown` of a transport that
   * does not reconnect by itself (UART).
   */
  open(handlers: TransportHandlers): Promise<void>;
  /**
   * Takes the bytes; never throws. False: taken, but write no more until `onWritable`. While down they are dropped and
   * the result is true. No bytes only ask whether the writer is held back. The array must not be changed afterwards.
   */
  write(bytes: Uint8Array): boolean;
  /**
   * Drops bytes that were taken and have not left, as far as it can: they would reach a boot loader. What came and was not
   * handed over yet may be dropped with them.
   */
  dropUnsent?(): void;
  /**
   * The bytes that `onBytes` hands over right now held this. Called from inside `onBytes`, for each frame; of use to a
   * transport that has several connections and serves one of them.
   */
  noteHeard?(heard: Heard): void;
  /** Frames came damaged: a transport that knows how may look for the reason, and tell it by `onShared`. */
  noteDamage?(): void;
  /** The session that {@link noteHeard} told of is over. Leads to no call of a handler before it returns. */
  noteSessionEnd?(): void;
  /** Ends. Idempotent, never rejects, settles within about a second even if a write is blocked. */
  close(): Promise<void>;
}

/**
 * The same bytes as a plain Uint8Array. Node hands out Buffers, whose `slice` is a view where that of Uint8Array is a
 * copy: no transport hands a Buffer up.
 */
export function asUint8Array(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

/** Most bytes that a transport holds for a wire that does not take them; more are dropped and counted. */
export const WRITE_QUEUE_BYTES_MAX: number = 256 * 1024;
/** From this many held bytes on, `write` returns false. */
export const WRITE_QUEUE_BYTES_HIGH: number = 64 * 1024;
