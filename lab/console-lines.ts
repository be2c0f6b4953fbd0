import { randomBelow, randomChance, SeededRandom } from "../src/base/prng.ts";
import type { FrameHook } from "./frame-tap.ts";
import { type RunResult, SupervisedRescue } from "./supervised-rescue.ts";

/** What became of a transfer with text written into its line. */
export interface ConsoleResult extends RunResult {
  /** Lines written into the line, whole and in one piece. */
  readonly lines: number;
  /** Of these inside a frame, which is lost with it. */
  readonly splices: number;
  /** Lines that came out of the console channel, whole. */
  readonly heard: number;
  /** Frames that were sent and never understood. */
  readonly framesLost: number;
}

/** Chance that a frame sent by the target, whose console it is, meets text, and that one sent by the rescuer does. */
const SHARE = { t2r: 0.9, r2t: 0.03 } as const;
/** Of the texts that a frame meets, those inside of it; the others come before it. */
const INSIDE_SHARE = 0.3;
/** Lines written at once before a frame; their text stays below what fits between two delimiters. */
const LINES_AT_ONCE = 30;

const SUBSYSTEMS = [
  "usb 1-1",
  "random",
  "systemd[1]",
  "EXT4-fs (mmcblk0p2)",
  "brcmfmac",
  "i2c i2c-1",
] as const;
const SAYINGS = [
  "new high-speed device",
  "crng init done",
  "Started Journal Service.",
  "re-mounted",
  "timeout",
] as const;

/** The n-th line of a kernel log that never was. Each is different, so that it can be found again. */
export function kernelLine(n: number): string {
  const random = new SeededRandom(n);
  const time = (n * 0.001234 + 1).toFixed(6).padStart(12);
  const subsystem = SUBSYSTEMS[randomBelow(random, SUBSYSTEMS.length)];
  return `[${time}] ${subsystem}: ${SAYINGS[randomBelow(random, SAYINGS.length)]} (${n})\r\n`;
}

/** A transfer of `size` bytes at 921600 baud, until about `linesMax` lines were written into it. */
export function runConsole(seed: number, size: number, linesMax: number): ConsoleResult {
  let lines = 0;
  let splices = 0;
  const encoder = new TextEncoder();
  const random = new SeededRandom(seed ^ 0x6c6f67);
  const hook: FrameHook = (frame, pass) => {
    const { bytes, direction } = frame;
    if (lines >= linesMax || !randomChance(random, SHARE[direction])) {
      pass(bytes);
    } else if (randomChance(random, INSIDE_SHARE)) {
      const at = 1 + randomBelow(random, bytes.length - 2);
      pass(bytes.subarray(0, at));
      pass(encoder.encode(kernelLine(lines++)));
      pass(bytes.subarray(at));
      splices++;
    } else {
      const count = 1 + randomBelow(random, LINES_AT_ONCE);
      for (let i = 0; i < count; i++) pass(encoder.encode(kernelLine(lines++)));
      pass(bytes[0] === 0 ? bytes : Uint8Array.of(0, ...bytes));
    }
  };
  const run = new SupervisedRescue({ seed, size, baud: 921_600 }, () => hook);
  const result = run.run();
  const { targetEnd: target, rescuerEnd: rescuer, targetEvents, rescuerEvents } = run.rescue;
  const heard = new Set<string>();
  for (const event of [...targetEvents, ...rescuerEvents]) {
    if (event.tag === "console") for (const [, n = ""] of event.text.matchAll(WHOLE_LINE)) heard.add(n);
  }
  const framesSent = target.counters.framesSent + rescuer.counters.framesSent;
  const framesReceived = target.counters.framesReceived + rescuer.counters.framesReceived;
  const whole = Array.from({ length: lines }, (_, n) => n).filter((n) => heard.has(kernelLine(n)));
  return { ...result, lines, splices, heard: whole.length, framesLost: framesSent - framesReceived };
}

/** From the time stamp to the line's end. */
const WHOLE_LINE = /(\[ *\d+\.\d{6}\] [ -~]*\r\n)/g;
