import { statSync } from "node:fs";
import { FailedError } from "../../base/errors.ts";
import type { Millis } from "../../base/units.ts";
import { programPaths } from "../../files/program-path.ts";
import { ownUid, type Rights } from "../../files/rights.ts";
import { WRITABLE_BY_OTHERS, WriteGuard } from "../../files/write-guard.ts";
import type { MetricsAddress } from "../../node/metrics/metrics-address.ts";
import type { Endpoint } from "../../transport/endpoint.ts";
import { ConfigFaults } from "./config-faults.ts";
import { readConfigFile } from "./config-file.ts";
import type { Settings } from "./config-schema.ts";
import {
  type ConfigSource,
  environmentSource,
  fileSource,
  flagSource,
  type NodeOverrides,
  variableWarnings,
} from "./config-sources.ts";
import type { Words } from "./config-values.ts";
import type { FleetSettings } from "./fleet-table.ts";
import type { NetworkSettings } from "./network-table.ts";

/** A link of a node. */
export interface NodeLinkConfig {
  readonly endpoint: Endpoint;
  /** Path of its link key. */
  readonly linkKey: string | undefined;
}

/** Configuration of `mayday node` (docs/node.md). Paths are absolute. */
export interface NodeConfig {
  /** The file, as it was named; undefined without one. */
  readonly path: string | undefined;
  /** Folder of a board; undefined: a provider without a board. */
  readonly board: string | undefined;
  /** Folder of images; undefined: only the board's own firmware. */
  readonly repository: string | undefined;
  /** Where the control socket is made. */
  readonly socket: string | undefined;
  /** What may be done through the socket. */
  readonly control: "read" | "write";
  /** Where figures for Prometheus are served; undefined: nowhere. */
  readonly metrics: MetricsAddress | undefined;
  /** What confirms a trial of a new image. */
  readonly trialConfirm: "on-boot" | "socket";
  /** Words of a program, to be run when the board's decision turns bootable. */
  readonly onBoot: Words | undefined;
  /** Words of a program, to be run after each healed board. */
  readonly onHealed: Words | undefined;
  readonly update: "auto" | "never";
  /** Whether a healthy board with one slot may be updated. */
  readonly allowSingle: boolean;
  /** Whether a small image is sent right behind its offer. */
  readonly eager: boolean;
  /** How long an image runs before it is handed on. */
  readonly soakMs: Millis;
  /** How often it was started again by then. */
  readonly soakResets: number;
  /** How much later each ring of an image goes ahead. */
  readonly ringTimeMs: Millis;
  /** Updates that are handed out at the same time, and in any soak time. */
  readonly fanOut: number;
  /** Where images of the repository come from; undefined: only from people. */
  readonly network: NetworkSettings | undefined;
  /** From where the own board may fetch an image that a neighbour only names. */
  readonly locatorOrigins: readonly string[];
  /** Reports of what happens here; undefined without a `[fleet]`. */
  readonly fleet: FleetSettings | undefined;
  /** At least one. */
  readonly links: readonly NodeLinkConfig[];
}

export type { NodeOverrides } from "./config-sources.ts";

interface ConfigFile {
  readonly path: string;
  readonly stat: Rights;
}

const RING_TIME_MS: Millis = 3_600_000;

/**
 * Reads the configuration of a node: flags win over variables, variables over the file. UsageError `config-invalid`
 * lists what is wrong, and where; others, and FailedError `config-unreadable`, say why there is no text
 * (`readConfigFile`).
 *
 * FailedError `writable-by-others` when others may write the file. So it is with a hook that is named by a path,
 * wherever it is named: it decides as much as the file. Besides root and this process's user it may belong to the
 * owner of the file. A hook that is looked up in PATH is as safe as PATH. On a file system without modes, such as FAT,
 * there is a warning instead.
 */
