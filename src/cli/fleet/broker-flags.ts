import type { Command } from "commander";
import { UsageError } from "../../base/errors.ts";
import { shownUrl } from "../../base/shown-url.ts";
import type { BrokerAccess } from "../../fleet/mqtt/mqtt-link.ts";
import { isFleetName } from "../../fleet/names.ts";
import { isBrokerUrl } from "../node/fleet-table.ts";

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
  const message = `"${shownUrl(text)}" is no broker; write mqtts://HOST:PORT or mqtt://HOST:PORT; a certificate takes the place of a password`;
  throw new UsageError("broker-url", message);
}

/** Where the broker is. UsageError `broker-flags`; the errors and warnings of `loadTls`. */
export async function brokerAccess(
  flags: BrokerFlags,
  warn: (text: string) => void,
): Promise<Omit<BrokerAccess, "clientId">> {
  const { broker: url, ca, cert, key } = flags;
  if ((cert === undefined) !== (key === undefined))
    throw new UsageError("broker-flags", "--cert and --key are given together or not at all");
  if (url.startsWith("mqtt:") && (ca !== undefined || cert !== undefined))
    throw new UsageError("broker-flags", "--ca and --cert are for TLS: begin --broker with mqtts:");
  const { loadTls } = await import("../../files/tls-files.ts");
  return { url, ...loadTls({ ca, cert, certKey: key }, warn) };
}
