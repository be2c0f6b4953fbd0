import type { Millis } from "../../base/units.ts";
import type { LineRate } from "../../link/line-rate.ts";
import type { Link } from "../../link/link.ts";
import type { SendSide } from "../../link/send-side.ts";
import type { RateOk } from "../../wire/messages.ts";
import { isDue } from "../deadlines.ts";
import {
  nextRate,
  RATE_GUARD_MS,
  RATE_PROOF_MS,
  RATE_SILENCE_MS,
  RATE_STEPS_MAX,
  type RateMoment,
} from "../rate-table.ts";
import type { RateEvent } from "../role.ts";

/** An unanswered proposal is repeated after this time, or a round trip; so often; and the next one waits this long. */
const PROPOSAL_INTERVAL_MS: Millis = 100;
const PROPOSALS_MAX = 6;
const PROPOSAL_RETRY_MS: Millis = 2_000;
/** Probes that are to prove a rate. */
const PROOF_INTERVAL_MS: Millis = 20;
/** Above the meeting rate the target is asked for a sign of life so often, so that neither end takes a pause for a fault. */
const SIGN_OF_LIFE_MS: Millis = 400;
/** Bytes of the line that have to be seen at a rate before it is judged. */
const SEEN_BYTES_MIN = 4_096;
/** Bytes of a sealed *rate-ok* on the line. */
const RATE_OK_BYTES = 22;

type Phase =
  | { readonly tag: "steady" }
  /** The proposal of `baud` is out; `at`: it is sent again. */
  | { readonly tag: "proposing"; readonly baud: number; readonly sent: number; readonly at: Millis }
  /** The target said yes: the port is about to be set. */
  | { readonly tag: "switching"; readonly baud: number }
  /** The port is set; `probeAt`: the target is asked again for a frame. */
  | { readonly tag: "proving"; readonly from: Millis; readonly probeAt: Millis }
  /** The port is set back to the rate before. */
  | { readonly tag: "returning" };

/** What the session knows of what is to come. */
export interface ClimbMoment {
  /** Bytes that are still to be sent, as far as that is known. */
  readonly bytesLeft: number;
  /** The target said that it may be silent until then. */
  readonly busyUntil: Millis;
}

/** The rescuer's side of the rate of the line, in one session (PROTOCOL.md 4.9): proposes, switches, proves, returns. */
export class RateClimb {
  readonly #link: Link;
  readonly #line: LineRate;
  readonly #sender: SendSide;
  readonly #report: (event: RateEvent) => void;
  readonly #max: number;
  #phase: Phase = { tag: "steady" };
  #step = 0;
  #proposeAt: Millis = Number.NEGATIVE_INFINITY;
  #askedAt: Millis;
  /** The last rate that was proven, to return to. */
  #good: number;
  /** Left for silence: it did not work, if the session continues at the meeting rate. */
  #fellFrom: number | undefined;

  /** `baudMax`: highest rate of the target, in bit/s. */
  constructor(
    now: Millis,
    link: Link,
    line: LineRate,
    sender: SendSide,
    baudMax: number,
    report: (event: RateEvent) => void,
  ) {
    this.#link = link;
    this.#line = line;
    this.#sender = sender;
    this.#report = report;
    this.#max = Math.min(baudMax, line.max);
    this.#askedAt = now;
    this.#good = line.goal;
  }

  /** The target answers a proposal. */
  handleRateOk(now: Millis, { step, isTaken }: RateOk): void {
    const phase = this.#phase;
    if (phase.tag !== "proposing" || step !== this.#step) return;
    if (!isTaken) {
      this.#line.learn(now, phase.baud, 0);
      this.#settle();
      return;
    }
    this.#link.gate.switchBaud(phase.baud, now + this.#afterMs);
    this.#phase = { tag: "switching", baud: phase.baud };
  }

  get #afterMs(): Millis {
    return RATE_GUARD_MS + Math.ceil(this.#link.lineTime(RATE_OK_BYTES));
  }

  #settle(): void {
    this.#sender.setHeld(false);
    this.#phase = { tag: "steady" };
  }

