import { errorWords } from "../base/system-error.ts";
/** Takes lines, each with its end. */
export interface Log {
  readonly path: string;
  append(line: string): void;
  /** Opens the file of its name again. */
  reopen?(): void;
}

/** A log that ends no command: what fails is one warning, and then nothing is written until it is opened again. */
export class GuardedLog {
  readonly #log: Log;
  readonly #warn: (text: string) => void;
  #isOpen = true;

  constructor(log: Log, warn: (text: string) => void) {
    this.#log = log;
    this.#warn = warn;
  }

  append(line: string): void {
    if (!this.#isOpen) return;
    try {
      this.#log.append(line);
    } catch (error) {
      // First: the warning comes here, too.
      this.#isOpen = false;
      this.#warn(`${this.#log.path} is no longer written: ${errorWords(error)}`);
    }
  }

  /** Opens the file of its name again; one that cannot be opened is a warning, and the old one stays. */
  reopen(): void {
    try {
      this.#log.reopen?.();
      this.#isOpen = true;
    } catch (error) {
      this.#warn(`${this.#log.path} was not opened again: ${errorWords(error)}`);
    }
  }
}
