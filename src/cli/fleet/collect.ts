import type { Command } from "commander";
import { toHex } from "../../base/bytes.ts";
import { systemClock } from "../../base/clock.ts";
import { randomBytes } from "../../base/prng.ts";
import type { CollectorEvent } from "../../fleet/mqtt/collector.ts";
import { type MetricsAddress, parseMetricsAddress } from "../../node/metrics/metrics-address.ts";
import type { Verdict } from "../../node/verdict.ts";
import { doneVerdict, interruptedVerdict, stoppedVerdict } from "../command-verdict.ts";
import { addCommand } from "../help.ts";
import type { Output } from "../output.ts";
import { type CommandContext, onRun } from "../run.ts";
import { BrokerFault } from "./broker-fault.ts";
import { addBrokerFlags, type BrokerFlags, brokerAccess, parseFleetName } from "./broker-flags.ts";
import { openCollectorFigures } from "./collector-figures.ts";

interface CollectFlags extends BrokerFlags {
  readonly out: string;
  readonly group?: string;
  readonly id?: string;
  readonly metrics?: MetricsAddress;
}

/** Registers `mayday collect`. */
export function addCollectCommand(program: Command): void {
  const command = addCommand(program, "collect", {
    does:
      "Collects the reports of a fleet from its broker, until it is stopped: appends each once to reports.jsonl in a folder, keeps how sites " +
      "are in states.jsonl, and acknowledges what is on the disk. Only that lets a site forget its reports: nothing is lost when this command, the " +
      "broker or a site dies. Several collectors, each with its own folder, share the work with --group. docs/fleet.md says how to set " +
      "up a broker.",
    examples: [
      "mayday collect --broker mqtt://localhost --fleet pumps --out collected",
      "mayday collect --broker mqtts://broker.example:8883 --ca ca.pem --cert collect.pem --key collect.key --fleet pumps --out collected",
    ],
  });
  addBrokerFlags(command)
    .requiredOption("--out <dir>", "folder of the files; made if needed")
    .option("--group <name>", "share the reports with other collectors of this group", parseFleetName)
    .option(
      "--id <name>",
      "name at the broker, where that does not take it from the certificate (default: made from the folder's)",
      parseFleetName,
    )
    .option(
      "--metrics <address>",
      "figures for Prometheus on this machine, at a port or 127.0.0.1:PORT",
      parseMetricsAddress,
    );
  onRun<CollectFlags>(command, runCollect);
}

async function runCollect(
  { output, signal }: CommandContext,
  _args: readonly string[],
  flags: CollectFlags,
): Promise<Verdict> {
  const { CollectorStore, collectorId } = await import("../../fleet/store/collector-store.ts");
  const { Collector } = await import("../../fleet/mqtt/collector.ts");
  const { edgesOf } = await import("../../node/system-edges.ts");
  const { random } = edgesOf({});
  const { loadMqtt } = await import("../../fleet/mqtt/mqtt-link.ts");
  // Before the folder is made: what cannot connect leaves nothing behind.
  await loadMqtt();
  const broker = await brokerAccess(flags, (text) => output.warn(text));
  const store = CollectorStore.open(flags.out);
  if (store.damaged > 0) output.warn(`${flags.out}: ${store.damaged} damaged lines are left out`);
  const clientId = flags.id ?? collectorId(flags.out, toHex(randomBytes(random, 6)));
  const figures = await openCollectorFigures(flags.metrics, store, output);
  const fault = new BrokerFault();
  let reports = 0;
  const collector = await Collector.open({
    ...{ fleet: flags.fleet, group: flags.group, store, random, clock: systemClock },
    broker: { ...broker, clientId },
    wall: () => Date.now(),
    onEvent: (event) => {
      if (event.tag === "collected") reports += event.reports;
      figures.handle(event);
      tell(output, flags.broker, fault, event);
    },
  });
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await collector.close();
  await figures.close();
  output.note(`${reports} reports collected`);
  const verdict = signal.aborted ? interruptedVerdict() : doneVerdict();
  return stoppedVerdict(verdict, signal);
}

/** Shows what happens. */
function tell(output: Output, broker: string, fault: BrokerFault, event: CollectorEvent): void {
  switch (event.tag) {
    case "up":
      fault.noteUp();
      output.note(`${broker}: connected`);
      output.event({ event: "broker", state: "up" });
      return;
    case "down":
      if (fault.noteDown(event.why))
        output.warn(`${broker}: ${event.why}; it is tried again until it is there`);
      output.event({ event: "broker", state: "down", detail: event.why });
      return;
    case "refused":
      output.warn(`the broker refuses ${event.what}; look at its ACL`);
      output.event({ event: "broker", state: "refused", detail: event.what });
      return;
    case "disk":
      if (event.fault === undefined) output.note("the files can be written again");
      else output.warn(`nothing is acknowledged, as the files cannot be written: ${event.fault}`);
      output.event({ event: "disk", fault: event.fault ?? null });
      return;
    case "malformed":
      output.warn(`${event.topic}: a message that is none, of another version perhaps; it is left out`);
      output.event({ event: "malformed", topic: event.topic });
      return;
    case "collected":
      output.event({ event: "collected", reports: event.reports, sites: event.sites });
  }
}
