import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";
import { SILENT_MS } from "../../link/listening/muting.ts";
import { answerTimeout, silenceInterval, silenceTimeout } from "../answer-timeout.ts";
import { isDue } from "../deadlines.ts";

/** When a rescuer that is silent, or has left a question unanswered, is asked again, and how (PROTOCOL.md 6.4, 2.4). */
export class SilentRescuer {
  readonly #link: Link;
  /** When something was asked last. */
  #askedAt: Millis;
  /** When something was last asked because the rescuer was silent. */
  #silenceAskedAt: Millis = Number.NEGATIVE_INFINITY;
  /** When it was last asked who is there. */
  #knockedAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(now: Millis, link: Link) {
    this.#link = link;
    this.#askedAt = now;
  }

  /** Questions of the session were asked. */
  noteAsked(now: Millis): void {
    this.#askedAt = now;
  }

  /** When the session was last alive, as far as this side knows. */
  get aliveAt(): Millis {
    return Math.max(this.#link.lastHeardAt, this.#askedAt);
  }

  /** When silence, or one unanswered question, has lasted too long. */
  askAgainAt(oldestQuestionAt: Millis | undefined): Millis {
    if (oldestQuestionAt === undefined || this.#knockedAt > this.#link.lastHeardAt) return this.#silentAt;
    return Math.min(this.#silentAt, oldestQuestionAt + answerTimeout(this.#link));
  }

  /**
   * It is asked again. `questions`: what it left unanswered; `knock`: who is there, as it has been silent for so long that it may
   * have been reset, and that a shell may read the line.
   */
  take(now: Millis): "questions" | "knock" {
    if (isDue(this.#silentAt, now)) this.#silenceAskedAt = now;
    if (now < this.#goneAt) return "questions";
    this.#knockedAt = now;
    this.#askedAt = now;
    return "knock";
  }

  /** When the rescuer is asked because it is silent; more often once it has been for so long that no frame is on its way. */
  get #silentAt(): Millis {
    const isLong = this.#silenceAskedAt > this.#link.lastHeardAt;
    return this.aliveAt + (isLong ? silenceInterval(this.#link) : silenceTimeout(this.#link));
  }

  /** When it may be gone, if nothing comes. */
  get #goneAt(): Millis {
    if (!this.#link.foreign.isShared) return Number.POSITIVE_INFINITY;
    return this.#link.lastHeardAt + Math.max(SILENT_MS, silenceTimeout(this.#link));
  }
}
