import { dirname, join, resolve } from "node:path";
import { fromHex, toHex } from "../../base/bytes.ts";
import { systemClock } from "../../base/clock.ts";
import { type Random, randomBytes } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import type { Board } from "../../board/board.ts";
import type { SiteUplink, UplinkEvent } from "../../fleet/mqtt/site-uplink.ts";
import type { OfferWord } from "../../fleet/owner-word.ts";
import type { ReportLog } from "../../fleet/store/report-log.ts";
import { hardwareId } from "../../image/hardware.ts";
import { FleetReporter } from "../../node/fleet-reporter.ts";
import type { RunningNode } from "../../node/full-node.ts";
import type { NodeEvent } from "../../node/node-event.ts";
import { edgesOf } from "../../node/system-edges.ts";
import { BrokerFault } from "../fleet/broker-fault.ts";
import type { Output } from "../output.ts";
import { packageVersion } from "../package-version.ts";
import type { FleetSettings } from "./fleet-table.ts";
import type { NodeConfig } from "./node-config.ts";
import type { NodeService } from "./node-services.ts";
import { wallTime } from "./wall-clock.ts";

/** Folder of the outbox beside the configuration, unless it is named. */
const OUTBOX_DEFAULT = "outbox";

/** What a node does for its fleet: reports into a file and to a broker, and the owner's words. Nothing of it holds a heal up. */
export class NodeFleet implements NodeService {
  readonly #output: Output;
  readonly #reporter: FleetReporter;
  readonly #log: ReportLog | undefined;
  readonly #hardware: Set<string> = new Set();
  readonly #onOffer: () => void;
  #uplink: SiteUplink | undefined;
  #node: RunningNode | undefined;
  readonly #brokerFault: BrokerFault = new BrokerFault();
  #stops: { readonly digest: string; readonly until: Millis }[] = [];

