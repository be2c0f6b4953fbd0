import { toHex } from "../../base/bytes.ts";
import { systemClock } from "../../base/clock.ts";
import { errorWords } from "../../base/system-error.ts";
import type { Millis } from "../../base/units.ts";
import type { Board } from "../../board/board.ts";
import type { Repository } from "../../image/repository.ts";
import { formatVersion } from "../../image/version.ts";
import type { LinkKey } from "../../link/link-key.ts";
import type { ControlSocket } from "../../node/control-socket.ts";
import type { RunningNode } from "../../node/full-node.ts";
import type { NodeReport } from "../../node/full-side.ts";
import type { NodeEvent } from "../../node/node-event.ts";
import type { Verdict } from "../../node/verdict.ts";
import { adviceOn } from "../advice/run-advice.ts";
import { BootHook } from "../hooks/boot-hook.ts";
import { HealedHook } from "../hooks/healed-hook.ts";
import { HookRunner } from "../hooks/hook-runner.ts";
import { linkKeyFlag, linkKeyFor } from "../link-key-flag.ts";
import { locatorsFor } from "../locator-flags.ts";
import { warnOfOpenLinks } from "../open-link-warnings.ts";
import type { Output } from "../output.ts";
import type { CommandContext } from "../run.ts";
import { imageMemory } from "./image-memory.ts";
import type { NodeConfig } from "./node-config.ts";
import { NodeServices } from "./node-services.ts";

/** When a node ends by itself. */
export interface NodeEnds {
  readonly untilHealthy: boolean;
  readonly timeoutMs: Millis | undefined;
}

/** Runs the node of a configuration, from opening its board to closing it. */
export async function runConfiguredNode(
  context: CommandContext,
  config: NodeConfig,
  ends: NodeEnds,
): Promise<Verdict> {
  if (config.board === undefined) return await runWith(context, config, ends, undefined);
  const { openBoard } = await import("../../board/board.ts");
  const board = openBoard(config.board, { write: true, warn: (text) => context.output.warn(text) });
  try {
    return await runWith(context, config, ends, board);
  } finally {
    board.close();
  }
}

async function runWith(
  context: CommandContext,
  config: NodeConfig,
  { untilHealthy, timeoutMs }: NodeEnds,
  board: Board | undefined,
): Promise<Verdict> {
  const { output, signal, service } = context;
  const warn = (text: string): void => output.warn(text);
  const keys = await linkKeysOf(context, config, board);
  warnOfLinks(context, config, board, keys);
  const repository = await repositoryOf(config);
  const runner = new HookRunner({ warn, signal });
  const healed = new HealedHook("on-healed", config.onHealed, { runner, warn });
  const { RefusalLog } = await import("../../board/refusal-log.ts");
  const now = (): string => new Date().toISOString();
  const refusals =
    config.board === undefined ? undefined : new RefusalLog(config.board, { clock: systemClock, now, warn });
  const store = board?.store();
  const { runNode } = await import("../../node/full-node.ts");
  const services = await NodeServices.open(context, config, board);
  let socket: Promise<ControlSocket | undefined> | undefined;
  const onEvent = (event: NodeEvent): void => {
    output.nodeEvent(event);
    service?.handle(event);
    healed.handle(event);
    services.handle(event);
    if (event.event === "refused") refusals?.note({ ...event, detail: event.detail ?? "" });
  };
  try {
    return await runNode({
      links: config.links.map(({ endpoint }, i) => ({ source: endpoint, linkKey: keys[i] })),
      board: store,
      repository,
      allowUnsigned: acceptsUnsigned(board),
      policy: { update: config.update, allowSingle: config.allowSingle },
      isEager: config.eager,
      locators: await locatorsFor(config.locatorOrigins),
      fanOut: config.fanOut,
      confirms: config.trialConfirm === "on-boot",
      soakMs: config.soakMs,
      soakResets: config.soakResets,
      ringTimeMs: config.ringTimeMs,
      memory: config.board === undefined ? undefined : imageMemory(config.board, warn),
      onBoot: bootHookOf(config, runner, warn),
      untilHealthy,
      signal,
      advice: adviceOn,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      onRunning: (node) => {
        socket = openSocket(context, config, board, node, services);
        services.attach(node);
        // Its failure ends the node no more than a warning does.
        void socket;
      },
      onEvent,
    });
  } finally {
    await (await socket)?.close();
    await services.close();
    await healed.finished();
    runner.close();
    refusals?.close();
    store?.close();
    await repository?.close();
  }
}

