import { clearScreenDown, moveCursor } from "node:readline";
import type { MultiBar, SingleBar } from "cli-progress";
import type { Clock } from "../base/clock.ts";
import type { Millis } from "../base/units.ts";
import type { ProgressEvent } from "../node/node-event.ts";
import { progressText } from "./event-text.ts";
import { TerminalText, type TextStream } from "./terminal-text.ts";

/** Shortest time between two plain lines of progress of one link, without a terminal. */
const PLAIN_INTERVAL_MS: Millis = 3000;

/** Of a terminal that does not say how wide it is. */
const COLUMNS = 80;
/** A bar, and the name of its link: shorter ones where a terminal has fewer columns than usual. */
const [BAR_WIDTH, BAR_WIDTH_SHORT] = [16, 4];
const [LABEL_MAX, LABEL_MAX_SHORT] = [16, 8];
/** Of a line: brackets, percentage and spaces. */
const FRAME_WIDTH = 9;
/** Of the "^C" that the terminal itself writes behind a bar: it must not begin another row, or the bar could not be removed. */
const ECHO_WIDTH = 2;

/** Lines of text, and below them the progress of transfers. */
export interface ProgressView {
  /** Shows text, of one or more lines, above the progress. */
  line(text: TerminalText): void;
  update(event: ProgressEvent): void;
  /** Ends the progress of a link whose transfer is done: `isDone`, or else has ended before. */
  finish(link: string, isDone: boolean): void;
  /** Removes all progress but that of transfers that are done, and leaves the cursor at the start of a line. Idempotent. */
  stop(): void;
}

/** Progress for logs and pipes: a line per link every few seconds. */
export class PlainProgress implements ProgressView {
  readonly #stream: TextStream;
  readonly #clock: Clock;
  readonly #shownAt: Map<string, Millis> = new Map();

  constructor(stream: TextStream, clock: Clock) {
    this.#stream = stream;
    this.#clock = clock;
  }

  line(text: TerminalText): void {
    this.#stream.write(`${text.written}\n`);
  }

  update(event: ProgressEvent): void {
    const now = this.#clock.now();
    const shownAt = this.#shownAt.get(event.link);
    // A transfer that ends within the interval needs no line: its end is reported anyway.
    if (shownAt === undefined) this.#shownAt.set(event.link, now);
    if (shownAt === undefined || now - shownAt < PLAIN_INTERVAL_MS) return;
    this.#shownAt.set(event.link, now);
    this.line(TerminalText.plain(`${event.link}: ${progressText(event)}`));
  }

  finish(link: string): void {
    this.#shownAt.delete(link);
  }

  stop(): void {}
}

/** A terminal, or what stands for one. */
export type TerminalStream = NodeJS.WritableStream & { readonly columns?: number };

/** Progress on a terminal: a bar per link. */
export class BarProgress implements ProgressView {
  readonly #stream: TerminalStream;
  readonly #makeBars: (barsize: number) => MultiBar;
  readonly #bars: Map<string, SingleBar> = new Map();
  #stack: MultiBar | undefined;
  #hasNews = false;

  constructor(stream: TerminalStream, makeBars: (barsize: number) => MultiBar) {
    this.#stream = stream;
    this.#makeBars = makeBars;
  }

  /** Loads the library that draws the bars. */
  static async load(stream: TerminalStream): Promise<BarProgress> {
    const { MultiBar } = (await import("cli-progress")).default;
    const options = {
      stream,
      format: "{link} [{bar}] {percentage}% {text}",
      fps: 8,
      // The cursor stays visible: a process that is killed could not restore it.
      hideCursor: null,
      linewrap: true,
      gracefulExit: false,
      emptyOnZero: true,
      // Text that takes the place of bars is followed by all of them, those that have not changed, too.
      forceRedraw: true,
    };
    return new BarProgress(stream, (barsize) => new MultiBar({ ...options, barsize }));
  }

  line(text: TerminalText): void {
    const line = `${text.written}\n`;
    if (this.#stack === undefined) this.#stream.write(line);
    else {
      this.#stack.log(line);
      this.#hasNews = true;
    }
  }

  update(event: ProgressEvent): void {
    const columns = this.#stream.columns ?? COLUMNS;
    const isShort = columns < COLUMNS;
    const barsize = isShort ? BAR_WIDTH_SHORT : BAR_WIDTH;
    this.#stack ??= this.#newStack(barsize);
    const link = linkLabel(event.link, isShort ? LABEL_MAX_SHORT : LABEL_MAX).written;
    const room = columns - barsize - FRAME_WIDTH - ECHO_WIDTH - link.length;
    const payload = { link, text: TerminalText.plain(progressText(event, room)).written };
    const { written, missing } = event;
    const bar = this.#bars.get(event.link);
    if (bar === undefined) {
      this.#bars.set(event.link, this.#stack.create(missing, written, payload));
      return;
    }
    bar.setTotal(missing);
    bar.update(written, payload);
  }

  /** Text that the terminal wraps covers more rows than one, of which only the first would be cleared. */
  #newStack(barsize: number): MultiBar {
    const stack = this.#makeBars(barsize);
    stack.on("redraw-pre", () => {
      if (this.#hasNews) clearScreenDown(this.#stream);
      this.#hasNews = false;
    });
    return stack;
  }

  finish(link: string, isDone: boolean): void {
    const bar = this.#bars.get(link);
    if (bar === undefined) return;
    // The last bar stays on the screen, full; one among others would move away from the text that it belongs to.
    const stays = isDone && this.#bars.size === 1;
    this.#bars.delete(link);
    if (!stays) this.#remove(bar);
    if (this.#bars.size === 0) this.#end(stays);
  }

  stop(): void {
    for (const [link, bar] of this.#bars) this.finish(link, bar.getProgress() >= 1);
  }

  #remove(bar: SingleBar): void {
    this.#hasNews = true;
    this.#stack?.remove(bar);
  }

  #end(hasBar: boolean): void {
    // Pending lines are written only by an update.
    this.#stack?.update();
    this.#stack?.stop();
    this.#stack = undefined;
    // The library ends the line also where no bar is left.
    if (!hasBar) moveCursor(this.#stream, 0, -1);
  }
}

/** A short name of a link: "ttyUSB0" for "serial:/dev/ttyUSB0?baud=921600". */
function linkLabel(link: string, most: number): TerminalText {
  const path = link.replace(/^serial:/, "").replace(/\?.*$/s, "");
  return TerminalText.plain(path.slice(path.lastIndexOf("/") + 1).slice(-most));
}
