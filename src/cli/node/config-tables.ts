import { resolve } from "node:path";
import * as v from "valibot";
import { FLEET_NAME_MAX, isFleetName, isSiteName } from "../../fleet/names.ts";
import { expected, path, text } from "./config-values.ts";

/** `[fleet]`: reports of what happens here, into a file and to a broker (docs/fleet.md). */
export interface FleetSettings {
  /** Name of the fleet. */
  readonly name?: string;
  readonly site?: string;
  /** JSON lines of all reports, on this machine. */
  readonly reports?: string;
  /** Folder of the reports that no collector has yet. */
  readonly outbox?: string;
  /** "mqtt://HOST:PORT" or "mqtts://HOST:PORT". */
  readonly broker?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Public keys that offers and stops are signed with. */
  readonly "owner-keys"?: readonly string[];
}

/** Keys of a table that hold a path, or an array of paths, of the folder that the file is in. */
interface TableTraits {
  readonly keys: readonly string[];
  readonly paths: readonly string[];
}

const OWNER_KEYS_MAX = 8;
const A_NAME = `a name of letters, digits and ". _ -" inside, at most ${FLEET_NAME_MAX} characters`;
const A_BROKER = '"mqtts://HOST:PORT" or "mqtt://HOST:PORT"';

const fleetEntries = {
  name: v.exactOptional(v.pipe(text(A_NAME), v.check(isFleetName, expected(A_NAME)))),
  site: v.exactOptional(
    v.pipe(text(A_NAME), v.check(isSiteName, expected(`${A_NAME}, other than "offers" and "stop"`))),
  ),
  reports: path("a file"),
  outbox: path("a folder"),
  broker: v.exactOptional(v.pipe(text(A_BROKER), v.check(isBrokerUrl, expected(A_BROKER)))),
  ca: path("a certificate"),
  cert: path("a certificate"),
  key: path("a private key"),
  "owner-keys": v.exactOptional(
    v.pipe(
      v.array(text("the path of a public key"), expected("an array of paths of public keys")),
      v.maxLength(OWNER_KEYS_MAX, `more than ${OWNER_KEYS_MAX} owner keys`),
    ),
  ),
};

const FleetSchema: v.GenericSchema<unknown, FleetSettings> = v.pipe(
  v.object(fleetEntries, expected("a table")),
  v.rawCheck(({ dataset, addIssue }) => {
    const missing = dataset.typed ? missingIn(dataset.value) : undefined;
    if (missing !== undefined) addIssue({ message: missing });
  }),
);

/** Schemas of the tables of a configuration, each of which need not be there. */
export const tableSchemas: { readonly fleet: v.ExactOptionalSchema<typeof FleetSchema, undefined> } = {
  fleet: v.exactOptional(FleetSchema),
};

/** The same by name, with their keys. */
export const TABLES: Readonly<Record<string, TableTraits>> = {
  fleet: { keys: Object.keys(fleetEntries), paths: ["reports", "outbox", "ca", "cert", "key", "owner-keys"] },
};

/** The table with absolute paths. */
export function absoluteTable<Table extends object>(name: string, table: Table, folder: string): Table {
  const { paths = [] } = TABLES[name] ?? {};
  const absolute = (value: unknown): unknown =>
    Array.isArray(value) ? value.map(absolute) : resolve(folder, String(value));
  const entries = Object.entries(table).map(([key, value]) => [
    key,
    paths.includes(key) ? absolute(value) : value,
  ]);
  return Object.fromEntries(entries) as Table;
}

/** Whether this is a broker: "mqtt:" or "mqtts:", a host, perhaps a port, and nothing else. */
export function isBrokerUrl(value: string): boolean {
  const { protocol, hostname, username, password, search, hash, pathname } = URL.canParse(value)
    ? new URL(value)
    : { protocol: "" };
  const isBare = [username, password, search, hash].every((part) => part === "");
  return (
    ["mqtt:", "mqtts:"].includes(protocol) && hostname !== "" && isBare && ["", "/"].includes(pathname ?? "")
  );
}

/** What a `[fleet]` lacks; undefined when nothing. */
function missingIn(fleet: FleetSettings): string | undefined {
  const { broker, reports, name, site, cert, key, ca } = fleet;
  if (broker === undefined && reports === undefined)
    return "nothing to do: give reports, a file for reports, or broker, where they are sent, or both";
  if (broker !== undefined && (name === undefined || site === undefined))
    return "broker wants name, that of the fleet, and site, that of this node in it";
  if ((cert === undefined) !== (key === undefined)) return "cert and key are given together or not at all";
  const isPlain = broker?.startsWith("mqtt:") === true;
  if (isPlain && (cert !== undefined || ca !== undefined))
    return 'ca, cert and key are for TLS: begin broker with "mqtts:"';
  return undefined;
}
