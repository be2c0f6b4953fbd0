import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";
import { answerTimeout } from "../answer-timeout.ts";
import { isDue } from "../deadlines.ts";
import type { TargetAnnouncer } from "./target-announcer.ts";
import type { TargetSession } from "./target-session.ts";

/** A session gives way to another rescuer after a silence of this many answer timeouts (PROTOCOL.md 6.1). */
const SUPERSEDE_TIMEOUTS = 3;

/** Decides when a session has been silent for too long: the target knocks then, and another rescuer may take over. */
export class Supersession {
  readonly #link: Link;
  #checkAt: Millis | undefined;

  constructor(link: Link) {
    this.#link = link;
  }

  /** When {@link takeCheck} has something to check. */
  get checkAt(): Millis | undefined {
    return this.#checkAt;
  }

  /** Whether the session has been silent for so long that another rescuer may take over. */
  isSilent(now: Millis, session: TargetSession): boolean {
    return !session.isWorking && now >= this.silentAt(session);
  }

  /** When it will have been silent for so long, if nothing comes. Time that the rescuer was told to wait does not count. */
  silentAt(session: TargetSession): Millis {
    return session.silentSince + this.#silence;
  }

  get #silence(): Millis {
    return SUPERSEDE_TIMEOUTS * answerTimeout(this.#link);
  }

  /** Another node knocked during the session: it is checked once more after a silence's time. */
  schedule(now: Millis): void {
    this.#checkAt ??= now + this.#silence;
  }

  /** Takes the check that is due; true if the session stayed silent and ends. */
  takeCheck(now: Millis, session: TargetSession | undefined): boolean {
    if (!isDue(this.#checkAt, now)) return false;
    this.#checkAt = undefined;
    return session !== undefined && this.isSilent(now, session);
  }

  /** When the target knocks next, or begins to: in a session once that fell silent (PROTOCOL.md 5.1). */
  knockAt(session: TargetSession | undefined, announcer: TargetAnnouncer): Millis | undefined {
    if (session === undefined || announcer.knocking.isOn) return announcer.knockAt;
    return session.isListening ? this.silentAt(session) : undefined;
  }

  /** Knocks in a session if that fell silent, and stops once something was heard. */
  knock(now: Millis, session: TargetSession, announcer: TargetAnnouncer): void {
    if (!session.isListening || !this.isSilent(now, session)) announcer.knocking.stop();
    else {
      announcer.knocking.start(now);
      announcer.knock(now);
    }
  }

  /** The session ended, or is healed: nothing to check. */
  clear(): void {
    this.#checkAt = undefined;
  }
}
