import { createHash } from "node:crypto";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { MaydayError } from "../../src/base/errors.ts";
import { openBoard } from "../../src/board/board.ts";
import { initBoard } from "../../src/board/new-board.ts";
import { writeAtomically } from "../../src/files/atomic-file.ts";
import { WriteGuard } from "../../src/files/write-guard.ts";
import { writeKeyPair } from "../../src/image-files/pem-keys.ts";
import { buildCableHelper } from "../../src/transport/cable/helper-build.ts";
import type { Attack } from "./attack.ts";

/** Files that an attacker wants to see removed. */
const FILES = 40;

/** Another user of the companion, as far as one user can play it; test/two-users/ plays it with two. */
export const FILE_ATTACKS: readonly Attack[] = [
  {
    attack: "Planted temporary folder, which holds links to files of others",
    ids: "CVE-2022-21658",
    happens: "folders are removed only where nobody else may write, through descriptors; no link is followed",
    play: () => inFolder(plantedFolder),
  },
  {
    attack: "Trusted key, configuration or flash that everybody may write",
    ids: "CWE-732",
    happens: "the board is not opened, and the error names path, mode and owner",
    play: () => inFolder((dir) => refusals(boardParts(dir), (path) => chmodSync(path, 0o666))),
  },
  {
    attack: "Trusted key, configuration or flash that a group may write",
    ids: "CWE-732",
    happens: "the same, unless it is the owner's private group",
    play: () => inFolder(groupWritten),
  },
  {
    attack: "Board made by a service with umask 0",
    ids: "CWE-276",
    happens:
      "folders, flash and secrets are for their owner, the rest is for others to read, whatever the umask",
    play: () => inFolder(madeUnderUmask0),
  },
  {
    attack: "Output that is a link to a file of somebody else",
    ids: "CWE-59",
    happens: "the link is replaced, not followed",
    play: () => inFolder(linkedOutput),
  },
  {
    attack: "Helper program in a cache that others may write",
    ids: "CWE-427",
    happens:
      "it is neither built nor run there; all folders up to the root are checked, and the checked file is run",
    play: () => inFolder(openCache),
  },
];

async function inFolder(play: (dir: string) => Promise<string> | string): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), "mayday-attack-"));
  try {
    return await play(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function plantedFolder(dir: string): Promise<string> {
  const host = createHash("sha256").update(hostname()).digest("hex").slice(0, 8);
  // No process has this number: it is above the limit of Linux.
  const planted = join(dir, `.mayday-${host}-4194300-0123456789ab.tmp`);
  mkdirSync(join(dir, "victim"));
  mkdirSync(planted, { mode: 0o700 });
  for (let i = 0; i < FILES; i++) writeFileSync(join(dir, `victim/f${i}`), "");
  symlinkSync(join(dir, "victim"), join(planted, "x"));
  chmodSync(dir, 0o1777);
  await writeAtomically(join(dir, "out"), async () => {});
  const isThere = readdirSync(dir).some((name) => join(dir, name) === planted);
  chmodSync(dir, 0o700);
  // Where nobody else may write it is cleared, and the link is removed as a link.
  await writeAtomically(join(dir, "out"), async () => {});
  const isCleared = !readdirSync(dir).some((name) => join(dir, name) === planted);
  const left = readdirSync(join(dir, "victim")).length;
  if (!isThere || !isCleared || left !== FILES) throw new Error(`${isThere} ${isCleared} ${left}`);
  return `left alone in a shared folder; 0 of ${FILES} files removed`;
}

/** A board, and what decides in it. */
function boardParts(dir: string): readonly string[] {
  const { pubPath } = writeKeyPair(join(dir, "owner"));
  const board = join(dir, "board");
  const geometry = { sectorSize: 4096, slotSize: 65_536, layout: "single" } as const;
  initBoard(board, {
    ...geometry,
    hardware: { vendor: "acme", hardwareClass: "widget" },
    revision: 0,
    trust: [{ path: pubPath, roles: ["app"] }],
    allowUnsigned: false,
  });
  return ["keys/trust-1.pub", "board.json", "flash.bin"].map((name) => join(board, name));
}

/** The one code that opening the board ends with after each of the changes. */
function refusals(parts: readonly string[], change: (path: string) => void): string {
  const board = dirname(parts[1] ?? "");
  openBoard(board, { write: false }).close();
  const codes = parts.map((path) => {
    const { mode } = statSync(path);
    change(path);
    const before = readFileSync(path);
    const code = codeOf(() => openBoard(board, { write: true }).close());
    if (!readFileSync(path).equals(before)) throw new Error(`${path} changed`);
    chmodSync(path, mode);
    return code;
  });
  openBoard(board, { write: false }).close();
  return `${oneOf(codes)}; 0 bytes changed`;
}

function groupWritten(dir: string): string {
  const codes = boardParts(dir).map((path) => {
    const stat = statSync(path);
    // A group that is nobody's: as one user, one may not give a file to another group.
    const foreign = { ...stat, ino: stat.ino, dev: stat.dev, mode: 0o100_664, gid: 3_999_999 };
    new WriteGuard().checkFile(path, { ...foreign, gid: stat.uid });
    return codeOf(() => new WriteGuard().checkFile(path, foreign));
  });
  return oneOf(codes);
}

function madeUnderUmask0(dir: string): string {
  const umask = process.umask(0);
  try {
    const parts = boardParts(dir);
    const names = [dirname(parts[1] ?? ""), dirname(parts[0] ?? ""), ...parts];
    return names.map((path) => `${basename(path)} 0${(statSync(path).mode & 0o777).toString(8)}`).join(", ");
  } finally {
    process.umask(umask);
  }
}

async function linkedOutput(dir: string): Promise<string> {
  writeFileSync(join(dir, "precious"), "theirs");
  symlinkSync(join(dir, "precious"), join(dir, "out"));
  await writeAtomically(join(dir, "out"), async (handle) => void (await handle.write("ours")));
  const seen = [readFileSync(join(dir, "precious"), "utf8"), readFileSync(join(dir, "out"), "utf8")];
  if (seen.join() !== "theirs,ours") throw new Error(seen.join());
  return "the other file is unchanged";
}

async function openCache(dir: string): Promise<string> {
  const configured = process.env["XDG_CACHE_HOME"];
  try {
    process.env["XDG_CACHE_HOME"] = dir;
    const own = String(await buildCableHelper());
    if (!own.startsWith(dir)) throw new Error(`built as ${own}`);
    for (const open of [join(dir, "mayday"), dir]) {
      chmodSync(open, 0o777);
      const built = String(await buildCableHelper());
      if (built.startsWith(dir)) throw new Error(`built as ${built}`);
      chmodSync(open, 0o700);
    }
    return "another cache is used";
  } finally {
    if (configured === undefined) delete process.env["XDG_CACHE_HOME"];
    else process.env["XDG_CACHE_HOME"] = configured;
  }
}

function codeOf(work: () => void): string {
  try {
    work();
  } catch (error) {
    if (error instanceof MaydayError) return `${error.code}, exit ${error.exitCode}`;
    throw error;
  }
  return "accepted";
}

function oneOf(codes: readonly string[]): string {
  const [code = "nothing tried", ...others] = [...new Set(codes)];
  if (others.length > 0) throw new Error(codes.join());
  return code;
}
