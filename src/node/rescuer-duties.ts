import type { Millis } from "../base/units.ts";
import type { Repository } from "../image/repository.ts";
import type { LinkKey } from "../link/link-key.ts";
import type { Admission, ServeCause } from "../mesh/dispatch.ts";
import type { NodeStatus } from "../session/beacon.ts";
import type { RescuerRole } from "../session/rescuer/rescuer-role.ts";
import type { Beacon } from "../wire/messages.ts";
import type { PickPolicy } from "./image-picking.ts";
import type { SideLink } from "./node-link.ts";
import type { RunOptions } from "./run-options.ts";

/** What a rescuer needs to know. */
export interface RescuerDuties extends Pick<RunOptions, "advice">, PickPolicy {
  /** End after one board was healed, or one refusal. */
  readonly once: boolean;
  /**
   * For so long after each heal the board's own word is waited for that its firmware works: a beacon on that link that boots the
   * image with the flag *trial* clear (PROTOCOL.md 5.2). An image whose policy is `on-verify` needs none. Reported as `healthy` or
   * `not-healthy`; with `once` the run ends with that, as `healed` or as failed with the reason `not-healthy`, and serves no other board
   * meanwhile. Not waited for unless given.
   */
  readonly waitHealthyMs?: Millis | undefined;
  /** For all links: only boards with the same key are healed. See `linkKeyOf`. */
  readonly linkKey?: LinkKey | undefined;
  /** Who the rescuer is, if it has a board of its own; unless given, a new id for this run. */
  readonly self?: RescuerSelf | undefined;
  /** Images for boards that boot, instead of `repository`. */
  readonly updates?: Repository | undefined;
  /** Offer newer images also to boards that did not ask. */
  readonly handsOut?: boolean | undefined;
  /** Send a small image right behind its offer, to boards that take it so. Not unless given. */
  readonly isEager?: boolean | undefined;
  /** Where on a network an image lies, by its whole digest: at most 640 bytes of a URL. Unknown unless given. */
  locatorOf?(digest: Uint8Array): string | undefined;
  /** Whether a board may be served now; always unless given. */
  admit?(link: SideLink<RescuerRole>, cause: ServeCause): Admission;
  /** A board that boots got this image, by its short digest. */
  onUpdated?(targetId: Uint8Array, digest: Uint8Array): void;
  /** Short digests of images that boards which do not boot get only if nothing else suits. */
  avoided?(): readonly Uint8Array[];
  /** An image was looked for, for the board of a beacon. */
  onPicked?(link: SideLink<RescuerRole>, beacon: Beacon, isFound: boolean): void;
  /** An image could not be read, and its session was ended. */
  onUnreadable?(link: SideLink<RescuerRole>): void;
}

/** A rescuer's own board, as its beacon shows it. */
export interface RescuerSelf {
  readonly nodeId: Uint8Array;
  /** Fixed for one start, as far as a target's is. */
  readonly bootNonce: () => Uint8Array;
  readonly status: () => NodeStatus;
}
