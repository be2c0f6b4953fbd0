import type { FleetSummary, SiteView } from "./fleet-view.ts";

const STYLE =
  "body{font:15px/1.4 system-ui,sans-serif;margin:2em;color:#222}table{border-collapse:collapse;margin:1em 0}" +
  "th,td{text-align:left;padding:.25em .8em;border-bottom:1px solid #ccc;vertical-align:top}td.n{text-align:right}" +
  ".distress,.offline,.fault{color:#a00;font-weight:600}.trial{color:#860}code{font-size:90%}";

/**
 * A page of a fleet that needs no server: one file without scripts, and nothing that it loads. Everything that came over a network
 * stands in it as text. `now`: milliseconds since 1970.
 */
export function fleetPage(summary: FleetSummary, now: number): string {
  const { boards, healed, inDistress, offline, reverted, sites, suspects, unproven, updated } = summary;
  const totals: readonly (readonly [string, number])[] = [
    ["sites", sites.length],
    ["sites offline", offline],
    ["boards", boards],
    ["boards in distress", inDistress],
    ["healed", healed],
    ["healed, unproven", unproven],
    ["updated", updated],
    ["reverted", reverted],
  ];
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
    `<meta name="viewport" content="width=device-width"><title>Fleet</title><style>${STYLE}</style></head><body>`,
    `<h1>Fleet</h1><p>As known to the collector at ${timeText(now)}.</p>`,
    `<table id="totals">${totals.map(([name, n]) => `<tr><th>${name}</th><td class="n">${n}</td></tr>`).join("")}</table>`,
    suspects.length === 0 ? "" : `<p>Images held up: ${suspects.map(code).join(", ")}</p>`,
    '<table id="sites"><tr><th>site</th><th>presence</th><th>healed</th><th>unproven</th><th>updated</th><th>reverted</th>',
    "<th>reports waiting</th><th>last result</th></tr>",
    ...sites.map(siteRow),
    '</table><table id="boards"><tr><th>site</th><th>board</th><th>state</th><th>since</th><th>hardware</th><th>version</th>',
    "<th>image</th></tr>",
    ...sites.flatMap(boardRows),
    "</table></body></html>\n",
  ].join("\n");
}

function siteRow(site: SiteView): string {
  const { fault, lastReport, presence, presenceSince } = site;
  const since = presenceSince === undefined ? "" : ` since ${timeText(presenceSince)}`;
  const last =
    lastReport === undefined
      ? ""
      : `${lastReport.kind} ${code(lastReport.target)} ${timeText(lastReport.when)}`;
  const trouble = fault === undefined ? "" : ` <span class="fault">${escaped(fault)}</span>`;
  const numbers = [site.healed, site.unproven, site.updated, site.reverted];
  const cells = numbers.map((n) => `<td class="n">${n}</td>`).join("");
  const name = `<td>${escaped(site.site)}</td><td class="${presence}">${presence}${since}</td>`;
  return `<tr>${name}${cells}<td>${site.waiting}${trouble}</td><td>${last}</td></tr>`;
}

function boardRows({ boards, site }: SiteView): string[] {
  return boards.map(({ digest, hardware = "", id, reason, since, state, version = "" }) => {
    const why = reason === undefined ? "" : `: ${escaped(reason)}`;
    const image = digest === undefined ? "" : code(digest.slice(0, 16));
    return (
      `<tr><td>${escaped(site)}</td><td>${code(id)}</td><td class="${state}">${state}${why}</td><td>${timeText(since)}</td>` +
      `<td>${escaped(hardware)}</td><td>${escaped(version)}</td><td>${image}</td></tr>`
    );
  });
}

function code(text: string): string {
  return `<code>${escaped(text)}</code>`;
}

/** Text as text, also in an attribute. */
function escaped(text: string): string {
  return text.replace(/[&<>"'`]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** A time as a page and a terminal show it: to the second, in UTC. */
export function timeText(at: number | null): string {
  return at === null
    ? "at an unknown time"
    : `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
