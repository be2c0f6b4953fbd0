import type { Command } from "commander";
import { UsageError } from "../../base/errors.ts";
import { fleetPage, timeText } from "../../fleet/fleet-page.ts";
import type { FleetSummary, SiteView } from "../../fleet/fleet-view.ts";
import { encodeUtf8 } from "../../image/utf8.ts";
import { addCommand } from "../help.ts";
import type { Output } from "../output.ts";
import { onRun } from "../run.ts";
import { columns } from "../text.ts";

interface StatusFlags {
  readonly dir?: readonly string[];
  readonly html?: string;
}

/** Registers `mayday fleet status`. */
export function addFleetStatus(fleet: Command): void {
  const command = addCommand(fleet, "status", {
    summary: "sites and boards, by what a collector knows",
    does:
      "Reads the files of mayday collect, also while that runs: which sites are there, which boards are in distress and since when, which " +
      "images are held up, and how many boards were healed, each heal counted once. What nothing proves is counted apart. With --html it also " +
      "writes a page that needs no server.",
    examples: [
      "mayday fleet status --dir collected",
      "mayday fleet status --dir a --dir b --html fleet.html",
    ],
  })
    .option(
      "--dir <dir>",
      "folder of a collector; repeatable",
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .option("--html <file>", "write a page with the same");
  onRun<StatusFlags>(command, async ({ output }, _args, { dir = [], html }) => {
    if (dir.length === 0)
      throw new UsageError("missing-mandatory-option-value", "give --dir DIR, a folder of mayday collect");
    const { readFleet } = await import("../../fleet/store/fleet-files.ts");
    const { summary, damaged } = readFleet(dir);
    if (damaged > 0) output.warn(`${damaged} damaged lines are left out`);
    if (html !== undefined) {
      const { writeAtomically } = await import("../../files/atomic-file.ts");
      const { writeFully } = await import("../../files/regular-file.ts");
      const page = fleetPage(summary, Date.now());
      await writeAtomically(html, (handle) => writeFully(handle, encodeUtf8(page)));
    }
    show(output, summary);
    return undefined;
  });
}

function show(output: Output, summary: FleetSummary): void {
  const { sites, ...totals } = summary;
  const { boards, healed, inDistress, offline, reverted, suspects, unproven, updated } = totals;
  const apart = unproven === 0 ? "" : ` (and ${unproven} that nothing proves)`;
  output.result(
    `${sites.length} sites, ${offline} offline; ${boards} boards, ${inDistress} in distress; ` +
      `${healed} healed${apart}, ${updated} updated, ${reverted} reverted`,
    { event: "fleet", sites: sites.length, ...totals },
  );
  if (suspects.length > 0) output.note(`images held up: ${suspects.join(", ")}`);
  const rows = sites.flatMap(rowsOf);
  if (rows.length > 0)
    output.note(columns([["SITE", "PRESENCE", "BOARD", "STATE", "SINCE", "VERSION"], ...rows]));
  for (const { boards: ofSite, lastReport, ...site } of sites) {
    output.event({ event: "site", ...site, boards: ofSite.length, last: lastReport ?? null });
    for (const board of ofSite) output.event({ event: "board", site: site.site, ...board });
  }
}

/** A row for each board of a site; one for a site without boards. */
function rowsOf({ boards, presence, site }: SiteView): string[][] {
  if (boards.length === 0) return [[site, presence, "", "", "", ""]];
  return boards.map(({ id, reason, since, state, version = "" }) => {
    const why = reason === undefined ? state : `${state} (${reason})`;
    return [site, presence, id, why, timeText(since), version];
  });
}
