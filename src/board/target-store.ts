import { assert } from "../base/assert.ts";
import { equalBytes } from "../base/bytes.ts";
import { FailedError } from "../base/errors.ts";
import type { BootFailure, RefusalReason } from "../base/refusal.ts";
import type { RunOutcome, TreeNode } from "../base/tree-shape.ts";
import type { Manifest } from "../image/manifest.ts";
import { shortDigest } from "../image/manifest.ts";
import type { Version } from "../image/version.ts";
import { judgeManifest, type StoreOptions } from "./admission.ts";
import { areSlotsBlank } from "./blank-slots.ts";
import { type BoardParts, hardwareId8 } from "./board-parts.ts";
import { type BootOutcome, bootBoard, verifySlot } from "./boot.ts";
import { noteGivenUp } from "./given-up.ts";
import { installedEvent } from "./installed-slot.ts";
import { type LatestImage, LatestImageReader } from "./latest-image.ts";
import { Quarantine } from "./quarantine.ts";
import { chooseArea, chooseSlot } from "./slot-choice.ts";
import { SlotWriter, type WriteOutcome } from "./slot-writer.ts";
import { closeManifest, storeManifest } from "./stored-manifest.ts";

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
  /** The session that was abandoned last, after it had begun to write, as long as nothing else was written. */
  #left: Session | undefined;
  readonly #latest: LatestImageReader;
  #wasBlank: boolean | undefined;

  constructor(parts: BoardParts, options: StoreOptions = {}) {
    parts.record.repair();
    this.#parts = parts;
    this.#options = options;
    this.#latest = new LatestImageReader(parts);
    this.#boot = bootBoard(parts);
  }

  status(): TargetStatus {
    const { identity, record } = this.#parts;
    const boot = this.#boot;
    const { receiving, counterFloor } = record.state;
    const latest = this.#latest.read(boot);
    return {
      nodeId: identity.nodeId,
      hardwareId8: hardwareId8(identity),
      revision: identity.revision,
      isBootable: boot.tag === "boot",
      ...(boot.tag === "recovery" ? { failure: boot.reason } : {}),
      ...(latest === undefined ? {} : { installed: installedOf(latest) }),
      ...(receiving === undefined ? {} : { receivingDigest8: shortDigest(receiving.digest) }),
      counterFloor,
    };
  }

  isBlank(): boolean {
    // Once something was written, the record says so.
    this.#wasBlank ??= areSlotsBlank(this.#parts);
    const { slots, receiving } = this.#parts.record.state;
    return this.#wasBlank && receiving === undefined && slots.length === 0;
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
    if (outcome === "failed") this.#drop();
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
      this.#drop();
      return { tag: "not-bootable", reason: image };
    }
    session.writer.closeAll();
    closeManifest(this.#parts, area);
    this.#drop();
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
    if (this.#session?.isBegun === true) this.#left = this.#session;
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

  /** Ends the session, of which nothing is known any more that the flash does not say. */
  #drop(): void {
    this.abandon();
    this.#left = undefined;
  }

  #openSession(envelope: Uint8Array, digest: Uint8Array, manifest: Manifest): Session {
    const { flash, record } = this.#parts;
    const { map } = flash;
    const booting = this.#boot.tag === "boot" ? this.#boot.slot : undefined;
    const slot = chooseSlot(map, record.state, booting, digest);
    const area = chooseArea(map, record.state);
    const slotRegion = map.slots[slot];
    assert(slotRegion !== undefined && area < map.areaCount, "the slot and the area exist");
    // The sector of the area, unless it lies in the record's.
    flash.arm(...map.record, ...map.manifests.slice(area, area + 1), slotRegion);
    const left = this.#left;
    if (left?.slot === slot && left.area === area && equalBytes(left.digest, digest)) return left;
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
    this.#left = undefined;
    this.#storeManifest(session);
    const { slot, area, digest } = session;
    const { record, flash } = this.#parts;
    const was = record.state.receiving;
    const isSame = was?.slot === slot && was.area === area && equalBytes(was.digest, digest);
    if (!isSame) {
      noteGivenUp(this.#parts, this.#boot);
      record.append({ tag: "receiving", receiving: { slot, area, digest } });
    }
    closeManifest(this.#parts, area);
    flash.sync();
    session.isBegun = true;
    const isUntouched = this.#boot.tag === "boot" && this.#boot.slot !== slot;
    if (!isUntouched) this.#boot = { tag: "recovery", reason: "receiving" };
  }

  #storeManifest(session: Session): void {
    if (session.isManifestStored) return;
    storeManifest(this.#parts, session, session.envelope);
    session.isManifestStored = true;
  }

  #watch(step: (writer: SlotWriter) => RunOutcome): RunOutcome {
    const outcome = this.#session === undefined ? ({ tag: "failed" } as const) : step(this.#session.writer);
    if (outcome.tag === "failed") this.#drop();
    return outcome;
  }
}

function installedOf({ digest, manifest }: LatestImage): NonNullable<TargetStatus["installed"]> {
  return { digest8: shortDigest(digest), version: manifest.version, sequence: manifest.sequence };
}

function startsUsedUp(): FailedError {
  return new FailedError(
    "starts-used-up",
    `The board counted ${STARTS_MAX} starts and has no number left for another one; initialise it again.`,
  );
}
