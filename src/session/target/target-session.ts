import { equalBytes } from "../../base/bytes.ts";
import type { BootFailure, RefusalReason } from "../../base/refusal.ts";
import type { TreeNode } from "../../base/tree-shape.ts";
import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";
import { MANIFEST_MAX, ObjectKind } from "../../wire/constants.ts";
import type { DataChunk, ObjectChunk } from "../../wire/messages.ts";
import { acceptOf } from "../handshake.ts";
import type { SessionIdentity } from "../identity.ts";
import { askAgainAfter, Lease } from "../lease.ts";
import type { LinkGuard } from "../link-guard.ts";
import { Assembly } from "./chunk-assembly.ts";
import { Receiving } from "./receiving.ts";
import type { BlockOutcome, ManifestOutcome, SessionLoss, TargetEvent } from "./target-events.ts";
import type { RunOutcome } from "./tree-descent.ts";

/** Where a session is (PROTOCOL.md 6.1). */
type State =
  | { readonly tag: "accepting"; readonly lease: Lease; manifest: Assembly | undefined; repeatAt: Millis }
  | { readonly tag: "checking" }
  | { readonly tag: "receiving"; readonly receiving: Receiving }
  | { readonly tag: "committing" }
  | { readonly tag: "done"; repeatAt: Millis; readonly until: Millis };

/** How a session ends; each handler gives it when it is over. */
export type SessionEnd =
  | { readonly tag: "lost"; readonly why: SessionLoss }
  | { readonly tag: "refused"; readonly reason: RefusalReason; readonly detail: string }
  | { readonly tag: "finished"; readonly isHeard: boolean };

/** What a session has of its machine. */
export interface SessionMeans {
  readonly link: Link;
  readonly guard: LinkGuard;
  emit(event: TargetEvent | undefined): void;
  /** Sends the beacon of the firmware that the board has now. */
  tellHealth(): void;
}

const DONE_INTERVAL_MIN_MS = 200;
const DONE_PATIENCE_MS = 15_000;
/** Comparing or verifying a whole slot makes a target deaf: no more than this (PROTOCOL.md 5.11). */
const BUSY_MS = 10_000;

const lost = (why: SessionLoss): SessionEnd => ({ tag: "lost", why });
const refused = (reason: RefusalReason, detail: string): SessionEnd => ({ tag: "refused", reason, detail });
const finished = (isHeard: boolean): SessionEnd => ({ tag: "finished", isHeard });

/**
 * One session of a target, from the accept until the board is well or the session lost: manifest, transfer, commit, and
 * DONE until somebody has heard it.
 */
export class TargetSession {
  readonly peer: SessionIdentity;
  readonly #means: SessionMeans;
  readonly #link: Link;
  #state: State;

