import { unreachable } from "../src/base/assert.ts";
import { randomBelow, SeededRandom } from "../src/base/prng.ts";
import type { Millis } from "../src/base/units.ts";
import type { EnumCase } from "./enum-case.ts";
import type { Direction, FrameHook, TappedFrame } from "./frame-tap.ts";
import type { SupervisedRescue } from "./supervised-rescue.ts";

const DELAY_MS: Millis = 750;
/** Longer than the lease of 5 s: the session is lost and taken up again. */
const SILENCE_MS: Millis = 6_000;
/** Before another rescuer comes in place of the one that vanished. */
const GAP_MS: Millis = 3_000;
/** A stale frame comes back so long after the restart: into the handshake, the transfer, the end. */
const STALE_AFTER_MS: readonly Millis[] = [5, 60, 400, 900];

type Pass = (bytes: Uint8Array) => void;

/**
 * The hook that carries out one case's fault. `run` need not be complete yet, but for its clock. `half`: frames in half
 * of the session without a fault.
 */
export function hookOf(enumCase: EnumCase, run: SupervisedRescue, half: number): FrameHook {
  const { kind, where, n } = enumCase;
  switch (kind) {
    case "drop":
    case "corrupt":
    case "merge":
    case "duplicate":
    case "truncate":
    case "late":
    case "break":
      return (frame, pass) => {
        if (frame.direction === where && frame.n === n) strike(kind, frame, pass, run);
        else pass(frame.bytes);
      };
    case "delay":
      return stalled(where as Direction, n, run);
    case "deaf":
      return silenced(
        (frame) => frame.direction === where,
        (frame) => frame.n === n,
        run,
      );
    case "cut":
      return silenced(
        () => true,
        (frame) => frame.total === n,
        run,
      );
    case "restart":
      return afterFrame(n, () => run.clock.after(0, () => restart(where, run)));
    case "takeover":
      return afterFrame(n, () => run.clock.after(0, () => takeOver(run)));
    case "stale":
      return stale(where, n, run, half);
    default:
      return unreachable(kind);
  }
}

function strike(
  kind: "drop" | "corrupt" | "merge" | "duplicate" | "truncate" | "late" | "break",
  frame: TappedFrame,
  pass: Pass,
  run: SupervisedRescue,
): void {
  const { bytes, direction } = frame;
  const random = new SeededRandom(frame.n * 2 + (direction === "t2r" ? 0 : 1));
  // Between the delimiters: the fault hits this frame and no other.
  const at = 1 + randomBelow(random, bytes.length - 2);
  switch (kind) {
    case "drop":
      return;
    case "corrupt":
      pass(bytes.map((byte, i) => (i === at ? byte ^ (1 << randomBelow(random, 8)) : byte)));
      return;
    case "merge":
      pass(bytes.with(bytes.length - 1, 1 << randomBelow(random, 8)));
      return;
    case "duplicate":
      pass(bytes);
      pass(bytes);
      return;
    case "truncate":
      pass(bytes.subarray(0, at));
      pass(Uint8Array.of(0));
      return;
    case "late":
      run.clock.after(DELAY_MS, () => pass(bytes));
      return;
    case "break":
      pass(bytes.subarray(0, at));
      run.clock.after(0, () => restart(direction === "t2r" ? "target" : "rescuer", run));
      return;
    default:
      unreachable(kind);
  }
}

function stalled(direction: Direction, n: number, run: SupervisedRescue): FrameHook {
  let until: Millis = Number.NEGATIVE_INFINITY;
  return (frame, pass) => {
    const now = run.clock.now();
    if (frame.direction === direction && frame.n === n) until = now + DELAY_MS;
    if (frame.direction === direction && now < until) run.clock.after(until - now, () => pass(frame.bytes));
    else pass(frame.bytes);
  };
}

function silenced(
  isHit: (frame: TappedFrame) => boolean,
  isFirst: (frame: TappedFrame) => boolean,
  run: SupervisedRescue,
): FrameHook {
  let until: Millis = Number.NEGATIVE_INFINITY;
  return (frame, pass) => {
    if (!isHit(frame)) {
      pass(frame.bytes);
      return;
    }
    if (isFirst(frame)) until = run.clock.now() + SILENCE_MS;
    if (run.clock.now() >= until) pass(frame.bytes);
  };
}

function afterFrame(n: number, act: () => void): FrameHook {
  return (frame, pass) => {
    pass(frame.bytes);
    if (frame.total === n) act();
  };
}

function restart(side: EnumCase["where"], run: SupervisedRescue): void {
  if (side === "target") run.restartTarget();
  else run.restartRescuer(run.rescue.rescuerId);
}

function takeOver(run: SupervisedRescue): void {
  run.rescue.stopRescuer();
  run.clock.after(GAP_MS, () => run.restartRescuer(undefined));
}

/** Records the session up to its half, restarts the side, and puts the n-th frame of then on the wire again. */
function stale(side: EnumCase["where"], n: number, run: SupervisedRescue, half: number): FrameHook {
  let old: { bytes: Uint8Array; pass: Pass } | undefined;
  return (frame, pass) => {
    pass(frame.bytes);
    if (frame.total === n) old = { bytes: frame.bytes, pass };
    if (frame.total !== half) return;
    run.clock.after(0, () => restart(side, run));
    for (const after of STALE_AFTER_MS) run.clock.after(after, () => old?.pass(old.bytes));
  };
}
