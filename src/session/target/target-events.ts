import type { RefusalReason } from "../../base/refusal.ts";
import type { Beacon, Offer } from "../../wire/messages.ts";
import type { LineEvent } from "../line-event.ts";
import type { KeyMismatch } from "../link-guard.ts";
import type { ReceivedRun, RunOutcome, Transfer, TransferPlan } from "./tree-descent.ts";

/** What the driver has to do (effects, answered by a `…Checked`, `…Written` or `…Committed` call) or may tell. */
export type TargetEvent =
  | { readonly tag: "checkManifest"; readonly envelope: Uint8Array }
  | { readonly tag: "checkRun"; readonly run: ReceivedRun }
  | { readonly tag: "writeBlock"; readonly block: number; readonly bytes: Uint8Array }
  | { readonly tag: "commit" }
  /** Another node: with an offer for this board, or by its beacon. */
  | { readonly tag: "heard"; readonly who: HeardNode }
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
  | { readonly tag: "receiving"; readonly plan: TransferPlan }
  | { readonly tag: "progress"; readonly transfer: Transfer }
  | { readonly tag: "sessionLost"; readonly why: SessionLoss }
  | { readonly tag: "verified"; readonly digest: Uint8Array }
  | { readonly tag: "finished"; readonly isHeard: boolean }
  | LineEvent;

/** What a node that was heard showed itself to be. `board`: one that boots. */
export type HeardNode = "offering" | "rescuer" | "board-in-distress" | "board";

/** What a beacon shows its sender to be. */
export function heardFrom(beacon: Beacon): HeardNode {
  if (beacon.isProvider) return "rescuer";
  return beacon.tag === "distress" ? "board-in-distress" : "board";
}

/** Why a session ended early. `slow`: what came was right, but far less than the line carries. */
export type SessionLoss = "lease" | "slow" | "superseded" | "bye" | "damaged" | "not-bootable";

/** What became of a manifest: refused for a reason, or accepted, with where flash differs from the image. */
export type ManifestOutcome =
  | { readonly tag: "accepted"; readonly plan: TransferPlan; readonly start: RunOutcome }
  | { readonly tag: "refused"; readonly reason: RefusalReason; readonly detail: string };

/** What became of a block. A mismatch is asked for again; a failed flash ends the session. */
export type BlockOutcome = "written" | "mismatch" | "failed";
