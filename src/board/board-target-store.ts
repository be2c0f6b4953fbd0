import { equalBytes } from "../base/bytes.ts";
import { FailedError } from "../base/errors.ts";
import type { RunOutcome, TreeNode } from "../base/tree-shape.ts";
import type { BootMoment } from "../flash/record/boot-decision.ts";
import type { GrowingImage, ImageSource } from "../image/image-source.ts";
import { shortDigest } from "../image/manifest.ts";
import { judgeManifest, type StoreOptions } from "./admission.ts";
import { areSlotsBlank } from "./blank-slots.ts";
import { type BoardParts, hardwareId8 } from "./board-parts.ts";
import {
  attemptBoot,
  type BootOutcome,
  bootBoard,
  confirmBoot,
  type VerifiedImage,
  verifySlot,
} from "./boot.ts";
import { installedEvent } from "./installed-slot.ts";
import { type LatestImage, LatestImageReader } from "./latest-image.ts";
import { Quarantine } from "./quarantine.ts";
import { armPlace, type IncomingImage, ReceivingSession } from "./receiving-session.ts";
import type { AcceptedUpdates, RunningBoard } from "./running-board.ts";
import { ownSource } from "./slot-source.ts";
import type { SlotWriter, WriteOutcome } from "./slot-writer.ts";
import { closeManifest } from "./stored-manifest.ts";
import type { CommitOutcome, ManifestVerdict, TargetStatus } from "./target-store.ts";

/** Most starts that are counted: the counter is a u32. */
const STARTS_MAX = 0xffff_ffff;

/** The image to hand on, as of a boot decision. */
interface OwnSource {
  readonly boot: BootOutcome;
  readonly source: ImageSource | undefined;
}

/** A board as a target, over any flash, and what it does beside that while it runs. No other program may use the board. */
export class BoardTargetStore implements RunningBoard {
  readonly #parts: BoardParts;
  readonly #quarantine: Quarantine = new Quarantine();
  readonly #latest: LatestImageReader;
  readonly #hardwareId8: Uint8Array;
  #options: StoreOptions;
  #boot: BootOutcome;
  /** From the first attempt on the image that boots runs: its last trial boot is counted already. */
  #moment: BootMoment = "start";
  /** Verified when the boot decision was taken, and neither started nor confirmed since. */
  #unused: VerifiedImage | undefined;
  #session: ReceivingSession | undefined;
  /** The session that was abandoned last, after it had begun to write, as long as nothing else was written. */
  #left: ReceivingSession | undefined;
  #own: OwnSource | undefined;
  #wasBlank: boolean | undefined;

  constructor(parts: BoardParts, options: StoreOptions = {}) {
    parts.record.repair();
    this.#parts = parts;
    this.#hardwareId8 = hardwareId8(parts.identity);
    this.#options = options;
    this.#latest = new LatestImageReader(parts);
    this.#boot = bootBoard(parts);
    this.#unused = imageOf(this.#boot);
  }

  status(): TargetStatus {
    const { identity, record, flash } = this.#parts;
    const boot = this.#boot;
    const { receiving, counterFloor, failedConfirms } = record.state;
    const latest = this.#latest.read(boot);
    return {
      nodeId: identity.nodeId,
      hardwareId8: this.#hardwareId8,
      hardware: identity.hardware,
      revision: identity.revision,
      isBootable: boot.tag === "boot",
      ...(boot.tag === "recovery" ? { failure: boot.reason } : {}),
      isTrial: boot.tag === "boot" && boot.isTrial,
      layout: flash.map.layout,
      ...(latest === undefined ? {} : { installed: installedOf(latest) }),
      ...(receiving === undefined ? {} : { receivingDigest8: shortDigest(receiving.digest) }),
      counterFloor,
      failedConfirms,
    };
  }

  isBlank(): boolean {
    // Once something was written, the record says so.
    this.#wasBlank ??= areSlotsBlank(this.#parts);
    const { slots, receiving } = this.#parts.record.state;
    return this.#wasBlank && receiving === undefined && slots.length === 0;
  }

  setPolicy(policy: AcceptedUpdates): void {
    this.#options = { ...this.#options, ...policy };
  }

  attempt(): BootOutcome {
    this.abandon();
    this.#boot = attemptBoot(this.#parts, this.#takeUnused());
    this.#moment = "running";
    this.#parts.flash.sync();
    return this.#boot;
  }

  confirm(): BootOutcome {
    // Also when nothing can be confirmed, the status says what was seen.
    this.#boot = bootBoard(this.#parts, this.#takeUnused(), "running");
    const image = confirmBoot(this.#parts, imageOf(this.#boot));
    this.#boot = { tag: "boot", slot: image.slot, isTrial: false, image };
    this.#parts.flash.sync();
    return this.#boot;
  }

  reverify(): BootOutcome {
    this.#drop();
    this.#boot = bootBoard(this.#parts, undefined, this.#moment);
    this.#unused = imageOf(this.#boot);
    return this.#boot;
  }

  ownSource(): ImageSource | undefined {
    const boot = this.#boot;
    if (this.#own?.boot !== boot) this.#own = { boot, source: ownSource(this.#parts, boot) };
    return this.#own.source;
  }

  receivedImage(): GrowingImage | undefined {
    return this.#session?.image;
  }

  checkManifest(envelope: Uint8Array): ManifestVerdict {
    const verdict = judgeManifest(this.#parts, this.#boot, this.#options, envelope, this.#quarantine);
    if (verdict.tag === "refused") return verdict;
    const { manifest, digest } = verdict;
    if (this.#session === undefined || !equalBytes(this.#session.digest, digest)) {
      this.abandon();
      this.#session = this.#openSession({ envelope: envelope.slice(), digest, manifest });
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

  readHeld(index: number): Uint8Array | undefined {
    return this.#session?.writer.readHeld(index);
  }

  commit(): CommitOutcome {
    const session = this.#session;
    const { record, flash } = this.#parts;
    if (session?.writer.isSettled() !== true) return { tag: "not-bootable", reason: "receiving" };
    session.storeManifest();
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
    record.append(
      installedEvent(record.state, { slot, digest, area }, image.manifest, this.#options.triesAll === true),
    );
    flash.sync();
    this.#boot = bootBoard(this.#parts, image);
    this.#unused = imageOf(this.#boot);
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

  #openSession(image: IncomingImage): ReceivingSession {
    const place = armPlace(this.#parts, this.#boot, image.digest);
    if (this.#left?.isOf(place, image.digest) === true) return this.#left;
    const session = new ReceivingSession(this.#parts, image, place, () => this.#begin(session));
    return session;
  }

  #begin(session: ReceivingSession): void {
    if (session.isBegun) return;
    this.#left = undefined;
    session.begin(this.#boot);
    const isUntouched = this.#boot.tag === "boot" && this.#boot.slot !== session.slot;
    if (!isUntouched) this.#boot = { tag: "recovery", reason: "receiving" };
  }

  /** The image that need not be verified again: from then on it may have changed. */
  #takeUnused(): VerifiedImage | undefined {
    const image = this.#unused;
    this.#unused = undefined;
    return image;
  }

  #watch(step: (writer: SlotWriter) => RunOutcome): RunOutcome {
    const outcome = this.#session === undefined ? ({ tag: "failed" } as const) : step(this.#session.writer);
    if (outcome.tag === "failed") this.#drop();
    return outcome;
  }
}

function imageOf(boot: BootOutcome): VerifiedImage | undefined {
  return boot.tag === "boot" ? boot.image : undefined;
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
