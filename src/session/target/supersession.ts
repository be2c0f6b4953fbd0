import type { Millis } from "../../base/units.ts";
import { answerTimeout } from "../answer-timeout.ts";
import { isDue } from "../deadlines.ts";
import type { RoleHost } from "../role.ts";
import type { PresentSession } from "./present-session.ts";
import type { TargetAnnouncer } from "./target-announcer.ts";
import type { TargetEvent } from "./target-events.ts";
import type { TargetSession } from "./target-session.ts";

/** A session gives way to another rescuer after a silence of this many answer timeouts (PROTOCOL.md 6.1). */
const SUPERSEDE_TIMEOUTS = 3;

/** What superseding a session shares with its role. */
export interface SupersessionParts {
  readonly host: RoleHost<TargetEvent>;
  /** With a link key, a question proves nothing. */
  readonly isKeyed: boolean;
  readonly announcer: TargetAnnouncer;
  readonly present: PresentSession;
}

/**
 * Decides when the present session has been silent for too long: the target knocks then, and others who ask or offer
 * meanwhile may take over (PROTOCOL.md 6.1).
 */
export class Supersession {
  readonly #parts: SupersessionParts;
  /** Another node knocked during this session, which is checked then. */
  #check: { readonly session: TargetSession; readonly at: Millis } | undefined;

  constructor(parts: SupersessionParts) {
    this.#parts = parts;
  }

  /** When the session is checked that another node knocked in. Once it is over, or healed, nothing is left to check. */
  get checkAt(): Millis | undefined {
    const { session } = this.#parts.present;
    return session !== undefined && this.#check?.session === session && !session.isDone
      ? this.#check.at
      : undefined;
  }

  /** Whether the session has been silent for so long that another rescuer may take over. */
  isSilent(now: Millis): boolean {
    const { session } = this.#parts.present;
    return session !== undefined && this.#isSilent(now, session);
  }

  #isSilent(now: Millis, session: TargetSession): boolean {
    return !session.isWorking && now >= this.#silentAt(session);
  }

  /** When it will have been silent for so long, if nothing comes. Time that the rescuer was told to wait does not count. */
  #silentAt(session: TargetSession): Millis {
    return session.silentSince + this.#silence;
  }

  get #silence(): Millis {
    return SUPERSEDE_TIMEOUTS * answerTimeout(this.#parts.host.link);
  }

  /** During a session another node asked who is there, or answered our query: it holds no session with us. */
  handleQuestion(now: Millis): void {
    const { announcer, isKeyed, present } = this.#parts;
    const { session } = present;
    if (session?.isDone) announcer.answerHealed(now);
    else if (!isKeyed) this.consider(now);
    // A query proves nothing: a session with a link key continues until a proven offer supersedes it, or its lease ends.
    else if (this.isSilent(now)) announcer.answerInSession(now);
  }

  /** Another node knocked: the session ends if it is silent, and is checked once more after a silence's time if not. */
  consider(now: Millis): void {
    const { announcer, present } = this.#parts;
    const { session } = present;
    if (session === undefined) return;
    if (this.#isSilent(now, session)) {
      present.lose(now, "superseded");
      announcer.handleQuestion(now);
    } else if (this.checkAt === undefined) this.#check = { session, at: now + this.#silence };
  }

  /** When the target knocks next, or begins to: in a session once that fell silent (PROTOCOL.md 5.1). */
  get knockAt(): Millis | undefined {
    const { host, announcer, present } = this.#parts;
    if (!host.isUp || present.isStopped) return undefined;
    const { session } = present;
    if (session === undefined || announcer.knocking.isOn) return announcer.knockAt;
    return session.isListening ? this.#silentAt(session) : undefined;
  }

  /** Ends the session if it stayed silent until its check. */
  handleTimeout(now: Millis): void {
    if (!isDue(this.checkAt, now)) return;
    this.#check = undefined;
    if (this.isSilent(now)) this.consider(now);
  }

  /** Knocks in a session if that fell silent, and stops once something was heard. */
  knock(now: Millis): void {
    const { host, announcer, present } = this.#parts;
    if (!host.isUp) return;
    if (present.session?.isListening !== true || !this.isSilent(now)) announcer.knocking.stop();
    else {
      announcer.knocking.start(now);
      announcer.knock(now);
    }
  }
}
