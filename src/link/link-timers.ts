import type { TimerTable } from "../base/timer-table.ts";

/** Everything that a link waits for. Both run only within a session. */
export type LinkTimer =
  /** Send an ack of the packets that have arrived. */
  | "ack"
  /** Send a probe: packets are in flight, and no ack has come for a round trip. */
  | "probe";

/** One table for the sending and the receiving half of a session. */
export type LinkTimers = TimerTable<LinkTimer>;
