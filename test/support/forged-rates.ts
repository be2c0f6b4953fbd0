import { encodeMessage, isSessionFrame } from "../../src/wire/frame.ts";
import type { Message } from "../../src/wire/messages.ts";
import { type Attack, BusAttacker } from "./bus-attacker.ts";

/**
 * Puts a message between the frames of a session, once `from` sent `after` frames in it, and `times` times.
 */
export function forging(
  message: (count: number) => Message,
  from: 0 | 1,
  after: number,
  times: number,
): BusAttacker {
  let [seen, sent] = [0, 0];
  const attack: Attack = ({ tag }, frame, by) => {
    if (by !== from || !isSessionFrame(frame) || seen++ < after || sent >= times) return {};
    return { [1 - from]: [encodeMessage(message(sent++), tag)] };
  };
  return new BusAttacker(attack);
}

/** Asks a target for another rate, as late as it agrees to. */
export function forgedRate(count: number): Message {
  return { tag: "rate", step: 200 + count, baud: 921_600, afterMs: 500 };
}
