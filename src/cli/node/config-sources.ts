import { dirname, resolve } from "node:path";
import { unreachable } from "../../base/assert.ts";
import { UsageError } from "../../base/errors.ts";
import type { Endpoint } from "../../transport/endpoint.ts";
import { nearestName } from "../nearest-name.ts";
import { type ConfigFaults, fileOrigin, type Origin } from "./config-faults.ts";
import { type ConfigDocument, type ConfigPath, fieldText, parseConfig } from "./config-places.ts";
import {
  CONFIG_TABLES,
  checkSettings,
  FILE_KEYS,
  LINK_KEYS,
  type LinkSettings,
  SETTING_KEYS,
  type SettingKey,
  type Settings,
  settingOfText,
} from "./config-schema.ts";
import type { Words } from "./config-values.ts";

/** A file, the environment or the flags. */
export interface ConfigSource {
  /** With absolute paths. */
  readonly settings: Settings;
  /** Whether it names links, right or wrong ones. */
  readonly namesLinks: boolean;
  originOf(path: ConfigPath): Origin;
}

/** What the flags of the command say, each as it was written. Relative paths are relative to the working directory. */
export interface NodeOverrides {
  readonly board?: string | undefined;
  readonly repository?: string | undefined;
  readonly socket?: string | undefined;
  readonly control?: string | undefined;
  readonly metrics?: string | undefined;
  readonly trialConfirm?: string | undefined;
  /** Words, with the quotes of a shell. */
  readonly onBoot?: string | undefined;
  readonly onHealed?: string | undefined;
  readonly update?: string | undefined;
  readonly allowSingle?: boolean | undefined;
  readonly eager?: boolean | undefined;
  readonly soak?: string | undefined;
  readonly soakResets?: string | undefined;
  readonly ringTime?: string | undefined;
  readonly fanOut?: string | undefined;
  /** Endpoints, which take the place of all links of the file. */
  readonly link?: readonly string[] | undefined;
  /** Link key of each link in `link`. */
  readonly linkKey?: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = "MAYDAY_";
/** Variables with another meaning: those of flags that are no settings, and what hooks get, which may start mayday again. */
const OTHER_VARIABLES = [
  "MAYDAY_DEBUG",
  "MAYDAY_CONFIG",
  "MAYDAY_LOG",
  "MAYDAY_QUIET",
  "MAYDAY_VERBOSE",
  "MAYDAY_CONSOLE",
  "MAYDAY_LINK",
  "MAYDAY_PEER",
  "MAYDAY_DIGEST",
  "MAYDAY_VERSION",
  "MAYDAY_PROVEN",
  "MAYDAY_BLOCKS",
  "MAYDAY_BYTES",
  "MAYDAY_SECONDS",
];

/** "MAYDAY_TRIAL_CONFIRM". */
function variableOf(key: SettingKey): string {
  return `${PREFIX}${key.toUpperCase().replaceAll("-", "_")}`;
}

/** The settings of a file's text. Relative paths in it are relative to the folder that `file` is in. */
export function fileSource(file: string, text: string, faults: ConfigFaults): ConfigSource {
  const document = parseConfig(text);
  if (document.tag === "fault") {
    const origin = fileOrigin(file, document.place, document.path);
    faults.add(origin, document.message);
    // Links are not missing where they cannot be read.
    return { settings: {}, namesLinks: true, originOf: () => origin };
  }
  addUnknownKeys(file, document, faults);
  const originOf = (path: ConfigPath): Origin => fileOrigin(file, document.placeOfValue(path), path);
  return checkedSource(document.value, originOf, dirname(file), faults);
}

/** The settings of the variables `MAYDAY_KEY`. An empty variable is one that is not set. */
export function environmentSource(env: Environment, faults: ConfigFaults): ConfigSource {
  const originOf = ([key]: ConfigPath): Origin => {
    const variable = variableOf(key as SettingKey);
    return { text: variable, details: { variable } };
  };
  const given = SETTING_KEYS.map((key) => [key, env[variableOf(key)] || undefined] as const);
  return checkedSource(inputOf(given, originOf, faults), originOf, "", faults);
}

/** The settings of the flags. */
export function flagSource(overrides: NodeOverrides, faults: ConfigFaults): ConfigSource {
  const originOf = (path: ConfigPath): Origin => {
    const flag = `--${path.findLast((part) => part === "link-key") ?? path[0]}`;
    return { text: flag, details: { flag } };
  };
  const { link = [], linkKey, ...settings } = overrides;
  const byName: Readonly<Record<string, string | boolean | undefined>> = settings;
  const given = SETTING_KEYS.map(
    (key) => [key, byName[key.replace(/-(.)/g, (_, first: string) => first.toUpperCase())]] as const,
  );
  const keyOfLinks = linkKey === undefined ? {} : { "link-key": linkKey };
  const links = link.length === 0 ? {} : { link: link.map((endpoint) => ({ endpoint, ...keyOfLinks })) };
  if (linkKey !== undefined && link.length === 0) {
    faults.add(
      originOf(["link-key"]),
      "this is the key of the links of --link; those of a file have a link-key each",
    );
  }
  return checkedSource({ ...inputOf(given, originOf, faults), ...links }, originOf, "", faults);
}

/** A warning for each variable that is named like a setting but is none. */
export function variableWarnings(env: Environment): string[] {
  const known = [...SETTING_KEYS.map(variableOf), ...OTHER_VARIABLES];
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !known.includes(name))
    .map(
      (name) => `environment variable ${name} has no meaning here and is ignored${meantText(name, known)}`,
    );
}

