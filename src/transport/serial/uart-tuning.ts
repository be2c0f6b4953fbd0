import type { Clock } from "../../base/clock.ts";
import type { Millis } from "../../base/units.ts";

/**
 * Two repairs of the serial package, applied from outside to the port object of its binding (docs/transports.md, "Two
 * repairs of the serial package").
 */

/** The part of a binding's port that is wrapped; Unix bindings have a poller, Windows has none. */
export interface BindingPort {
  read(buffer: Buffer, offset: number, length: number): Promise<{ buffer: Buffer; bytesRead: number }>;
  readonly poller?: Poller;
}

interface Poller {
  poll(eventFlag?: number): void;
  listenerCount(event: string): number;
}

/** Pause before each read. 2 ms are 23 bytes at 115200 baud and 600 at 3 Mbaud, well within a tty's 4096. */
export const READ_PAUSE_MS: Millis = 2;

/** Reads in a row that go without a pause: those of an exchange of short frames, each of which waits for the one before. */
export const READS_AT_ONCE = 6;

/**
 * Puts a pause before each read of a stream, so that a read finds the bytes of the pause and not the two or three that had
 * arrived when it was woken. A read that already waits is not delayed: the first bytes after silence are read immediately,
 * and so are the {@link READS_AT_ONCE} reads behind them. One of these is given back for each pause without a read.
 */
export function coalesceReads(port: BindingPort, clock: Clock, pauseMs: Millis = READ_PAUSE_MS): void {
  const read = port.read.bind(port);
  let atOnce = READS_AT_ONCE;
  let countedAt = clock.now();
  port.read = async (buffer, offset, length) => {
    atOnce = Math.min(READS_AT_ONCE, atOnce + (clock.now() - countedAt) / pauseMs);
    if (atOnce >= 1) {
      atOnce--;
    } else {
      await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
      // The pause itself gives nothing back.
      atOnce = 0;
    }
    countedAt = clock.now();
    return read(buffer, offset, length);
  };
}

/** Flags of the package's poller. */
const POLLER_EVENTS: readonly (readonly [name: string, flag: number])[] = [
  ["readable", 1],
  ["writable", 2],
  ["disconnect", 4],
];

/**
 * Makes the poller wait for every event that has a listener. By itself it waits for the newest only: when a read starts
 * to wait while a write waits for room, the write stays blocked until a byte is received, forever if the other side
 * waits for us.
 */
export function armAllEvents(port: BindingPort): void {
  const { poller } = port;
  if (poller === undefined) return;
  const poll = poller.poll.bind(poller);
  poller.poll = (eventFlag = 0) => {
    const waitedFor = POLLER_EVENTS.filter(([name]) => poller.listenerCount(name) > 0);
    poll(waitedFor.reduce((flags, [, flag]) => flags | flag, eventFlag));
  };
}
