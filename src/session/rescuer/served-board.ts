import { equalBytes } from "../../base/bytes.ts";
import type { Millis } from "../../base/units.ts";
import { ByeReason } from "../../wire/constants.ts";
import type { LinkProof } from "../../wire/link-proof.ts";
import type { Accept } from "../../wire/messages.ts";
import { type Deadlines, isDue } from "../deadlines.ts";
import { byeOf } from "../handshake.ts";
import { tagOf } from "../identity.ts";
import type { LinkGuard } from "../link-guard.ts";
import { RATE_SILENCE_MS } from "../rate-table.ts";
import type { RoleHost } from "../role.ts";
import type { Callers } from "./callers.ts";
import type { Answer, Handshaking } from "./handshaking.ts";
import type { InlinePush } from "./inline-push.ts";
import type { Offering } from "./offering.ts";
import type { RescuerEvent, RescuerLoss } from "./rescuer-events.ts";
import type { RescuerState } from "./rescuer-state.ts";
import { Serving } from "./serving.ts";

/**
 * What a rescuer waits for while it serves a board, and after:
 * - `silence`: the target was silent for too long. `progress`: a window ends in which enough has to have been asked for.
 * - `later`: what the target wants is not there yet, and it is told so. `have`: it is told what is there.
 * - `rate`: the rate of the line is proposed, proven or left; after a session both ends meet again.
 */
export type ServedDeadline = "silence" | "progress" | "later" | "have" | "rate";

/** What a served board needs of its rescuer. */
export interface ServedParts {
  readonly host: RoleHost<RescuerEvent>;
  readonly guard: LinkGuard;
  readonly callers: Callers;
  readonly push: InlinePush;
}

/** Who keeps what a board said when it ended its session. */
type AnswerNotes = Pick<Handshaking, "noteRefusal" | "noteDeferral" | "noteStandDown">;

/** The board that a rescuer serves, from its accept to its DONE or loss (PROTOCOL.md 6.2). */
export class ServedBoard {
  readonly #host: RoleHost<RescuerEvent>;
  readonly #guard: LinkGuard;
  readonly #callers: Callers;
  readonly #push: InlinePush;
  #state: RescuerState = { tag: "open" };

  constructor({ host, guard, callers, push }: ServedParts) {
    this.#host = host;
    this.#guard = guard;
    this.#callers = callers;
    this.#push = push;
  }

  /** The session; undefined while no board is served. */
  get serving(): Serving | undefined {
    return this.#state.tag === "serving" ? this.#state.serving : undefined;
  }

  /** Whether another board may be served: none is, the last one's DONE needs no answer any more, and the role was not stopped. */
  get isOpen(): boolean {
    return this.#state.tag === "open";
  }

  /** The last board said DONE, and may repeat it. */
  get isHealed(): boolean {
    return this.#state.tag === "healed";
  }

  get isStopped(): boolean {
    return this.#state.tag === "stopped";
  }

