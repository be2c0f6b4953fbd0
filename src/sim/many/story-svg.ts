import { lastSpreads, type SpreadStory, storyTitle } from "./story.ts";
import { drawChart } from "./story-chart.ts";
import { drawLegend } from "./story-legend.ts";
import { drawMap } from "./story-map.ts";
import { escapeXml, svgText } from "./svg-text.ts";

const WIDTH = 800;
const MARGIN = 24;
const INNER = WIDTH - 2 * MARGIN;
const FONT = "system-ui, sans-serif";
const TEXT_FILL = "#1f2328";
const QUIET_FILL = "#59636e";
const BACKGROUND = "#fcfcfd";
const BORDER = "#d0d7de";
const TITLE_HEIGHT = 22;
/** Characters of a line of the title, in a wide font too. */
const TITLE_COLUMNS = 76;
const CAPTION_HEIGHT = 17;
/** Characters of a line of the caption. */
const CAPTION_COLUMNS = 104;
/** A longer line is cut. */
const CAPTION_MAX = 112;

/**
 * The story as a picture: boards at their places, the links over which they were healed as arrows coloured by time, the
 * share of healed boards against time, and the command that gives it again. A self-contained SVG document on a light
 * ground of its own; the same story gives the same bytes. Above 2,000 boards each is a dot, without links.
 */
export function storySvg(story: SpreadStory): string {
  const last = lastSpreads(story).at(-1)?.at ?? 0;
  const title = wrapped(storyTitle(story).split(" "), TITLE_COLUMNS);
  const legendTop = 38 + title.length * TITLE_HEIGHT - 4;
  const mapTop = legendTop + 34;
  const map = drawMap(story, last, { left: MARGIN, top: mapTop, width: INNER });
  const chartTop = mapTop + map.height + 14;
  const chartEnd = last === 0 ? story.endedAt : last;
  const chart = drawChart(story, chartEnd, { left: MARGIN, top: chartTop, width: INNER });
  const captionTop = chartTop + chart.height + 18;
  const caption = captionLines(story);
  const height = Math.ceil(captionTop + (caption.length - 1) * CAPTION_HEIGHT + 20);
  const body = [
    `<rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="12" fill="${BACKGROUND}" stroke="${BORDER}"/>\n`,
    ...title.map((line, i) => svgText(MARGIN, 38 + i * TITLE_HEIGHT, line, { size: 16, weight: "bold" })),
    drawLegend(story, last, map.rings, { left: MARGIN, top: legendTop }),
    map.svg,
    chart.svg,
    ...caption.map((line, i) => svgText(MARGIN, captionTop + i * CAPTION_HEIGHT, line, { fill: QUIET_FILL })),
  ];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" ` +
    `role="img" font-family="${FONT}" font-size="12" fill="${TEXT_FILL}">\n` +
    `<title>${escapeXml(storyTitle(story))}</title>\n` +
    `${body.join("")}</svg>\n`
  );
}

/** The command that gives the story again, and what went wrong in it. */
function captionLines(story: SpreadStory): string[] {
  const { topology, seed, options, violations } = story;
  const flags = Object.entries(options).flatMap(([name, value]) =>
    value === false ? [] : [value === true ? `--${name}` : `--${name} ${value}`],
  );
  const lines = wrapped(
    [`mayday sim --topology ${topology.kind}`, `--nodes ${topology.nodes}`, `--seed ${seed}`, ...flags],
    CAPTION_COLUMNS,
  );
  if (violations.length > 0) lines.push(`rules broken: ${violations.length}, the first: ${violations[0]}`);
  return lines.map((line) => (line.length > CAPTION_MAX ? `${line.slice(0, CAPTION_MAX - 1)}…` : line));
}

/** Lines of words, each up to `columns` long unless one word is longer. */
function wrapped(words: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && longer.length <= columns) lines.splice(-1, 1, longer);
    else lines.push(word);
  }
  return lines;
}
