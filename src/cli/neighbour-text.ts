import { BoundedMap } from "../base/bounded-map.ts";
import type { Clock } from "../base/clock.ts";
import type { Millis } from "../base/units.ts";

/** How many lines of text pass: at once, and in each second after that. */
export interface LineLimit {
  readonly burst: number;
  readonly perSecond: number;
}

/** For people and journals: a boot log passes, a console that never ends is thinned out. */
export const SHOWN_LINES: LineLimit = { burst: 100, perSecond: 2 };
/** For a file of its own: the lines of a busy console, at most some 400 MB a day. */
export const FILED_LINES: LineLimit = { burst: 2000, perSecond: 50 };

/** Longest line that is shown whole, in characters. */
export const LINE_LENGTH_MAX = 500;
/** Links whose text is limited one by one; a node has at most 256. */
const LINKS_MAX = 256;

interface Bucket {
  lines: number;
  at: Millis;
  leftOut: number;
}

const ESC = String.fromCharCode(27);
/** Colours and moves of the cursor. Other control characters are replaced where text is written. */
const SEQUENCES = new RegExp(`${ESC}\\[[0-?]*[ -/]*[@-~]`, "g");

/**
 * Text of neighbours as lines: without carriage returns, empty lines and colours, and for each link no more of them than a
 * limit. Lines that were left out are counted, and their number stands before the next one that passes.
 */
export class NeighbourText {
  readonly #clock: Clock;
  readonly #limit: LineLimit;
  readonly #buckets: BoundedMap<string, Bucket> = new BoundedMap(LINKS_MAX);

  constructor(clock: Clock, limit: LineLimit) {
    this.#clock = clock;
    this.#limit = limit;
  }

  /** The lines of a piece of text from a link that pass. */
  take(link: string, text: string): string[] {
    const bucket = this.#bucketOf(link);
    const passed: string[] = [];
    for (const line of tidyLines(text)) {
      if (bucket.lines < 1) {
        bucket.leftOut++;
        continue;
      }
      bucket.lines--;
      if (bucket.leftOut > 0) passed.push(leftOutText(bucket.leftOut));
      bucket.leftOut = 0;
      passed.push(line);
    }
    return passed;
  }

  #bucketOf(link: string): Bucket {
    const now = this.#clock.now();
    const { burst, perSecond } = this.#limit;
    const known = this.#buckets.get(link);
    const bucket = known ?? { lines: burst, at: now, leftOut: 0 };
    if (known === undefined) this.#buckets.set(link, bucket);
    bucket.lines = Math.min(burst, bucket.lines + ((now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
    return bucket;
  }
}

function tidyLines(text: string): string[] {
  const lines = text.replace(SEQUENCES, "").split(/[\r\n]+/);
  return lines.map((line) => shortened(line.trimEnd())).filter((line) => line !== "");
}

function shortened(line: string): string {
  return line.length <= LINE_LENGTH_MAX ? line : `${line.slice(0, LINE_LENGTH_MAX)}...`;
}

function leftOutText(count: number): string {
  return `(${count} line${count === 1 ? "" : "s"} left out)`;
}
