// The record of the comparison as Markdown.
import { headLines, tableText } from "../../hw-loopback/lib.mjs";

const OURS = "mayday";

/** "0.91", "0.91 (4 of 5)", "fails (0 of 2)", and nothing where a peer did not run. */
function shareText(row, span) {
  if (row === undefined) return "";
  const count = row.exact === row.runs ? "" : ` (${row.exact} of ${row.runs})`;
  return `${row[span].median === 0 ? "fails" : row[span].median.toFixed(3)}${count}`;
}

/** mayday's median by that of the best other peer. */
function ratioText(rows, span) {
  const ours = rows.find(({ peer }) => peer === OURS);
  const others = rows.filter(({ peer }) => peer !== OURS).map((row) => row[span].median);
  if (ours === undefined || others.length === 0) return "";
  const best = Math.max(...others);
  return best === 0 ? "only mayday" : (ours[span].median / best).toFixed(2);
}

function sharesTable({ lines, rows }, span) {
  const peers = [...new Set(rows.map(({ peer }) => peer))];
  const body = lines.map(({ name }) => {
    const here = rows.filter(({ line }) => line === name);
    const cells = peers.map((peer) =>
      shareText(
        here.find((row) => row.peer === peer),
        span,
      ),
    );
    return [name, ...cells, ratioText(here, span)];
  });
  return tableText(["line", ...peers, "mayday by the best other"], body);
}

function settingsTable({ rows }) {
  const chosen = rows.filter(({ tried }) => tried.length > 0);
  if (chosen.length === 0) return [];
  const tries = (row) =>
    row.tried
      .map(({ setting, ok, lineSeconds }) => `${setting}: ${ok ? `${lineSeconds} s` : "failed"}`)
      .join("; ");
  return [
    "",
    "## Settings",
    "",
    "The setting that was taken, and how each did in one try with seed 0, which is not counted.",
    "",
    ...tableText(
      ["line", "peer", "taken", "tries"],
      chosen.map((row) => [row.line, row.peer, row.setting, tries(row)]),
    ),
  ];
}

function goalsTable({ lines, rows }) {
  const ours = rows.filter(({ peer }) => peer === OURS);
  if (ours.length === 0) return [];
  const body = ours.map((row) => {
    const { floor = "", aim = "" } = lines.find(({ name }) => name === row.line);
    const { median, lowest } = row.byLine;
    return [row.line, median, lowest, floor, aim, `${row.exact} of ${row.runs}`];
  });
  const head = ["line", "median", "lowest", "floor", "aim", "exact"];
  return ["", "## mayday's goals", "", "By the line span.", "", ...tableText(head, body)];
}

/** What failed, once for each reason of a peer on a line. */
function failureLines({ rows }) {
  const all = rows.flatMap(({ line, peer, results }) =>
    results.filter(({ ok }) => !ok).map(({ why }) => `- ${line}, ${peer}: ${why}`),
  );
  return all.length === 0 ? [] : ["", "## What failed", "", ...new Set(all)];
}

/** The bench's own processes are in it. */
function loadLine({ rows }) {
  const loads = rows.map(({ load }) => load);
  return `- load average at the start of each line: ${Math.min(...loads)} to ${Math.max(...loads)}`;
}

/** The whole report; figures are shares of the line rate, baud by ten bits a byte. */
export function reportText(record) {
  const { seeds } = record;
  return `${[
    "# mayday and others on the same cable",
    "",
    ...headLines(record),
    loadLine(record),
    "",
    `Goodput as a share of the line rate: medians of seeds 1 to ${seeds}, a transfer that failed counting as 0; "4 of 5" are those that came`,
    "whole, where not all did. 256 KiB of random bytes at 921600 baud and 1 ms delay unless the line says otherwise.",
    "A peer that failed with the first two seeds did not run the rest.",
    "",
    "## On the line",
    "",
    "From the sender's first byte on the line to the last byte either way, measured by the cable.",
    "",
    ...sharesTable(record, "byLine"),
    "",
    "## Whole processes",
    "",
    "From the start of the later of the two commands to the end of the last.",
    "",
    ...sharesTable(record, "byWhole"),
    ...goalsTable(record),
    ...settingsTable(record),
    ...failureLines(record),
  ].join("\n")}\n`;
}

/** The README's table: both spans of mayday and of the others, as lines of Markdown. */
export function readmeTable({ lines, rows }) {
  const peers = [...new Set(rows.map(({ peer }) => peer))];
  const body = lines.map(({ name }) => {
    const of = (peer, span) =>
      shareText(
        rows.find((row) => row.line === name && row.peer === peer),
        span,
      );
    return [name, ...peers.map((peer) => of(peer, "byLine")), ...peers.map((peer) => of(peer, "byWhole"))];
  });
  const head = ["line", ...peers, ...peers.map((peer) => `${peer}, whole processes`)];
  return tableText(head, body);
}
