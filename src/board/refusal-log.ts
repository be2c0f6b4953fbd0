import { join } from "node:path";
import * as v from "valibot";
import { assert } from "../base/assert.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { errnoOf } from "../base/errno.ts";
import { systemText } from "../base/system-error.ts";
import type { Millis } from "../base/units.ts";
import { replaceFileSync } from "../files/atomic-file.ts";
import { readWholeFile } from "../files/whole-file.ts";

/** Name of the file of a board's last refusals in its folder. */
export const REFUSALS_FILE = "refusals.json";
/** Refusals that are kept; beyond, the oldest gives way. */
export const REFUSALS_MAX = 8;
/** Least time from one write of the file to the next. */
export const REFUSALS_WRITE_MS: Millis = 60_000;
/** Longest text of a refusal that is kept, in characters. */
export const REFUSAL_TEXT_MAX = 300;
/** Longest file that is read, in bytes. */
const FILE_MAX = 65_536;
/** Most refusals of one kind that are counted. */
const COUNT_MAX = 0xffff_ffff;

const Text = v.pipe(v.string(), v.maxLength(REFUSAL_TEXT_MAX));
const LogSchema = v.strictObject({
  format: v.literal(1),
  refusals: v.pipe(
    v.array(
      v.strictObject({
        at: Text,
        count: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(COUNT_MAX)),
        reason: Text,
        detail: Text,
        digest: v.optional(Text),
        peer: v.optional(Text),
        link: v.optional(Text),
      }),
    ),
    v.maxLength(REFUSALS_MAX),
  ),
});

/** What a board refused. */
export interface Refusal {
  readonly reason: string;
  readonly detail: string;
  /** Of the image, in hexadecimal: its first bytes, as the offer had them. */
  readonly digest?: string | undefined;
  /** Id of the node that offered it, in hexadecimal. */
  readonly peer?: string | undefined;
  /** The endpoint. */
  readonly link?: string | undefined;
}

/** A refusal with its time. */
export interface LoggedRefusal extends Refusal {
  /** When it was last refused, ISO 8601. */
  readonly at: string;
  /** How often. */
  readonly count: number;
}

/** What a log needs besides its folder. */
export interface RefusalLogOptions {
  readonly clock: Clock;
  /** The time of day, ISO 8601. */
  readonly now: () => string;
  /** Told of a file that cannot be read or written. Refusals are advice: nothing fails because of them. */
  readonly warn: (text: string) => void;
}

/** The last refusals of a board, oldest first; `warning` when the file is there and cannot be used. */
export function readRefusals(dir: string): {
  readonly refusals: readonly LoggedRefusal[];
  readonly warning?: string;
} {
  const path = join(dir, REFUSALS_FILE);
  try {
    const file = readWholeFile(path, FILE_MAX);
    if (file.tag !== "file")
      return { refusals: [], warning: `${path} is ignored: it is no short plain file` };
    const parsed = v.safeParse(LogSchema, JSON.parse(Buffer.from(file.bytes).toString("utf8")));
    if (parsed.success) return { refusals: parsed.output.refusals };
    return { refusals: [], warning: `${path} is damaged, and ignored; the next refusal replaces it` };
  } catch (error) {
    if (error instanceof SyntaxError) {
      return { refusals: [], warning: `${path} is damaged, and ignored; the next refusal replaces it` };
    }
    const errno = errnoOf(error);
    if (errno === "ENOENT") return { refusals: [] };
    return { refusals: [], warning: `${path} is ignored, as it cannot be read: ${systemText(error)}` };
  }
}

/**
 * Keeps the last refusals of a board in a file of its folder, through restarts. A refusal that is there already is
 * counted, so that a neighbour which repeats itself pushes nothing out. The file is written in one step, at the first
 * refusal, then at most once in {@link REFUSALS_WRITE_MS}, and by {@link RefusalLog.close}. Memory is bounded.
 */
export class RefusalLog {
  readonly #dir: string;
  readonly #options: RefusalLogOptions;
  #refusals: readonly LoggedRefusal[];
  #writtenAt: Millis | undefined;
  #due: Timer | undefined;
  #isChanged = false;

  /** The caller holds the board's lock. */
  constructor(dir: string, options: RefusalLogOptions) {
    this.#dir = dir;
    this.#options = options;
    const { refusals, warning } = readRefusals(dir);
    this.#refusals = refusals;
    if (warning !== undefined) options.warn(warning);
  }

  /** Oldest first. */
  get refusals(): readonly LoggedRefusal[] {
    return this.#refusals;
  }

  note(refusal: Refusal): void {
    const next = bounded(refusal);
    const known = this.#refusals.find((other) => isSame(other, next));
    const count = Math.min(COUNT_MAX, (known?.count ?? 0) + 1);
    const others = this.#refusals.filter((other) => other !== known);
    this.#refusals = [...others, { at: this.#options.now(), count, ...next }].slice(-REFUSALS_MAX);
    this.#isChanged = true;
    this.#schedule();
  }

  /** Writes what was not written yet. */
  close(): void {
    this.#due?.cancel();
    this.#due = undefined;
    if (this.#isChanged) this.#write();
  }

  #schedule(): void {
    if (this.#due !== undefined) return;
    const { clock } = this.#options;
    const wait = this.#writtenAt === undefined ? 0 : this.#writtenAt + REFUSALS_WRITE_MS - clock.now();
    if (wait <= 0) {
      this.#write();
      return;
    }
    this.#due = clock.after(wait, () => {
      this.#due = undefined;
      if (this.#isChanged) this.#write();
    });
  }

  #write(): void {
    const path = join(this.#dir, REFUSALS_FILE);
    this.#writtenAt = this.#options.clock.now();
    this.#isChanged = false;
    const text = `${JSON.stringify({ format: 1, refusals: this.#refusals }, undefined, 2)}\n`;
    assert(text.length <= FILE_MAX, "the log can be read again");
    try {
      replaceFileSync(path, text, 0o600);
    } catch (error) {
      this.#options.warn(`${path}: the last refusals cannot be written: ${systemText(error)}`);
    }
  }
}

function bounded({ reason, detail, digest, peer, link }: Refusal): Refusal {
  const cut = (text: string): string => text.replace(/\p{Cc}/gu, "\u00b7").slice(0, REFUSAL_TEXT_MAX);
  return {
    reason: cut(reason),
    detail: cut(detail),
    ...(digest === undefined ? {} : { digest: cut(digest) }),
    ...(peer === undefined ? {} : { peer: cut(peer) }),
    ...(link === undefined ? {} : { link: cut(link) }),
  };
}

function isSame(a: Refusal, b: Refusal): boolean {
  const fields = ["reason", "detail", "digest", "peer", "link"] as const;
  return fields.every((field) => a[field] === b[field]);
}
