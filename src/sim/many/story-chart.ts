import type { Millis } from "../../base/units.ts";
import { figuresOf, type Spread, type SpreadStory, seconds } from "./story.ts";
import type { Drawing } from "./story-map.ts";
import { fixed, svgText } from "./svg-text.ts";
import { TIME_COLOURS } from "./time-colours.ts";

const PLOT_HEIGHT = 110;
const AXIS_HEIGHT = 40;
const AXIS_WIDTH = 44;
/** The axis is a little longer, so that the last step is seen. */
const END_MARGIN = 1.03;
const TICKS_MAX = 10;
const TICK_STEPS = [1, 2, 5];
const GRID_STROKE = "#e3e6ea";
const LINE_STROKE = "#1f2328";
const QUIET_FILL = "#59636e";

/** The share of boards that are done, against time, from 0 to `last`. */
export function drawChart(
  story: SpreadStory,
  last: Millis,
  box: { readonly left: number; readonly top: number; readonly width: number },
): Drawing {
  const plot = { left: box.left + AXIS_WIDTH, top: box.top + 24, width: box.width - AXIS_WIDTH - 12 };
  const end = Math.max(last * END_MARGIN, 1);
  const x = (time: Millis): number => plot.left + (plot.width * time) / end;
  const y = (share: number): number => plot.top + PLOT_HEIGHT * (1 - share);
  const [heal, update] = [figuresOf(story, "heal"), figuresOf(story, "update")];
  const series = [heal, update].filter(({ needed }) => needed > 0);
  const curves = series.map(({ last: spreads, needed }) => curve(spreads, needed, { x, y, end }));
  const name =
    series.length === 2 ? "healed (line) and updated (dashes)" : update.needed > 0 ? "updated" : "healed";
  const [first, second] = curves;
  const parts = [
    timeGradient(x(0), x(last)),
    svgText(box.left, box.top + 10, `share of boards ${name}`, { weight: "bold" }),
    ...[0, 0.5, 1].map(
      (share) =>
        `<path stroke="${GRID_STROKE}" d="M${fixed(plot.left)} ${fixed(y(share))}h${fixed(plot.width)}"/>\n` +
        svgText(plot.left - 8, y(share) + 4, `${100 * share} %`, { anchor: "end", fill: QUIET_FILL }),
    ),
    first === undefined
      ? ""
      : `<path fill="url(#mayday-time)" fill-opacity="0.8" d="${first}V${fixed(y(0))}H${fixed(x(0))}Z"/>\n`,
    first === undefined ? "" : line(first),
    second === undefined ? "" : line(second, ' stroke-dasharray="5 3"'),
    ...ticks(end).map(
      ({ at, text }) =>
        `<path stroke="${QUIET_FILL}" d="M${fixed(x(at))} ${fixed(y(0))}v4"/>\n` +
        svgText(x(at), y(0) + 17, text, { anchor: "middle", fill: QUIET_FILL }),
    ),
    svgText(plot.left + plot.width, y(0) + 33, "seconds", { anchor: "end", fill: QUIET_FILL }),
  ];
  return { svg: parts.join(""), height: 24 + PLOT_HEIGHT + AXIS_HEIGHT };
}

/** The colours of time between two places, for fills that refer to "mayday-time". */
function timeGradient(from: number, to: number): string {
  const stops = TIME_COLOURS.map(
    (colour, i) => `<stop offset="${fixed(i / (TIME_COLOURS.length - 1), 3)}" stop-color="${colour}"/>`,
  );
  const ends = `x1="${fixed(from)}" x2="${fixed(to)}" y1="0" y2="0"`;
  return `<linearGradient id="mayday-time" gradientUnits="userSpaceOnUse" ${ends}>${stops.join("")}</linearGradient>\n`;
}

interface Scale {
  readonly x: (time: Millis) => number;
  readonly y: (share: number) => number;
  readonly end: Millis;
}

/** Steps up at each spread; those within a tenth of a pixel are one step. */
function curve(spreads: readonly Spread[], needed: number, { x, y, end }: Scale): string {
  const steps = new Map<string, number>();
  for (const [i, { at }] of spreads.entries()) steps.set(fixed(x(at)), (i + 1) / needed);
  const path = [...steps].map(([left, share]) => `H${left}V${fixed(y(share))}`);
  return `M${fixed(x(0))} ${fixed(y(0))}${path.join("")}H${fixed(x(end))}`;
}

function line(path: string, attributes = ""): string {
  return `<path fill="none" stroke="${LINE_STROKE}" stroke-width="1.5"${attributes} d="${path}"/>\n`;
}

/** Round times from 0 to `end`, in steps of 1, 2 or 5 times a power of ten. */
function ticks(end: Millis): { at: Millis; text: string }[] {
  let step = 1;
  for (let i = 1; end / step > TICKS_MAX; i++) step = (TICK_STEPS[i % 3] ?? 1) * 10 ** Math.floor(i / 3);
  const digits = step >= 1000 ? 0 : step >= 100 ? 1 : step >= 10 ? 2 : 3;
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => ({
    at: i * step,
    text: seconds(i * step, digits),
  }));
}
