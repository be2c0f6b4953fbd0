import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { errnoOf } from "../../base/errno.ts";
import { FailedError, UsageError } from "../../base/errors.ts";
import { errorWords } from "../../base/system-error.ts";
import { makeFolder, syncFolder } from "../../files/durable-file.ts";
import { type FolderLock, lockFolder, removeStaleLock } from "../../files/folder-lock.ts";
import { readLines } from "../../files/line-file.ts";
import { openLogFile } from "../../files/log-file.ts";
import { parseCollected } from "../collected.ts";
import type { CollectedLine } from "../collector-book.ts";

/** Mode of the database and of its log: others may not read them. */
const MODE = 0o600;
/** Length of the header, in bytes; where the version of the tables and the id of the application are in it, 4 bytes each (sqlite.org/fileformat.html, 1.3). */
const HEADER = { length: 100, magic: "SQLite format 3\0", versionAt: 60, applicationAt: 68 } as const;
/** "mayd". */
const APPLICATION = 0x6d61_7964;
/** Version of the table. Another one is refused. */
const SCHEMA = 1;
/** Lines that one transaction brings in at the start. */
const LINES_MAX = 1_000;

const CREATE = `
  create table if not exists reports (
    id text primary key, site text not null, board text not null, kind text not null, digest text, version text,
    happened integer, received integer not null, clock_sure integer not null, proven integer not null, report text not null
  ) strict;
  pragma user_version = ${SCHEMA};
`;
const INSERT = `insert into reports values (${Array.from({ length: 11 }, () => "?").join(", ")})
  on conflict (id) do update set proven = 1 where excluded.proven`;
const PROVE = "update reports set proven = 1 where id = ?";

type Sqlite = typeof import("node-sqlite3-wasm");
type Database = InstanceType<Sqlite["Database"]>;
type Statement = ReturnType<Database["prepare"]>;

/** The package `node-sqlite3-wasm`. UsageError `sqlite-missing` with what to do. */
export async function loadSqlite(): Promise<Sqlite> {
  try {
    // CommonJS, whose names Node does not find.
    const { default: sqlite } = (await import("node-sqlite3-wasm")) as unknown as {
      readonly default: Sqlite;
    };
    return sqlite;
  } catch (error) {
    const message =
      "a database needs the package node-sqlite3-wasm, which is optional and is not installed here; fix: npm install node-sqlite3-wasm beside mayday";
    throw new UsageError("sqlite-missing", message, {}, error);
  }
}

/**
 * Whether there is a database of ours; an empty file is none yet. Reads nothing but the header, so that a database of another
 * program stays as it is. UsageError `sqlite-foreign` for another file, `sqlite-version` for another version of the table;
 * errors of the operating system pass through.
 */
export function isReportDatabase(path: string): boolean {
  const header = headerOf(path);
  if (header === undefined || header.length === 0) return false;
  const view = new DataView(header.buffer);
  const isSqlite =
    header.length === HEADER.length && Buffer.from(header).toString("latin1", 0, 16) === HEADER.magic;
  if (!isSqlite || view.getUint32(HEADER.applicationAt) !== APPLICATION) {
    const what = isSqlite ? "a database of another program" : "no SQLite database";
    const message = `${path} is ${what}; nothing is written to it; name a file that is not there yet, or one that --sqlite made`;
    throw new UsageError("sqlite-foreign", message, { path });
  }
  const version = view.getUint32(HEADER.versionAt);
  // 0: a kill came before its table was made.
  if (version !== SCHEMA && version !== 0) {
    const message = `${path} has version ${version} of the table, and this mayday writes version ${SCHEMA}; name another file: it gets the reports of --out`;
    throw new UsageError("sqlite-version", message, { path, version });
  }
  return true;
}

