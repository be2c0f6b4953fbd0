import { assert } from "../../base/assert.ts";
import { randomBytes, SeededRandom } from "../../base/prng.ts";
import { TRIAL_BOOTS_MAX } from "../../flash/record/boot-decision.ts";
import type { TortureImage } from "./bench.ts";
import { type Aftermath, offers, TOO_OLD } from "./recover.ts";
import { Brick, type TortureStage } from "./stage.ts";
import type { TorturedBoard } from "./tortured-board.ts";

/** Events that make a long journal: more than the smallest sector holds. */
const JOURNAL_EVENTS = 40;

/** Something that happens to a board, in which the power may go at any operation. */
export interface Story extends Aftermath {
  readonly name: string;
  /** What went before; never cut. */
  readonly prepare: (stage: TortureStage) => void;
  readonly run: (stage: TortureStage) => void;
}

/** All stories: together they pass every operation that changes the flash. */
export const STORIES: readonly Story[] = [
  {
    name: "heal",
    boots: [],
    prepare: (stage) => {
      factory(stage);
      spoilSlot(stage, 0);
    },
    run: (stage) => {
      const { old } = stage.bench;
      begin(stage, "distress boot", "recovery");
      stage.phase = "receive";
      receive(stage.powerUp(), old, 0.5);
      stage.phase = "resume";
      finish(stage, begin(stage, "resume", "recovery"), old);
      begin(stage, "first boot", "boot");
    },
    images: ({ old }) => [old],
  },
  {
    name: "update",
    boots: ["ab"],
    prepare: factory,
    run: (stage) => {
      const { next } = stage.bench;
      const board = begin(stage, "boot", "boot");
      stage.phase = "receive";
      finish(stage, board, next);
      stage.confirm(begin(stage, "first boot", "boot", "confirm and counter bump"));
    },
    images: ({ next }) => [next],
  },
  {
    name: "revert",
    boots: ["ab"],
    prepare: (stage) => {
      factory(stage);
      finish(stage, stage.powerUp(), stage.bench.bad);
    },
    run: (stage) => {
      for (let boots = 0; boots < TRIAL_BOOTS_MAX; boots++) begin(stage, "trial boot", "boot");
      const isAb = stage.bench.map.layout === "ab";
      const board = begin(stage, "revert", isAb ? "boot" : "recovery");
      stage.phase = "receive after a revert";
      finish(stage, board, stage.bench.fix);
      settle(stage);
    },
    images: ({ old, fix }) => [old, fix],
  },
  {
    name: "rejected",
    boots: ["ab"],
    prepare: (stage) => {
      factory(stage);
      failTrial(stage);
    },
    run: (stage) => {
      stage.phase = "erase of a rejected image";
      finish(stage, stage.powerUp(), stage.bench.fix);
      begin(stage, "first boot", "boot");
    },
    images: ({ fix }) => [fix],
  },
  {
    name: "other-image",
    boots: ["ab"],
    prepare: (stage) => {
      factory(stage);
      receive(stage.powerUp(), stage.bench.next, 0.6);
    },
    run: (stage) => {
      stage.phase = "another image over a half received one";
      finish(stage, stage.powerUp(), stage.bench.fix);
      begin(stage, "first boot", "boot");
    },
    images: ({ next, fix }) => [next, fix],
  },
  {
    name: "quarantine",
    boots: ["ab"],
    prepare: (stage) => {
      factory(stage);
      failTrial(stage);
      failTrial(stage);
      finish(stage, stage.powerUp(), stage.bench.bad);
      for (let boots = 0; boots < TRIAL_BOOTS_MAX; boots++) stage.boot(stage.powerUp());
    },
    run: (stage) => {
      const { bad, old } = stage.bench;
      stage.phase = "revert";
      const board = stage.powerUp();
      if (stage.boot(board).tag === "boot") return;
      stage.phase = "receive in quarantine";
      stage.rescue(board, [bad, old]);
      begin(stage, "first boot", "boot");
    },
    images: ({ bad, old }) => [bad, old],
  },
  {
    name: "way-back",
    boots: ["ab"],
    prepare: factory,
    run: (stage) => {
      const { fix, later } = stage.bench;
      const board = begin(stage, "boot", "boot");
      stage.phase = "receive";
      finish(stage, board, fix);
      stage.phase = "offer before the first boot";
      const isAb = stage.bench.map.layout === "ab";
      if (isAb && offers(board, later))
        throw new Brick("an update takes the way back of an image that never ran");
      settle(stage);
      stage.phase = "update of a proven image";
      finish(stage, stage.powerUp(), later);
      settle(stage);
    },
    images: ({ fix, later }) => [fix, later],
  },
  {
    name: "abandoned",
    boots: ["ab"],
    prepare: factory,
    run: (stage) => {
      const { next, relic, old } = stage.bench;
      receive(begin(stage, "boot", "boot", "receive"), next, 0.4);
      stage.phase = "another image over a half received one";
      const board = stage.powerUp();
      if (offers(board, relic)) throw new Brick(TOO_OLD);
      if (stage.bench.map.layout === "single") finish(stage, board, old);
      settle(stage);
    },
    images: ({ old, next }) => [old, next],
    refused: ({ relic }) => relic,
  },
  {
    name: "journal",
    boots: ["single", "ab"],
    prepare: factory,
    run: (stage) => {
      stage.phase = "journal clean-up";
      const board = stage.powerUp();
      for (let i = 0; i < JOURNAL_EVENTS; i++) board.addEntry();
      begin(stage, "boot", "boot");
    },
    images: ({ old }) => [old],
  },
];