export function readNodeConfig(
  path: string | undefined,
  overrides: NodeOverrides,
  env: Readonly<Record<string, string | undefined>>,
): { readonly config: NodeConfig; readonly warnings: readonly string[] } {
  const warnings = variableWarnings(env);
  const guard = new WriteGuard({ warn: (text) => warnings.push(text) });
  const faults = new ConfigFaults();
  const sources: ConfigSource[] = [];
  const file = path === undefined ? undefined : { path, ...readConfigFile(path, guard) };
  if (file !== undefined) sources.push(fileSource(file.path, file.text, faults));
  sources.push(environmentSource(env, faults), flagSource(overrides, faults));
  const settings: Settings = Object.assign({}, ...sources.map((source) => source.settings));
  if (!sources.some(({ namesLinks }) => namesLinks)) {
    const origin = (file === undefined ? sources.at(-1) : sources[0])?.originOf(["link"]);
    const fix = "write [[link]] with an endpoint into the file, or give --link";
    if (origin !== undefined) faults.add(origin, `there is no link; ${fix}`);
  }
  checkNetwork(settings, sources, faults);
  const hooks = [findHook("on-boot", sources, faults), findHook("on-healed", sources, faults)];
  faults.throwIfAny();
  for (const hook of hooks) checkHook(hook, guard, file);
  return { config: configOf(path, settings), warnings };
}

/** What `[network]` needs of other settings, and its own of each other. */
function checkNetwork(settings: Settings, sources: readonly ConfigSource[], faults: ConfigFaults): void {
  const { network, repository, board } = settings;
  const source = sources.find((one) => one.settings.network !== undefined);
  if (network === undefined || source === undefined) return;
  const add = (key: string, message: string): void => faults.add(source.originOf(["network", key]), message);
  if (repository === undefined) add("index", "there is no repository to put images into; name a folder");
  if (network.trust === undefined && network["allow-unsigned"] !== true && board === undefined) {
    add("index", 'no key says which images are right; write trust = ["owner.pub"]');
  }
  if ((network.cert === undefined) !== (network["cert-key"] === undefined)) {
    add(network.cert === undefined ? "cert-key" : "cert", "cert and cert-key belong together");
  }
}

/** The file of the hook that counts, if it is named by a path. One that cannot be run is a fault. */
function findHook(
  key: "on-boot" | "on-healed",
  sources: readonly ConfigSource[],
  faults: ConfigFaults,
): string | undefined {
  const source = sources.findLast(({ settings }) => settings[key] !== undefined);
  const program = source?.settings[key]?.[0];
  if (source === undefined || program === undefined) return undefined;
  const isPath = program.includes("/");
  if (programPaths(program).length === 0) {
    const message = isPath
      ? `${program} is no program that can be run; look at its path, and at its mode (chmod +x)`
      : `there is no program ${program} in PATH; for one beside the file write "./${program}"`;
    faults.add(source.originOf([key, 0]), message);
    return undefined;
  }
  return isPath ? program : undefined;
}

function checkHook(path: string | undefined, guard: WriteGuard, file: ConfigFile | undefined): void {
  if (path === undefined) return;
  const stat = statSync(path);
  guard.checkFile(path, stat);
  if ([0, ownUid(), file?.stat.uid].includes(stat.uid)) return;
  const owned =
    file === undefined ? "does not own this process" : `owns neither ${file.path} nor this process`;
  const message = `${path}: user ${stat.uid} owns this program, who ${owned}; fix: chown 0 ${path}`;
  throw new FailedError(WRITABLE_BY_OTHERS, message, { path, uid: stat.uid });
}

function configOf(path: string | undefined, settings: Settings): NodeConfig {
  return {
    path,
    board: settings.board,
    repository: settings.repository,
    socket: settings.socket,
    control: settings.control ?? "read",
    metrics: settings.metrics,
    trialConfirm: settings["trial-confirm"] ?? "on-boot",
    onBoot: settings["on-boot"],
    onHealed: settings["on-healed"],
    update: settings.update ?? "auto",
    allowSingle: settings["allow-single"] ?? false,
    eager: settings.eager ?? false,
    soakMs: settings.soak ?? 0,
    soakResets: settings["soak-resets"] ?? 0,
    ringTimeMs: settings["ring-time"] ?? RING_TIME_MS,
    fanOut: settings["fan-out"] ?? 1,
    network: settings.network,
    fleet: settings.fleet,
    locatorOrigins: settings.locator?.origins ?? [],
    links: (settings.link ?? []).map((link) => ({ endpoint: link.endpoint, linkKey: link["link-key"] })),
  };
}
