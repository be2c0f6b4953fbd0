import type { BootFailure, RefusalReason } from "../base/refusal.ts";
import type { RunOutcome, TreeNode } from "../base/tree-shape.ts";
import type { FlashLayout } from "../flash/geometry.ts";
import type { Hardware } from "../image/hardware.ts";
import type { Manifest } from "../image/manifest.ts";
import type { Version } from "../image/version.ts";
import type { WriteOutcome } from "./slot-writer.ts";

/** The status of a board: what its beacon says (PROTOCOL.md 5.2), and more. Short digests are advice. */
export interface TargetStatus {
  readonly nodeId: Uint8Array;
  readonly hardwareId8: Uint8Array;
  /** What the id is the hash of, for reports. */
  readonly hardware?: Hardware;
  readonly revision: number;
  readonly isBootable: boolean;
  /** Why not, when it is not bootable. */
  readonly failure?: BootFailure;
  /** Whether the image that boots is on trial: not confirmed, neither by its policy nor by its owner. */
  readonly isTrial: boolean;
  readonly layout: FlashLayout;
  /** The image that boots, else the one installed last, if its manifest can be read and is trusted. */
  readonly installed?: { readonly digest8: Uint8Array; readonly version: Version; readonly sequence: number };
  /** The image that is being received: some of its blocks may be in a slot. */
  readonly receivingDigest8?: Uint8Array;
  readonly counterFloor: number;
  /** Images that failed to confirm on this board, by their short digests, and how often. */
  readonly failedConfirms?: readonly { readonly adviceDigest8: Uint8Array; readonly count: number }[];
}

/** What follows from an accepted manifest. */
export interface InstallPlan {
  readonly manifest: Manifest;
  readonly digest8: Uint8Array;
  readonly size: number;
  readonly blockSize: number;
  readonly leafCount: number;
}

/** The board's answer to an offered manifest. */
export type ManifestVerdict =
  | { readonly tag: "accepted"; readonly plan: InstallPlan }
  | { readonly tag: "refused"; readonly reason: RefusalReason; readonly detail: string };

/** The board's answer at the end. */
export type CommitOutcome =
  | { readonly tag: "bootable"; readonly version: Version; readonly slot: number }
  | { readonly tag: "not-bootable"; readonly reason: BootFailure };

/**
 * What a target session needs from its board. Synchronous: calls that hash, erase or program return when that is
 * done. Order: `checkManifest`, `start`, then `checkRun`, `checkUniform` and `writeBlock` as answers arrive, then
 * `commit`. Without an accepted manifest, and after a "failed", the others return "failed" until a manifest is
 * accepted again.
 */
export interface TargetStore {
  /**
   * The status now, which costs little: the slots are verified when the store is made and after each commit, and a
   * signature once. It names the image that is being received as soon and as long as the boot record does.
   */
  status(): TargetStatus;
  /** Whether nothing lies where an image goes: a look at every byte, once in a start (PROTOCOL.md 5.4). */
  isBlank(): boolean;
  /** Checks a manifest before anything is erased. One that is accepted again during its transfer continues it. */
  checkManifest(envelope: Uint8Array): ManifestVerdict;
  /** Compares the slot with the image: the first nodes or blocks to ask for; neither when the slot has all of it. */
  start(): RunOutcome;
  /** Takes the child hashes of a node that was asked for, joined. */
  checkRun(node: TreeNode, hashes: Uint8Array): RunOutcome;
  /** Takes the claim that every byte below a node is `byte`: checks it by hashing, and writes the bytes. */
  checkUniform(node: TreeNode, byte: number): RunOutcome;
  /**
   * Takes the data of a block. Wrong data ("mismatch") changes nothing; a block that is there already is "written".
   */
  writeBlock(index: number, bytes: Uint8Array): WriteOutcome;
  /** A block of the image that is received, if the slot holds it and its hash, which is known, is right now. */
  readHeld(index: number): Uint8Array | undefined;
  /** Verifies the whole image from flash, makes it the installed one, and takes the boot decision. */
  commit(): CommitOutcome;
  /**
   * Ends the session. What was written stays, and the same image resumes from it; if it comes next, in the middle of a
   * repair unit.
   */
  abandon(): void;
  /**
   * Counts a start of the board, and returns its number once that is durable: a u32, never the same twice for one board,
   * of which nonces are made that must not repeat (PROTOCOL.md 13.2.5, 14.2). One entry of the boot record each.
   * FailedError `starts-used-up` when there is none left.
   */
  takeStart(): number;
  /** Abandons the session, and returns when everything is on the disk. */
  close(): void;
}
