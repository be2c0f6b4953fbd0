import { describe, expect, it } from "vitest";
import { equalBytes } from "../../src/base/bytes.ts";
import type { Millis } from "../../src/base/units.ts";
import { BLOCK_SIZE, BLOCKS, STATES, type State, ThreeBoards } from "./three-boards.ts";

/*
 * Three nodes of the product in a row, in virtual time: the middle one does not boot, or is older than the two others, and
 * one of the three loses its power after each block and in each state.
 */

const BLOCK_NUMBERS: readonly number[] = Array.from({ length: BLOCKS }, (_, i) => i + 1);
/** A board of a rescuer that is gone waits for the lease, then for its next turn to ask. */
const LATE_MS: Millis = 40_000;
const OFF_MS: Millis = 300;
/** How often the flash is looked at. */
const LOOK_EVERY_MS: Millis = 5;
/** Real time, for a machine with much to do. */
const LIMIT_MS = 60_000;

interface Outcome {
  readonly name: string;
  /** What should not be; empty if nothing is. */
  readonly faults: readonly string[];
  readonly bytesAgain: number;
}

const SCENES = [
  { cause: "heal", layout: "single" },
  { cause: "heal", layout: "ab" },
  { cause: "update", layout: "single" },
  { cause: "update", layout: "ab" },
] as const;
type Scene = (typeof SCENES)[number];

function open(scene: Scene, seed: number): ThreeBoards {
  const boards = new ThreeBoards({ ...scene, seed });
  boards.powerOn();
  return boards;
}

/**
 * Runs on until board 1 runs the newest image, and looks at what that took. `unitBytes`: of blocks in flash that may be sent
 * again.
 */
async function finish(name: string, boards: ThreeBoards, unitBytes: number): Promise<Outcome> {
  const since = boards.clock.now();
  const faults: string[] = [];
  const check = (isRight: boolean, fault: string): void => {
    if (!isRight) faults.push(`${name}: ${fault}`);
  };
  try {
    await boards.until("board 1 runs it", () => boards.world.isWell);
  } catch (error) {
    check(false, String(error));
  }
  const booted = boards.booted();
  check(booted !== undefined && equalBytes(booted, boards.image), "the flash is not the image");
  const took = boards.clock.now() - since;
  check(took <= LATE_MS, `took ${took} ms`);
  const { violations } = boards.world.checkers;
  check(violations.length === 0, violations.join("; "));
  const { bytes, ofKept } = boards.sentAgain();
  check(ofKept <= unitBytes, `${ofKept} bytes of blocks that were in flash were sent again`);
  // Of each of both rescuers: what was on the wire is lost, and the part of a block that was complete in memory alone.
  check(bytes <= 2 * (boards.windowBytes + BLOCK_SIZE) + unitBytes, `${bytes} bytes were sent again`);
  return { name, faults, bytesAgain: bytes };
}

/** Kills a neighbour that serves; unless all is sent, the other one has to. */
async function killRescuer(name: string, boards: ThreeBoards, number: number): Promise<Outcome> {
  const isAllSent = boards.firstAt.has("last block");
  boards.kill(number);
  const outcome = await finish(name, boards, 0);
  const isRight = isAllSent || boards.senders.includes(2 - number);
  return isRight
    ? outcome
    : { ...outcome, faults: [...outcome.faults, `${name}: sent by ${boards.senders}`] };
}

/** Takes the power of board 1 for a moment. The repair units that were written last have lost their mark, and are written again. */
async function killTarget(name: string, boards: ThreeBoards): Promise<Outcome> {
  boards.kill(1);
  boards.clock.after(OFF_MS, () => boards.board(1).powerOn());
  return await finish(name, boards, 2 * BLOCK_SIZE);
}

/** Runs until so many blocks are in flash; gives the neighbour that sent them. */
async function untilBlocks(boards: ThreeBoards, count: number): Promise<number> {
  let lookAt: Millis = 0;
  await boards.until(`${count} blocks`, () => {
    if (boards.sent.length === 0 || boards.clock.now() < lookAt) return false;
    lookAt = boards.clock.now() + LOOK_EVERY_MS;
    return boards.blocksInFlash().size >= count;
  });
  return boards.senders[0] ?? -1;
}

/** That nothing was wrong, and that bytes were sent again at all: a kill that costs nothing kills nothing. */
function expectRight(outcomes: readonly Outcome[]): void {
  expect(outcomes.flatMap(({ faults }) => faults)).toEqual([]);
  expect(Math.max(...outcomes.map(({ bytesAgain }) => bytesAgain))).toBeGreaterThan(0);
}

const NAMED = SCENES.map((scene) => [scene.cause, scene.layout, scene] as const);

describe.each(NAMED)("three boards, %s with layout %s", (_cause, _layout, scene) => {
  it(
    "C10 C19 §59 §60: when the rescuer is killed after any block the other one continues there: no block is sent twice, and the flash is exact",
    async () => {
      const outcomes: Outcome[] = [];
      for (const count of BLOCK_NUMBERS) {
        const boards = open(scene, count);
        const number = await untilBlocks(boards, count);
        outcomes.push(await killRescuer(`block ${count}`, boards, number));
      }
      expectRight(outcomes);
    },
    LIMIT_MS,
  );

  it(
    "when the rescuer is killed in any state of the handshake and after it, the other one heals the board",
    async () => {
      const outcomes: Outcome[] = [];
      for (const [seed, state] of STATES.entries()) {
        const boards = open(scene, seed);
        const number = await boards.untilState(state);
        outcomes.push(await killRescuer(state, boards, number));
      }
      expectRight(outcomes);
    },
    LIMIT_MS,
  );

  it(
    "when the target is killed after any block, or in any state, and starts again, it continues there",
    async () => {
      const outcomes: Outcome[] = [];
      for (const count of BLOCK_NUMBERS) {
        const boards = open(scene, count);
        await untilBlocks(boards, count);
        outcomes.push(await killTarget(`block ${count}`, boards));
      }
      for (const [seed, state] of STATES.entries()) {
        const boards = open(scene, seed);
        await boards.untilState(state satisfies State);
        outcomes.push(await killTarget(state, boards));
      }
      expectRight(outcomes);
    },
    LIMIT_MS,
  );
});