  constructor(now: Millis, peer: SessionIdentity, means: SessionMeans) {
    this.peer = peer;
    this.#means = means;
    this.#link = means.link;
    const lease = new Lease(now, this.#link, MANIFEST_MAX);
    this.#state = { tag: "accepting", lease, manifest: undefined, repeatAt: now };
  }

  /** Whether this is the session of that offer. */
  isOf(rescuerNonce: Uint8Array): boolean {
    return equalBytes(this.peer.rescuerNonce, rescuerNonce);
  }

  /** Whether the board is well, and only DONE is to be heard. */
  get isDone(): boolean {
    return this.#state.tag === "done";
  }

  /** Whether it brought enough blocks for the time it took. */
  wasWorth(now: Millis): boolean {
    return this.#state.tag === "receiving" && this.#state.receiving.wasWorth(now);
  }

  /** The offer came again: the accept was not heard. */
  hurry(now: Millis): void {
    if (this.#state.tag === "accepting") this.#state.repeatAt = now;
  }

  /** Takes in a chunk of the manifest, of a run or of a block. */
  handleChunk(now: Millis, chunk: DataChunk | ObjectChunk): void {
    if (this.#state.tag === "receiving") this.#means.emit(this.#state.receiving.handleChunk(now, chunk));
    else if (chunk.tag === "object") this.#handleManifestChunk(now, chunk);
  }

  #handleManifestChunk(now: Millis, chunk: ObjectChunk): void {
    const state = this.#state;
    if (state.tag !== "accepting") return;
    if (chunk.name.kind !== ObjectKind.manifest || chunk.total > MANIFEST_MAX) return;
    if (state.manifest?.bytes.length !== chunk.total) state.manifest = new Assembly(chunk.total);
    state.manifest.add(chunk.offset, chunk.payload);
    state.repeatAt = now + askAgainAfter(this.#link);
    if (!state.manifest.isComplete) return;
    this.#state = { tag: "checking" };
    this.#link.send({ tag: "busy", forMs: BUSY_MS });
    this.#means.emit({ tag: "checkManifest", envelope: state.manifest.bytes });
  }

  handleManifestChecked(now: Millis, outcome: ManifestOutcome): SessionEnd | undefined {
    if (this.#state.tag !== "checking") return undefined;
    if (outcome.tag === "refused") return refused(outcome.reason, outcome.detail);
    if (!equalBytes(outcome.plan.digest, this.peer.digest))
      return refused("manifest", "the manifest is not the one that was offered");
    if (outcome.start.tag !== "good") return refused("flash", "the slot could not be prepared");
    const receiving = new Receiving(now, this.#link, outcome.plan, outcome.start);
    this.#state = { tag: "receiving", receiving };
    this.#means.emit({ tag: "receiving", plan: outcome.plan });
    this.#goOn(now, receiving);
    return undefined;
  }

  handleRunChecked(now: Millis, node: TreeNode, outcome: RunOutcome): SessionEnd | undefined {
    if (this.#state.tag !== "receiving") return undefined;
    const { receiving } = this.#state;
    if (outcome.tag === "failed") return refused("flash", "a sector could not be erased or programmed");
    const differences = outcome.tag === "good" ? outcome : undefined;
    this.#means.emit(receiving.handleRunChecked(now, node, differences));
    this.#goOn(now, receiving);
    return undefined;
  }

  handleBlockWritten(now: Millis, block: number, outcome: BlockOutcome): SessionEnd | undefined {
    if (this.#state.tag !== "receiving") return undefined;
    const { receiving } = this.#state;
    if (outcome === "failed") return refused("flash", `block ${block} could not be erased or programmed`);
    if (!receiving.handleBlockWritten(now, block, outcome === "written")) return lost("damaged");
    this.#goOn(now, receiving);
    return undefined;
  }

  /** Asks for what is missing next, or has the board commit when nothing is. */
  #goOn(now: Millis, receiving: Receiving): void {
    this.#means.emit({ tag: "progress", transfer: receiving.transfer });
    if (!receiving.transfer.isFinished) receiving.ask(now);
    else {
      this.#state = { tag: "committing" };
      this.#link.send({ tag: "busy", forMs: BUSY_MS });
      this.#means.emit({ tag: "commit" });
    }
  }

  handleCommitted(now: Millis, failure: BootFailure | undefined): SessionEnd | undefined {
    if (this.#state.tag !== "committing") return undefined;
    if (failure !== undefined) return lost("not-bootable");
    this.#means.emit({ tag: "verified", digest: this.peer.digest });
    this.#state = { tag: "done", repeatAt: now, until: now + DONE_PATIENCE_MS };
    return this.handleTimeout(now);
  }

  handleLater(now: Millis): void {
    if (this.#state.tag === "receiving") this.#state.receiving.handleLater(now);
  }

  handleDoneAck(digest: Uint8Array): SessionEnd | undefined {
    return this.isDone && equalBytes(digest, this.peer.digest) ? finished(true) : undefined;
  }

  handleBye(): SessionEnd {
    return this.isDone ? finished(false) : lost("bye");
  }

  /** Does what is due. Extra calls are harmless. */
  handleTimeout(now: Millis): SessionEnd | undefined {
    const state = this.#state;
    switch (state.tag) {
      case "accepting":
        if (now >= state.lease.endsAt) return lost("lease");
        if (now >= state.repeatAt) {
          state.repeatAt = now + askAgainAfter(this.#link);
          const { guard } = this.#means;
          this.#link.send(
            acceptOf(this.peer, guard.payloadMax),
            guard.prove(this.peer, this.peer.acceptNonce),
          );
        }
        return undefined;
      case "receiving": {
        const why = state.receiving.handleTimeout(now);
        return why === undefined ? undefined : lost(why);
      }
      case "done":
        if (now >= state.until) return finished(false);
        if (now >= state.repeatAt) {
          state.repeatAt = now + Math.max(this.#link.rtt.timeout, DONE_INTERVAL_MIN_MS);
          this.#link.send({ tag: "done", digest: this.peer.digest });
          // Not the first DONE: the rescuer may be another one by now, which cannot read it.
          if (now > state.until - DONE_PATIENCE_MS) this.#means.tellHealth();
        }
        return undefined;
      default:
        return undefined;
    }
  }

  /** When {@link handleTimeout} has something to do. */
  get timeouts(): Millis[] {
    const state = this.#state;
    switch (state.tag) {
      case "accepting":
        return [state.repeatAt, state.lease.endsAt];
      case "receiving":
        return [state.receiving.timeoutAt];
      case "done":
        return [state.repeatAt, state.until];
      default:
        return [];
    }
  }
}
