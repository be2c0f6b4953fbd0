import * as v from "valibot";
import { FLEET_NAME_MAX, isFleetName, isSiteName } from "../../fleet/names.ts";
import type { ConfigTable } from "./config-table.ts";
import { expected, listValue, optionalPath, pathValue, textValue } from "./config-values.ts";

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

const OWNER_KEYS_MAX = 8;
const A_NAME = `a name of letters, digits and ". _ -" inside, at most ${FLEET_NAME_MAX} characters`;
const A_SITE = `${A_NAME}, other than "offers" and "stop"`;
const A_BROKER = '"mqtts://HOST:PORT" or "mqtt://HOST:PORT"';

const ENTRIES = {
  name: v.exactOptional(v.pipe(textValue(A_NAME), v.check(isFleetName, expected(A_NAME)))),
  site: v.exactOptional(v.pipe(textValue(A_SITE), v.check(isSiteName, expected(A_SITE)))),
  reports: optionalPath("a file"),
  outbox: optionalPath("a folder"),
  broker: v.exactOptional(v.pipe(textValue(A_BROKER), v.check(isBrokerUrl, expected(A_BROKER)))),
  ca: optionalPath("a certificate"),
  cert: optionalPath("a certificate"),
  key: optionalPath("a private key"),
  "owner-keys": v.exactOptional(listValue(pathValue("a public key"), OWNER_KEYS_MAX)),
} as const;

export const FLEET_TABLE: ConfigTable<FleetSettings> = {
  keys: Object.keys(ENTRIES),
  schema: v.pipe(
    v.object(ENTRIES, expected("a table")),
    v.rawCheck(({ dataset, addIssue }) => {
      const missing = dataset.typed ? missingIn(dataset.value) : undefined;
      if (missing !== undefined) addIssue({ message: missing });
    }),
  ),
  absolute: (settings, absolute) => {
    const { reports, outbox, ca, cert, key } = settings;
    const paths = Object.entries({ reports, outbox, ca, cert, key }).flatMap(([name, path]) =>
      path === undefined ? [] : [[name, absolute(path)]],
    );
    const owners = settings["owner-keys"];
    return {
      ...settings,
      ...(Object.fromEntries(paths) as Partial<FleetSettings>),
      ...(owners === undefined ? {} : { "owner-keys": owners.map(absolute) }),
    };
  },
};

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
