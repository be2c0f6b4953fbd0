import type { Clock } from "../base/clock.ts";
import { FailedError } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import { ByteBudget, passedSince } from "./byte-budget.ts";
import type { PullState } from "./pull-state.ts";

/** Counted for the headers of an answer, and for what a server may send beyond what was asked for before that is seen. */
const BESIDE = 16_384;
/** Smallest part of an image that is worth a request. */
const PART_MIN = 4096;
/** Counted for what a killed process may have received and not written. */
const UNWRITTEN = 1_048_576;
/** Stands for the index, of which nothing is written before it is whole. */
export const WHOLE_INDEX: string = "0".repeat(64);

/** What the account needs of its surroundings. */
export interface AccountEdges {
  readonly clock: Clock;
  /** The system's uptime. */
  readonly uptimeMs: () => Millis;
  readonly save: (state: PullState) => void;
}

/**
 * The state of a pull and its budget. Bytes are counted, and that is saved, before they are asked for, and what did not come is given
 * back: who is killed in between has spent them.
 */
export class PullAccount {
  #state: PullState;
  readonly #budget: ByteBudget;
  readonly #edges: AccountEdges;
  readonly #startMs: Millis;
  readonly #elapsedMs: Millis;
  #received = 0;

  /** `limit`: bytes a day. `sizeOf` says how much of an image is there, for a fetch that was cut short. */
  constructor(state: PullState, limit: number, edges: AccountEdges, sizeOf: (digest: string) => number) {
    this.#edges = edges;
    this.#startMs = edges.clock.now();
    this.#elapsedMs = state.elapsedMs + passedSince(state.uptimeMs, Math.floor(edges.uptimeMs()));
    this.#budget = new ByteBudget(limit, state.spent);
    const { open } = state;
    if (open !== undefined) {
      const written = open.digest === WHOLE_INDEX ? open.bytes : sizeOf(open.digest) - open.from;
      const came = Math.max(0, written) + UNWRITTEN;
      this.#budget.giveBack(Math.max(0, open.bytes - came));
    }
    this.#state = { ...state, open: undefined };
  }

  get state(): PullState {
    return this.#state;
  }

  /** Bytes that were received since this account was opened. */
  get received(): number {
    return this.#received;
  }

  /** Changes the state, and saves it. */
  change(changes: Partial<PullState>): void {
    const now = this.#now();
    this.#state = {
      ...this.#state,
      ...changes,
      elapsedMs: Math.floor(now),
      uptimeMs: Math.floor(this.#edges.uptimeMs()),
      spent: this.#budget.spendings(now),
    };
    this.#edges.save(this.#state);
  }

  /**
   * Counts a fetch of up to `wanted` bytes from byte `from` on: how many may be asked for. FailedError `budget-spent` when that would be
   * too few: `wanted`, or with `isDivisible` a part that is worth a request.
   */
  begin(digest: string, from: number, wanted: number, isDivisible: boolean): number {
    const left = this.#budget.left(this.#now()) - BESIDE;
    const least = isDivisible ? Math.min(wanted, PART_MIN) : wanted;
    if (left < least) throw this.spentError();
    const bytes = Math.min(wanted, left);
    this.#budget.spend(this.#now(), bytes + BESIDE);
    this.change({ open: { digest, from, bytes: bytes + BESIDE } });
    return bytes;
  }

  /** The fetch has ended, after `received` bytes. */
  end(received: number): void {
    this.#received += received;
    const counted = this.#state.open?.bytes ?? 0;
    if (received < counted) this.#budget.giveBack(counted - received);
    else this.#budget.spend(this.#now(), received - counted);
    this.change({ open: undefined });
  }

  /** The error for what the budget does not allow today. */
  spentError(): FailedError {
    const waitMs = Math.ceil(this.#budget.untilMore(this.#now()));
    const hours = Math.max(1, Math.ceil(waitMs / 3_600_000));
    const message = `the budget of bytes for this day is spent; more comes in ${hours} h, and continues where this ended`;
    return new FailedError("budget-spent", message, { waitMs });
  }

  #now(): Millis {
    return this.#elapsedMs + this.#edges.clock.now() - this.#startMs;
  }
}
