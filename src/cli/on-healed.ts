import { spawn } from "node:child_process";
import type { HealedEvent, NodeEvent } from "../node/node-event.ts";

/** Runs the user's command after each healed board. It may be slow; if it fails, there is a warning and nothing else. */
export class HealedCommand {
  readonly #command: string | undefined;
  readonly #warn: (text: string) => void;
  readonly #running: Set<Promise<void>> = new Set();

  constructor(command: string | undefined, warn: (text: string) => void) {
    this.#command = command;
    this.#warn = warn;
  }

  /** Takes every event of the node. */
  handle(event: NodeEvent): void {
    if (event.event !== "healed" || this.#command === undefined) return;
    const run = this.#run(this.#command, event);
    this.#running.add(run);
    void run.then(() => this.#running.delete(run));
  }

  /** Resolves when all commands have ended. */
  async finished(): Promise<void> {
    await Promise.all(this.#running);
  }

  #run(command: string, { link, peer, digest, version }: HealedEvent): Promise<void> {
    const env = {
      ...process.env,
      MAYDAY_LINK: link,
      MAYDAY_PEER: peer,
      MAYDAY_DIGEST: digest,
      MAYDAY_VERSION: version,
    };
    return new Promise((resolve) => {
      // Its output goes to stderr, since stdout is for results.
      const child = spawn(command, { shell: true, env, stdio: ["ignore", 2, 2] });
      child.once("error", (error) => {
        this.#warn(`--on-healed could not be run: ${error.message}`);
        resolve();
      });
      child.once("exit", (status, signal) => {
        if (status !== 0) this.#warn(`--on-healed ended with ${signal ?? `status ${status}`}: ${command}`);
        resolve();
      });
    });
  }
}
