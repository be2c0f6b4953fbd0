import { bound } from "../report.ts";
import type { Progress } from "./progress.ts";

/** The report for people, in Markdown. */
export function mutateReport(
  { plan, sums, seconds }: Progress,
  { node, cpu }: { readonly node: string; readonly cpu: string },
): string {
  const { transfers, failed, healedAfter, bytesRight } = sums;
  const touched = Object.values(sums.classes).reduce((sum, { touched: n }) => sum + n, 0);
  const last = plan.firstSeed + plan.runs - 1;
  const replays = sums.failures.map(
    ({ id, failure }) => `npm run lab:mutate -- --case ${id}  # ${failure.split("\n")[0]}`,
  );
  return [
    "# Mutated transfers",
    "",
    `Commit ${plan.version}; seeds ${plan.firstSeed} to ${last}; Node ${node}; ${cpu}; ${seconds.toFixed(0)} s.`,
    "",
    `${transfers} transfers between a real target and a real rescuer, with an attacker between them that reads every frame and`,
    `sends on what it likes, with right CRCs and session tags; in ${touched} of them it tampered with a frame or more. Again:`,
    "`npm run lab:mutate`.",
    "",
    `- Wrong image accepted, unverified byte programmed, counter floor lowered, exception, or not healed afterwards: ${bound(failed, transfers)}.`,
    `- ${bytesRight} bytes were programmed into slots; each was compared with the signed original at that offset.`,
    `- ${healedAfter} boards that the attack had left unhealed were then healed by an honest rescuer.`,
    "",
    "| what boots after the attack | transfers |",
    "| --- | ---: |",
    ...Object.entries(sums.outcomes)
      .sort(([, a], [, b]) => b - a)
      .map(([name, n]) => `| ${name} | ${n} |`),
    "",
    "| class of mutation | transfers | of these tampered with | frames |",
    "| --- | ---: | ---: | ---: |",
    ...Object.entries(sums.classes).map(
      ([name, sum]) => `| ${name} | ${sum.transfers} | ${sum.touched} | ${sum.mutations} |`,
    ),
    "",
    "| board | transfers |",
    "| --- | ---: |",
    ...Object.entries(sums.setups).map(([name, n]) => `| ${name} | ${n} |`),
    "",
    "## Failures",
    "",
    ...(replays.length === 0 ? ["None."] : ["```", ...replays, "```"]),
    "",
  ].join("\n");
}