/** The first bytes of a file, one if it is a folder, pipe or device; undefined if it is missing. */
function headerOf(path: string): Uint8Array | undefined {
  try {
    // Without O_NONBLOCK opening a named pipe would block until another process writes to it.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!fstatSync(fd).isFile()) return new Uint8Array(1);
      const header = new Uint8Array(HEADER.length);
      return header.slice(0, readSync(fd, header, 0, HEADER.length, 0));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * The reports of a collector in a SQLite database, beside its lines (ADR 0051). The write-ahead log and the exclusive mode are not a
 * choice: without both the package does not undo half a transaction that a kill left. One process writes at a time.
 */
export class ReportDatabase {
  readonly #sqlite: Sqlite;
  readonly #path: string;
  #db: Database;
  #insert: Statement;
  #prove: Statement;
  #lock: FolderLock;
  #log: number;

  private constructor(sqlite: Sqlite, path: string) {
    this.#sqlite = sqlite;
    this.#path = path;
    if (!removeStaleLock(lockOf(path))) throw busy(path);
    touch(`${path}-wal`);
    this.#db = new sqlite.Database(path);
    this.#db.exec("pragma locking_mode = exclusive");
    this.#db.exec("pragma journal_mode = wal");
    this.#db.exec("pragma synchronous = full");
    // The package's lock, a folder, is there from the first transaction on.
    this.#db.exec(`begin immediate; ${CREATE} commit`);
    this.#db.exec("pragma wal_checkpoint(passive)");
    const lock = lockFolder(lockOf(path));
    if (lock === undefined) throw busy(path);
    this.#lock = lock;
    syncFolder(dirname(path));
    this.#log = statSync(`${path}-wal`).ino;
    this.#insert = this.#db.prepare(INSERT);
    this.#prove = this.#db.prepare(PROVE);
  }

  /**
   * Opens a database, or makes it with its folder, and brings in the lines of the file `lines` that it lacks. Errors of
   * {@link loadSqlite} and {@link isReportDatabase}; FailedError `sqlite-busy`, `sqlite-failed`; those of `readLines` and of the
   * operating system.
   */
  static async open(file: string, lines: string): Promise<ReportDatabase> {
    const sqlite = await loadSqlite();
    const path = resolve(file);
    try {
      if (!isReportDatabase(path)) create(sqlite, path);
      const database = new ReportDatabase(sqlite, path);
      database.#bringIn(lines);
      return database;
    } catch (error) {
      if (!(error instanceof sqlite.SQLite3Error)) throw error;
      const message = `${path}: ${errorWords(error)}; if there is room and it stays so, move the file away: a new one gets the reports of --out`;
      throw new FailedError("sqlite-failed", message, { path }, error);
    }
  }

  #bringIn(path: string): void {
    let waiting: CollectedLine[] = [];
    readLines(path, (text) => {
      const line = text === undefined ? undefined : parseCollected(text);
      if (line !== undefined) waiting.push(line);
      if (waiting.length < LINES_MAX) return;
      this.add(waiting);
      waiting = [];
    });
    this.add(waiting);
  }

  /** Stores lines in one transaction, which is on the disk when this returns. Throws if it cannot, and has stored none then. */
  add(lines: readonly CollectedLine[]): void {
    if (lines.length === 0) return;
    this.#db.exec("begin immediate");
    try {
      for (const line of lines) this.#write(line);
      this.#db.exec("commit");
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec("rollback");
      throw error;
    }
    if (statSync(`${this.#path}-wal`, { throwIfNoEntry: false })?.ino !== this.#log) this.#openAgain();
  }

  #write(line: CollectedLine): void {
    if ("proof" in line) {
      this.#prove.run([line.proof]);
      return;
    }
    const { id, site, target, kind, digest, version, when, received, clockSure, proven } = line;
    const about = [id, site, target, kind, digest ?? null, version ?? null];
    this.#insert.run([...about, when, received, Number(clockSure), Number(proven), JSON.stringify(line)]);
  }

  /** Another program that may write took the log away when it closed the database. What is in it goes to the database now. */
  #openAgain(): void {
    this.close();
    const fresh = new ReportDatabase(this.#sqlite, this.#path);
    this.#db = fresh.#db;
    this.#insert = fresh.#insert;
    this.#prove = fresh.#prove;
    this.#lock = fresh.#lock;
    this.#log = fresh.#log;
  }

  close(): void {
    this.#insert.finalize();
    this.#prove.finalize();
    this.#db.close();
    this.#lock.release();
  }
}

/** The folder by which the package locks a database. A kill leaves it behind. */
function lockOf(path: string): string {
  return `${path}.lock`;
}

function busy(path: string): FailedError {
  const message = `${path}: another collector writes into it; let it end, or give each a database of its own`;
  return new FailedError("sqlite-busy", message, { path });
}

/**
 * Begins a database: one page that says whose it is. A kill leaves an empty file or that page, and the table is made in the
 * write-ahead log: what is half made is told from what is another program's.
 */
function create(sqlite: Sqlite, path: string): void {
  makeFolder(dirname(path), 0o700);
  touch(path);
  if (!removeStaleLock(lockOf(path))) throw busy(path);
  const db = new sqlite.Database(path);
  try {
    db.exec(`pragma application_id = ${APPLICATION}`);
  } finally {
    db.close();
  }
}

/** Makes a file with our mode, not through a link; one that is there stays. Errors of `LogFile.open`. */
function touch(path: string): void {
  closeSync(openLogFile(path, MODE));
}
