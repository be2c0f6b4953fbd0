import { assert } from "../../base/assert.ts";
import { equalBytes } from "../../base/bytes.ts";
import { randomBytes, SeededRandom } from "../../base/prng.ts";
import { receiveFrom } from "../../board/install.ts";
import type { MemoryBoard } from "../../board/memory-board.ts";
import { TRIAL_BOOTS_MAX } from "../../flash/record/boot-decision.ts";
import { slotRecord } from "../../flash/record/record-state.ts";
import type { Bench, TortureImage } from "./bench.ts";
import { Brick, type TortureStage } from "./stage.ts";

/** Events that make a long journal: more than the smallest sector holds. */
const JOURNAL_EVENTS = 40;
/** Power-ups after which a board that was cut must be well. */
const POWER_UPS_MAX = 40;

/** A board whose confirmed image was given up for a newer one takes an older one. */
const TOO_OLD = "an image older than the confirmed one that was given up is taken";

/** Starts without a fault after which a board that runs the newest image counts as well. */
const CALM_STARTS = 3;

/** Something that happens to a board, in which the power may go at any operation. */
export interface Story {
  readonly name: string;
  /** What went before; never cut. */
  readonly prepare: (stage: TortureStage) => void;
  readonly run: (stage: TortureStage) => void;
  /** What the neighbour holds when the board is found without power. */
  readonly images: (bench: Bench) => readonly TortureImage[];
  /** Offered before those at each start; a board that does not refuse it has lost a promise. */
  readonly refused?: (bench: Bench) => TortureImage;
}

/** All stories: together they pass every operation that changes the flash. */
export const STORIES: readonly Story[] = [
  {
    name: "heal",
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
    prepare: factory,
    run: (stage) => {
      stage.phase = "journal clean-up";
      const { record } = stage.powerUp().parts;
      for (let i = 0; i < JOURNAL_EVENTS; i++) record.append({ tag: "floor", floor: 1 });
      begin(stage, "boot", "boot");
    },
    images: ({ old }) => [old],
  },
];

/** The story of that name, or undefined. */
export function storyOf(name: string): Story | undefined {
  return STORIES.find((story) => story.name === name);
}

/**
 * What follows a cut: the board starts, applications confirm or crash, a neighbour answers distress. In the end the
 * board must boot a confirmed, healthy image, and must have taken an image since the cut: nothing is locked.
 */
export function recover(stage: TortureStage, story: Story): void {
  const images = story.images(stage.bench);
  const refused = story.refused?.(stage.bench);
  // What updates the board: newer than all of the stories but the one with a later image.
  const newest = images.includes(stage.bench.later) ? stage.bench.later : stage.bench.fix;
  let hasTaken = false;
  let calmStarts = 0;
  for (let powerUps = 0; powerUps < POWER_UPS_MAX; powerUps++) {
    const board = stage.powerUp();
    const outcome = stage.boot(board);
    if (refused !== undefined && offers(board, refused)) throw new Brick(TOO_OLD);
    if (outcome.tag === "recovery") {
      stage.rescue(board, images);
      hasTaken = true;
      continue;
    }
    const image = stage.running(outcome);
    // What is not healthy crashes.
    if (!image.isHealthy) continue;
    if (outcome.isTrial) stage.confirm(board);
    // The attempt that follows its first boot proves it.
    if (slotRecord(board.parts.record.state, outcome.slot)?.isUnproven === true) continue;
    if (hasTaken) {
      checkSettled(stage);
      return;
    }
    if (image === newest) {
      // Until something is written, an event whose last bit is torn may read as done at one start and not at the next.
      calmStarts++;
      if (calmStarts === CALM_STARTS) return;
      continue;
    }
    const store = board.store({ allowUpdate: true, allowSingleUpdate: true });
    if (!stage.install(store, newest)) throw new Brick("a board that boots refuses a newer image");
    hasTaken = true;
  }
  throw new Brick(`not well after ${POWER_UPS_MAX} power-ups`);
}

/** Nothing is left of the cut: the record is whole, and two starts see the same. */
function checkSettled(stage: TortureStage): void {
  const before = stage.operations;
  const board = stage.powerUp();
  const first = stage.boot(board);
  const second = stage.boot(stage.powerUp());
  if (first.tag !== "boot" || second.tag !== "boot" || first.slot !== second.slot) {
    throw new Brick("two starts in a row decide differently");
  }
  if (stage.operations !== before) throw new Brick("a healthy start changes the flash");
  if (!equalBytes(first.image.digest, second.image.digest))
    throw new Brick("two starts boot different images");
}

function factory(stage: TortureStage): void {
  const board = stage.powerUp();
  finish(stage, board, stage.bench.old);
  stage.confirm(board);
}

/** Starts the board and insists on what its boot decision is. */
function begin(stage: TortureStage, phase: string, expected: "boot" | "recovery", then = phase): MemoryBoard {
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

/** Whether the board would take an image. Writes nothing. */
function offers(board: MemoryBoard, { source }: TortureImage): boolean {
  const store = board.store({ allowUpdate: true, allowSingleUpdate: true });
  const { tag } = store.checkManifest(source.envelope);
  store.abandon();
  return tag === "accepted";
}

/** Receives a share of an image, and no more. */
function receive(board: MemoryBoard, image: TortureImage, share: number): void {
  const store = board.store({ allowUpdate: true, allowSingleUpdate: true });
  const verdict = store.checkManifest(image.source.envelope);
  assert(verdict.tag === "accepted", `the board takes the image: ${JSON.stringify(verdict)}`);
  const enough = Math.ceil(image.source.manifest.leafCount * share);
  const { isComplete } = receiveFrom(store, image.source, (done) => done >= enough);
  assert(!isComplete, "part of the image is missing");
}

/** Receives what is missing of an image and makes it the installed one. */
function finish(stage: TortureStage, board: MemoryBoard, image: TortureImage): void {
  const store = board.store({ allowUpdate: true, allowSingleUpdate: true });
  const verdict = store.checkManifest(image.source.envelope);
  assert(verdict.tag === "accepted", `the board takes the image: ${JSON.stringify(verdict)}`);
  receiveFrom(store, image.source);
  if (stage.phase !== "") stage.phase = "verify and activate";
  const outcome = store.commit();
  if (outcome.tag !== "bootable")
    throw new Brick(`the image was written and does not boot: ${outcome.reason}`);
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
