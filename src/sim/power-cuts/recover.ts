import { equalBytes } from "../../base/bytes.ts";
import type { FlashLayout } from "../../flash/geometry.ts";
import type { Bench, TortureImage } from "./bench.ts";
import { Brick, slotOf, type TortureStage } from "./stage.ts";
import type { TorturedBoard } from "./tortured-board.ts";

/** Power-ups after which a board that was cut must be well. */
const POWER_UPS_MAX = 40;

/** A board whose confirmed image was given up for a newer one takes an older one. */
export const TOO_OLD = "an image older than the confirmed one that was given up is taken";

/** A board calls for help after a cut, although the image that booted was not touched. */
const GONE = "an image that booted and was not touched does not boot";

/** Starts without a fault after which a board that runs the newest image counts as well. */
const CALM_STARTS = 3;

/** What a story says of the time after a cut. */
export interface Aftermath {
  /** What the neighbour holds when the board is found without power. */
  readonly images: (bench: Bench) => readonly TortureImage[];
  /** Layouts in which what boots is never touched: a board that calls for help after a cut has lost something. */
  readonly boots: readonly FlashLayout[];
  /** Offered before those at each start; a board that does not refuse it has lost a promise. */
  readonly refused?: (bench: Bench) => TortureImage;
}

/**
 * What follows a cut: the board starts, applications confirm or crash, a neighbour answers distress. In the end the
 * board must boot a confirmed, healthy image, and must have taken an image since the cut: nothing is locked.
 */
export function recover(stage: TortureStage, story: Aftermath): void {
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
      const { layout } = stage.bench.map;
      // What updates the board in the end takes the only slot there is.
      const isTaken = layout === "single" && outcome.reason === "receiving";
      if (story.boots.includes(layout) && !isTaken) throw new Brick(GONE);
      stage.rescue(board, images);
      hasTaken = true;
      continue;
    }
    const image = stage.running(outcome);
    // What is not healthy crashes.
    if (!image.isHealthy) continue;
    if (outcome.isTrial) stage.confirm(board);
    // The attempt that follows its first boot proves it.
    if (slotOf(board, outcome.slot)?.isUnproven === true) continue;
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
    if (!stage.install(board.receiver(), newest)) throw new Brick("a board that boots refuses a newer image");
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
  if (!equalBytes(first.digest, second.digest)) throw new Brick("two starts boot different images");
}

/** Whether the board would take an image. Writes nothing. */
export function offers(board: TorturedBoard, image: TortureImage): boolean {
  const receiver = board.receiver();
  const isAccepted = receiver.accepts(image);
  receiver.abandon();
  return isAccepted;
}
