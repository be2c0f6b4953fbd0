import type { Millis } from "../src/base/units.ts";
import { VirtualClock } from "../src/base/virtual-clock.ts";
import type { FaultOptions } from "../src/sim/wires/transport-faults.ts";
import { VirtualRescue } from "../test/support/virtual-rescue.ts";
import { wrappedTransport } from "../test/support/wrapped-transport.ts";

/** A line whose goodput is measured in virtual time: what the protocol allows where software takes none. */
export interface GoodputLine {
  readonly name: string;
  /** Of the image, in bytes. */
  readonly size: number;
  /** In bits per second. */
  readonly baud: number;
  /** One way. */
  readonly latencyMs: Millis;
  readonly faults: Omit<FaultOptions, "seed" | "clock">;
}

const KIB = 1024;
const plain: GoodputLine = { name: "clean", size: 256 * KIB, baud: 921_600, latencyMs: 1, faults: {} };
/** A transfer that has not ended by then in virtual time hangs. */
const LIMIT_MS: Millis = 600_000;
/** The two seconds without a line begin when about half of the image was sent. */
const CUT = { atMs: 1_500, durationMs: 2_000 };

const withErrors = (ber: number, name: string): GoodputLine => ({ ...plain, name, faults: { ber } });

/** The lines of the figures in docs/testing.md, "Goodput". */
export const GOODPUT_LINES: readonly GoodputLine[] = [
  plain,
  { ...plain, name: "16 ms each way", latencyMs: 16 },
  { ...plain, name: "115200", size: 64 * KIB, baud: 115_200 },
  { ...plain, name: "3 Mbaud", size: 512 * KIB, baud: 3_000_000 },
  withErrors(1e-5, "bit errors 1e-5"),
  withErrors(3e-5, "bit errors 3e-5"),
  withErrors(1e-4, "bit errors 1e-4"),
  withErrors(3e-4, "bit errors 3e-4"),
  withErrors(1e-3, "bit errors 1e-3"),
  withErrors(3e-3, "bit errors 3e-3"),
  { ...plain, name: "16 ms, bit errors 1e-5", latencyMs: 16, faults: { ber: 1e-5 } },
  { ...plain, name: "byte loss 1e-4", faults: { drop: 1e-4 } },
  { ...plain, name: "bursts", faults: { burst: { probability: 1e-5, bytes: 50 } } },
  { ...plain, name: "2 s cut", faults: { cuts: [CUT] } },
];

/** One transfer, measured. */
export interface Goodput {
  /** Line time of the image, over the time from the rescuer's first byte on the line to the last byte either way. */
  readonly share: number;
  /** Of the rescuer's frames, those in the second form. */
  readonly codedShare: number;
  /** Bytes of the rescuer, and of the target since the rescuer's first one. */
  readonly fromRescuer: number;
  readonly fromTarget: number;
}

/**
 * Runs one transfer; the same seed gives the same figure. `isHunting`: both ends hear the second form (PROTOCOL.md 2.5). Throws when
 * it does not end, or the flash is not the image.
 */
export function goodputOf(line: GoodputLine, seed: number, isHunting: boolean): Goodput {
  const { size, baud, latencyMs, faults } = line;
  const sent = [0, 0];
  const freeAt = [0, 0];
  let beganAt: Millis | undefined;
  const clock = new VirtualClock();
  const rescue = new VirtualRescue({
    ...{ clock, seed, size, baud, latencyMs, faults, hunting: [isHunting, isHunting] as const },
    wrap: (wire, end) =>
      wrappedTransport(wire, {
        write: (bytes) => {
          const now = clock.now();
          if (end === 1) beganAt ??= now;
          if (beganAt !== undefined) sent[end] = (sent[end] ?? 0) + bytes.length;
          freeAt[end] = Math.max(now, freeAt[end] ?? 0) + (bytes.length * 10_000) / baud;
          return wire.write(bytes);
        },
      }),
  });
  const isWhole = rescue.run(LIMIT_MS) && rescue.flashed.every((byte, i) => byte === rescue.data[i]);
  if (!isWhole || beganAt === undefined) throw new Error(`${line.name}, seed ${seed}: not healed`);
  const span = Math.max(...freeAt) - beganAt;
  const { codedFramesSent, framesSent } = rescue.rescuerEnd.counters;
  return {
    codedShare: codedFramesSent / framesSent,
    share: (size * 10_000) / baud / span,
    fromRescuer: sent[1] ?? 0,
    fromTarget: sent[0] ?? 0,
  };
}

/** All transfers over one line; at least one of each. */
export interface GoodputRow {
  readonly line: GoodputLine;
  readonly both: readonly Goodput[];
  readonly cobsAlone: readonly Goodput[];
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** Median and worst share. */
function sharesOf(results: readonly Goodput[]): [string, string] {
  const shares = results.map(({ share }) => share);
  return [middle(shares).toFixed(3), Math.min(...shares).toFixed(3)];
}

/** The rows as a table in Markdown: shares with three digits; bytes are medians with both forms. */
export function goodputTable(rows: readonly GoodputRow[]): string {
  const lines = rows.map(({ line, both, cobsAlone }) => {
    const figures = [
      ...sharesOf(both),
      middle(both.map((r) => r.codedShare)).toFixed(2),
      ...sharesOf(cobsAlone),
    ];
    const bytes = [both.map((r) => r.fromRescuer), both.map((r) => r.fromTarget)].map(middle);
    return `| ${[line.name, line.size / KIB, ...figures, ...bytes].join(" | ")} |`;
  });
  return [
    "| line | image, KiB | share of the line, median | worst | frames in the second form | COBS alone, median | worst | bytes of the rescuer | of the target |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ...lines,
    "",
  ].join("\n");
}
