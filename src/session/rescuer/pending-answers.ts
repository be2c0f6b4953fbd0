import { equalBytes } from "../../base/bytes.ts";
import type { Random } from "../../base/prng.ts";
import { Reservoir } from "../../base/reservoir.ts";
import type { Millis } from "../../base/units.ts";
import type { Accept } from "../../wire/messages.ts";
import type { Offering, Pick } from "./offering.ts";
import { Offers } from "./offers.ts";
import { type Call, callName } from "./rescuer-state.ts";

/** Calls that wait while an image is picked for another one. */
const WAITING_MAX = 8;
/** How long a call waits. A target calls every 2 s. */
const WAITING_FOR_MS = 5_000;
/** An image that is not there by then is no longer waited for: its board has called again, or gone. */
const PICK_MAX_MS = 60_000;

/**
 * The calls that a rescuer answers before a session: it picks an image for one call at a time, others wait, and offers that
 * are out may still be accepted (PROTOCOL.md 6.2, 6.5). An image belongs to the pick that chose it, by its number.
 */
export class PendingAnswers {
  readonly offers: Offers = new Offers();
  readonly #waiting: Reservoir<{ readonly beacon: Call; readonly at: Millis }>;
  readonly #release: (number: number) => void;
  #pick: Pick | undefined;
  /** Nobody waits for the present pick any more; until it ends, there is no other. */
  #isPickVoid = false;

  /** `release` gets the number of each pick whose image is no longer needed. */
  constructor(random: Random, release: (number: number) => void) {
    this.#waiting = new Reservoir(random, WAITING_MAX);
    this.#release = release;
  }

  /** An image is being picked. */
  get isPicking(): boolean {
    return this.#pick !== undefined;
  }

  /** Nothing is picked, and no offer is repeated. */
  get isIdle(): boolean {
    return this.#pick === undefined && this.offers.present === undefined;
  }

  /** Whether this very call is answered already: its pick runs, or its offer is sent again. */
  isAnswered(now: Millis, beacon: Call): boolean {
    const name = callName(beacon);
    const picked = this.#isPickVoid ? undefined : this.#pick?.beacon;
    return (picked !== undefined && callName(picked) === name) || this.offers.renew(now, name);
  }

  /** Whether the offer that is repeated went to an earlier start of this board. */
  isRestartOf({ nodeId, bootNonce }: Call): boolean {
    const offered = this.offers.present?.beacon;
    if (offered === undefined || !equalBytes(offered.nodeId, nodeId)) return false;
    return !equalBytes(offered.bootNonce, bootNonce);
  }

  /** A call has to wait until the present pick, or session, is over. */
  wait(now: Millis, beacon: Call): void {
    this.#waiting.put(callName(beacon), { beacon, at: now });
  }

  /** The next call that waited, when nothing is picked. One that is old is dropped: its board has called again, or is gone. */
  takeWaiting(now: Millis): Call | undefined {
    if (this.#pick !== undefined) return undefined;
    for (let call = this.#waiting.takeFirst(); call; call = this.#waiting.takeFirst())
      if (now - call.at < WAITING_FOR_MS) return call.beacon;
    return undefined;
  }

  startPick(now: Millis, number: number, beacon: Call): void {
    this.#pick = { number, beacon, until: now + PICK_MAX_MS };
    this.#isPickVoid = false;
  }

  /** The pick with this number is over; undefined when nobody waits for it any more. */
  endPick(number: number): Pick | undefined {
    const pick = this.#pick;
    if (pick?.number !== number) return undefined;
    this.#pick = undefined;
    return this.#isPickVoid ? undefined : pick;
  }

  /** Makes an offer the present one. */
  add(offering: Offering): void {
    for (const { number } of this.offers.add(offering)) this.#release(number);
  }

  /** Ends one offer. */
  drop(offering: Offering): void {
    this.offers.drop(offering);
    this.#release(offering.number);
  }

  /** The offer that is accepted. All others, the calls that wait and the pick are over. */
  take(now: Millis, accept: Accept): Offering | undefined {
    const accepted = this.offers.acceptedBy(now, accept);
    if (accepted === undefined) return undefined;
    this.offers.drop(accepted);
    this.clear();
    return accepted;
  }

  /** Ends everything. A pick that runs is void. */
  clear(): void {
    this.#isPickVoid = true;
    this.#waiting.clear();
    for (const { number } of this.offers.takeAll()) this.#release(number);
  }

  /** Ends what is over: replaced offers, and a pick that takes too long. */
  dropOver(now: Millis): void {
    for (const { number } of this.offers.takeOver(now)) this.#release(number);
    if (this.#pick !== undefined && now >= this.#pick.until) this.#pick = undefined;
  }

  /** When a pick has taken too long. */
  get pickEndsAt(): Millis | undefined {
    return this.#pick?.until;
  }
}
