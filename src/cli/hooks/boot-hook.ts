import type { BootFailure } from "../../base/refusal.ts";
import type { HookEnvironment } from "./hook-process.ts";
import { checkedHook, type HookProgram } from "./hook-program.ts";
import type { HookRunner } from "./hook-runner.ts";

/** An image that the board's boot decision has turned to. */
export interface BootedImage {
  readonly version: string;
  /** 64 hexadecimal digits. */
  readonly digest: string;
  readonly slot: number;
  readonly isTrial: boolean;
  /** Why the board did not boot before; undefined when it did, or when that is not known. */
  readonly failure?: BootFailure | undefined;
}

/** What a boot hook is given besides its words. */
export interface BootHookOptions {
  readonly runner: HookRunner;
  readonly warn: (text: string) => void;
  /** The board's folder. */
  readonly board: string;
}

/** Runs the user's program when the board turns bootable: its status decides whether the image is confirmed. */
export class BootHook {
  readonly #program: HookProgram | undefined;
  readonly #options: BootHookOptions;

  /**
   * `words`: a program and its arguments, which `name` sets; undefined when nothing is to be run. Errors and warnings of
   * {@link checkedHook}.
   */
  constructor(name: string, words: readonly string[] | undefined, options: BootHookOptions) {
    this.#options = options;
    this.#program = words === undefined ? undefined : checkedHook(name, words, options.warn);
  }

  /**
   * Whether the image is good: there is no hook, or it ended with 0. With everything else there is a warning. Runs before
   * hooks of healed boards that wait, and after one that runs. Never rejects; await it before the next call.
   */
  async run(image: BootedImage): Promise<boolean> {
    const program = this.#program;
    if (program === undefined) return true;
    const environment = (): HookEnvironment => environmentOf(image, this.#options.board);
    const end = await this.#options.runner.run({ program, environment, isUrgent: true });
    if (end.tag === "not-run") this.#options.warn(`${program.name} was not run: the node stops`);
    return end.tag === "ended" && end.status === 0;
  }
}

function environmentOf(
  { version, digest, slot, isTrial, failure }: BootedImage,
  board: string,
): HookEnvironment {
  return {
    MAYDAY_BOARD: board,
    MAYDAY_VERSION: version,
    MAYDAY_DIGEST: digest,
    MAYDAY_SLOT: String(slot),
    MAYDAY_TRIAL: isTrial ? "1" : "0",
    MAYDAY_FAILURE: failure,
  };
}
