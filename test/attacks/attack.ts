import { SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { VirtualRescue, type VirtualRescueOptions } from "../support/virtual-rescue.ts";
import { Attacker } from "./attacker.ts";
import { SharedWire } from "./shared-wire.ts";

/** A scripted attacker, and the row of the table in docs/SECURITY.md that it stands for. */
export interface Attack {
  readonly attack: string;
  /** Names in TUF's list of attacks and in RFC 9124. */
  readonly ids: string;
  readonly happens: string;
  /** Plays it and fails unless all goes as it should; gives the reason, exit code or bound that was seen. */
  readonly play: () => Promise<string> | string;
}

export const BAUD = 115_200;
/** Seeds that a figure is the worst of. */
export const SEEDS = 10;
/** An attacker is nearer than everybody else. */
const NEAR_MS: Millis = 0;
const FAR_MS: Millis = 3;

/** A target, an honest rescuer, and an attacker on one wire, in virtual time. */
export interface Contest {
  readonly clock: VirtualClock;
  readonly wire: SharedWire;
  readonly attacker: Attacker;
  readonly rescue: VirtualRescue;
}

/** `script` sets the attacker up before the others start. */
export function contest(
  seed: number,
  script: (attacker: Attacker) => void,
  options: Partial<VirtualRescueOptions> = {},
): Contest {
  const clock = new VirtualClock();
  const wire = new SharedWire(clock, options.baud ?? BAUD);
  const attacker = new Attacker(clock, new SeededRandom(seed + 1000), wire.end(NEAR_MS));
  script(attacker);
  const rescue = new VirtualRescue({
    seed,
    size: 16_384,
    blockSize: 1024,
    clock,
    makeEnd: () => wire.end(FAR_MS),
    ...options,
  });
  return { clock, wire, attacker, rescue };
}

/** The board boots, byte for byte, what it should, and within the limit; when it did. */
export function healedAt({ clock, rescue }: Contest, limitMs: Millis): Millis {
  const isHealed = rescue.run(limitMs, () => rescue.hasEvent("finished"));
  if (!isHealed) throw new Error(`not healed within ${limitMs / 1000} s`);
  if (rescue.board.boot().tag !== "boot") throw new Error("healed, but does not boot");
  if (Buffer.compare(rescue.flashed, rescue.data) !== 0) throw new Error("boots something else");
  return clock.now();
}

/** The worst of some seeds. */
export function worst(play: (seed: number) => number): number {
  return Math.max(...Array.from({ length: SEEDS }, (_, seed) => play(seed)));
}

export function seconds(ms: Millis): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
