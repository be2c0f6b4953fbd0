import type { Millis } from "../../base/units.ts";
import type { MapPlace } from "./force-layout.ts";
import { percentile } from "./percentiles.ts";
import { figuresOf, lastSpreads, type Spread, type SpreadStory, seconds, verbOf } from "./story.ts";
import { escapeXml, fixed, svgText } from "./svg-text.ts";
import { textOnTimeColour, timeColour } from "./time-colours.ts";

/** What a board is in the picture. `idle`: it had no part in the story. */
export type BoardState =
  | { readonly tag: "source" | "broken" | "idle" }
  | { readonly tag: "reached"; readonly last: Spread; readonly wasBroken: boolean };

/** A part of the picture, and the height it takes. */
export interface Drawing {
  readonly svg: string;
  readonly height: number;
}

/** Around which boards a map draws rings: all that were unbootable, those that still are, or none. */
export type MapRings = "unbootable" | "not healed" | "none";

export const SOURCE_FILL = "#f76707";
export const BROKEN_STROKE = "#c92a2a";
export const IDLE_FILL = "#adb5bd";
const EDGE_STROKE = "#c8cdd4";
/** Beyond, links and arrows would cover one another: a dot for each board remains. */
const DETAILED_MAX = 2000;
/** Room around the places, for boards at the border. */
const PADDING = 20;
const HEIGHT_MAX = 600;
const RADIUS_MAX = 15;
const RADIUS_MIN = 1.4;
/** Around a smaller board that was healed, a ring would hide its colour. */
const RING_RADIUS_MIN = 5;
/** Smaller boards carry no number. */
const NUMBER_RADIUS_MIN = 8;

/** What each board is, by number. */
export function boardStates(story: SpreadStory): BoardState[] {
  const broken = new Set(story.brokenAtStart);
  const update = figuresOf(story, "update");
  const sources = new Set(update.last.length > 0 ? update.sources : undefined);
  const last = new Map(lastSpreads(story).map((spread) => [spread.board, spread]));
  return Array.from({ length: story.topology.nodes }, (_, board): BoardState => {
    const spread = last.get(board);
    const wasBroken = broken.has(board);
    if (spread !== undefined) return { tag: "reached", last: spread, wasBroken };
    if (wasBroken) return { tag: "broken" };
    return { tag: update.last.length === 0 || sources.has(board) ? "source" : "idle" };
  });
}

/** Boards at their places with the links between them, from (left, top) on; `last` is the end of the colour scale. */
export function drawMap(
  story: SpreadStory,
  last: Millis,
  box: { readonly left: number; readonly top: number; readonly width: number },
): Drawing & { readonly rings: MapRings } {
  const { points, height } = fitted(story.topology.places, box);
  const states = boardStates(story);
  const colourOf = (state: BoardState): string => {
    switch (state.tag) {
      case "reached":
        return timeColour(state.last.at, last);
      case "source":
        return SOURCE_FILL;
      case "broken":
        return "#ffffff";
      case "idle":
        return IDLE_FILL;
    }
  };
  if (story.topology.nodes > DETAILED_MAX)
    return { svg: dots(points, states, colourOf), height, rings: "none" };
  const radius = radiusFor(points);
  const rings = radius < RING_RADIUS_MIN ? "not healed" : "unbootable";
  const svg = [
    edges(story, points, radius),
    arrows(story, points, radius, last),
    ...states.map((state, board) => boardCircle(board, state, points[board], radius, colourOf(state), rings)),
    radius < NUMBER_RADIUS_MIN
      ? ""
      : `<g text-anchor="middle" font-size="${fixed(radius * 0.9)}">\n${numbers(points, states, radius, last)}</g>\n`,
  ];
  return { svg: svg.join(""), height, rings };
}

function fitted(
  places: readonly MapPlace[],
  box: { readonly left: number; readonly top: number; readonly width: number },
): { points: MapPlace[]; height: number } {
  const [left, right] = extent(places.map(({ x }) => x));
  const [top, bottom] = extent(places.map(({ y }) => y));
  const room = { x: box.width - 2 * PADDING, y: HEIGHT_MAX - 2 * PADDING };
  const scale = Math.min(room.x / Math.max(right - left, 1e-6), room.y / Math.max(bottom - top, 1e-6), 1e4);
  const height = (bottom - top) * scale + 2 * PADDING;
  const points = places.map(({ x, y }) => ({
    x: box.left + box.width / 2 + (x - (left + right) / 2) * scale,
    y: box.top + PADDING + (y - top) * scale,
  }));
  return { points, height };
}

function extent(values: readonly number[]): [number, number] {
  return values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}

/** So that few boards touch one another. */
function radiusFor(points: readonly MapPlace[]): number {
  const gaps = points.map((point) => {
    let nearest = Number.POSITIVE_INFINITY;
    for (const other of points) if (other !== point) nearest = Math.min(nearest, distance(point, other));
    return nearest;
  });
  return Math.min(RADIUS_MAX, Math.max(RADIUS_MIN, 0.36 * (percentile(gaps, 10) ?? 0)));
}

