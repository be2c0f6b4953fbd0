import * as v from "valibot";
import type { Millis } from "../../base/units.ts";
import { type MetricsAddress, parseMetricsAddress } from "../../node/metrics/metrics-address.ts";
import { type Endpoint, parseEndpoint } from "../../transport/endpoint.ts";
import { splitWords } from "../words.ts";
import type { ConfigPath } from "./config-places.ts";
import type { ConfigTable } from "./config-table.ts";
import {
  choiceValue,
  countValue,
  durationValue,
  expected,
  flagValue,
  optionalPath,
  parsedValue,
  type Words,
  wordsValue,
} from "./config-values.ts";
import { FLEET_TABLE, type FleetSettings } from "./fleet-table.ts";
import { LOCATOR_TABLE, type LocatorSettings } from "./locator-table.ts";
import { NETWORK_TABLE, type NetworkSettings } from "./network-table.ts";

/** Most links of a node, and most updates that it hands out at the same time. */
export const NODE_LINKS_MAX = 256;

/** Most starts that an image has to survive before it is handed on. */
const SOAK_RESETS_MAX = 255;

/** Settings of a node that have one value. Each is a key of the file, a variable and a flag. */
export const SETTING_KEYS = [
  "board",
  "repository",
  "socket",
  "control",
  "metrics",
  "trial-confirm",
  "on-boot",
  "on-healed",
  "update",
  "allow-single",
  "eager",
  "soak",
  "soak-resets",
  "ring-time",
  "fan-out",
] as const;
export type SettingKey = (typeof SETTING_KEYS)[number];
/** Tables of the file that stand once. They have neither variables nor flags. */
const TABLES = {
  network: NETWORK_TABLE,
  locator: LOCATOR_TABLE,
  fleet: FLEET_TABLE,
} as const satisfies Record<string, ConfigTable<object>>;
export const CONFIG_TABLES: Readonly<Record<string, ConfigTable<object>>> = TABLES;
/** Keys of the file. */
export const FILE_KEYS: readonly string[] = [...SETTING_KEYS, ...Object.keys(TABLES), "link"];
/** Keys of a `[[link]]`. */
export const LINK_KEYS: readonly string[] = ["endpoint", "link-key"];

/** What one source, such as the file, says. Paths are as they were written. */
export interface Settings {
  readonly board?: string;
  readonly repository?: string;
  readonly socket?: string;
  readonly control?: "read" | "write";
  readonly metrics?: MetricsAddress;
  readonly "trial-confirm"?: "on-boot" | "socket";
  readonly "on-boot"?: Words;
  readonly "on-healed"?: Words;
  readonly update?: "auto" | "never";
  readonly "allow-single"?: boolean;
  readonly eager?: boolean;
  readonly soak?: Millis;
  readonly "soak-resets"?: number;
  readonly "ring-time"?: Millis;
  readonly "fan-out"?: number;
  readonly network?: NetworkSettings;
  readonly fleet?: FleetSettings;
  readonly locator?: LocatorSettings;
  readonly link?: readonly LinkSettings[];
}

/** A `[[link]]`. */
export interface LinkSettings {
  readonly endpoint: Endpoint;
  readonly "link-key"?: string;
}

/** A value that does not fit. */
export interface SettingIssue {
  readonly path: ConfigPath;
  readonly message: string;
}

const LinkSchema = v.object(
  {
    endpoint: parsedValue('an endpoint, such as "/dev/ttyUSB0" or "tcp:HOST:PORT"', parseEndpoint),
    "link-key": optionalPath("a file"),
  },
  expected("a table with an endpoint"),
);

const SettingsSchema = v.object(
  {
    board: optionalPath("a folder of board init"),
    repository: optionalPath("a folder of images"),
    socket: optionalPath("a socket to be made"),
    control: v.exactOptional(choiceValue("read", "write")),
    metrics: v.exactOptional(
      parsedValue('a port or an address of this machine, such as "127.0.0.1:9464"', parseMetricsAddress),
    ),
    "trial-confirm": v.exactOptional(choiceValue("on-boot", "socket")),
    "on-boot": v.exactOptional(wordsValue()),
    "on-healed": v.exactOptional(wordsValue()),
    update: v.exactOptional(choiceValue("auto", "never")),
    "allow-single": v.exactOptional(flagValue()),
    eager: v.exactOptional(flagValue()),
    soak: v.exactOptional(durationValue()),
    "soak-resets": v.exactOptional(countValue(0, SOAK_RESETS_MAX)),
    "ring-time": v.exactOptional(durationValue()),
    "fan-out": v.exactOptional(countValue(1, NODE_LINKS_MAX)),
    link: v.exactOptional(
      v.pipe(
        v.array(LinkSchema, expected("[[link]], in double brackets, above each link")),
        v.maxLength(NODE_LINKS_MAX, `more than ${NODE_LINKS_MAX} links`),
      ),
    ),
    network: v.exactOptional(NETWORK_TABLE.schema),
    fleet: v.exactOptional(FLEET_TABLE.schema),
    locator: v.exactOptional(LOCATOR_TABLE.schema),
  },
  expected("a table"),
);

/** Checks the settings of one source. Keys that are not known are left out without an issue. */
export function checkSettings(input: unknown): { settings: Settings; issues: readonly SettingIssue[] } {
  const parsed = v.safeParse(SettingsSchema, input, { abortPipeEarly: true });
  if (parsed.success) return { settings: parsed.output, issues: [] };
  const issues = parsed.issues.map((issue) => ({
    path: (issue.path ?? []).map(({ key }) => key as string | number),
    message: issue.message,
  }));
  return { settings: {}, issues };
}

/**
 * What the text of a variable or a flag is as a value of the file; text that cannot be one stays as it is. UsageError
 * of `splitWords`.
 */
export function settingOfText(key: SettingKey, value: string): unknown {
  switch (key) {
    case "on-boot":
    case "on-healed":
      return splitWords(value, "it");
    case "allow-single":
    case "eager":
      return value === "true" ? true : value === "false" ? false : value;
    case "fan-out":
    case "soak-resets":
      return /^\d{1,9}$/.test(value) ? Number(value) : value;
    default:
      return value;
  }
}
