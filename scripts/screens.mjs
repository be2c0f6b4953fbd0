#!/usr/bin/env node
// What people see: the built command line in terminals of tmux, over virtual cables. Each screen is checked and kept as text.
import { parseArgs } from "node:util";
import { headLines, parseNumbers, recordHead, runBench, writeRecord } from "../hw-loopback/lib.mjs";
import { withBench } from "./screens/bench.mjs";
import { ERRORS, prepareErrors, showError } from "./screens/errors.mjs";
import { interrupted, repair, twoLinks, whole } from "./screens/stories.mjs";

const USAGE = `usage: npm run evidence:screens -- [--columns 40,80,160] [--out docs/evidence/screens]

Repairs a board, sends a whole image, heals two boards over two links at once, interrupts a transfer and continues it, and makes one
error of each class, in terminals of these widths. Prints the screens. Needs tmux and socat.
Exit 0: no screen has a fault. 1: one has. 2: usage.
`;
const [COLUMNS_MIN, COLUMNS_MAX] = [40, 1000];

function pictureText({ title, columns, rows, faults }) {
  const found = faults.map((fault) => `- FAULT: ${fault}\n`).join("");
  return `### ${title}, ${columns} columns\n\n\`\`\`text\n${rows.join("\n")}\n\`\`\`\n${found}`;
}

async function main() {
  const { values } = parseArgs({
    options: { columns: { type: "string", default: "40,80,160" }, out: { type: "string" } },
  });
  const widths = parseNumbers("columns", values.columns, COLUMNS_MIN, COLUMNS_MAX);
  const pictures = await withBench(async (bench, terminals) => {
    prepareErrors(bench);
    const all = [];
    for (const columns of widths) {
      for (const story of [repair, whole, twoLinks, interrupted]) {
        all.push(...(await story(bench, terminals, columns)));
        process.stderr.write(`${columns} columns: ${story.name}\n`);
      }
    }
    for (const error of ERRORS) {
      for (const columns of widths) all.push(...(await showError(error, bench, terminals, columns)));
      process.stderr.write(`${error.title}\n`);
    }
    return all;
  });
  const faults = pictures.flatMap((picture) => picture.faults);
  const head = recordHead("screens", `115200 baud; terminals of ${widths.join(", ")} columns, 50 rows`, []);
  const markdown = [
    "# What people see",
    "",
    "The command line in a terminal of tmux, over virtual cables. The prompt shows how the command before it ended. Messages are not",
    "cut into lines: the terminal wraps them, so that a command within one can be copied whole.",
    "Checked on each screen: no control characters or pieces of escape sequences; each bar whole, within the terminal, once for each",
    "link, below all text, and gone at the end unless it is full; exit codes; what has to be said; and no id or digest but those of the",
    "board on that link and of the image. Again: `npm run evidence:screens`.",
    "",
    ...headLines(head),
    "",
    `${pictures.length} screens, ${faults.length} faults.`,
    "",
    ...pictures.map(pictureText),
  ].join("\n");
  process.stdout.write(`${markdown}\n`);
  const counts = { screens: pictures.length, faults };
  writeRecord(
    values.out,
    { ...head, ...counts, titles: pictures.map(({ title, columns }) => `${title}, ${columns}`) },
    markdown,
  );
  return faults.length === 0;
}

await runBench(USAGE, main);
