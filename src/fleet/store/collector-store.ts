import { join } from "node:path";
import { FailedError } from "../../base/errors.ts";
import { replaceFileSync } from "../../files/atomic-file.ts";
import { makeFolder } from "../../files/durable-file.ts";
import { type FolderLock, lockFolder } from "../../files/folder-lock.ts";
import { fileSize, LineFile, readLines } from "../../files/line-file.ts";
import { parseCollected, parseCursorLine, parseSiteLine, type SiteLine } from "../collected.ts";
import { type CollectedLine, CollectorBook, IDS_MAX } from "../collector-book.ts";
import type { AckCursor } from "../fleet-messages.ts";

/** Files in the folder of a collector. */
export const COLLECTED_FILE = "reports.jsonl";
export const CURSOR_FILE = "cursors.jsonl";
export const STATE_FILE = "states.jsonl";
const ID_FILE = "collector-id";
/** Lines that were superseded before a file is written again, beyond as many as count. */
const SUPERSEDED_MAX = 2_000;
/** Bytes from whose lines a collector learns the ids at its start: as many as it remembers, of usual length. */
const TAIL_BYTES: number = IDS_MAX * 600;

/** The folder of a collector: reports, how far each site is acknowledged, and how sites are. One process has it at a time. */
export class CollectorStore {
  readonly book: CollectorBook = new CollectorBook();
  readonly states: Map<string, SiteLine> = new Map();
  /** Lines that could not be read, and were left out. */
  damaged = 0;
  readonly #reports: LineFile;
  readonly #cursors: LineFile;
  readonly #states: LineFile;
  #cursorLines = 0;
  #stateLines = 0;

  readonly #lock: FolderLock;

  private constructor(folder: string, lock: FolderLock) {
    this.#lock = lock;
    this.#reports = LineFile.open(join(folder, COLLECTED_FILE));
    this.#cursors = LineFile.open(join(folder, CURSOR_FILE));
    this.#states = LineFile.open(join(folder, STATE_FILE));
  }

  /** Opens a folder, or makes it. FailedError `collector-busy`, `no-flock`; the others are those of `LineFile.open`. */
  static open(folder: string): CollectorStore {
    makeFolder(folder, 0o700);
    const lock = lockFolder(folder);
    if (lock === undefined) {
      const message = `${folder}: another collector writes into it; let it end, or give each a folder of its own and --group`;
      throw new FailedError("collector-busy", message, { folder });
    }
    try {
      return CollectorStore.#openLocked(folder, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  static #openLocked(folder: string, lock: FolderLock): CollectorStore {
    const store = new CollectorStore(folder, lock);
    const reports = join(folder, COLLECTED_FILE);
    store.#read(
      reports,
      parseCollected,
      (line) => store.book.restoreLine(line),
      fileSize(reports) - TAIL_BYTES,
    );
    store.#read(join(folder, CURSOR_FILE), parseCursorLine, ({ site, epoch, through }) => {
      store.#cursorLines++;
      store.book.noteCursor(site, { v: 1, epoch, through });
    });
    store.#read(join(folder, STATE_FILE), parseSiteLine, (line) => {
      store.#stateLines++;
      store.states.set(line.site, line);
    });
    return store;
  }

  #read<T>(path: string, parse: (line: string) => T | undefined, take: (line: T) => void, from = 0): void {
    readLines(
      path,
      (line) => {
        const parsed = line === undefined ? undefined : parse(line);
        if (parsed === undefined) this.damaged++;
        else take(parsed);
      },
      Math.max(0, from),
    );
  }

  /** Stores reports. Resolves when they are on the disk; rejects with the error of the operating system, and has stored none then. */
  async addReports(lines: readonly CollectedLine[]): Promise<void> {
    if (lines.length > 0) await this.#reports.append(textOf(lines));
  }

  /** Stores cursors, after the reports that they speak of. */
  async addCursors(cursors: readonly { readonly site: string; readonly cursor: AckCursor }[]): Promise<void> {
    const lines = cursors.map(({ site, cursor: { epoch, through } }) => ({ site, epoch, through }));
    if (this.#cursorLines > SUPERSEDED_MAX + 2 * this.book.sites) {
      const all = [...this.book.cursors()].map(({ site, cursor: { epoch, through } }) => ({
        site,
        epoch,
        through,
      }));
      await this.#cursors.replace(textOf(all));
      this.#cursorLines = all.length;
    } else {
      await this.#cursors.append(textOf(lines));
      this.#cursorLines += lines.length;
    }
  }

  /** Stores how sites are now, of those in `sites`. */
  async addStates(sites: readonly string[]): Promise<void> {
    const lines = sites.flatMap((site) => this.states.get(site) ?? []);
    if (lines.length === 0) return;
    if (this.#stateLines > SUPERSEDED_MAX + 2 * this.states.size) {
      await this.#states.replace(textOf([...this.states.values()]));
      this.#stateLines = this.states.size;
    } else {
      await this.#states.append(textOf(lines));
      this.#stateLines += lines.length;
    }
  }

  async close(): Promise<void> {
    for (const file of [this.#reports, this.#cursors, this.#states]) await file.close();
    this.#lock.release();
  }
}

/** The name of a collector at its broker, kept in its folder: the session of that name holds what comes while it is gone. */
export function collectorId(folder: string, fresh: string): string {
  const path = join(folder, ID_FILE);
  let known: string | undefined;
  readLines(path, (line) => {
    known ??= line;
  });
  if (known !== undefined && /^collect-[0-9a-f]{12}$/.test(known)) return known;
  const id = `collect-${fresh}`;
  replaceFileSync(path, `${id}\n`, 0o600);
  return id;
}

function textOf(lines: readonly object[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}
