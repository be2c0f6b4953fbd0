// Transfers as people see them: a repair, a whole image, two links at once, and one that is interrupted.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { mayday } from "../../hw-loopback/lib.mjs";
import { barsOf, faultsOf } from "./checks.mjs";

const BAUD = 115_200;
const LIMIT_MS = 60_000;
/** A bar is looked at when it has come so far. */
const [EARLY, LATE] = [25, 95];

const link = (end) => `--link 'serial:${end}?baud=${BAUD}'`;
const isMoving = (label) => (screen) =>
  barsOf(screen).some((bar) => bar.label === label && bar.percent >= EARLY && bar.percent < LATE);

/** A board of the bench, and the first digits of its id. */
function makeBoard(bench, name, ...flags) {
  const dir = join(bench.dir, name);
  const trust = ["--trust", join(bench.dir, "owner.pub")];
  mayday("board", "init", dir, "--hardware", "acme/pump", "--flash-size", "256K", ...trust, ...flags);
  return JSON.parse(readFileSync(join(dir, "board.json"), "utf8")).nodeId.slice(0, 8);
}

/** Takes screens and finds their faults. */
class Album {
  pictures = [];

  add(title, screen, expected) {
    const { rows, columns } = screen;
    this.pictures.push({ title, columns, rows, faults: faultsOf(screen, expected) });
  }
}

/** The ids that the board's side may show: its own, the image's, and that of the rescuer, which has a new one each time. */
function targetIds(screen, bench, id) {
  const others = [...screen.lines.join("\n").matchAll(/other side is ([0-9a-f]{8})/g)].map(
    ([, other]) => other,
  );
  return [id, bench.digest, ...others];
}

async function oneBoard(bench, terminals, columns, { name, title, flags, damage = [] }) {
  const album = new Album();
  const board = `${name}-${columns}`;
  const id = makeBoard(bench, board, ...flags);
  for (const sector of damage) mayday("board", "damage", join(bench.dir, board), "--sector", String(sector));
  const [target, rescuer] = [await terminals.open(columns), await terminals.open(columns)];
  rescuer.type(`mayday rescue ${link("b1")} --repo images --once`);
  target.type(`mayday distress ${link("a1")} --board ${board}`);
  const ids = [id, bench.digest];
  const moving = await rescuer.until(isMoving("b1"), LIMIT_MS);
  const seen = target.screen();
  album.add(`${title}: the rescuer, on the way`, moving, {
    isOver: false,
    ids,
    shows: [`board ${id} (acme/pump) is in distress`],
  });
  album.add(`${title}: the board, on the way`, seen, { isOver: false, ids: targetIds(seen, bench, id) });
  const healed = `healed with ${bench.digest}`;
  const [done, own] = [await rescuer.ended(LIMIT_MS), await target.ended(LIMIT_MS)];
  album.add(`${title}: the rescuer, at the end`, done, {
    code: 0,
    ids,
    shows: [healed, `other side is ${id} (acme/pump)`],
  });
  album.add(`${title}: the board, at the end`, own, {
    code: 0,
    ids: targetIds(own, bench, id),
    shows: [healed],
  });
  return album.pictures;
}

/** A few damaged sectors of an image that is there. */
export function repair(bench, terminals, columns) {
  const flags = ["--image", join(bench.dir, "fw.mdy")];
  return oneBoard(bench, terminals, columns, {
    name: "repair",
    title: "Repair",
    flags,
    damage: [1, 4, 5, 9, 10, 12],
  });
}

/** A board without any image. */
export function whole(bench, terminals, columns) {
  return oneBoard(bench, terminals, columns, { name: "whole", title: "A whole image", flags: [] });
}

/** Two boards on two links of one rescuer, the second one later. */
export async function twoLinks(bench, terminals, columns) {
  const album = new Album();
  const boards = [1, 2].map((i) => ({
    name: `two${i}-${columns}`,
    id: makeBoard(bench, `two${i}-${columns}`),
  }));
  const [first, second] = boards;
  const rescuer = await terminals.open(columns);
  const targets = [await terminals.open(columns), await terminals.open(columns)];
  rescuer.type(`mayday rescue ${link("b1")} ${link("b2")} --repo images`);
  await rescuer.until(({ lines }) => lines.some((line) => /b2\S*: listening/.test(line)), LIMIT_MS);
  targets[0].type(`mayday distress ${link("a1")} --board ${first.name}`);
  await rescuer.until(isMoving("b1"), LIMIT_MS);
  targets[1].type(`mayday distress ${link("a2")} --board ${second.name}`);
  const ids = { "serial:b1": [first.id, bench.digest], "serial:b2": [second.id, bench.digest] };
  const both = await rescuer.until((screen) => barsOf(screen).length === 2, LIMIT_MS);
  album.add("Two links: both transfers run", both, { isOver: false, ids });
  const healed = (board) => `healed with ${bench.digest}, other side is ${board.id} (acme/pump)`;
  const one = await rescuer.until(({ lines }) => lines.join("\n").includes(healed(first)), LIMIT_MS);
  album.add("Two links: the first board is healed, the second on its way", one, { isOver: false, ids });
  await rescuer.until(({ lines }) => lines.join("\n").includes(healed(second)), LIMIT_MS);
  for (const target of targets) await target.ended(LIMIT_MS);
  rescuer.interrupt();
  const end = await rescuer.ended(LIMIT_MS);
  album.add("Two links: both are healed, and Ctrl-C", end, {
    code: 130,
    ids,
    shows: [healed(first), healed(second)],
  });
  return album.pictures;
}

/** Ctrl-C in the middle of a transfer, and the same command again. */
export async function interrupted(bench, terminals, columns) {
  const album = new Album();
  const board = `cut-${columns}`;
  const id = makeBoard(bench, board);
  const [target, rescuer] = [await terminals.open(columns), await terminals.open(columns)];
  const command = `mayday rescue ${link("b1")} --repo images --once`;
  rescuer.type(command);
  target.type(`mayday distress ${link("a1")} --board ${board}`);
  await rescuer.until(isMoving("b1"), LIMIT_MS);
  rescuer.interrupt();
  const ids = [id, bench.digest];
  const cut = await rescuer.ended(LIMIT_MS);
  album.add("Interrupted: the rescuer after Ctrl-C", cut, { code: 130, ids, shows: ["mayday: interrupted"] });
  const left = await target.until(
    ({ lines }) => lines.some((line) => line.includes("ended early")),
    LIMIT_MS,
  );
  album.add("Interrupted: the board, whose rescuer has gone", left, { ids: targetIds(left, bench, id) });
  rescuer.type(command);
  await rescuer.until(({ lines }) => lines.some((line) => line.includes("healed with")), LIMIT_MS);
  const [done, own] = [await rescuer.ended(LIMIT_MS), await target.ended(LIMIT_MS)];
  const shows = [`healed with ${bench.digest}`];
  album.add("Interrupted: the rescuer, started again", done, { code: 0, ids, shows });
  album.add("Interrupted: the board at the end", own, { code: 0, ids: targetIds(own, bench, id), shows });
  return album.pictures;
}
