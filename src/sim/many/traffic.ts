import type { Millis } from "../../base/units.ts";
import { lineTime } from "../../base/units.ts";
import { AnnounceType, FrameClass } from "../../wire/constants.ts";

const HOUR_MS: Millis = 3_600_000;

/** What one board handed to one wire. */
interface Sent {
  readonly board: number;
  readonly wire: number;
  /** Beacons in each hour since the start. */
  readonly beacons: number[];
  /** Bytes of frames that carry no part of an image. */
  controlBytes: number;
}

/** Counts what goes over the wires of a world: give {@link Traffic.note} to it as `onFrame`. */
export class Traffic {
  readonly #now: () => Millis;
  readonly #sent: Map<string, Sent> = new Map();

  constructor(now: () => Millis) {
    this.#now = now;
  }

  note(board: number, wire: number, frame: Uint8Array): void {
    const name = `${board} ${wire}`;
    let sent = this.#sent.get(name);
    if (sent === undefined) {
      sent = { board, wire, beacons: [], controlBytes: 0 };
      this.#sent.set(name, sent);
    }
    // Behind a delimiter, if there is one, and a byte of COBS. No first byte of a frame is zero.
    const at = frame[0] === 0 ? 2 : 1;
    const frameClass = (frame[at] ?? 0) & 0xf;
    if (frameClass >= FrameClass.data || frameClass === FrameClass.object) return;
    sent.controlBytes += frame.length;
    if (frameClass !== FrameClass.announce || frame[at + 1] !== AnnounceType.beacon) return;
    const hour = Math.floor(this.#now() / HOUR_MS);
    sent.beacons[hour] = (sent.beacons[hour] ?? 0) + 1;
  }

  /** Beacons of each board on each of its links in each of the first `hours` hours, but for those that `isLeftOut` names. */
  beaconsPerHour(hours: number, isLeftOut: (board: number, hour: number) => boolean): number[] {
    return [...this.#sent.values()].flatMap(({ board, beacons }) =>
      Array.from({ length: hours }, (_, hour) => hour)
        .filter((hour) => !isLeftOut(board, hour))
        .map((hour) => beacons[hour] ?? 0),
    );
  }

  /** The share of the line's time that control frames took, for each end of each wire. */
  controlShares(overMs: Millis, baud: number): number[] {
    return [...this.#sent.values()].map(({ controlBytes }) => lineTime(controlBytes, baud) / overMs);
  }
}
