import type { GrowingImage, ImageSource } from "../image/image-source.ts";
import type { StoreOptions } from "./admission.ts";
import type { BootOutcome } from "./boot.ts";
import type { TargetStore } from "./target-store.ts";

/** Which newer images a board that boots accepts, and whether all are on trial first. */
export type AcceptedUpdates = Pick<StoreOptions, "allowUpdate" | "allowSingleUpdate" | "triesAll">;

/**
 * A board in a program that runs for long: beside receiving images it starts and confirms them, and hands on its own. What
 * changes the boot decision here shows at once in `status` and in what is accepted.
 */
export interface RunningBoard extends TargetStore {
  /** Sets what is given, for manifests that are offered from now on; a transfer that was accepted continues. */
  setPolicy(policy: AcceptedUpdates): void;
  /**
   * Takes the boot decision as a boot loader does, which counts a trial boot (PROTOCOL.md 13.4), and returns when that is
   * durable. Abandons an open session. The image that was verified last is not hashed again, once: {@link reverify}
   * first where that was long ago.
   */
  attempt(): BootOutcome;
  /**
   * Confirms the image that boots, also in its last trial boot, and returns when that is durable. Idempotent. Hashes it,
   * unless it was just verified. NotBootableError `board-not-bootable` when nothing boots, which the status then says.
   */
  confirm(): BootOutcome;
  /**
   * Takes the boot decision again from what the flash holds now, and changes nothing in it. For a board whose flash may
   * have been damaged while it runs. Ends an open session, which resumes from the flash.
   */
  reverify(): BootOutcome;
  /**
   * The image to hand on: the one that boots, once it is confirmed; undefined otherwise. FailedError `slot-manifest` when
   * its manifest cannot be read.
   */
  ownSource(): ImageSource | undefined;
  /**
   * The image whose manifest was accepted and that is being received, for neighbours that do not boot: what of it is there
   * and verified. It can be read after its session, too. Undefined while none is received.
   */
  receivedImage(): GrowingImage | undefined;
}
