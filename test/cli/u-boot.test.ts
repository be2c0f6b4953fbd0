import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeCobs } from "../../src/wire/cobs.ts";
import { AnnounceType, PROTOCOL_VERSION } from "../../src/wire/constants.ts";
import { FrameHunter } from "../../src/wire/fec/frame-hunter.ts";
import { encodeMessage } from "../../src/wire/frame.ts";
import { SwitchedLine } from "../support/switched-line.ts";
import { COUNTDOWN, PROMPT, UBoot } from "../support/u-boot.ts";
import { type LineNode, NodesOnLines } from "./nodes-on-lines.ts";

/*
 * A rescuer on the console of a board with a real U-Boot, which takes any byte in its countdown for a wish to stop it, and
 * any byte at its prompt for a command. Whatever the rescuer does, U-Boot must do what it does alone.
 *
 * The emulated processors run in real time, and never sleep: two at once, on the two cores of the reference machine.
 */

const BOARDS_MAX = 2;
/** Tests wait for one another. */
const LIMIT_MS = 240_000;
const RESCUE_LIMIT_MS = 120_000;
/** Takes 3.6 s of line: the last reset comes after 2.4 s. */
const IMAGE_BYTES = 40_000;
/** So long U-Boot is watched at its prompt. */
const WATCH_MS = 2000;
/** Longer than the silence that ends a session, 20 s. */
const LONG_WATCH_MS = 25_000;
/** First byte of a busy frame. */
const BUSY_HEADER = encodeMessage({ tag: "busy", forMs: 0 }, 1)[0];
/** From the last byte of a board that is reset to the first of its U-Boot. */
const RESET_MS = 1500;

let nodes: NodesOnLines;
/** What U-Boot writes when nobody is at the other end. */
let alone: string;
/** Starts that were meant for the countdown, and fell into it. */
let startsInCountdown = 0;
const lines: SwitchedLine[] = [];
const free: SwitchedLine[] = [];
const waiting: (() => void)[] = [];

beforeAll(async () => {
  nodes = await NodesOnLines.open(RESCUE_LIMIT_MS, IMAGE_BYTES);
  for (let made = 0; made < BOARDS_MAX; made++) lines.push(await SwitchedLine.open());
  free.push(...lines);
  const board = await UBoot.make();
  (await board.powerOn()).resume();
  expect(await board.wrote(PROMPT)).toBe(true);
  alone = board.log;
  await board.close();
});
afterAll(async () => {
  for (const line of lines) await line.close();
  await nodes.close();
});

/** Runs `use` with a line of its own, as soon as one is free. */
async function withLine<Result>(use: (line: SwitchedLine) => Promise<Result>): Promise<Result> {
  if (free.length === 0) await new Promise<void>((resolve) => waiting.push(resolve));
  const line = free.pop();
  if (line === undefined) throw new Error("woken without a line");
  try {
    return await use(line);
  } finally {
    line.unplug();
    free.push(line);
    waiting.shift()?.();
  }
}

/**
 * A board with a mayday target on `line`, until `isReset` resolves, which begins before the target does. It falls silent in the
 * middle of whatever it is doing.
 */
async function untilReset(
  line: SwitchedLine,
  rescuer: LineNode,
  isReset: (rescuer: LineNode, line: SwitchedLine) => Promise<void>,
): Promise<void> {
  const reset = isReset(rescuer, line);
  const target = await nodes.plugTarget(line);
  await reset;
  line.unplug();
  await target.kill();
}

/** A line, and a board with U-Boot that is plugged in when it is switched on. */
interface Console {
  readonly line: SwitchedLine;
  readonly board: UBoot;
  powerOn(): Promise<void>;
}

/**
 * Plays a start of a rescuer, which `start` gives back when U-Boot is on, and watches U-Boot until it has been at its
 * prompt for `watchMs`: it must have done what it does alone.
 */
function expectUndisturbed(
  start: (console: Console) => Promise<LineNode>,
  watchMs = WATCH_MS,
): Promise<void> {
  return withLine(async (line) => {
    const board = await UBoot.make();
    try {
      const powerOn = async (): Promise<void> => line.plug(await board.powerOn());
      const rescuer = await start({ line, board, powerOn });
      await board.wrote(PROMPT);
      await sleep(watchMs);
      await rescuer.kill();
      expect(outcomeOf(board.log, line.typed)).toEqual(outcomeOf(alone, ""));
    } finally {
      line.unplug();
      await board.close();
    }
  });
}

/** What U-Boot wrote, and how many bytes reached it. */
function outcomeOf(output: string, typed: string) {
  return {
    hasCountedDown: output.includes(COUNTDOWN.over),
    output: printable(output),
    typedBytes: typed.length,
  };
}

