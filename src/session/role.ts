import type { Millis } from "../base/units.ts";
import type { Link } from "../link/link.ts";
import type { LinkEvent } from "../link/link-event.ts";
import type { Stranger } from "../link/strangers/stranger.ts";
import type { ByeReason } from "../wire/constants.ts";
import type { LinkProof } from "../wire/link-proof.ts";
import type { ImageWord } from "../wire/messages.ts";

/** What every link end reports of its line, whatever its role. */
export type LineEvent =
  | { readonly tag: "console"; readonly text: string }
  | { readonly tag: "stranger"; readonly stranger: Stranger }
  | { readonly tag: "link"; readonly state: "echo" | "two-nodes" }
  | RateEvent;

/**
 * The line has another rate, `before` the one before, in bit/s. `faster` and `lowered`: it was proven, and carries more.
 * `unproven`: the rate `before` did not work. `silence`: nothing valid came, and both ends meet again.
 */
export interface RateEvent {
  readonly tag: "rate";
  readonly baud: number;
  readonly before: number;
  readonly why: "faster" | "lowered" | "unproven" | "silence";
}

/** A word about an image was heard. Views: handle it at once. `proof`: of a link key, not checked yet. */
export interface AdviceEvent {
  readonly tag: "advice";
  readonly advice: ImageWord;
  readonly proof: LinkProof | undefined;
}

/** What the link knows that a role has to judge; console text and strangers are reported by the link end itself. */
export type HeardEvent = Exclude<LinkEvent, { readonly tag: "console" | "stranger" }>;

/** What a role needs from the link end that it acts on. */
export interface RoleHost<Event> {
  readonly link: Link;
  /** The link can carry bytes. */
  readonly isUp: boolean;
  /** Queues an effect or a report for the owner of the link end. */
  emit(event: Event): void;
  /** Counts and reports a frame of our own that came back. */
  reportEcho(): void;
  /** A number for a session or a pick that no other of this link end has had. */
  nextSession(): number;
}

/**
 * What a node does on one link: target, rescuer, query. A role owns no link and can be exchanged for another one while
 * the port is open (`LinkEnd.exchange`). Sans-IO.
 */
export interface Role {
  /** The link can carry bytes, or no longer can. Also called when the role begins, with the present state. */
  handleLinkUp(now: Millis, isUp: boolean): void;
  /** Takes in what the link heard. */
  handleHeard(now: Millis, event: HeardEvent): void;
  /** Everything that came in together was handled; of what was sent, something may have been acknowledged. */
  handleInputEnd(): void;
  /** Does what is due. Extra calls are harmless. */
  handleTimeout(now: Millis): void;
  /**
   * The role's earliest deadline, or undefined. The value may change after every `handle` call, every completion of an
   * effect, and `stop`.
   */
  pollTimeout(): Millis | undefined;
  /** Leaves: queues a bye if a session runs, and sends nothing afterwards. */
  stop(reason: ByeReason): void;
}
