import { toHex } from "../base/bytes.ts";
import { UsageError } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import type { ImageSource } from "../image/image-source.ts";
import type { ConfirmReport } from "./board-life.ts";
import { type FullHost, FullSide } from "./full-side.ts";
import type { NodeDuties } from "./node-duties.ts";
import { NodeRun } from "./node-run.ts";
import type { NodeRole, SidedEvent } from "./role-link.ts";
import type { RunOptions } from "./run-options.ts";
import { patientTransportOf } from "./transport-source.ts";
import type { Verdict } from "./verdict.ts";

export interface NodeOptions extends RunOptions, NodeDuties {
  /** Called once, with what may be asked of the node while it runs. */
  onRunning?(node: RunningNode): void;
}

/** A node that runs, for its control socket. */
export interface RunningNode {
  /** 16 hexadecimal digits. */
  readonly nodeId: string;
  /** Who was heard, who waits for what and since when. */
  status(): Readonly<Record<string, unknown>>;
  /** Installs an image on the board and starts it; `from` names its origin. The errors are those of `OwnInstalls.install`. */
  install(image: ImageSource, from: string): Promise<void>;
  /** The owner holds an image up everywhere, by its short digest, for so long from now on. */
  stopImage(digest8: Uint8Array, forMs: Millis): void;
  /** Confirms the image that runs. NotBootableError when none does. */
  confirm(): ConfirmReport;
}

/**
 * A full peer, until it is stopped: calls when its board does not boot, heals its neighbours, and passes updates on. Links that
 * cannot be opened are waited for.
 */
export async function runNode(options: NodeOptions): Promise<Verdict> {
  const transports = options.links.map(({ source }) => patientTransportOf(source));
  const run = new NodeRun<SidedEvent, NodeRole, FullSide>(
    options,
    transports,
    (host: FullHost) => new FullSide(host, options),
  );
  const { side } = run;
  side.start();
  options.onRunning?.(handleOf(side));
  const ending = await run.ended();
  await side.close();
  options.board?.abandon();
  return run.verdict(ending, side.rescuer.figures(ending.code));
}

function handleOf(side: FullSide): RunningNode {
  const own = (): NonNullable<FullSide["own"]> => {
    if (side.own !== undefined) return side.own;
    throw new UsageError(
      "node-without-board",
      "This node has no board of its own: set board in its configuration",
    );
  };
  return {
    nodeId: toHex(side.own?.self.nodeId ?? side.rescuer.nodeId),
    status: () => side.status(),
    stopImage: (digest8, forMs) => side.stopImage(digest8, forMs),
    install: async (image, from) => await own().installs.install(image, from),
    confirm: () => own().life.confirm(),
  };
}
