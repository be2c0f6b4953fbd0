import type { RefusalReason } from "../../base/refusal.ts";
import type { RunOutcome } from "../../base/tree-shape.ts";
import type { Beacon, NoneReason, Offer } from "../../wire/messages.ts";
import type { CodedBlockCodec } from "../coded-block.ts";
import type { Deferral } from "../handshake.ts";
import type { HeardNode } from "../heard-node.ts";
import type { KeyMismatch } from "../link-guard.ts";
import type { AdviceEvent, LineEvent } from "../role.ts";
import type { DescentPlan } from "./descent-plan.ts";
import type { ReceivedRun, TreeDescent } from "./tree-descent.ts";

/**
 * Effects, and reports. An effect is answered by the call of its name (`checkRun`: `handleRunChecked`) with the number of
 * its `session`: an answer that comes after its session ended is dropped.
 */
export type TargetEvent =
  /** `joins`: sessions on other links receive this image, and its outcome need not say where flash differs. */
  | {
      readonly tag: "checkManifest";
      readonly session: number;
      readonly envelope: Uint8Array;
      readonly joins?: true;
    }
  | { readonly tag: "checkRun"; readonly session: number; readonly run: ReceivedRun }
  | {
      readonly tag: "writeBlock";
      readonly session: number;
      readonly block: number;
      readonly bytes: Uint8Array;
    }
  /** Decodes a coded block of `length` bytes first; answered like `writeBlock`. */
  | {
      readonly tag: "writeCodedBlock";
      readonly session: number;
      readonly block: number;
      readonly codec: CodedBlockCodec;
      readonly payload: Uint8Array;
      readonly length: number;
      /** Bytes of the blocks that it may name. */
      readonly blockSize: number;
    }
  | { readonly tag: "commit"; readonly session: number }
  /** Where the image lies, as its rescuer says; not checked. May be answered by `handleFetched`. */
  | {
      readonly tag: "locator";
      readonly session: number;
      readonly locator: Uint8Array;
      readonly plan: DescentPlan;
    }
  /** Another node: with an offer for this board, or by its beacon. */
  | { readonly tag: "heard"; readonly who: HeardNode; readonly beacon?: Beacon }
  | { readonly tag: "offered"; readonly offer: Offer }
  | {
      readonly tag: "refused";
      readonly reason: RefusalReason;
      /** For people, where more is known than the reason. */
      readonly detail?: string;
      /** With the reason `link-key`. */
      readonly mismatch?: KeyMismatch;
      /** Whose offer; undefined when that is not known. */
      readonly rescuerId?: Uint8Array;
    }
  /** A rescuer has nothing suitable for this board; anybody can say it. */
  | { readonly tag: "none"; readonly reason: NoneReason; readonly rescuerId: Uint8Array }
  /** The board takes the image of a session later; its rescuer was told so. */
  | {
      readonly tag: "deferred";
      readonly deferral: Deferral;
      /** Short digest. */
      readonly digest: Uint8Array;
      readonly rescuerId: Uint8Array;
    }
  | AdviceEvent
  | { readonly tag: "receiving"; readonly plan: DescentPlan }
  | { readonly tag: "progress"; readonly descent: TreeDescent }
  | { readonly tag: "sessionLost"; readonly why: SessionLoss }
  | { readonly tag: "verified"; readonly digest: Uint8Array }
  | { readonly tag: "finished"; readonly isHeard: boolean }
  | LineEvent;

/** Why a session ended early. `slow`: valid data came, but far less than the line carries. */
export type SessionLoss = "lease" | "slow" | "superseded" | "bye" | "damaged" | "not-bootable";

/** The outcome of checking a manifest: refused, or to be taken later, for a reason; or accepted, with where flash differs from it. */
export type ManifestOutcome =
  | { readonly tag: "deferred"; readonly deferral: Deferral }
  | { readonly tag: "accepted"; readonly plan: DescentPlan; readonly start: RunOutcome }
  | {
      readonly tag: "refused";
      readonly reason: RefusalReason;
      readonly detail: string;
      /** Short digest of the manifest, if its signature was right: then the refusal is about this image. */
      readonly digest?: Uint8Array | undefined;
    };

/**
 * The outcome of writing a block. A mismatch, of a coded block also one that is malformed, is asked for again, and so is a
 * coded block that names a "missing" one; a flash failure ends the session.
 */
export type BlockOutcome = "written" | "mismatch" | "missing" | "failed";
