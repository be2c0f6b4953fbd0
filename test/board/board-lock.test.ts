import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MaydayError } from "../../src/base/errors.ts";
import { lockBoard, lockHolder } from "../../src/board/board-lock.ts";
import { LOCK_FILE } from "../../src/board/lock-holder.ts";
import { LOCK_SOCKET_FILE, NAMED_PATH_MAX } from "../../src/board/lock-socket.ts";
import { code } from "./support.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "mayday-lock-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const lockPath = (): string => join(dir, LOCK_FILE);
const socketFile = (): string => join(dir, LOCK_SOCKET_FILE);

function refusal(): { code: string; pid: unknown } {
  try {
    lockBoard(dir).release();
  } catch (error) {
    if (error instanceof MaydayError) return { code: error.code, pid: error.details["pid"] };
    throw error;
  }
  return { code: "taken", pid: undefined };
}

describe("lockBoard", () => {
  it("is exclusive until released, names its holder, and leaves nothing behind", () => {
    const lock = lockBoard(dir);
    expect(readFileSync(lockPath(), "utf8")).toMatch(new RegExp(`^${process.pid} \\d+\n$`));
    expect(refusal()).toEqual({ code: "board-busy", pid: process.pid });
    lock.release();
    lock.release();
    expect(readdirSync(dir)).toEqual([]);
    expect(refusal().code).toBe("taken");
  });

  it("respects the lock of a process that is alive, and breaks it when the process has ended", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    await once(child, "spawn");
    const stat = readFileSync(`/proc/${child.pid}/stat`, "utf8");
    const started = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    writeFileSync(lockPath(), `${child.pid} ${started}\n`);
    expect(refusal()).toEqual({ code: "board-busy", pid: child.pid });
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(refusal().code).toBe("taken");
  });

  it.each([
    ["an id that is another process by now", `${process.pid} 1\n`],
    ["a process that is gone", "4194304 5\n"],
    ["no process at all", ""],
    ["something else", "hello\n"],
  ])("breaks a lock that names %s", (_name, content) => {
    writeFileSync(lockPath(), content);
    expect(refusal().code).toBe("taken");
    expect(readdirSync(dir)).toEqual([]);
  });

  it("does not remove a lock that another process has taken", () => {
    const lock = lockBoard(dir);
    writeFileSync(lockPath(), "1 1\n");
    lock.release();
    expect(existsSync(lockPath())).toBe(true);
  });

  it("fails when there is no folder to lock", () => {
    rmSync(dir, { recursive: true });
    expect(refusal().code).toBe("board-lock");
  });
});

