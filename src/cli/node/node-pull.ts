import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { uptime } from "node:os";
import { systemClock } from "../../base/clock.ts";
import type { Millis } from "../../base/units.ts";
import type { Board } from "../../board/board.ts";
import type { TrustPolicy } from "../../image/envelope.ts";
import type { Output } from "../output.ts";
import { PullOutput } from "../repo/pull-output.ts";
import type { NodeConfig } from "./node-config.ts";
import type { NodeService } from "./node-services.ts";

const POLL_MS: Millis = 3_600_000;
/** Bytes a day. */
const BUDGET = 50 * 1_048_576;

/** Fills the repository of a node from a web server. */
export interface NodePull extends NodeService {
  /** The owner says that there is something new. */
  wake(): void;
}

/**
 * Begins to fill the repository of a node from a web server, if its configuration has one. Errors are those of its keys and
 * certificates: what may pass, and what a server does, is told by events and ends nothing.
 */
export async function startNodePull(
  { network, repository: dir, board: boardDir }: NodeConfig,
  board: Board | undefined,
  output: Output,
): Promise<NodePull | undefined> {
  if (network === undefined || dir === undefined) return undefined;
  const { BackgroundPull: Pull } = await import("../../network/background-pull.ts");
  const { AddressGuard } = await import("../../network/address-guard.ts");
  const { loadTls } = await import("../../files/tls-files.ts");
  const { ca, cert, "cert-key": certKey } = network;
  const trust = await trustOf(network, boardDir, board, output);
  const tls = loadTls({ ca, cert, certKey }, (text) => output.warn(text));
  const shown = new PullOutput(output, { endsWithIndex: false });
  const pull = new Pull({
    dir,
    url: network.index,
    trust,
    tls,
    hardware: network.hardware ?? [],
    budget: network.budget ?? BUDGET,
    pollMs: network.poll ?? POLL_MS,
    guard: new AddressGuard(network["allow-addresses"]),
    uptimeMs: () => uptime() * 1000,
    clock: systemClock,
    random: { u32: () => randomBytes(4).readUInt32LE(0) },
    onEvent: (event) => shown.handle(event),
  });
  return {
    wake: () => pull.wake(),
    status: () => ({ network: { ...pull.status() } }),
    close: async () => await pull.close(),
  };
}

/** The keys of the configuration; without any, and without leave for unsigned images, those of the board. */
async function trustOf(
  { trust, "allow-unsigned": allowUnsigned = false }: NonNullable<NodeConfig["network"]>,
  boardDir: string | undefined,
  board: Board | undefined,
  output: Output,
): Promise<TrustPolicy> {
  const { WriteGuard } = await import("../../files/write-guard.ts");
  const guard = new WriteGuard({ warn: (text) => output.warn(text) });
  if (trust === undefined && !allowUnsigned && boardDir !== undefined && board !== undefined) {
    const { configPolicy } = await import("../../board/board-config.ts");
    guard.limitOwners(statSync(boardDir));
    return configPolicy(boardDir, board.config, guard);
  }
  const { loadTrustedKeys } = await import("../../image-files/pem-keys.ts");
  const keys = (trust ?? []).flatMap((path) => loadTrustedKeys(path, ["app", "recovery"], guard));
  return { keys, allowUnsigned };
}
