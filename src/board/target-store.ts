import { assert } from "../base/assert.ts";
import { equalBytes } from "../base/bytes.ts";
import { FailedError } from "../base/errors.ts";
import type { BootFailure, RefusalReason } from "../base/refusal.ts";
import type { RunOutcome, TreeNode } from "../base/tree-shape.ts";
import { isSameOrder, leastOrder, slotRecord } from "../flash/record/record-state.ts";
import type { Manifest } from "../image/manifest.ts";
import { shortDigest } from "../image/manifest.ts";
import type { Version } from "../image/version.ts";
import { judgeManifest, type StoreOptions } from "./admission.ts";
import { type BoardParts, hardwareId8 } from "./board-parts.ts";
import { type BootOutcome, bootBoard, storedManifest, verifySlot } from "./boot.ts";
import { installedEvent } from "./installed-slot.ts";
import { writeManifest } from "./manifest-area.ts";
import { Quarantine } from "./quarantine.ts";
import { chooseArea, chooseSlot } from "./slot-choice.ts";
import { SlotWriter, type WriteOutcome } from "./slot-writer.ts";

/** Most starts that are counted: the counter is a u32. */
const STARTS_MAX = 0xffff_ffff;

/** The status of a board in a beacon (PROTOCOL.md 5.2). Short digests are advice. */
export interface TargetStatus {
  readonly nodeId: Uint8Array;
  readonly hardwareId8: Uint8Array;
  readonly revision: number;
  readonly isBootable: boolean;
  /** Why not, when it is not bootable. */
  readonly failure?: BootFailure;
  /** The image that boots, else the one installed last, if its manifest can be read and is trusted. */
  readonly installed?: { readonly digest8: Uint8Array; readonly version: Version; readonly sequence: number };
  /** The image that is being received: some of its blocks may be in a slot. */
  readonly receivingDigest8?: Uint8Array;
  readonly counterFloor: number;
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
  /** The status now. The slots are verified when the store is made and after each commit. */
  status(): TargetStatus;
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
  /** Verifies the whole image from flash, makes it the installed one, and takes the boot decision. */
  commit(): CommitOutcome;
  /** Ends the session. What was written stays, and the same image resumes from it. */
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

interface Session {
  /** 32 bytes. */
  readonly digest: Uint8Array;
  readonly slot: number;
  readonly area: number;
  readonly envelope: Uint8Array;
  readonly writer: SlotWriter;
  isManifestStored: boolean;
  isBegun: boolean;
}

/** The target side of a board, over any flash. No other program may use the board. */
export class BoardTargetStore implements TargetStore {
  readonly #parts: BoardParts;
  readonly #options: StoreOptions;
  readonly #quarantine: Quarantine = new Quarantine();
  #boot: BootOutcome;
  #session: Session | undefined;

  constructor(parts: BoardParts, options: StoreOptions = {}) {
    parts.record.repair();
    this.#parts = parts;
    this.#options = options;
    this.#boot = bootBoard(parts);
  }

  status(): TargetStatus {
    const { identity, record } = this.#parts;
    const boot = this.#boot;
    const { receiving, counterFloor } = record.state;
    const installed = this.#installed();
    return {
      nodeId: identity.nodeId,
      hardwareId8: hardwareId8(identity),
      revision: identity.revision,
      isBootable: boot.tag === "boot",
      ...(boot.tag === "recovery" ? { failure: boot.reason } : {}),
      ...(installed === undefined ? {} : { installed }),
      ...(receiving === undefined ? {} : { receivingDigest8: shortDigest(receiving.digest) }),
      counterFloor,
    };
  }