function bootHookOf(
  { board, onBoot }: NodeConfig,
  runner: HookRunner,
  warn: (text: string) => void,
): BootHook["run"] | undefined {
  if (board === undefined || onBoot === undefined) return undefined;
  const hook = new BootHook("on-boot", onBoot, { runner, warn, board });
  return async (boot) => await hook.run(boot);
}

/** The key of each link: its own, else that of the board. */
async function linkKeysOf(
  { output }: CommandContext,
  { links, board: dir }: NodeConfig,
  board: Board | undefined,
): Promise<(LinkKey | undefined)[]> {
  const { configLinkKey } = await import("../../board/board-config.ts");
  const own =
    board === undefined || dir === undefined
      ? undefined
      : configLinkKey(dir, board.config, (text) => output.warn(text));
  const boardKey = await linkKeyFor(own);
  const keys: (LinkKey | undefined)[] = [];
  for (const { linkKey } of links)
    keys.push((await linkKeyFor(await linkKeyFlag(linkKey, output))) ?? boardKey);
  return keys;
}

/** Whether the board takes unsigned images; then it also hands them on. */
function acceptsUnsigned(board: Board | undefined): boolean {
  if (board === undefined) return false;
  return board.config.allowUnsigned && board.config.trust.length === 0;
}

function warnOfLinks(
  { output }: CommandContext,
  { links }: NodeConfig,
  board: Board | undefined,
  keys: readonly (LinkKey | undefined)[],
): void {
  const takesUnsigned = acceptsUnsigned(board);
  for (const [i, { endpoint }] of links.entries())
    warnOfOpenLinks([endpoint], { hasLinkKey: keys[i] !== undefined, takesUnsigned }, output);
}

async function repositoryOf({ repository, network }: NodeConfig): Promise<Repository | undefined> {
  if (repository === undefined) return undefined;
  const { openDirectoryRepository } = await import("../../image-files/directory-repository.ts");
  return await openDirectoryRepository(repository, { create: network !== undefined });
}

/** Opens the control socket; a node runs without one, too, unless it was asked for. */
async function openSocket(
  { output }: CommandContext,
  config: NodeConfig,
  board: Board | undefined,
  node: RunningNode,
  services: NodeServices,
): Promise<ControlSocket | undefined> {
  const { controlPlace } = await import("../../node/control-place.ts");
  const { openControlSocket } = await import("../../node/control-socket.ts");
  try {
    const place = controlPlace(config.socket, node.nodeId);
    if (place.path === undefined) {
      output.note(`no control socket: ${place.why}`);
      return undefined;
    }
    const socket = await openControlSocket({
      path: place.path,
      canWrite: config.control === "write",
      onRequest: async (request) => {
        if (request.command === "status")
          return { ...withFolder(node.status(), config), ...services.status() };
        return request.command === "confirm" ? { ...node.confirm() } : await installFile(node, request.file);
      },
    });
    nameSocket(board, socket.path, output);
    output.event({ event: "socket", path: socket.path });
    return socket;
  } catch (error) {
    output.warn(`no control socket: ${errorWords(error)}`);
    return undefined;
  }
}

/** Lets `board install` and `board confirm` find the socket. On a full disk they do not; `--node` still does. */
function nameSocket(board: Board | undefined, path: string, output: Output): void {
  try {
    board?.nameSocket(path);
  } catch (error) {
    const why = errorWords(error);
    output.warn(`the board's folder does not name the control socket ${path}: ${why}`);
  }
}

/** The status, with the board's folder. */
function withFolder(status: NodeReport, { board: path }: NodeConfig): Readonly<Record<string, unknown>> {
  const { board } = status;
  return { ...status, board: board === null ? null : { path, ...board } };
}

async function installFile(node: RunningNode, file: string): Promise<Readonly<Record<string, unknown>>> {
  const { openImageFile } = await import("../../image-files/image-file.ts");
  const image = await openImageFile(file);
  try {
    await node.install(image, file);
    return { version: formatVersion(image.manifest.version), digest: toHex(image.digest) };
  } finally {
    await image.close();
  }
}
