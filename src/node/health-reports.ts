import { unreachable } from "../base/assert.ts";
import { toHex } from "../base/bytes.ts";
import type { Timer } from "../base/clock.ts";
import { ExitCode } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import { type Advice, advised } from "./advice.ts";
import {
  HEALTH_WAITS_MAX,
  type HealthSeen,
  type HealthVerdict,
  HealthWatch,
  type SaidStatus,
  type WatchedHeal,
} from "./health-watch.ts";
import type { NodeEvent } from "./node-event.ts";
import type { RescuerHost } from "./rescuer-links.ts";

/** What reports of health need. */
export interface HealthReportsOptions {
  readonly host: Pick<RescuerHost, "clock" | "end">;
  /** How long a board may take. */
  readonly waitMs: Millis;
  /** The first verdict ends the run. */
  readonly once: boolean;
  readonly advice: Advice | undefined;
  report(event: NodeEvent): void;
}

/** Reports of each healed board whether it became healthy; with `once` that ends the run. */
export class HealthReports {
  readonly #options: HealthReportsOptions;
  readonly #watch: HealthWatch;
  /** Whole digests by short ones, of the boards that are waited for, as their events name them. */
  readonly #digests: WeakMap<WatchedHeal, string> = new WeakMap();
  #timer: Timer | undefined;
  #hasBegun = false;

  constructor(options: HealthReportsOptions) {
    this.#options = options;
    this.#watch = new HealthWatch(options.waitMs, options.once);
  }

  /** A board is waited for. */
  get isWaiting(): boolean {
    return this.#watch.isWaiting;
  }

  /** A board was healed, whether it is still waited for or not. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** A board was healed. `digest`: of the image, in hexadecimal. */
  handleHealed(now: Millis, heal: WatchedHeal, digest: string): void {
    this.#hasBegun = true;
    this.#digests.set(heal, digest);
    this.#watch.handleHealed(now, heal);
    this.#settle();
  }

  /** A beacon of any board was heard. */
  handleHeard(now: Millis, link: string, nodeId: Uint8Array, said: SaidStatus): void {
    this.#watch.handleHeard(now, link, nodeId, said);
    this.#settle();
  }

  #settle(): void {
    for (let verdict = this.#watch.pollVerdict(); verdict; verdict = this.#watch.pollVerdict())
      this.#tell(verdict);
    this.#timer?.cancel();
    const at = this.#watch.pollTimeout();
    const { clock } = this.#options.host;
    if (at === undefined) return;
    this.#timer = clock.after(at - clock.now(), () => {
      this.#watch.handleTimeout(clock.now());
      this.#settle();
    });
  }

  #tell(verdict: HealthVerdict): void {
    const { host, once, report } = this.#options;
    const { heal, seen, afterMs } = verdict;
    const { link, nodeId } = heal;
    const digest = this.#digests.get(heal) ?? toHex(heal.digest);
    const about = { link, peer: toHex(nodeId), digest, seconds: afterMs / 1000 };
    if (seen === undefined) {
      report({ event: "healthy", ...about });
      if (once) host.end({ code: ExitCode.done, reason: "healed" });
      return;
    }
    const sentence = sentenceOf(seen, verdict, this.#options.waitMs);
    const detail = advised(sentence, { about: "not-healthy", seen }, this.#options.advice);
    report({ event: "not-healthy", ...about, reason: seen, detail });
    if (once)
      host.end({
        code: ExitCode.failed,
        reason: "not-healthy",
        detail: `healed, but not healthy: ${detail}`,
      });
  }

  /** Nothing is reported any more. */
  close(): void {
    this.#timer?.cancel();
  }
}

function sentenceOf(seen: HealthSeen, { afterMs, failure }: HealthVerdict, waitMs: Millis): string {
  const limit = `${waitMs / 1000} s`;
  switch (seen) {
    case "nothing":
      return `the board said nothing in the ${limit} after it was healed`;
    case "trial":
      return `the board boots the image, but still has it on trial ${limit} after it was healed`;
    case "other-image":
      return "the board boots another image than the one it was healed with";
    case "distress":
      return `the board calls for help again (${failure ?? "no reason given"})`;
    case "reverted":
      return "the board gave the image up, as nothing confirmed it, and calls for help again (reverted)";
    case "again":
      return `the board had to be healed again after ${Math.round(afterMs / 1000)} s`;
    case "crowded":
      return `more than ${HEALTH_WAITS_MAX} boards were healed meanwhile, and the board was not waited for any longer`;
    default:
      return unreachable(seen);
  }
}