  /** `hardware`: id of the own board's. `onOffer`: the owner offers an image for hardware that is here. */
  constructor(
    output: Output,
    log: ReportLog | undefined,
    { run, hardware, onOffer }: { readonly run: string; readonly hardware?: string; onOffer(): void },
  ) {
    this.#onOffer = onOffer;
    if (hardware !== undefined) this.#hardware.add(hardware);
    this.#output = output;
    this.#log = log;
    this.#reporter = new FleetReporter({
      ...{ clock: systemClock, run, version: packageVersion(), wall: () => wallTime() },
      onReport: (report) => {
        this.#log?.add(report);
        this.#uplink?.report(report);
      },
      onChange: () => this.#uplink?.noteState(),
    });
  }

  /** Connects to the broker. */
  async connect(
    { broker = "", ca, cert, key, name = "", outbox, site = "", "owner-keys": owners = [] }: FleetSettings,
    { folder, random, run }: { readonly folder: string; readonly random: Random; readonly run: string },
  ): Promise<void> {
    const { loadTls } = await import("../../files/tls-files.ts");
    const { SiteUplink: Uplink } = await import("../../fleet/mqtt/site-uplink.ts");
    const { loadTrustedKey } = await import("../../image-files/pem-keys.ts");
    const warn = (text: string): void => this.#output.warn(text);
    this.#uplink = await Uplink.open({
      ...{
        fleet: name,
        site,
        random,
        run,
        clock: systemClock,
        outbox: outbox ?? join(folder, OUTBOX_DEFAULT),
      },
      broker: { url: broker, ...loadTls({ ca, cert, certKey: key }, warn) },
      ownerKeys: owners.map((path) => loadTrustedKey(path, ["app"])),
      wall: () => wallTime(),
      state: () => this.#reporter.state(),
      onEvent: (event) => this.#tell(event),
      warn,
      knowsHardware: (hardware) => this.#hardware.has(hardware),
      onOffer: (word) => this.#offer(word),
      onStop: (digest, forMs) => this.#stop(digest, forMs),
    });
  }

  attach(node: RunningNode): void {
    this.#node = node;
    this.#reporter.setSelf(node.nodeId);
    const now = systemClock.now();
    for (const { digest, until } of this.#stops.splice(0)) this.#hold(digest, until - now);
  }

  handle(event: NodeEvent): void {
    if ("hardwareId" in event && event.hardwareId !== undefined) this.#hardware.add(event.hardwareId);
    if ("hardware" in event && event.hardware !== undefined) this.#hardware.add(hardwareIdOf(event.hardware));
    this.#reporter.handle(event);
  }

  #offer({ digest, hardware, version }: OfferWord): void {
    this.#output.event({ event: "owner", word: "offer", hardware, version, digest });
    this.#output.note(`the owner offers ${version} (${digest.slice(0, 8)}) for hardware ${hardware}`);
    this.#onOffer();
  }

  #stop(digest: string, forMs: Millis): void {
    const seconds = Math.round(forMs / 1000);
    this.#output.event({ event: "owner", word: "stop", digest, seconds });
    this.#output.note(`the owner stops image ${digest} for ${Math.ceil(seconds / 3600)} h`);
    this.#reporter.noteStop(digest, forMs);
    // What was kept is told before the node runs.
    if (this.#node === undefined) this.#stops.push({ digest, until: systemClock.now() + forMs });
    else this.#hold(digest, forMs);
  }

  #hold(digest: string, forMs: Millis): void {
    const digest8 = fromHex(digest);
    if (digest8 !== undefined) this.#node?.stopImage(digest8, forMs);
  }

  #tell(event: UplinkEvent): void {
    switch (event.tag) {
      case "up":
        this.#output.event({ event: "broker", state: "up" });
        if (this.#brokerFault.noteUp()) this.#output.note("the broker is connected");
        return;
      case "down":
        this.#output.event({ event: "broker", state: "down", detail: event.why });
        if (this.#brokerFault.noteDown(event.why))
          this.#output.warn(`the broker cannot be reached, and reports wait: ${event.why}`);
        return;
      case "refused":
        this.#output.event({ event: "broker", state: "refused", detail: event.what });
        this.#output.warn(
          `the broker refuses ${event.what}; look at its ACL, and at the name of the certificate`,
        );
        return;
      case "outbox":
        this.#output.event({ event: "outbox", fault: event.fault ?? null });
        if (event.fault === undefined) this.#output.note("the outbox can be written again");
        else this.#output.warn(`reports wait in memory, as the outbox cannot be written: ${event.fault}`);
        return;
      case "ignored":
        this.#output.event({ event: "owner", word: "ignored", topic: event.topic, reason: event.why });
        return;
      case "expiry-unknown":
        this.#output.warn(
          `${event.topic}: nobody here knows whether it has expired, as the clock is not sure`,
        );
    }
  }

  /** Leaves the broker, and closes the files. */
  async close(): Promise<void> {
    await this.#uplink?.close();
    await this.#log?.close();
  }
}

/**
 * Opens what a `[fleet]` wants. Errors of its files, and `mqtt-missing`: a node that cannot report says so at its start.
 */
export async function openNodeFleet(
  { fleet: settings, path = "node.toml" }: NodeConfig,
  board: Board | undefined,
  output: Output,
  onOffer: () => void,
): Promise<NodeFleet | undefined> {
  if (settings === undefined) return undefined;
  const { ReportLog: Log } = await import("../../fleet/store/report-log.ts");
  const { random } = edgesOf({});
  const run = toHex(randomBytes(random, 4));
  const log =
    settings.reports === undefined ? undefined : Log.open(settings.reports, (text) => output.warn(text));
  const own = board && toHex(board.store().status().hardwareId8);
  const fleet = new NodeFleet(output, log, { run, onOffer, ...(own === undefined ? {} : { hardware: own }) });
  if (settings.broker !== undefined)
    await fleet.connect(settings, { folder: dirname(resolve(path)), random, run });
  return fleet;
}

function hardwareIdOf(hardware: string): string {
  const [vendor = "", hardwareClass = ""] = hardware.split("/");
  return toHex(hardwareId(vendor, hardwareClass));
}
