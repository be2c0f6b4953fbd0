import type { Random } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import type { Frame } from "../../src/wire/messages.ts";
import type { FrameContext } from "../fuzz/random-frame.ts";
import type { Setup, Specimen } from "./specimens.ts";

/** A frame on its way: fields to encode, or bytes that only need another CRC. */
export interface Outgoing {
  readonly frame: Frame | Uint8Array;
  /** Held back for so long; younger frames overtake it. */
  readonly afterMs?: Millis;
}

/** What an attacker between the two knows. */
export interface AttackView {
  readonly random: Random;
  readonly setup: Setup;
  /** The other image of this attack. */
  readonly decoy: Specimen;
  /** Rescuer to target, or back. */
  readonly isToTarget: boolean;
  /** Frames that went this way before, the youngest last. */
  readonly past: readonly Frame[];
  /** Nonces, ids and digests that were seen. */
  readonly context: FrameContext;
}

/** What is sent in place of a frame; undefined when the frame is of no interest to this mutation. */
export type Mutation = (frame: Frame, view: AttackView) => readonly Outgoing[] | undefined;
