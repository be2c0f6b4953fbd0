import type { Socket } from "node:net";
import type { Clock, Timer } from "../../base/clock.ts";
import type { TransportError } from "../../base/errors.ts";
import type { Millis } from "../../base/units.ts";
import { StreamSplitter } from "../stream-splitter.ts";
import { type Heard, type TransportHandlers, WRITE_QUEUE_BYTES_HIGH } from "../transport.ts";
import { SocketLink } from "./socket-link.ts";

/** Connections that a listener keeps at a time. The next one takes the place of the one that has the least to show. */
export const CONNECTIONS_MAX = 16;
/** A connection whose session sent nothing valid for this long gives way: twice the time that a board may be busy. */
export const HOLD_MS: Millis = 20_000;
/** Longest run that is kept together, in bytes with its delimiter: more than any frame (PROTOCOL.md 2.2). */
const RUN_MAX = 4352;

const DELIMITER: Uint8Array = Uint8Array.of(0);

interface Connection {
  readonly link: SocketLink;
  /** Each connection has its own: bytes of two senders never end up in one run. */
  readonly splitter: StreamSplitter;
  /** When its last valid frame came; undefined: it has shown none. */
  heardAt: Millis | undefined;
  /** The last run that came while another connection was served. */
  unheard: Uint8Array | undefined;
}

/**
 * The connections of one listener, which together are one link. Outside sessions they are like one wire: the user hears
 * all of them, run by run, and all of them hear the user. The connection that a valid frame of a session comes from is the
 * only one until that session is over, it ends, or it has shown nothing valid for {@link HOLD_MS}.
 *
 * A new connection gets what was said last outside a session, since who connects may be silent until it hears something.
 *
 * No connection is closed for being silent. When all places are taken, the oldest one that has shown no valid frame gives
 * way, and after those the one whose last frame is the oldest; never the one that is served. One that does not read gives
 * way to the others once 64 KiB wait for it.
 */
export class Connections {
  /** Connections that gave way. */
  displaced = 0;
  readonly #clock: Clock;
  readonly #handlers: TransportHandlers;
  readonly #lost: (cause: Error) => TransportError;
  /** The oldest first. */
  readonly #all: Set<Connection> = new Set();
  #served: Connection | undefined;
  /** Whose bytes are being handed over. */
  #speaking: Connection | undefined;
  /** Whose last run had no delimiter. */
  #unfinished: Connection | undefined;
  /** What was said last outside a session: a call, as a rule. */
  #lastSaid: Uint8Array | undefined;
  #isUp = false;
  #isHeldBack = false;
  #isClosed = false;
  #timer: Timer | undefined;
  #holdTimer: Timer | undefined;

  /** `lost` makes the error for a connection that broke. */
  constructor(clock: Clock, handlers: TransportHandlers, lost: (cause: Error) => TransportError) {
    this.#clock = clock;
    this.#handlers = handlers;
    this.#lost = lost;
  }

  /** Connections that are open. */
  get count(): number {
    return this.#all.size;
  }

