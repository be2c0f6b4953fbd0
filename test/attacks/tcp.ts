import { expect } from "vitest";
import { healAmong, STRANGERS, type Strangers } from "../support/tcp-crowd.ts";
import type { Attack } from "./attack.ts";

/** Strangers at the port of a listener, over real sockets: their results are bounds, not measured figures. */

/** Many times what the heal takes alone. */
const BOUND_S = 5;

async function delayedBy(...names: readonly string[]): Promise<string> {
  const chosen: (Strangers | undefined)[] = names.map((name) => STRANGERS[name]);
  for (const strangers of chosen) {
    if (strangers === undefined) throw new Error(`no such strangers: ${names.join()}`);
    for (const listener of ["target", "rescuer"] as const) {
      const { seconds } = await healAmong(listener, strangers);
      expect(seconds).toBeLessThan(BOUND_S);
    }
  }
  return `healed within ${BOUND_S} s`;
}

export const TCP: readonly Attack[] = [
  {
    attack: "Silent TCP client: connects first, says nothing",
    ids: "TUF indefinite freeze",
    happens:
      "the listener keeps 16 connections and hears all of them; the next one heals, as if it were alone",
    play: () => delayedBy("one that is silent", "one that sent half a frame", "one that never reads"),
  },
  {
    attack: "Silent TCP clients without end",
    ids: "TUF indefinite freeze",
    happens:
      "the oldest connection without a valid frame gives way to each new one; a peer that speaks keeps its place",
    play: () => delayedBy("a hundred that are silent", "500 new ones a second, all silent"),
  },
];