/** The story of that name, or undefined. */
export function storyOf(name: string): Story | undefined {
  return STORIES.find((story) => story.name === name);
}

function factory(stage: TortureStage): void {
  const board = stage.powerUp();
  finish(stage, board, stage.bench.old);
  stage.confirm(board);
}

/** Starts the board and insists on what its boot decision is. */
function begin(
  stage: TortureStage,
  phase: string,
  expected: "boot" | "recovery",
  then = phase,
): TorturedBoard {
  stage.phase = phase;
  const board = stage.powerUp();
  const outcome = stage.boot(board);
  if (outcome.tag !== expected) throw new Brick(`${phase}: ${outcome.tag}, not ${expected}`);
  stage.phase = then;
  return board;
}

/** Starts the board until the image that boots is proven. */
function settle(stage: TortureStage): void {
  begin(stage, "first boot", "boot");
  begin(stage, "second boot", "boot");
}

/** Receives a share of an image, and no more. */
function receive(board: TorturedBoard, image: TortureImage, share: number): void {
  const receiver = board.receiver();
  assert(receiver.accepts(image), "the board takes the image");
  const enough = Math.ceil(image.source.manifest.leafCount * share);
  assert(!receiver.receive(image, enough), "part of the image is missing");
}

/** Receives what is missing of an image and makes it the installed one. */
function finish(stage: TortureStage, board: TorturedBoard, image: TortureImage): void {
  const receiver = board.receiver();
  assert(receiver.accepts(image), "the board takes the image");
  receiver.receive(image);
  if (stage.phase !== "") stage.phase = "verify and activate";
  const failure = receiver.commit();
  if (failure !== undefined) throw new Brick(`the image was written and does not boot: ${failure}`);
}

/** Installs the bad image and boots it until it is given up. */
function failTrial(stage: TortureStage): void {
  finish(stage, stage.powerUp(), stage.bench.bad);
  for (let boots = 0; boots <= TRIAL_BOOTS_MAX; boots++) stage.boot(stage.powerUp());
}

function spoilSlot(stage: TortureStage, slot: number): void {
  const region = stage.bench.map.slots[slot];
  if (region !== undefined)
    stage.storage.write(region.offset, randomBytes(new SeededRandom(99), region.size));
}
