import type { TimerTable } from "../base/timer-table.ts";

/** Everything that a link waits for, only within a session. */
export type LinkTimer =
  /** Send an ack of the packets that have arrived. */
  | "ack"
  /** Send a probe: packets are in flight, and no ack has come for a round trip. */
  | "probe"
  /** Send again what may be sent: the time of a peer that said it is deaf is over. */
  | "pause";

/** One table for the sending and the receiving half of a session. */
export type LinkTimers = TimerTable<LinkTimer>;