  checkManifest(envelope: Uint8Array): ManifestVerdict {
    const verdict = judgeManifest(this.#parts, this.#boot, this.#options, envelope, this.#quarantine);
    if (verdict.tag === "refused") return verdict;
    const { manifest, digest } = verdict;
    if (this.#session === undefined || !equalBytes(this.#session.digest, digest)) {
      this.abandon();
      this.#session = this.#openSession(envelope.slice(), digest, manifest);
    }
    const { size, blockSize, leafCount } = manifest;
    const digest8 = shortDigest(digest);
    return { tag: "accepted", plan: { manifest, digest8, size, blockSize, leafCount } };
  }

  start(): RunOutcome {
    return this.#watch((writer) => writer.start());
  }

  checkRun(node: TreeNode, hashes: Uint8Array): RunOutcome {
    return this.#watch((writer) => writer.checkRun(node, hashes));
  }

  checkUniform(node: TreeNode, byte: number): RunOutcome {
    return this.#watch((writer) => writer.checkUniform(node, byte));
  }

  writeBlock(index: number, bytes: Uint8Array): WriteOutcome {
    const outcome = this.#session?.writer.writeBlock(index, bytes) ?? "failed";
    if (outcome === "failed") this.abandon();
    return outcome;
  }

  commit(): CommitOutcome {
    const session = this.#session;
    const { record, flash } = this.#parts;
    if (session?.writer.isSettled() !== true) return { tag: "not-bootable", reason: "receiving" };
    this.#storeManifest(session);
    const { slot, area, digest } = session;
    const image = verifySlot(this.#parts, { slot, area, digest });
    if (typeof image === "string") {
      this.abandon();
      return { tag: "not-bootable", reason: image };
    }
    session.writer.closeAll();
    this.abandon();
    // The image must be on the disk before the record says that it is installed.
    flash.sync();
    record.append(installedEvent(record.state, { slot, digest, area }, image.manifest));
    flash.sync();
    this.#boot = bootBoard(this.#parts, image);
    if (this.#boot.tag === "recovery") return { tag: "not-bootable", reason: this.#boot.reason };
    return { tag: "bootable", version: this.#boot.image.manifest.version, slot: this.#boot.slot };
  }

  abandon(): void {
    this.#session?.writer.flushClosed();
    this.#session = undefined;
    this.#parts.flash.arm(...this.#parts.flash.map.record);
  }

  takeStart(): number {
    const { record, flash } = this.#parts;
    const starts = record.state.starts + 1;
    if (starts > STARTS_MAX) throw startsUsedUp();
    record.append({ tag: "nonces", starts });
    flash.sync();
    return starts;
  }

  close(): void {
    this.abandon();
    this.#parts.flash.sync();
  }

  #openSession(envelope: Uint8Array, digest: Uint8Array, manifest: Manifest): Session {
    const { flash, record } = this.#parts;
    const { map } = flash;
    const slot = chooseSlot(
      map,
      record.state,
      this.#boot.tag === "boot" ? this.#boot.slot : undefined,
      digest,
    );
    const area = chooseArea(map, record.state);
    const slotRegion = map.slots[slot];
    const areaRegion = map.manifests[area];
    assert(slotRegion !== undefined && areaRegion !== undefined, "the slot and the area exist");
    flash.arm(...map.record, areaRegion, slotRegion);
    const others = map.slots.filter((region) => region !== slotRegion);
    const session: Session = {
      digest,
      slot,
      area,
      envelope,
      writer: new SlotWriter(this.#parts, slotRegion, others, manifest, () => this.#begin(session)),
      isManifestStored: false,
      isBegun: false,
    };
    return session;
  }

  /** Called before the slot changes: makes the record say so, durably (PROTOCOL.md 13.5). */
  #begin(session: Session): void {
    if (session.isBegun) return;
    this.#storeManifest(session);
    const { slot, area, digest } = session;
    const was = this.#parts.record.state.receiving;
    const isSame = was?.slot === slot && was.area === area && equalBytes(was.digest, digest);
    if (!isSame) {
      this.#noteGivenUp(digest);
      this.#parts.record.append({ tag: "receiving", receiving: { slot, area, digest } });
    }
    this.#parts.flash.sync();
    session.isBegun = true;
    const isUntouched = this.#boot.tag === "boot" && this.#boot.slot !== slot;
    if (!isUntouched) this.#boot = { tag: "recovery", reason: "receiving" };
  }

  /**
   * Before a slot is given up: notes the order of the confirmed image in it that boots, for what is offered if the
   * image that is received now never gets complete (PROTOCOL.md 13.5).
   */
  #noteGivenUp(digest: Uint8Array): void {
    const { record, flash } = this.#parts;
    if (flash.map.layout !== "single") return;
    const boot = this.#boot;
    const booting = boot.tag === "boot" ? slotRecord(record.state, boot.slot) : undefined;
    const isRepair = booting !== undefined && equalBytes(booting.digest, digest);
    let order = leastOrder(record.state);
    if (boot.tag === "boot" && booting?.isConfirmed === true && !isRepair) {
      const { sequence, version } = boot.image.manifest;
      order = { sequence, version };
    }
    // What was noted before a cut, and did not come to pass, is forgotten.
    if (!isSameOrder(order, record.state.givenUp)) record.append({ tag: "order", order });
  }

  /** Written again in each session: what an earlier one left may be torn although it reads right. */
  #storeManifest(session: Session): void {
    if (session.isManifestStored) return;
    this.#parts.record.settle();
    writeManifest(this.#parts.flash, session.area, session.envelope);
    session.isManifestStored = true;
  }

  #installed(): TargetStatus["installed"] {
    const boot = this.#boot;
    const { slots } = this.#parts.record.state;
    const booting = slots.find((slot) => boot.tag === "boot" && slot.slot === boot.slot);
    const latest = booting ?? [...slots].sort((a, b) => b.rank - a.rank)[0];
    if (latest === undefined) return undefined;
    const stored = storedManifest(this.#parts, latest);
    if (typeof stored === "string") return undefined;
    const { version, sequence } = stored.manifest;
    return { digest8: shortDigest(latest.digest), version, sequence };
  }

  #watch(step: (writer: SlotWriter) => RunOutcome): RunOutcome {
    const outcome = this.#session === undefined ? ({ tag: "failed" } as const) : step(this.#session.writer);
    if (outcome.tag === "failed") this.abandon();
    return outcome;
  }
}

function startsUsedUp(): FailedError {
  return new FailedError(
    "starts-used-up",
    `The board counted ${STARTS_MAX} starts and has no number left for another one; initialise it again.`,
  );
}
