import type { Millis } from "../base/units.ts";
import type { RunningBoard } from "../board/running-board.ts";
import type { Repository } from "../image/repository.ts";
import type { LinkKey } from "../link/link-key.ts";
import type { UpdatePolicy } from "../mesh/asking.ts";
import type { BootReport } from "./board-life.ts";
import type { ImageMemory } from "./image-gates.ts";
import type { Locators } from "./locator.ts";
import type { RunOptions } from "./run-options.ts";
import type { TransportSource } from "./transport-source.ts";

/** One link of a node. */
export interface NodeLinkOptions {
  readonly source: TransportSource;
  /** Only nodes with the same key are healed, or heal, over this link. See `linkKeyOf`. */
  readonly linkKey?: LinkKey | undefined;
}

/** What a node with all roles needs to know. */
export interface NodeDuties extends Pick<RunOptions, "advice"> {
  readonly links: readonly NodeLinkOptions[];
  /** Its own board; without one it only holds images for others. Not closed by the run. */
  readonly board?: RunningBoard | undefined;
  /** Images beside the board's own one. Not closed by the run. */
  readonly repository?: Repository | undefined;
  /** Hand out unsigned images of the repository. */
  readonly allowUnsigned?: boolean;
  readonly policy: UpdatePolicy;
  /** Send a small image right behind its offer, to boards that take it so. Not unless given. */
  readonly isEager?: boolean;
  /** A network for the board, and where on it images may be fetched that a rescuer only names; none unless given. */
  readonly locators?: Locators | undefined;
  /** Where on a network an image lies that is handed out, by its whole digest. Unknown unless given. */
  readonly locatorOf?: (digest: Uint8Array) => string | undefined;
  /** Updates handed out at the same time. */
  readonly fanOut: number;
  /** Starts the board's image; true when that went well. Does not reject. */
  readonly onBoot?: ((boot: BootReport) => Promise<boolean>) | undefined;
  /** An image that was started well is confirmed. True unless given. */
  readonly confirms?: boolean;
  /** End with "healthy" once the board boots, and nobody nearby has needed anything for 15 s. */
  readonly untilHealthy?: boolean;
  /** An image runs for this long before it is handed on; 0 unless given. */
  readonly soakMs?: Millis;
  /** What a board that does not boot receives is handed on while more of it comes. True unless given. */
  readonly cutThrough?: boolean;
  /**
   * A board that does not boot listens for 1.5 s before it calls, as its neighbour may count down (PROTOCOL.md 2.4). True on one
   * link unless given, false on several.
   */
  readonly listensFirst?: boolean;
  /** It was also started again this often; 0 unless given. */
  readonly soakResets?: number;
  /** How much later each ring of an image with rings goes ahead; 0 unless given. */
  readonly ringTimeMs?: Millis;
  /** Images that failed on other boards are held up. They are unless given. */
  readonly heedsSuspects?: boolean;
  /** Keeps what is known of images through restarts; without it the time of a ring begins again at each start. */
  readonly memory?: ImageMemory | undefined;
}
