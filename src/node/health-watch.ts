import { equalBytes, toHex } from "../base/bytes.ts";
import type { BootFailure } from "../base/refusal.ts";
import type { Millis } from "../base/units.ts";
import type { ConfirmPolicy } from "../image/manifest.ts";

/** Boards that are waited for at the same time; beyond that the wait for the oldest one ends. */
export const HEALTH_WAITS_MAX = 256;

/** A board that was healed. */
export interface WatchedHeal {
  /** Name of the link on which that was: the board's word counts there only. */
  readonly link: string;
  /** 8 bytes. */
  readonly nodeId: Uint8Array;
  /** Short digest of the image. */
  readonly digest: Uint8Array;
  readonly confirm: ConfirmPolicy;
  /** The link has a key. A beacon is never proven: then one that anybody may have sent does not end the wait as failed. */
  readonly isKeyed: boolean;
}

/** What a beacon says that counts here: of a `Beacon`, or of a `Neighbour`. */
export interface SaidStatus {
  /** Undefined when the board boots. */
  readonly failure: BootFailure | undefined;
  readonly isTrial?: boolean;
  /** Short digest. */
  readonly installedDigest: Uint8Array | undefined;
}

/**
 * What was seen of a board that is not healthy, by its last beacon. `nothing`: none came. `trial`: it boots the image, which is
 * on trial, or has not run for long enough. `other-image`: it boots another one. `distress`, `reverted`: it calls for help, as no
 * image boots, or as it gave this one up. `again`: it called, and was healed once more. `crowded`: too many others were healed meanwhile.
 */
export type HealthSeen = "nothing" | "trial" | "other-image" | "distress" | "reverted" | "again" | "crowded";

/** What became of a healed board. */
export interface HealthVerdict {
  readonly heal: WatchedHeal;
  /** Since the heal. */
  readonly afterMs: Millis;
  /** Undefined: it is healthy. */
  readonly seen: HealthSeen | undefined;
  /** Why it does not boot, by its last beacon. */
  readonly failure: BootFailure | undefined;
}

interface Wait {
  readonly heal: WatchedHeal;
  readonly healedAt: Millis;
  seen: HealthSeen;
  failure: BootFailure | undefined;
}

/**
 * Waits, after each heal, for the board's own word that its firmware works: a beacon that boots the image of the heal and has it
 * confirmed. An image that its verification confirms needs none (PROTOCOL.md 8.3). Each heal has exactly one verdict, which
 * {@link pollVerdict} returns. Anybody on the wire can send a beacon: the verdict is no proof.
 */
export class HealthWatch {
  readonly #limitMs: Millis;
  readonly #endsAtCall: boolean;
  /** By link and board; the one that ends first is first. */
  readonly #waits: Map<string, Wait> = new Map();
  readonly #verdicts: HealthVerdict[] = [];

  /** `limitMs`: for how long a board may take. `endsAtCall`: a board that calls for help again is not healthy, whatever the reason. */
  constructor(limitMs: Millis, endsAtCall: boolean) {
    this.#limitMs = limitMs;
    this.#endsAtCall = endsAtCall;
  }

  /** A board is waited for. */
  get isWaiting(): boolean {
    return this.#waits.size > 0;
  }

  /** A board was healed. Its beacons up to now do not count. */
  handleHealed(now: Millis, heal: WatchedHeal): void {
    const name = nameOf(heal.link, heal.nodeId);
    const former = this.#waits.get(name);
    if (former !== undefined) this.#end(now, former, "again");
    const wait: Wait = { heal, healedAt: now, seen: "nothing", failure: undefined };
    this.#waits.set(name, wait);
    if (heal.confirm === "on-verify") this.#end(now, wait, undefined);
    const [oldest] = this.#waits.values();
    if (this.#waits.size > HEALTH_WAITS_MAX && oldest !== undefined) this.#end(now, oldest, "crowded");
  }

  /** A beacon of any board was heard on a link. Copies nothing. */
  handleHeard(now: Millis, link: string, nodeId: Uint8Array, said: SaidStatus): void {
    const wait = this.#waits.get(nameOf(link, nodeId));
    if (wait === undefined) return;
    const seen = seenIn(said, wait.heal.digest);
    if (seen === undefined) {
      this.#end(now, wait, undefined);
      return;
    }
    wait.seen = seen;
    wait.failure = said.failure;
    const isOver = seen === "reverted" || (seen === "distress" && this.#endsAtCall);
    if (isOver && !wait.heal.isKeyed) this.#end(now, wait, seen);
  }

  /** Ends the waits whose time is over. Extra calls are harmless. */
  handleTimeout(now: Millis): void {
    for (const wait of this.#waits.values())
      if (now >= wait.healedAt + this.#limitMs) this.#end(now, wait, wait.seen);
  }

  /** When {@link handleTimeout} has something to do. */
  pollTimeout(): Millis | undefined {
    const [first] = this.#waits.values();
    return first && first.healedAt + this.#limitMs;
  }

  /** The next verdict; undefined when there is none. */
  pollVerdict(): HealthVerdict | undefined {
    return this.#verdicts.shift();
  }

  #end(now: Millis, { heal, healedAt, failure }: Wait, seen: HealthSeen | undefined): void {
    this.#waits.delete(nameOf(heal.link, heal.nodeId));
    this.#verdicts.push({ heal, afterMs: now - healedAt, seen, failure });
  }
}

/** Undefined: healthy. */
function seenIn(
  { failure, isTrial, installedDigest }: SaidStatus,
  digest: Uint8Array,
): HealthSeen | undefined {
  if (failure !== undefined) return failure === "reverted" ? "reverted" : "distress";
  if (installedDigest === undefined || !equalBytes(installedDigest, digest)) return "other-image";
  return isTrial === true ? "trial" : undefined;
}

function nameOf(link: string, nodeId: Uint8Array): string {
  return `${link} ${toHex(nodeId)}`;
}
