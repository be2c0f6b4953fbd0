import type { Command } from "commander";
import { UsageError } from "../../base/errors.ts";
import type { BrokerAccess } from "../../fleet/mqtt/mqtt-link.ts";
import { isFleetName } from "../../fleet/names.ts";
import { isBrokerUrl } from "../node/config-tables.ts";

/** Flags of commands that connect to a broker. */
export interface BrokerFlags {
  readonly broker: string;
  readonly fleet: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Adds them; the private key of the certificate is `--key`. */
export function addBrokerFlags(command: Command): Command {
  return command
    .requiredOption("--broker <url>", "mqtts://HOST:PORT, or mqtt://HOST:PORT without TLS", parseBroker)
    .requiredOption("--fleet <name>", "name of the fleet", parseFleetName)
    .option("--ca <file>", "certificate of the authority that signed the broker's")
    .option("--cert <file>", "own certificate, with --key")
    .option("--key <file>", "private key of the certificate");
}

/** The name of a fleet, or of a group. UsageError `fleet-name`. */
export function parseFleetName(text: string): string {
  if (isFleetName(text)) return text;
  const message = `"${text}" is no name: letters, digits, and ". _ -" inside, at most 48 characters`;
  throw new UsageError("fleet-name", message);
}

function parseBroker(text: string): string {
  if (isBrokerUrl(text)) return text;
  throw new UsageError("broker-url", `"${text}" is no broker; write mqtts://HOST:PORT or mqtt://HOST:PORT`);
}

/** Where the broker is. UsageError `broker-flags`; the errors of `readBrokerFiles`. */
export async function brokerAccess(flags: BrokerFlags): Promise<Omit<BrokerAccess, "clientId">> {
  const { broker: url, ca, cert, key } = flags;
  if ((cert === undefined) !== (key === undefined))
    throw new UsageError("broker-flags", "--cert and --key are given together or not at all");
  if (url.startsWith("mqtt:") && (ca !== undefined || cert !== undefined))
    throw new UsageError("broker-flags", "--ca and --cert are for TLS: begin --broker with mqtts:");
  const { readBrokerFiles } = await import("../../fleet/mqtt/mqtt-link.ts");
  return { url, ...readBrokerFiles({ ca, cert, key }) };
}
