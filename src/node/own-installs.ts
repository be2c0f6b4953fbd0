import { toHex } from "../base/bytes.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { FailedError, MaydayError, RefusedError } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import { installSteps } from "../board/install.ts";
import type { RunningBoard } from "../board/running-board.ts";
import type { ImageSource } from "../image/image-source.ts";
import type { Repository } from "../image/repository.ts";
import { formatVersion } from "../image/version.ts";
import type { NodeEvent } from "./node-event.ts";

/** How often the own repository is looked at. */
const LOOK_EVERY_MS: Millis = 5_000;
/** Steps of an installation between two turns of the event loop. */
const STEPS_AT_ONCE = 4;

/** What installs on the own board need of its node. */
export interface InstallHost {
  readonly clock: Clock;
  readonly board: RunningBoard;
  readonly allowUnsigned: boolean;
  /** The board takes newer images by itself. */
  readonly updates: boolean;
  /** A neighbour serves the board. */
  isServed(): boolean;
  /** While it is set, the board neither calls nor asks. */
  hold(isHeld: boolean): void;
  report(event: NodeEvent): void;
  /** The board starts what was installed; resolves when that has gone well or not. */
  boot(): Promise<void>;
}

/**
 * Installs images on the node's own board that no neighbour sends: from its own repository, when the board does not boot or
 * something newer is there, and from files. By the same checks and policy as from a neighbour.
 */
export class OwnInstalls {
  readonly #host: InstallHost;
  readonly #repository: Repository | undefined;
  /** Digests that the board refused. */
  readonly #refused: Set<string> = new Set();
  #timer: Timer | undefined;
  #isBusy = false;
  #isClosed = false;

  constructor(host: InstallHost, repository: Repository | undefined) {
    this.#host = host;
    this.#repository = repository;
  }

  /** Looks at the repository, now and from time to time. Resolves after the first look. */
  async start(): Promise<void> {
    if (this.#repository === undefined || this.#isClosed) return;
    await this.#look(this.#repository);
    if (this.#isClosed) return;
    this.#timer = this.#host.clock.after(LOOK_EVERY_MS, () => void this.start());
  }

  async #look(repository: Repository): Promise<void> {
    const { board, isServed, report } = this.#host;
    if (this.#isBusy || isServed()) return;
    try {
      const image = await this.#choose(repository);
      if (image === undefined) return;
      try {
        if (!this.#isClosed && !isServed() && !this.#refused.has(toHex(image.digest)))
          await this.install(image, "its repository");
      } finally {
        await repository.release(image);
      }
    } catch (error) {
      if (!(error instanceof MaydayError)) throw error;
      report({ event: "link", link: "repository", state: error.code, detail: error.message });
      board.abandon();
    }
  }

  async #choose(repository: Repository): Promise<ImageSource | undefined> {
    const { board, allowUnsigned, updates } = this.#host;
    const status = board.status();
    const { installed, isBootable } = status;
    if (isBootable && (!updates || status.isTrial || installed === undefined)) return undefined;
    const choice = await repository.pick({
      hardwareId: status.hardwareId8,
      revision: status.revision,
      counterFloor: status.counterFloor,
      runs: isBootable ? installed : undefined,
      allowUnsigned,
      receivingDigest8: status.receivingDigest8,
      installedDigest8: installed?.digest8,
    });
    return choice.tag === "chosen" ? await repository.open(choice.entry.digest) : undefined;
  }

  /**
   * Installs an image and starts it. RefusedError with the board's reason; FailedError `board-busy` while a neighbour serves
   * the board or another image is installed, `board-install` when it does not boot afterwards.
   */
  async install(image: ImageSource, from: string): Promise<void> {
    const { board, hold, isServed, report, boot } = this.#host;
    if (this.#isBusy || isServed()) {
      const message = "The board receives an image already; wait until it has it, and try again";
      throw new FailedError("board-busy", message);
    }
    this.#isBusy = true;
    hold(true);
    try {
      await this.#run(image);
      report({
        event: "installed",
        version: formatVersion(image.manifest.version),
        digest: toHex(image.digest),
        from,
      });
      await boot();
    } catch (error) {
      if (error instanceof RefusedError) this.#refused.add(toHex(image.digest));
      throw error;
    } finally {
      this.#isBusy = false;
      hold(false);
    }
    const { installed } = board.status();
    if (installed !== undefined && toHex(image.digest).startsWith(toHex(installed.digest8))) return;
    this.#refused.add(toHex(image.digest));
    throw new FailedError(
      "board-install",
      "The image was written and started, and the board went back to the one before",
    );
  }

  async #run(image: ImageSource): Promise<void> {
    const steps = installSteps(this.#host.board, image);
    for (let i = 1; ; i++) {
      const step = steps.next();
      if (step.done === true) {
        const { outcome } = step.value;
        if (outcome.tag === "bootable") return;
        throw new FailedError("board-install", `The image was written but does not boot: ${outcome.reason}`);
      }
      if (this.#isClosed) {
        steps.return({ outcome: { tag: "not-bootable", reason: "receiving" }, runs: 0, blocks: [] });
        throw new FailedError("node-stopped", "The node stopped; the installation resumes at its next start");
      }
      if (i % STEPS_AT_ONCE === 0) await this.#turn();
    }
  }

  /** Lets the node serve its links. */
  #turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#host.clock.after(0, resolve);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }
}