/** Text as it is, and of all else its code: what was typed into U-Boot is shown when a test fails. */
function printable(output: string): string {
  return output.replaceAll(/[^\n -~]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

describe.concurrent("a rescuer at the console of a board with U-Boot", { timeout: LIMIT_MS }, () => {
  it.each([0, 300, 1000, 2000])("lets it boot, started %i ms before the board", async (earlierMs) => {
    await expectUndisturbed(async ({ line, powerOn }) => {
      const rescuer = await nodes.rescuer(line.path);
      await sleep(earlierMs);
      await powerOn();
      return rescuer;
    });
  });

  // A process needs some tenths of a second from here until it has opened its port.
  it.each([
    ["the countdown begins", COUNTDOWN.begins, 0],
    ["the countdown begins", COUNTDOWN.begins, 300],
    ["the countdown begins", COUNTDOWN.begins, 600],
    ["one second is left", COUNTDOWN.atOne, 0],
    ["one second is left", COUNTDOWN.atOne, 200],
  ])("lets it boot, started when %s (%j, and %i ms)", async (_when, text, laterMs) => {
    await expectUndisturbed(async ({ line, board, powerOn }) => {
      await powerOn();
      await board.wrote(text);
      await sleep(laterMs);
      const rescuer = await nodes.rescuer(line.path);
      if (!board.log.includes(COUNTDOWN.over)) startsInCountdown++;
      return rescuer;
    });
  });

  it.each([0, 1000, 10_000])("types nothing at its prompt, watched for %i ms more", async (longerMs) => {
    await expectUndisturbed(async ({ line, board, powerOn }) => {
      await powerOn();
      await board.wrote(PROMPT);
      return nodes.rescuer(line.path);
    }, WATCH_MS + longerMs);
  });

  const isHealed = ({ run }: LineNode): Promise<void> => run.saw(/"event":"healed"/);

  it.each<[string, (rescuer: LineNode, line: SwitchedLine) => Promise<void>, number]>([
    ["1.2 s into its session", inSession(1200), LONG_WATCH_MS],
    ["as it offers", inSession(0), WATCH_MS],
    ["50 ms into its session", inSession(50), WATCH_MS],
    ["0.7 s into its session", inSession(700), WATCH_MS],
    ["2.4 s into its session", inSession(2400), WATCH_MS],
    ["as it had accepted", (_, line) => line.unpluggedAfter(said(isAccept)), WATCH_MS],
    ["as it was busy with its last block", (_, line) => line.unpluggedAfter(said(isBusy)), WATCH_MS],
    ["as it has healed the board", isHealed, WATCH_MS],
  ])("lets it boot after a reset %s", async (_when, isReset, watchMs) => {
    await expectUndisturbed(async ({ line, powerOn }) => {
      const rescuer = await nodes.rescuer(line.path);
      await untilReset(line, rescuer, isReset);
      await sleep(RESET_MS);
      await powerOn();
      return rescuer;
    }, watchMs);
  });
});

function inSession(forMs: number): (rescuer: LineNode) => Promise<void> {
  return async ({ run }) => {
    await run.saw(/"event":"offer"/);
    await sleep(forMs);
  };
}

const isAccept = (frame: Uint8Array): boolean =>
  (frame[0] ?? 0) === PROTOCOL_VERSION << 4 && frame[1] === AnnounceType.accept;
/** It may be silent for 10 s. */
const isBusy = (frame: Uint8Array): boolean => frame[0] === BUSY_HEADER;

/** How much a target has said when it says the first such frame, in either form. */
function said(isFrame: (frame: Uint8Array) => boolean): (said: string) => number | undefined {
  return (text) => {
    const coded = saidCoded(text, isFrame);
    if (coded !== undefined) return coded;
    for (
      let start = 0, end = text.indexOf("\0");
      end >= 0;
      start = end + 1, end = text.indexOf("\0", start)
    ) {
      const frame = decodeCobs(Buffer.from(text.slice(start, end), "latin1"));
      if (frame !== undefined && isFrame(frame)) return end + 1;
    }
    return undefined;
  };
}

// A busy machine may start one of them too late.
it("was started in the countdown at least three times of the five that were meant for it", async ({
  annotate,
}) => {
  await annotate(`${startsInCountdown} of 5`);
  expect(startsInCountdown).toBeGreaterThanOrEqual(3);
});

/** The same for frames of the second form. */
function saidCoded(text: string, isFrame: (frame: Uint8Array) => boolean): number | undefined {
  let end: number | undefined;
  let at = 0;
  const hunter = new FrameHunter({
    onOther: () => {},
    onFrame: ({ bytes }) => {
      if (isFrame(bytes)) end ??= at;
      return true;
    },
  });
  for (const byte of Buffer.from(text, "latin1")) {
    at++;
    hunter.push(0, Uint8Array.of(byte));
  }
  return end;
}
