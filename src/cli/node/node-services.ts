import type { Board } from "../../board/board.ts";
import type { RunningNode } from "../../node/full-node.ts";
import type { NodeEvent } from "../../node/node-event.ts";
import type { CommandContext } from "../run.ts";
import type { NodeConfig } from "./node-config.ts";
import { openNodeFigures } from "./node-figures.ts";
import { openNodeFleet } from "./node-fleet.ts";
import { startNodePull } from "./node-pull.ts";

/** What runs beside a node, and without which it heals as well: figures, images of a web server, reports. */
export interface NodeService {
  /** Takes every event of the node. */
  handle?(event: NodeEvent): void;
  /** The node runs. */
  attach?(node: RunningNode): void;
  /** What the node's status says of it, under names of its own. */
  status?(): Readonly<Record<string, unknown>>;
  close(): Promise<void>;
}

/** All services that a configuration wants. */
export class NodeServices implements Required<NodeService> {
  readonly #all: readonly NodeService[];

  private constructor(all: readonly NodeService[]) {
    this.#all = all;
  }

  /** Errors are those of keys, certificates and files that the configuration names; those that are open by then are closed. */
  static async open(
    context: CommandContext,
    config: NodeConfig,
    board: Board | undefined,
  ): Promise<NodeServices> {
    const open: NodeService[] = [];
    const add = <Service extends NodeService>(service: Service | undefined): Service | undefined => {
      if (service !== undefined) open.push(service);
      return service;
    };
    try {
      add(await openNodeFigures(context, config));
      const pull = add(await startNodePull(config, board, context.output));
      add(await openNodeFleet(config, board, context.output, () => pull?.wake()));
      return new NodeServices(open);
    } catch (error) {
      for (const service of open) await service.close();
      throw error;
    }
  }

  handle(event: NodeEvent): void {
    for (const service of this.#all) service.handle?.(event);
  }

  attach(node: RunningNode): void {
    for (const service of this.#all) service.attach?.(node);
  }

  status(): Readonly<Record<string, unknown>> {
    return Object.assign({}, ...this.#all.map((service) => service.status?.()));
  }

  async close(): Promise<void> {
    for (const service of this.#all) await service.close();
  }
}