  /** Does what is due. Extra calls are harmless. */
  handleTimeout(now: Millis, moment: ClimbMoment): void {
    const phase = this.#phase;
    switch (phase.tag) {
      case "steady":
        this.#handleSteady(now, moment);
        return;
      case "proposing":
        if (this.#fallIfSilent(now, moment) || now < phase.at) return;
        if (phase.sent < PROPOSALS_MAX) this.#propose(now, phase.baud, phase.sent + 1);
        else {
          this.#proposeAt = now + PROPOSAL_RETRY_MS;
          this.#settle();
        }
        return;
      case "switching":
        if (!this.#line.isSettled) return;
        if (this.#line.present === phase.baud) this.#phase = { tag: "proving", from: now, probeAt: now };
        else {
          this.#line.learn(now, phase.baud, 0);
          this.#settle();
        }
        this.handleTimeout(now, moment);
        return;
      case "proving":
        this.#prove(now, phase.from, phase.probeAt);
        return;
      case "returning":
        if (this.#line.isSettled) this.#settle();
        return;
    }
  }

  #handleSteady(now: Millis, moment: ClimbMoment): void {
    if (this.#fallIfSilent(now, moment)) return;
    if (this.#fellFrom !== undefined && this.#link.lastHeardAt > this.#line.changedAt) {
      this.#line.learn(now, this.#fellFrom, 0);
      this.#fellFrom = undefined;
    }
    if (isDue(this.#signAt(moment), now)) {
      this.#askedAt = now;
      this.#sender.probeNow(now);
    }
    if (now < this.#proposeAt || this.#step >= RATE_STEPS_MAX) return;
    if (this.#sender.isPaused || this.#link.foreign.muting.isMute) return;
    const seen = this.#seen(moment);
    const baud = nextRate(now, this.#line, seen);
    if (baud === undefined) return;
    if (seen.measured === undefined && seen.share !== undefined)
      this.#line.learn(now, this.#line.present, seen.share);
    this.#step++;
    this.#sender.setHeld(true);
    this.#propose(now, baud, 1);
  }

  #seen({ bytesLeft }: ClimbMoment): RateMoment {
    const { bytesPerMs, seenBytes, share } = this.#sender.goodput;
    const { present } = this.#line;
    const measured = bytesPerMs && present * this.#link.lineTime(bytesPerMs);
    return { max: this.#max, bytesLeft, share: seenBytes < SEEN_BYTES_MIN ? undefined : share, measured };
  }

  #propose(now: Millis, baud: number, sent: number): void {
    this.#link.send({ tag: "rate", step: this.#step, baud, afterMs: this.#afterMs });
    const at = now + Math.max(PROPOSAL_INTERVAL_MS, this.#link.rtt.timeout);
    this.#phase = { tag: "proposing", baud, sent, at };
  }

  #prove(now: Millis, from: Millis, probeAt: Millis): void {
    const [baud, before] = [this.#line.present, this.#good];
    if (this.#link.lastHeardAt > from) {
      this.#good = baud;
      this.#report({ tag: "rate", baud, before, why: baud > before ? "faster" : "lowered" });
      this.#settle();
    } else if (now >= from + RATE_PROOF_MS) {
      this.#line.learn(now, baud, 0);
      this.#link.gate.switchBaud(before);
      this.#report({ tag: "rate", baud: before, before: baud, why: "unproven" });
      this.#phase = { tag: "returning" };
    } else if (now >= probeAt) {
      this.#sender.probeNow(now);
      this.#phase = { tag: "proving", from, probeAt: now + PROOF_INTERVAL_MS };
    }
  }

  /** Returns to the meeting rate when nothing came for too long: the target does the same, or has restarted there. */
  #fallIfSilent(now: Millis, moment: ClimbMoment): boolean {
    if (!isDue(this.#silentAt(moment), now)) return false;
    const { meeting, present } = this.#line;
    this.#fellFrom = present;
    this.#good = meeting;
    this.#link.gate.returnToMeeting();
    this.#report({ tag: "rate", baud: meeting, before: present, why: "silence" });
    this.#phase = { tag: "returning" };
    return true;
  }

  #silentAt({ busyUntil }: ClimbMoment): Millis | undefined {
    if (this.#line.present === this.#line.meeting) return undefined;
    return Math.max(this.#link.lastHeardAt, busyUntil, this.#line.changedAt) + RATE_SILENCE_MS;
  }

  #signAt({ busyUntil }: ClimbMoment): Millis | undefined {
    if (this.#line.present === this.#line.meeting || this.#sender.isPaused) return undefined;
    return Math.max(this.#link.lastHeardAt, this.#askedAt, busyUntil) + SIGN_OF_LIFE_MS;
  }

  /** When {@link handleTimeout} has something to do. */
  nextAt(moment: ClimbMoment): Millis | undefined {
    const phase = this.#phase;
    switch (phase.tag) {
      case "steady":
        return earliest(this.#silentAt(moment), this.#signAt(moment));
      case "proposing":
        return earliest(phase.at, this.#silentAt(moment));
      case "proving":
        return Math.min(phase.probeAt, phase.from + RATE_PROOF_MS);
      default:
        return undefined;
    }
  }
}

function earliest(a: Millis | undefined, b: Millis | undefined): Millis | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}