function inputOf(
  given: readonly (readonly [SettingKey, string | boolean | undefined])[],
  originOf: ConfigSource["originOf"],
  faults: ConfigFaults,
): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  for (const [key, value] of given) {
    if (value === undefined) continue;
    try {
      input[key] = typeof value === "string" ? settingOfText(key, value) : value;
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      faults.add(originOf([key]), error.message);
    }
  }
  return input;
}

function checkedSource(
  input: Readonly<Record<string, unknown>>,
  originOf: ConfigSource["originOf"],
  folder: string,
  faults: ConfigFaults,
): ConfigSource {
  const { settings, issues } = checkSettings(input);
  for (const { path, message } of issues) faults.add(originOf(path), message);
  addDoubledLinks(settings, originOf, faults);
  const link = input["link"];
  const namesLinks = link !== undefined && !(Array.isArray(link) && link.length === 0);
  return { settings: absolutePaths(settings, folder), namesLinks, originOf };
}

function addUnknownKeys(file: string, document: ConfigDocument, faults: ConfigFaults): void {
  for (const path of document.keys()) {
    const known = keysAt(path);
    const name = path.at(-1);
    if (known === undefined || typeof name !== "string" || known.includes(name)) continue;
    const hint = placeHint(name, known) ?? meantText(name, known);
    const message = `unknown key${hint === "" ? `; known: ${known.join(", ")}` : hint}`;
    faults.add(fileOrigin(file, document.placeOfKey(path), path), message);
  }
}

/** Which keys may stand where the last part of a path stands; undefined where nothing is checked. */
function keysAt(path: ConfigPath): readonly string[] | undefined {
  if (path.length === 1) return FILE_KEYS;
  if (path.length === 3 && path[0] === "link") return LINK_KEYS;
  return path.length === 2 ? CONFIG_TABLES[String(path[0])]?.keys : undefined;
}

/** Where a key belongs that stands among others. */
function placeHint(name: string, known: readonly string[]): string | undefined {
  if (known !== FILE_KEYS && FILE_KEYS.includes(name)) {
    return `; it belongs above ${known === LINK_KEYS ? "the first [[link]]" : "the first table"}`;
  }
  if (known !== LINK_KEYS && LINK_KEYS.includes(name)) return "; it belongs below [[link]]";
  const table = Object.entries(CONFIG_TABLES).find(([, { keys }]) => keys !== known && keys.includes(name));
  return table === undefined ? undefined : `; it belongs below [${table[0]}]`;
}

function meantText(name: string, known: readonly string[]): string {
  const near = nearestName(name, known);
  return near === undefined ? "" : `; did you mean ${near}?`;
}

function addDoubledLinks(
  { link = [] }: Settings,
  originOf: ConfigSource["originOf"],
  faults: ConfigFaults,
): void {
  const places = link.map(({ endpoint }) => placeOf(endpoint));
  for (const [i, place] of places.entries()) {
    const first = places.indexOf(place);
    if (first === i) continue;
    const { text } = link[i]?.endpoint ?? { text: "" };
    const other = originOf(["link", first, "endpoint"]);
    const line =
      other.details["line"] === undefined
        ? ""
        : ` of ${fieldText(["link", first])} in line ${other.details["line"]}`;
    faults.add(
      originOf(["link", i, "endpoint"]),
      `${text} is the same endpoint as that${line}; each link takes one`,
    );
  }
}

/** What two links cannot have at the same time. */
function placeOf(endpoint: Endpoint): string {
  switch (endpoint.tag) {
    case "uart":
      return `${endpoint.tag} ${resolve(endpoint.path)}`;
    case "i2c":
      return `${endpoint.tag} ${resolve(endpoint.path)} ${endpoint.address}`;
    case "i2c-peripheral":
      return `${endpoint.tag} ${resolve(endpoint.socket)} ${endpoint.address}`;
    case "tcp":
    case "tcp-listen":
    case "rfc2217":
      return `${endpoint.tag} ${endpoint.host.toLowerCase()} ${endpoint.port}`;
    default:
      return unreachable(endpoint);
  }
}

/** A program without a slash is looked up in PATH, and stays as it is. */
function absolutePaths(settings: Settings, folder: string): Settings {
  const absolute = (path: string): string => resolve(folder, path);
  const ofWords = ([program, ...args]: Words): Words => [
    program.includes("/") ? absolute(program) : program,
    ...args,
  ];
  const { board, repository, socket, "on-boot": onBoot, "on-healed": onHealed, link } = settings;
  return {
    ...settings,
    ...(board === undefined ? {} : { board: absolute(board) }),
    ...(repository === undefined ? {} : { repository: absolute(repository) }),
    ...(socket === undefined ? {} : { socket: absolute(socket) }),
    ...(onBoot === undefined ? {} : { "on-boot": ofWords(onBoot) }),
    ...(onHealed === undefined ? {} : { "on-healed": ofWords(onHealed) }),
    ...(link === undefined ? {} : { link: link.map((one) => absoluteKey(one, absolute)) }),
    ...absoluteTables(settings, absolute),
  };
}

function absoluteTables(settings: Settings, absolute: (path: string) => string): Partial<Settings> {
  const tables = Object.entries(CONFIG_TABLES).flatMap(([name, table]) => {
    const found = settings[name as keyof Settings];
    return typeof found === "object" ? [[name, table.absolute(found, absolute)]] : [];
  });
  return Object.fromEntries(tables) as Partial<Settings>;
}

function absoluteKey(one: LinkSettings, absolute: (path: string) => string): LinkSettings {
  const key = one["link-key"];
  return key === undefined ? one : { ...one, "link-key": absolute(key) };
}