function distance(a: MapPlace, b: MapPlace): number {
  return Math.sqrt((a.x - b.x) ** 2 + (a.y - b.y) ** 2);
}

function edges(story: SpreadStory, points: readonly MapPlace[], radius: number): string {
  const lines = story.topology.edges.map(([a, b]) => {
    const [from, to] = [points[a], points[b]];
    return from === undefined || to === undefined ? "" : `M${at(from)}L${at(to)}`;
  });
  const width = fixed(Math.min(1.5, Math.max(0.5, radius * 0.12)), 2);
  return `<path fill="none" stroke="${EDGE_STROKE}" stroke-width="${width}" d="${lines.join("")}"/>\n`;
}

/** The links over which images went, one path for each colour, early ones below. */
function arrows(story: SpreadStory, points: readonly MapPlace[], radius: number, last: Millis): string {
  const paths = new Map<string, string>();
  for (const spread of lastSpreads(story)) {
    const [from, to] = [points[spread.by], points[spread.board]];
    if (from === undefined || to === undefined) continue;
    const colour = timeColour(spread.at, last);
    paths.set(colour, (paths.get(colour) ?? "") + arrow(from, to, radius));
  }
  const width = fixed(Math.min(4, Math.max(0.8, radius * 0.3)), 2);
  return [...paths]
    .map(([colour, d]) => `<path stroke="${colour}" fill="${colour}" stroke-width="${width}" d="${d}"/>\n`)
    .join("");
}

/** A line between the borders of two boards, and a head that ends short of the second. */
function arrow(from: MapPlace, to: MapPlace, radius: number): string {
  const length = distance(from, to);
  const border = radius + Math.min(4, 0.3 * radius);
  const free = length - radius - border;
  if (free <= 0.5) return "";
  const head = Math.min(0.7 * free, 0.9 * radius, 9);
  const along = (far: number, aside = 0): string =>
    at({
      x: from.x + ((to.x - from.x) * far - (to.y - from.y) * aside) / length,
      y: from.y + ((to.y - from.y) * far + (to.x - from.x) * aside) / length,
    });
  const neck = length - border - head;
  return `M${along(radius)}L${along(neck)}L${along(neck, head / 2)}L${along(neck + head)}L${along(neck, -head / 2)}L${along(neck)}`;
}

function at({ x, y }: MapPlace): string {
  return `${fixed(x)} ${fixed(y)}`;
}

function boardCircle(
  board: number,
  state: BoardState,
  point: MapPlace | undefined,
  radius: number,
  fill: string,
  rings: MapRings,
): string {
  if (point === undefined) return "";
  const isHealed = state.tag === "reached" && state.wasBroken;
  const hasRing = state.tag === "broken" || (isHealed && rings === "unbootable");
  const ring = hasRing ? ` stroke="${BROKEN_STROKE}" stroke-width="${fixed(ringWidth(radius), 2)}"` : "";
  const place = `cx="${fixed(point.x)}" cy="${fixed(point.y)}" r="${fixed(radius)}"`;
  return `<circle ${place} fill="${fill}"${ring}><title>${escapeXml(boardTitle(board, state))}</title></circle>\n`;
}

/** Width of the line around a board that was unbootable at the start. */
export function ringWidth(radius: number): number {
  return Math.min(2.2, Math.max(0.5, radius * 0.2));
}

function boardTitle(board: number, state: BoardState): string {
  switch (state.tag) {
    case "reached":
      return `board ${board}, ${verbOf(state.last.cause)} by board ${state.last.by} after ${seconds(state.last.at)} s`;
    case "broken":
      return `board ${board}, not healed`;
    case "source":
      return `board ${board}, bootable from the start`;
    case "idle":
      return `board ${board}, not updated`;
  }
}

function numbers(
  points: readonly MapPlace[],
  states: readonly BoardState[],
  radius: number,
  last: Millis,
): string {
  return states
    .map((state, board) => {
      const point = points[board];
      if (point === undefined) return "";
      const dark = state.tag === "reached" ? textOnTimeColour(state.last.at, last) : undefined;
      const fill = state.tag === "source" ? "#ffffff" : dark;
      return svgText(point.x, point.y + radius * 0.32, `${board}`, fill === undefined ? {} : { fill });
    })
    .join("");
}

/** Lines of no length with round ends, one path for each colour. */
function dots(
  points: readonly MapPlace[],
  states: readonly BoardState[],
  colourOf: (state: BoardState) => string,
): string {
  const paths = new Map<string, string[]>();
  for (const [board, state] of states.entries()) {
    const point = points[board];
    if (point === undefined) continue;
    const colour = state.tag === "broken" ? BROKEN_STROKE : colourOf(state);
    const path = paths.get(colour) ?? [];
    path.push(`M${at(point)}h0`);
    paths.set(colour, path);
  }
  const width = fixed(Math.max(1.5, 400 / Math.sqrt(points.length)));
  const drawn = [...paths].map(([colour, path]) => `<path stroke="${colour}" d="${path.join("")}"/>\n`);
  return `<g fill="none" stroke-linecap="round" stroke-width="${width}">\n${drawn.join("")}</g>\n`;
}
