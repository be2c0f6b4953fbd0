import type { Clock } from "../base/clock.ts";
import type { GuardedLog } from "./guarded-log.ts";
import { FILED_LINES, NeighbourText, SHOWN_LINES } from "./neighbour-text.ts";
import { TerminalText } from "./terminal-text.ts";

/** Where the text of neighbours goes. */
export class ConsoleSink {
  /** Whether events of it are printed and logged. */
  readonly isShown: boolean;
  readonly #text: NeighbourText;
  readonly #file: GuardedLog | undefined;

  private constructor(isShown: boolean, text: NeighbourText, file?: GuardedLog) {
    this.isShown = isShown;
    this.#text = text;
    this.#file = file;
  }

  /** Among the lines for people, as many as people can read. */
  static shown(clock: Clock): ConsoleSink {
    return new ConsoleSink(true, new NeighbourText(clock, SHOWN_LINES));
  }

  /** Nowhere, or into a file of its own. */
  static apart(clock: Clock, file: GuardedLog | undefined): ConsoleSink {
    return new ConsoleSink(false, new NeighbourText(clock, FILED_LINES), file);
  }

  /** Takes a piece of text from a link; gives the lines to show. */
  take(link: string, text: string): readonly string[] {
    if (!this.isShown && this.#file === undefined) return [];
    const lines = this.#text.take(link, text);
    if (this.isShown) return lines;
    const time = new Date().toISOString();
    for (const line of lines)
      this.#file?.append(`${TerminalText.plain(`${time} ${link}| ${line}`).written}\n`);
    return [];
  }

  /** Opens its file again, for logrotate. */
  reopen(): void {
    this.#file?.reopen();
  }
}