describe("lockHolder", () => {
  it("names the process and the socket that it named last, as long as the lock is held", () => {
    expect(lockHolder(dir)).toBeUndefined();
    const lock = lockBoard(dir);
    expect(lockHolder(dir)).toEqual({ pid: process.pid, socket: undefined });
    lock.setSocket("/run/first.sock");
    lock.setSocket("/run/mayday/node ä.sock");
    expect(lockHolder(dir)).toEqual({ pid: process.pid, socket: "/run/mayday/node ä.sock" });
    lock.release();
    expect(lockHolder(dir)).toBeUndefined();
    expect(readdirSync(dir)).toEqual([]);
  });

  it("names a socket by its absolute path", () => {
    const lock = lockBoard(dir);
    lock.setSocket("node.sock");
    expect(lockHolder(dir)?.socket).toBe(resolve("node.sock"));
    lock.release();
  });

  it("leaves the lock in the one form that counts as held everywhere", () => {
    const lock = lockBoard(dir);
    lock.setSocket("/run/node.sock");
    expect(readFileSync(lockPath(), "utf8")).toMatch(/^\d{1,10} \d{1,20}\n$/);
    expect(refusal()).toEqual({ code: "board-busy", pid: process.pid });
    expect(lstatSync(socketFile()).mode & 0o777).toBe(0o644);
    lock.release();
  });

  it("takes paths up to the longest that a system has, and refuses what is no path", () => {
    const lock = lockBoard(dir);
    const longest = `/${"x".repeat(NAMED_PATH_MAX - 1)}`;
    lock.setSocket(longest);
    expect(lockHolder(dir)?.socket).toBe(longest);
    for (const bad of [`${longest}x`, `/${"ä".repeat(NAMED_PATH_MAX / 2)}`, "", "/run/a\nb", "/run/a\0b"]) {
      expect(code(() => lock.setSocket(bad))).toBe("socket-path 2");
    }
    expect(lockHolder(dir)?.socket).toBe(longest);
    lock.release();
  });

  it("forgets the socket of a holder that was killed, and so does the next holder", () => {
    writeFileSync(lockPath(), "4194304 5\n");
    writeFileSync(socketFile(), "4194304 5\n/run/old.sock\n");
    expect(lockHolder(dir)).toBeUndefined();
    const lock = lockBoard(dir);
    expect(lockHolder(dir)).toEqual({ pid: process.pid, socket: undefined });
    expect(existsSync(socketFile())).toBe(false);
    lock.release();
  });

  it("takes a socket from the very lock that it repeats, and from no other", () => {
    const lock = lockBoard(dir);
    for (const line of ["4194304 5\n", `${process.pid} 1\n`, ""]) {
      writeFileSync(socketFile(), `${line}/run/other.sock\n`);
      expect(lockHolder(dir)).toEqual({ pid: process.pid, socket: undefined });
    }
    writeFileSync(socketFile(), `${readFileSync(lockPath(), "utf8")}/run/right.sock\n`);
    expect(lockHolder(dir)?.socket).toBe("/run/right.sock");
    lock.release();
  });

  it.each([
    ["nothing", ""],
    ["no end of line", "/run/node.sock"],
    ["a relative path", "node.sock\n"],
    ["two paths", "/run/a.sock\n/run/b.sock\n"],
    ["a control character", "/run/\u001b[2J.sock\n"],
    ["bytes that are no text", "/run/\ufffd.sock\n"],
    ["too much", `/${"x".repeat(10_000)}\n`],
  ])("finds no socket in a file that holds %s behind the lock's line", (_name, rest) => {
    const lock = lockBoard(dir);
    writeFileSync(socketFile(), `${readFileSync(lockPath(), "utf8")}${rest}`);
    expect(lockHolder(dir)).toEqual({ pid: process.pid, socket: undefined });
    lock.release();
    expect(readdirSync(dir)).toEqual([]);
  });

  it("follows no link that was planted, and writes through none", () => {
    const lock = lockBoard(dir);
    const planted = join(dir, "planted");
    const right = `${readFileSync(lockPath(), "utf8")}/run/evil.sock\n`;
    writeFileSync(planted, right);
    symlinkSync(planted, socketFile());
    expect(lockHolder(dir)).toEqual({ pid: process.pid, socket: undefined });
    lock.setSocket("/run/node.sock");
    expect(readFileSync(planted, "utf8")).toBe(right);
    expect(lstatSync(socketFile()).isFile()).toBe(true);
    expect(lockHolder(dir)?.socket).toBe("/run/node.sock");
    rmSync(socketFile());
    symlinkSync(planted, socketFile());
    lock.release();
    expect(readdirSync(dir)).toEqual(["planted"]);
  });

  it("takes no socket from a file that others may write", () => {
    const lock = lockBoard(dir);
    lock.setSocket("/run/node.sock");
    chmodSync(socketFile(), 0o666);
    expect(lockHolder(dir)).toEqual({ pid: process.pid, socket: undefined });
    lock.release();
  });

  it.each([
    ["nothing", ""],
    ["something else", "hello\n"],
    ["a second line", `${process.pid} 1\nsocket /run/node.sock\n`],
  ])("finds nobody in a lock that holds %s", (_name, content) => {
    writeFileSync(lockPath(), content);
    expect(lockHolder(dir)).toBeUndefined();
  });

  it("finds nobody where there is no board, or where the lock is a folder or a link", () => {
    expect(lockHolder(join(dir, "missing"))).toBeUndefined();
    mkdirSync(lockPath());
    expect(lockHolder(dir)).toBeUndefined();
    rmSync(lockPath(), { recursive: true });
    const other = mkdtempSync(join(tmpdir(), "mayday-lock-"));
    const lock = lockBoard(other);
    symlinkSync(join(other, LOCK_FILE), lockPath());
    expect(lockHolder(dir)).toBeUndefined();
    lock.release();
    rmSync(other, { recursive: true });
  });

  it("cannot be told a socket by who has lost the lock, and keeps that of the next holder", () => {
    const lock = lockBoard(dir);
    writeFileSync(lockPath(), "1 1\n");
    writeFileSync(socketFile(), "1 1\n/run/other.sock\n");
    expect(code(() => lock.setSocket("/run/node.sock"))).toBe("board-lock 1");
    lock.release();
    expect(code(() => lock.setSocket("/run/node.sock"))).toBe("board-lock 1");
    expect(readFileSync(socketFile(), "utf8")).toBe("1 1\n/run/other.sock\n");
    rmSync(lockPath());
    const next = lockBoard(dir);
    expect(code(() => lock.setSocket("/run/node.sock"))).toBe("board-lock 1");
    next.release();
  });

  it("says why a socket cannot be named", () => {
    const lock = lockBoard(dir);
    mkdirSync(socketFile());
    expect(code(() => lock.setSocket("/run/node.sock"))).toBe("board-lock 1");
    lock.release();
    expect(readdirSync(dir)).toEqual([LOCK_SOCKET_FILE]);
  });
});
