import type { Millis } from "../../base/units.ts";
import type { LineRate } from "../../link/line-rate.ts";
import type { Link } from "../../link/link.ts";
import type { Rate } from "../../wire/messages.ts";
import { isDue } from "../deadlines.ts";
import { RATE_PROOF_MS, RATE_SILENCE_MS, RATE_STEPS_MAX } from "../rate-table.ts";
import type { RateEvent } from "../role.ts";

/** Longest time to a change that a target agrees to: it says nothing meanwhile. */
const AFTER_MAX_MS: Millis = 500;

type Phase =
  | { readonly tag: "steady" }
  /** The answer leaves; then the port is set to `baud`. */
  | { readonly tag: "switching"; readonly baud: number; readonly before: number }
  /** The port is set, and a frame has to come. */
  | { readonly tag: "proving"; readonly before: number; readonly from: Millis }
  /** The port is set back to the rate before. */
  | { readonly tag: "returning" };

/** What a session tells of itself; undefined without one. */
export interface FollowedSession {
  /** Own work runs, and the rescuer was told so. */
  readonly isWorking: boolean;
  /** Since when the rescuer has been silent without having been told to wait. */
  readonly silentSince: Millis;
}

/** The target's side of the rate of the line (PROTOCOL.md 4.9): follows proposals, and returns where nothing comes. */
export class RateFollow {
  readonly #link: Link;
  readonly #report: (event: RateEvent) => void;
  #phase: Phase = { tag: "steady" };
  /** Proposals that were taken in this session. */
  #steps = 0;
  /** Number of the last one. */
  #step: number | undefined;

  constructor(link: Link, report: (event: RateEvent) => void) {
    this.#link = link;
    this.#report = report;
  }

  /** A session begins. */
  beginSession(): void {
    this.#steps = 0;
    this.#step = undefined;
  }

  /** The rescuer of the present session proposes a rate. */
  handleRate(now: Millis, { step, baud, afterMs }: Rate): void {
    const line = this.#link.lineRate;
    if (this.#phase.tag === "switching") return;
    // It came at the rate that has to be proven.
    if (this.#phase.tag === "proving" && line !== undefined)
      this.#prove(now, line, this.#phase.before, this.#phase.from);
    // It was said again while its answer was on its way.
    const isDone = step === this.#step && baud === line?.present;
    const isTaken =
      line !== undefined &&
      this.#phase.tag === "steady" &&
      this.#steps < RATE_STEPS_MAX &&
      baud >= line.meeting &&
      baud <= line.max &&
      baud !== line.present &&
      afterMs <= AFTER_MAX_MS;
    this.#link.send({ tag: "rateOk", step, isTaken: isTaken || isDone });
    if (!isTaken) return;
    this.#step = step;
    this.#steps++;
    this.#phase = { tag: "switching", baud, before: line.present };
    this.#link.gate.switchBaud(baud, now + afterMs);
  }

  /** Does what is due. Extra calls are harmless. */
  handleTimeout(now: Millis, session: FollowedSession | undefined): void {
    const line = this.#link.lineRate;
    if (line === undefined) return;
    const phase = this.#phase;
    if (session === undefined) {
      this.#phase = { tag: "steady" };
      this.#link.gate.returnToMeeting();
      return;
    }
    switch (phase.tag) {
      case "steady":
        this.#fallIfSilent(now, line, session);
        return;
      case "switching":
        if (!line.isSettled) return;
        this.#phase =
          line.present === phase.baud
            ? { tag: "proving", before: phase.before, from: now }
            : { tag: "steady" };
        return;
      case "proving":
        this.#prove(now, line, phase.before, phase.from);
        return;
      case "returning":
        if (line.isSettled) this.#phase = { tag: "steady" };
        return;
    }
  }

  #prove(now: Millis, { present: baud }: LineRate, before: number, from: Millis): void {
    if (this.#link.lastHeardAt > from) {
      this.#phase = { tag: "steady" };
      this.#report({ tag: "rate", baud, before, why: baud > before ? "faster" : "lowered" });
    } else if (now >= from + RATE_PROOF_MS) {
      this.#link.gate.switchBaud(before);
      this.#phase = { tag: "returning" };
      this.#report({ tag: "rate", baud: before, before: baud, why: "unproven" });
    }
  }

  #fallIfSilent(now: Millis, { meeting, present }: LineRate, session: FollowedSession | undefined): void {
    if (!isDue(this.#silentAt(session), now)) return;
    this.#link.gate.returnToMeeting();
    this.#phase = { tag: "returning" };
    this.#report({ tag: "rate", baud: meeting, before: present, why: "silence" });
  }

  #silentAt(session: FollowedSession | undefined): Millis | undefined {
    const line = this.#link.lineRate;
    if (line === undefined || session === undefined || line.present === line.meeting) return undefined;
    if (session.isWorking) return undefined;
    return Math.max(session.silentSince, line.changedAt) + RATE_SILENCE_MS;
  }

  /** When {@link handleTimeout} has something to do. */
  nextAt(session: FollowedSession | undefined): Millis | undefined {
    switch (this.#phase.tag) {
      case "steady":
        return this.#silentAt(session);
      case "proving":
        return this.#phase.from + RATE_PROOF_MS;
      default:
        return undefined;
    }
  }
}
