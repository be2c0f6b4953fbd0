import type { Differences, TreeNode } from "../../base/tree-shape.ts";
import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";
import type { DataChunk, ObjectChunk } from "../../wire/messages.ts";
import { answerTimeout, silenceTimeout } from "../answer-timeout.ts";
import type { Deadlines } from "../deadlines.ts";
import { OPEN_BLOCKS_MAX } from "../handshake.ts";
import { Lease } from "../lease.ts";
import { isOnPace, nominalLineTime, ProgressFloor } from "../progress-floor.ts";
import { type DescentPlan, lengthOfBlock } from "./descent-plan.ts";
import type { SessionLoss, TargetEvent } from "./target-events.ts";
import { TreeDescent } from "./tree-descent.ts";

/** Block buffers: 64 KiB in all, but 4 blocks at least and 64 at most. */
const BUFFER_BYTES = 64 * 1024;
const OPEN_BLOCKS_MIN = 4;
/** "Later" renews the lease for this long at most without anything that verifies. */
const LATER_MAX_MS = 60_000;
/** Most wrong blocks and runs in one session: a CRC lets almost none through by chance. */
const WRONG_MAX = 32;

/** The target's side of a running transfer: chunks in, requests and grants out, and the time limits of both. */
export class Receiving {
  readonly descent: TreeDescent;
  readonly #link: Link;
  readonly #lease: Lease;
  readonly #floor: ProgressFloor;
  readonly #session: number;
  #wrong = 0;
  readonly #startedAt: Millis;
  #lastAskedAt: Millis;
  #lastVerifiedAt: Millis;

  /** `session`: number of the session, for its effects. */
  constructor(now: Millis, link: Link, session: number, plan: DescentPlan, start: Differences) {
    this.#session = session;
    this.#link = link;
    const openMax = Math.floor(BUFFER_BYTES / plan.blockSize);
    this.descent = new TreeDescent(
      plan,
      start,
      Math.max(OPEN_BLOCKS_MIN, Math.min(OPEN_BLOCKS_MAX, openMax)),
    );
    this.#lease = new Lease(now, link, plan.blockSize);
    this.#floor = new ProgressFloor(now, link, plan.blockSize);
    this.#startedAt = now;
    this.#lastAskedAt = now;
    this.#lastVerifiedAt = now;
  }

  /** Whether the session brought enough blocks for the time it took: hashes can be had again and again. */
  isOnPace(now: Millis): boolean {
    const { plan, blocks } = this.descent;
    return isOnPace(this.#link, blocks.written * plan.blockSize, now - this.#startedAt);
  }

  /** Line time of what is not known to be right. */
  get lackMs(): Millis {
    const { plan, blocksRight } = this.descent;
    const blocks = plan.leafCount - blocksRight;
    return nominalLineTime(this.#link, Math.min(plan.size, blocks * plan.blockSize));
  }

  /** Takes in a chunk; gives the effect that a complete block or run calls for. */
  handleChunk(now: Millis, chunk: DataChunk | ObjectChunk): TargetEvent | undefined {
    if (chunk.tag === "data") {
      const complete = this.descent.blocks.handleData(chunk);
      if (complete === undefined) return undefined;
      this.#link.ackNow(now);
      return { tag: "writeBlock", session: this.#session, block: complete.block, bytes: complete.bytes };
    }
    const { run, waited } = this.descent.handleObject(now, chunk);
    if (waited !== undefined) this.#link.rtt.sample(waited - this.#link.lineTime(chunk.payload.length));
    return run && { tag: "checkRun", session: this.#session, run };
  }

  /** The outcome of a check of a run (undefined: bad); returns the check of the next run, if that has arrived already. */
  handleRunChecked(
    now: Millis,
    node: TreeNode,
    differences: Differences | undefined,
  ): TargetEvent | undefined {
    if (differences === undefined) this.#wrong++;
    else this.#verified(now, this.descent.plan.blockSize);
    const run = this.descent.runChecked(now, node, differences);
    return run && { tag: "checkRun", session: this.#session, run };
  }

  /** A run counts like a block: it saves blocks, and each run is asked for once. */
  #verified(now: Millis, bytes: number): void {
    this.#floor.add(bytes);
    this.#lastVerifiedAt = now;
    this.#lease.renew(now);
  }

  /** The outcome of writing a block; false when it failed too often to continue. */
  handleBlockWritten(now: Millis, block: number, isWritten: boolean): boolean {
    if (isWritten) this.#verified(now, lengthOfBlock(this.descent.plan, block));
    else this.#wrong++;
    return this.descent.blocks.settle(block, isWritten);
  }

  /** The rescuer is alive and will serve later: believed for a minute without anything that verifies (PROTOCOL.md 6.1). */
  handleLater(now: Millis): void {
    if (now - this.#lastVerifiedAt < LATER_MAX_MS) this.#lease.renew(now);
  }

  /** Sends what changed in the plan, or all of it with `again`. */
  ask(now: Millis, again = false): void {
    this.descent.advance(now);
    const request = this.descent.takeRequest(now, again);
    if (request !== undefined) this.#link.send(request);
    const grant = this.descent.blocks.takeGrant(again);
    if (grant !== undefined) this.#link.send(grant);
    if (request !== undefined || grant !== undefined) this.#lastAskedAt = now;
  }

  /** Tells the rescuer that no block is wanted any more, so that it believes a DONE (PROTOCOL.md 5.12). */
  endGrants(): void {
    const grant = this.descent.blocks.takeGrant(true);
    if (grant !== undefined) this.#link.send(grant);
  }

  /** Repeats unanswered questions; returns why the session is over, if it is. */
  handleTimeout(now: Millis): SessionLoss | undefined {
    if (this.#wrong >= WRONG_MAX) return "damaged";
    if (now >= this.#lease.endsAt) return "lease";
    if (this.#floor.checkWindow(now) === "tooSlow") return "slow";
    if (now >= this.#askAgainAt) this.ask(now, true);
    return undefined;
  }

  /** When {@link handleTimeout} has something to do, by name. */
  deadlines(): Deadlines<"ask" | "lease" | "progress"> {
    return { ask: this.#askAgainAt, lease: this.#lease.endsAt, progress: this.#floor.endsAt };
  }

  /** When silence, or one unanswered question, has lasted too long. */
  get #askAgainAt(): Millis {
    const wait = answerTimeout(this.#link);
    const silent = Math.max(this.#link.lastHeardAt, this.#lastAskedAt) + silenceTimeout(this.#link);
    return Math.min(silent, (this.descent.oldestQuestionAt ?? Number.POSITIVE_INFINITY) + wait);
  }
}
