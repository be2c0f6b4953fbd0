#!/usr/bin/env node
// Draws docs/demo.svg: runs `npm run demo` on a pseudo-terminal and writes what the terminal shows at its end, with the
// second act cut short, as an SVG of plain text. Its colours follow the reader's light or dark scheme. Needs `script` (Debian: bsdutils, always there).
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";

const OUT = "docs/demo.svg";
const COMMAND = "npm run demo";
const COLUMNS = 110;
const ROWS = 60;
const FONT_SIZE = 13;
const LINE_HEIGHT = 18;
/** Advance of a monospace glyph: the width that each line is stretched to, so that columns stay below one another. */
const GLYPH_WIDTH = 7.8;
const MARGIN = 16;
const SIZE_MAX = 40_000;

const ESC = "\u001b";
const TOKENS = new RegExp(`${ESC}\\[[\\d;?]*[A-Za-z]|\\r|\\n|[^${ESC}\\r\\n]+`, "g");

/** What a terminal shows after `output`, line by line. Knows what mayday sends: CR, LF, colours, and CSI G and K. */
function screenOf(output) {
  const lines = [""];
  let column = 0;
  const write = (text) => {
    const line = lines.pop().padEnd(column);
    lines.push(line.slice(0, column) + text + line.slice(column + text.length));
    column += text.length;
  };
  for (const [token] of output.matchAll(TOKENS)) {
    if (token === "\n") lines.push("");
    else if (token === "\r" || /\[1?G$/.test(token)) column = 0;
    else if (/\[0?K$/.test(token)) lines.push(lines.pop().slice(0, column));
    else if (!token.startsWith(ESC)) write(token);
    else if (!/m$/.test(token)) throw new Error(`not a known escape sequence: ${JSON.stringify(token)}`);
  }
  return lines.map((line) => line.trimEnd());
}

/** The lines without the second act but for its heading: its commands are those of the first. */
function shortened(lines) {
  const from = lines.findIndex((line) => line.startsWith("2. "));
  const to = lines.findIndex((line, i) => i > from && line.startsWith("Repair"));
  if (from < 0 || to < 0) throw new Error("the demonstration has no second act, or no figures");
  return [...lines.slice(0, from + 1), "…", "", ...lines.slice(to)];
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** The parts of a line that differ in colour, as [class, text]. */
function partsOf(line) {
  const command = /^(\$ )(.*?)(\s+# .*)?$/.exec(line);
  if (command !== null) {
    const [, prompt, text, remark = ""] = command;
    return [
      ["dim", prompt],
      ["command", text],
      [/# exit [1-9]/.test(remark) ? "bad" : "dim", remark],
    ];
  }
  if (/^\d\. /.test(line)) return [["title", line]];
  if (/^port-[ab]: (image .* verified|healed)/.test(line)) return [["good", line]];
  return [["text", line]];
}

function rowOf(line, i) {
  if (line === "") return "";
  const spans = partsOf(line).filter(([, text]) => text !== "");
  const inner = spans.map(([name, text]) =>
    name === "text" ? escaped(text) : `<tspan class="${name}">${escaped(text)}</tspan>`,
  );
  const width = (line.length * GLYPH_WIDTH).toFixed(1);
  const y = MARGIN + (i + 1) * LINE_HEIGHT - 5;
  return `<text x="${MARGIN}" y="${y}" textLength="${width}" lengthAdjust="spacingAndGlyphs">${inner.join("")}</text>\n`;
}

function svgOf(lines) {
  const columns = Math.max(...lines.map((line) => line.length));
  const width = Math.ceil(columns * GLYPH_WIDTH + 2 * MARGIN);
  const height = lines.length * LINE_HEIGHT + 2 * MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>A run of ${COMMAND}</title>
<style>
  rect { fill: #f6f8fa; stroke: #d0d7de; }
  text { fill: #1f2328; font: ${FONT_SIZE}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre; }
  .dim { fill: #59636e; }
  .command, .title { font-weight: bold; }
  .title { fill: #0550ae; }
  .good { fill: #116329; }
  .bad { fill: #b3261e; }
  @media (prefers-color-scheme: dark) {
    rect { fill: #0d1117; stroke: #3d444d; }
    text { fill: #e6edf3; }
    .dim { fill: #9198a1; }
    .title { fill: #79c0ff; }
    .good { fill: #7ee787; }
    .bad { fill: #ff9492; }
  }
</style>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="6"/>
${lines.map(rowOf).join("")}</svg>
`;
}

const { NO_COLOR: _, FORCE_COLOR: __, ...env } = process.env;
const run = spawnSync(
  "script",
  ["-qec", `stty cols ${COLUMNS} rows ${ROWS}; npm run --silent demo`, "/dev/null"],
  {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...env, SHELL: "/bin/sh", TERM: "xterm-256color" },
  },
);
if (run.status !== 0) throw new Error(`${COMMAND} ended with ${run.status}:\n${run.stdout}`);
const shown = screenOf(run.stdout).join("\n").trimEnd().split("\n");
const svg = svgOf([`$ ${COMMAND}`, ...shortened(shown)]);
if (svg.length > SIZE_MAX) throw new Error(`the picture has ${svg.length} bytes, more than ${SIZE_MAX}`);
writeFileSync(OUT, svg);
process.stdout.write(`${OUT}: ${svg.length} bytes\n`);
