import type { Millis } from "../../base/units.ts";
import { figuresOf, type SpreadStory, seconds } from "./story.ts";
import { BROKEN_STROKE, boardStates, IDLE_FILL, type MapRings, ringWidth, SOURCE_FILL } from "./story-map.ts";
import { fixed, svgText } from "./svg-text.ts";
import { TIME_COLOURS } from "./time-colours.ts";

const SAMPLE_RADIUS = 6;
const STEP_WIDTH = 9;
const GAP = 22;
/** Rough width of a character at 12 pixels. */
const CHARACTER_WIDTH = 6.3;

/** What colours and rings mean, in one row from (left, top) on; only what the picture has. */
export function drawLegend(
  story: SpreadStory,
  last: Millis,
  rings: MapRings,
  { left, top }: { readonly left: number; readonly top: number },
): string {
  const parts: string[] = [];
  let x = left;
  const write = (text: string): void => {
    parts.push(svgText(x, top + 4, text));
    x += text.length * CHARACTER_WIDTH;
  };
  if (last > 0) {
    const [heal, update] = [figuresOf(story, "heal"), figuresOf(story, "update")];
    const verbs = [heal.last.length > 0 ? "healed" : "", update.last.length > 0 ? "updated" : ""];
    write(`${verbs.filter((verb) => verb !== "").join(" or ")} after 0 s`);
    x += 6;
    for (const colour of TIME_COLOURS) {
      parts.push(
        `<rect x="${fixed(x)}" y="${fixed(top - 6)}" width="${STEP_WIDTH}" height="12" fill="${colour}"/>\n`,
      );
      x += STEP_WIDTH;
    }
    x += 6;
    write(`${seconds(last, last < 1000 ? 2 : 1)} s`);
    x += GAP;
  }
  for (const { fill, hasRing, text } of samplesOf(story, rings)) {
    const ring = hasRing
      ? ` stroke="${BROKEN_STROKE}" stroke-width="${fixed(ringWidth(SAMPLE_RADIUS))}"`
      : "";
    const place = `cx="${fixed(x + SAMPLE_RADIUS)}" cy="${fixed(top)}" r="${SAMPLE_RADIUS}"`;
    parts.push(`<circle ${place} fill="${fill}"${ring}/>\n`);
    x += 2 * SAMPLE_RADIUS + 6;
    write(text);
    x += GAP;
  }
  return parts.join("");
}

interface Sample {
  readonly fill: string;
  readonly hasRing: boolean;
  readonly text: string;
}

function samplesOf(story: SpreadStory, rings: MapRings): Sample[] {
  const states = boardStates(story);
  const has = (tag: string): boolean => states.some((state) => state.tag === tag);
  const samples: Sample[] = [];
  if (has("source")) {
    const text =
      figuresOf(story, "update").last.length > 0 ? "newest from the start" : "bootable from the start";
    samples.push({ fill: SOURCE_FILL, hasRing: false, text });
  }
  if (rings === "unbootable" && states.some((state) => state.tag === "reached" && state.wasBroken))
    samples.push({ fill: "#57cb7f", hasRing: true, text: "unbootable at first" });
  const notHealed = rings === "none" ? BROKEN_STROKE : "#ffffff";
  if (has("broken")) samples.push({ fill: notHealed, hasRing: true, text: "not healed" });
  if (has("idle")) samples.push({ fill: IDLE_FILL, hasRing: false, text: "not updated" });
  return samples;
}
