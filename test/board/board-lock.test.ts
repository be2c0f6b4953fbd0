import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MaydayError } from "../../src/base/errors.ts";
import { LOCK_FILE, lockBoard } from "../../src/board/board-lock.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "mayday-lock-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const lockPath = (): string => join(dir, LOCK_FILE);

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
