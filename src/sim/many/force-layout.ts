import type { Edge } from "./hops.ts";

/** A point of a picture, from 0 to 1 in both directions; y goes down. */
export interface MapPlace {
  readonly x: number;
  readonly y: number;
}

const STEPS = 200;
/** The longest move of the first step; later steps are shorter and shorter. */
const FIRST_MOVE = 0.1;
/** How strongly boards are drawn to the middle, so that branches do not drift off. */
const GRAVITY = 2.5;

/**
 * Moves points so that linked ones are near and others apart (Fruchterman and Reingold, 1991), then scales all into a
 * square of side 1. A fixed number of steps with no other functions than roots, so that each machine gets the same.
 * Takes time in proportion to the square of the points.
 */
export function relaxed(points: readonly MapPlace[], edges: readonly Edge[]): MapPlace[] {
  const xs = Float64Array.from(points, ({ x }) => x);
  const ys = Float64Array.from(points, ({ y }) => y);
  const ideal = Math.sqrt(1 / points.length);
  for (let step = 0; step < STEPS; step++) {
    const moves = { x: new Float64Array(points.length), y: new Float64Array(points.length) };
    repel(xs, ys, moves, ideal);
    attract(xs, ys, moves, edges, ideal);
    const longest = FIRST_MOVE * (1 - step / STEPS);
    for (let i = 0; i < points.length; i++) {
      const dx = (moves.x[i] ?? 0) + GRAVITY * (0.5 - (xs[i] ?? 0));
      const dy = (moves.y[i] ?? 0) + GRAVITY * (0.5 - (ys[i] ?? 0));
      const length = Math.sqrt(dx * dx + dy * dy);
      const scale = length > longest ? longest / length : 1;
      xs[i] = (xs[i] ?? 0) + dx * scale;
      ys[i] = (ys[i] ?? 0) + dy * scale;
    }
  }
  return fitted(xs, ys);
}

interface Moves {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

function repel(xs: Float64Array, ys: Float64Array, moves: Moves, ideal: number): void {
  for (let i = 0; i < xs.length; i++) {
    for (let j = 0; j < i; j++) {
      const dx = (xs[i] ?? 0) - (xs[j] ?? 0);
      const dy = (ys[i] ?? 0) - (ys[j] ?? 0);
      const force = (ideal * ideal) / Math.max(dx * dx + dy * dy, 1e-9);
      push(moves, i, dx * force, dy * force);
      push(moves, j, -dx * force, -dy * force);
    }
  }
}

function attract(
  xs: Float64Array,
  ys: Float64Array,
  moves: Moves,
  edges: readonly Edge[],
  ideal: number,
): void {
  for (const [i, j] of edges) {
    const dx = (xs[i] ?? 0) - (xs[j] ?? 0);
    const dy = (ys[i] ?? 0) - (ys[j] ?? 0);
    const force = Math.sqrt(dx * dx + dy * dy) / ideal;
    push(moves, i, -dx * force, -dy * force);
    push(moves, j, dx * force, dy * force);
  }
}

function push(moves: Moves, i: number, dx: number, dy: number): void {
  moves.x[i] = (moves.x[i] ?? 0) + dx;
  moves.y[i] = (moves.y[i] ?? 0) + dy;
}

/** Scaled by one factor, and moved to the middle of the square. */
function fitted(xs: Float64Array, ys: Float64Array): MapPlace[] {
  const [left, right] = [xs.reduce((a, b) => Math.min(a, b)), xs.reduce((a, b) => Math.max(a, b))];
  const [top, bottom] = [ys.reduce((a, b) => Math.min(a, b)), ys.reduce((a, b) => Math.max(a, b))];
  const side = Math.max(right - left, bottom - top, 1e-9);
  const inside = (value: number, from: number, to: number): number =>
    Math.round((0.5 + (value - (from + to) / 2) / side) * 1e6) / 1e6;
  return Array.from(xs, (x, i) => ({ x: inside(x, left, right), y: inside(ys[i] ?? 0, top, bottom) }));
}
