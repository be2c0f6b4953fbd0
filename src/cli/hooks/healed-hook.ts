import type { HealedEvent, NodeEvent } from "../../node/node-event.ts";
import { splitWords } from "../words.ts";
import type { HookEnvironment } from "./hook-process.ts";
import { checkedHook, type HookProgram } from "./hook-program.ts";
import type { HookRunner } from "./hook-runner.ts";

/** Boards that wait for their run; when more do, the one that waits longest is left out. */
export const HOOKS_WAITING_MAX = 64;

const FLAG = "--on-healed";

/** What a hook is given besides its words. */
export interface HealedHookOptions {
  readonly runner: Pick<HookRunner, "run">;
  readonly warn: (text: string) => void;
}

/**
 * Runs the user's program after each healed board: one at a time, since without a link key anybody on the wire can say that a
 * board was healed. A board that is healed again while it waits is run for once. If the program fails, there is a warning
 * and nothing else.
 */
export class HealedHook {
  readonly #program: HookProgram | undefined;
  readonly #options: HealedHookOptions;
  /** The last heal of each board that waits, the oldest first. */
  readonly #waiting: Map<string, HealedEvent> = new Map();
  #running: Promise<void> | undefined;
  #leftOut = 0;

  /**
   * `words`: a program and its arguments, which `name` sets; undefined when nothing is to be run. Errors and warnings of
   * {@link checkedHook}.
   */
  constructor(name: string, words: readonly string[] | undefined, options: HealedHookOptions) {
    this.#options = options;
    this.#program = words === undefined ? undefined : checkedHook(name, words, options.warn);
  }

  /** Of the flag's text, which is split into words without a shell; errors of {@link splitWords} too. */
  static ofFlag(command: string | undefined, options: HealedHookOptions): HealedHook {
    return new HealedHook(FLAG, command === undefined ? undefined : splitWords(command, FLAG), options);
  }

  /** Takes every event of the node. */
  handle(event: NodeEvent): void {
    if (event.event !== "healed" || this.#program === undefined) return;
    const board = `${event.peer} ${event.link}`;
    this.#waiting.delete(board);
    this.#waiting.set(board, event);
    if (this.#waiting.size > HOOKS_WAITING_MAX) this.#leaveOut(this.#program);
    this.#running ??= this.#runAll(this.#program);
  }

  /** Resolves when all runs have ended, or the runner was closed. */
  async finished(): Promise<void> {
    await this.#running;
    const leftOut = this.#leftOut + this.#waiting.size;
    if (leftOut > 0) this.#options.warn(`${this.#program?.name} was not run for ${leftOut} healed boards`);
  }

  #leaveOut({ name }: HookProgram): void {
    this.#takeOldest();
    if (this.#leftOut++ === 0)
      this.#options.warn(`${name} is too slow: more than ${HOOKS_WAITING_MAX} boards wait for it`);
  }

  async #runAll(program: HookProgram): Promise<void> {
    const environment = (): HookEnvironment => environmentOf(this.#takeOldest());
    let isOpen = true;
    while (isOpen && this.#waiting.size > 0) {
      const end = await this.#options.runner.run({ program, environment, isUrgent: false });
      isOpen = end.tag !== "not-run";
    }
    this.#running = undefined;
  }

  #takeOldest(): HealedEvent | undefined {
    const [oldest] = this.#waiting;
    if (oldest === undefined) return undefined;
    const [board, event] = oldest;
    this.#waiting.delete(board);
    return event;
  }
}

function environmentOf(event: HealedEvent | undefined): HookEnvironment {
  if (event === undefined) return {};
  const { link, peer, digest, version, proven, blocks, bytesTx, seconds } = event;
  return {
    MAYDAY_LINK: link,
    MAYDAY_PEER: peer,
    MAYDAY_DIGEST: digest,
    MAYDAY_VERSION: version,
    MAYDAY_PROVEN: proven ? "1" : "0",
    MAYDAY_BLOCKS: String(blocks),
    MAYDAY_BYTES: String(bytesTx),
    MAYDAY_SECONDS: seconds.toFixed(3),
  };
}