  add(socket: Socket): void {
    if (this.#isClosed) {
      socket.destroy();
      return;
    }
    if (this.#all.size >= CONNECTIONS_MAX) this.#displace(this.#weakest());
    const link = new SocketLink(socket, this.#clock, {
      onBytes: (bytes) => splitter.push(bytes),
      onWritable: () => this.#settleSoon(),
      onEnd: (error) => this.#ended(connection, error),
    });
    const options = { maxRun: RUN_MAX, clock: this.#clock };
    const splitter = new StreamSplitter((run) => this.#hear(connection, run), options);
    const connection: Connection = { link, splitter, heardAt: undefined, unheard: undefined };
    this.#all.add(connection);
    // Who connects says nothing before it has heard a frame, and may be gone before the next call.
    if (this.#served === undefined && this.#lastSaid !== undefined) link.write(this.#lastSaid);
    this.#settleSoon();
    if (this.#isUp) return;
    this.#isUp = true;
    this.#handlers.onUp();
  }

  /** Takes bytes for all connections, or for the one that is served; false: only one is there, and it holds us back. */
  write(bytes: Uint8Array): boolean {
    const [first, ...more] = this.#served === undefined ? this.#all : [this.#served];
    this.#lastSaid = this.#served === undefined ? bytes : undefined;
    if (first === undefined) return true;
    if (more.length === 0) {
      this.#isHeldBack = !first.link.write(bytes);
      return !this.#isHeldBack;
    }
    for (const connection of [first, ...more]) {
      const { link } = connection;
      if (link.heldBytes + bytes.length > WRITE_QUEUE_BYTES_HIGH) this.#displace(connection);
      else link.write(bytes);
    }
    return true;
  }

  /** See `Transport.noteHeard`. */
  noteHeard(heard: Heard): void {
    const connection = this.#speaking;
    if (connection === undefined || !this.#all.has(connection)) return;
    connection.heardAt = this.#clock.now();
    if (heard === "session" && this.#served !== connection) {
      this.#served = connection;
      this.#settleSoon();
    }
  }

  /** See `Transport.noteSessionEnd`. What the other connections said last is heard now. */
  noteSessionEnd(): void {
    this.#served = undefined;
    this.#settleSoon();
  }

  /** Closes all connections. Calls no handler any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#holdTimer?.cancel();
    const all = [...this.#all];
    this.#all.clear();
    for (const { splitter } of all) splitter.close();
    await Promise.all(all.map(({ link }) => link.close()));
  }

  #hear(connection: Connection, run: Uint8Array): void {
    if (this.#isClosed || !this.#all.has(connection)) return;
    if (this.#isOutOfTurn(connection)) {
      // A delimiter alone says nothing. Copied: a view would keep all of what was read with it.
      if (run.length > 1) connection.unheard = run.slice();
      this.#watchServed();
      return;
    }
    if (this.#unfinished !== undefined && this.#unfinished !== connection) this.#handlers.onBytes(DELIMITER);
    this.#unfinished = run.at(-1) === 0 ? undefined : connection;
    this.#speaking = connection;
    this.#handlers.onBytes(run);
    this.#speaking = undefined;
  }

  /** Whether another connection is served. One that has been silent for too long gives way here. */
  #isOutOfTurn(connection: Connection): boolean {
    if (this.#served === undefined || this.#served === connection) return false;
    if (this.#heldFor > 0) return true;
    this.#served = undefined;
    this.#settleSoon();
    return false;
  }

  /** How long the connection that is served keeps its place if it stays silent. */
  get #heldFor(): Millis {
    return (this.#served?.heardAt ?? 0) + HOLD_MS - this.#clock.now();
  }

  /** Somebody else has spoken: looks whether the one that is served has fallen silent. */
  #watchServed(): void {
    this.#holdTimer ??= this.#clock.after(this.#heldFor, () => {
      this.#holdTimer = undefined;
      if (this.#served === undefined) return;
      if (this.#heldFor > 0) {
        this.#watchServed();
        return;
      }
      this.#served = undefined;
      this.#settle();
    });
  }

  #weakest(): Connection | undefined {
    const others = [...this.#all].filter((connection) => connection !== this.#served);
    const shownAt = ({ heardAt }: Connection): Millis => heardAt ?? Number.NEGATIVE_INFINITY;
    return others.reduce<Connection | undefined>(
      (weakest, next) => (weakest === undefined || shownAt(next) < shownAt(weakest) ? next : weakest),
      undefined,
    );
  }

  #displace(connection: Connection | undefined): void {
    if (connection === undefined) return;
    this.displaced++;
    this.#remove(connection);
    connection.link.drop();
  }

  #remove(connection: Connection): void {
    this.#all.delete(connection);
    connection.splitter.close();
    if (this.#served === connection) this.#served = undefined;
    this.#settleSoon();
  }

  #ended(connection: Connection, error: Error | undefined): void {
    if (this.#isClosed) return;
    // What it said last, then its end.
    if (this.#all.has(connection)) connection.splitter.close();
    this.#remove(connection);
    if (!this.#isUp || this.#all.size > 0) return;
    this.#isUp = false;
    this.#handlers.onDown(error === undefined ? undefined : this.#lost(error));
  }

  /** Who is served has changed, perhaps: handlers are called soon, as this may happen inside a call of theirs. */
  #settleSoon(): void {
    if (this.#isClosed) return;
    this.#timer ??= this.#clock.after(0, () => {
      this.#timer = undefined;
      this.#settle();
    });
  }

  #settle(): void {
    for (const connection of [...this.#all]) {
      const { unheard } = connection;
      if (unheard === undefined || this.#served !== undefined) continue;
      connection.unheard = undefined;
      this.#hear(connection, unheard);
    }
    if (!this.#isHeldBack || this.#isClosed) return;
    this.#isHeldBack = false;
    this.#handlers.onWritable();
  }
}