  /** An image is picked for another call: a repeated DONE is answered no more. */
  reopen(): void {
    if (this.#state.tag === "healed") this.#host.link.endSession();
    this.#state = { tag: "open" };
  }

  /** The board accepted this offer. */
  serve(now: Millis, accept: Accept, proof: LinkProof | undefined, offering: Offering): void {
    const { image, peer, number } = offering;
    const payloadMax = Math.min(accept.payloadMax, this.#guard.payloadMax);
    const pushed = this.#push.take(now, offering);
    const serving = pushed ?? this.#startServing(now, accept, proof, offering, payloadMax);
    this.#state = { tag: "serving", serving };
    this.#host.emit({ tag: "accepted", session: number, image, targetId: peer.targetId });
    if (pushed === undefined) {
      serving.sendManifest();
      serving.handleAsks(now, accept);
    } else serving.handleAccept(now, accept, payloadMax);
    // Before the first packet: it would take the line for longer than the proposal does.
    serving.adaptRate(now);
  }

  #startServing(
    now: Millis,
    accept: Accept,
    proof: LinkProof | undefined,
    offering: Offering,
    payloadMax: number,
  ): Serving {
    const { peer, packetsSent } = offering;
    const seal = this.#guard.seal(peer, proof?.extra);
    const sender = this.#host.link.startSending(now, tagOf(peer), payloadMax, seal, packetsSent);
    return new Serving(now, this.#host, offering, sender, accept);
  }

  /** The session that an effect belongs to; undefined when the answer comes too late for it. */
  of(session: number): Serving | undefined {
    const serving = this.serving ?? this.#push.serving;
    return serving?.number === session ? serving : undefined;
  }

  handleDone(now: Millis, digest: Uint8Array): void {
    const state = this.#state;
    if (state.tag === "healed") {
      this.#host.link.send({ tag: "doneAck", digest });
      return;
    }
    const { serving } = this;
    serving?.endBusy(now);
    if (serving === undefined || !equalBytes(serving.image.digest, digest) || !serving.canBeDone) return;
    // The link's session stays until the next one, to acknowledge a repeated DONE.
    this.#host.link.send({ tag: "doneAck", digest });
    serving.dropAll();
    const { targetId, targetNonce } = serving.peer;
    const isProven = this.#guard.isKeyed;
    this.#callers.noteHealed(now, serving, isProven);
    this.#host.emit({ tag: "healed", digest: serving.image.digest, targetId, targetNonce, isProven });
    this.#host.emit({ tag: "release", session: serving.number });
    this.#state = { tag: "healed", digest: serving.image.digest };
  }

  /**
   * The board that is served repeats its accept, or ends the session: proven, if there is a link key. `notes`: keeps what it
   * said for the next offers.
   */
  handleAnswer(now: Millis, answer: Answer, notes: AnswerNotes): void {
    const { serving } = this;
    if (serving === undefined) return;
    switch (answer.tag) {
      case "accept":
        serving.sendManifest();
        return;
      case "refuse":
        this.#turnDown(now, serving);
        notes.noteRefusal(now, answer, serving.peer);
        return;
      case "standDown":
        notes.noteStandDown(now, answer, serving.peer);
        this.lose(now, serving, "stood-down");
        return;
      case "bye":
        this.lose(now, serving, "bye");
        return;
      // Its manifest said that the board takes it later.
      case "defer":
        this.#turnDown(now, serving);
        notes.noteDeferral(now, answer, serving.peer);
        return;
    }
  }

  #turnDown(now: Millis, serving: Serving): void {
    this.#callers.charge(now, serving);
    this.#end(serving);
  }

  lose(now: Millis, serving: Serving, why: RescuerLoss): void {
    const { targetId } = serving.peer;
    this.#callers.charge(now, serving);
    this.#callers.noteLoss(now, targetId, serving, why);
    this.#end(serving);
    this.#host.emit({ tag: "sessionLost", why, targetId });
  }

  /** The image of the session with this number cannot be read any more: the session ends, and the board is told. */
  handleUnreadable(now: Millis, session: number): void {
    const serving = this.of(session);
    if (serving === undefined || this.#push.endOf(now, serving)) return;
    this.lose(now, serving, "image-unreadable");
    this.#host.link.send(byeOf(serving.peer, ByeReason.failed), this.#guard.prove(serving.peer));
  }

  #end(serving: Serving): void {
    this.#host.link.endSession();
    this.#state = { tag: "open" };
    this.#host.emit({ tag: "release", session: serving.number });
  }

  stop(reason: ByeReason): void {
    const { serving } = this;
    if (serving !== undefined) {
      this.#end(serving);
      this.#host.link.send(byeOf(serving.peer, reason), this.#guard.prove(serving.peer));
    }
    this.#push.stop(reason);
    // Once more: nobody will be here to answer a repeated DONE.
    if (this.#state.tag === "healed") this.#host.link.send({ tag: "doneAck", digest: this.#state.digest });
    this.#state = { tag: "stopped" };
  }

  /** `rate` of a link whose session is over: when both ends meet again. */
  deadlines(): Deadlines<ServedDeadline> {
    const { serving } = this;
    return {
      silence: serving?.limits.silentAt,
      progress: serving?.limits.progressEndsAt,
      later: serving?.laterAt,
      have: serving?.haveAt,
      rate: serving === undefined ? this.#meetAt : serving.rateAt,
    };
  }

  /** When the line returns to the rate at which all meet; once healed, a repeated DONE may still come at the present one. */
  get #meetAt(): Millis | undefined {
    const { lastHeardAt, lineRate } = this.#host.link;
    if (lineRate === undefined || lineRate.goal === lineRate.meeting) return undefined;
    return this.#state.tag === "healed" ? lastHeardAt + RATE_SILENCE_MS : lineRate.changedAt;
  }

  handleTimeout(now: Millis): void {
    const { serving } = this;
    if (serving !== undefined) this.#check(now, serving);
    else if (isDue(this.#meetAt, now)) this.#host.link.gate.returnToMeeting();
  }

  #check(now: Millis, serving: Serving): void {
    if (isDue(serving.limits.silentAt, now)) {
      this.lose(now, serving, serving.isDelivered ? "done-not-heard" : "silence");
    } else if (serving.limits.checkProgress(now) === "tooSlow") {
      this.lose(now, serving, "slow");
    } else {
      serving.sendDue(now);
      serving.adaptRate(now);
    }
  }
}
