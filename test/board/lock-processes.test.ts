import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { randomBelow, SeededRandom } from "../../src/base/prng.ts";
import { lockBoard, lockHolder } from "../../src/board/board-lock.ts";
import { LOCK_FILE } from "../../src/board/lock-holder.ts";
import { asRoot } from "../support/as-root.ts";

const CHILD = fileURLToPath(new URL("../support/lock-child.mjs", import.meta.url));
/** Races of four processes, each with another seed. */
const RACES = 200;
/** Most that a process waits before it tries, in microseconds: about as long as to take a lock. */
const WAIT_MAX_US = 8000;

let dir = "";
const children: Child[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "mayday-locks-"));
});
afterEach(() => {
  for (const child of children.splice(0)) child.end();
  rmSync(dir, { recursive: true, force: true });
});

/** A process that takes locks when it is told to, in a PID namespace of its own if `isApart`. */
class Child {
  readonly process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  /** Its id as it sees itself. */
  pid = 0;

  private constructor(isApart: boolean) {
    const command = [process.execPath, CHILD];
    // The namespace ends with its first process, and --kill-child has that end with this one.
    const apart = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
    const [program = "", ...args] = isApart ? [...apart, ...command] : command;
    this.process = spawn(program, args, { stdio: "pipe" });
    this.#reader = createInterface({ input: this.process.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
    children.push(this);
  }

  static async start(isApart = false): Promise<Child> {
    const child = new Child(isApart);
    child.pid = Number((await child.#line()).split(" ")[1]);
    return child;
  }

  async lock(folder: string = dir, micros = 0): Promise<string> {
    this.process.stdin.write(`lock ${folder} ${micros}\n`);
    return await this.#line();
  }

  async release(): Promise<void> {
    this.process.stdin.write("release\n");
    expect(await this.#line()).toBe("released");
  }

  async kill(): Promise<void> {
    const { exitCode, signalCode } = this.process;
    if (exitCode !== null || signalCode !== null) return;
    const ended = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await ended;
  }

  end(): void {
    this.process.kill("SIGKILL");
    this.#reader.close();
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("the process ended");
    return value;
  }
}

const others = (): Promise<Child[]> => Promise.all([0, 1, 2, 3].map(() => Child.start()));

/** Whether this process could take the lock, which it gives back. */
function isFree(): boolean {
  try {
    lockBoard(dir).release();
    return true;
  } catch {
    return false;
  }
}

describe("a board's lock among processes", () => {
  it(`has exactly one winner in each of ${RACES} races of four processes`, { timeout: 120_000 }, async () => {
    const racers = await others();
    for (let seed = 1; seed <= RACES; seed++) {
      const random = new SeededRandom(seed);
      // Every other race finds what a killed process left.
      if (seed % 2 === 0) writeFileSync(join(dir, LOCK_FILE), "4194304 5\n");
      const seen = await Promise.all(
        racers.map((racer) => racer.lock(dir, seed % 4 === 0 ? 0 : randomBelow(random, WAIT_MAX_US))),
      );
      const winners = racers.filter((_, i) => seen[i] === "held");
      expect(winners, `seed ${seed}: ${seen.join(" | ")}`).toHaveLength(1);
      expect(
        seen.filter((text) => text.startsWith("board-busy ")),
        `seed ${seed}`,
      ).toHaveLength(3);
      expect(lockHolder(dir)?.pid).toBe(winners[0]?.pid);
      await winners[0]?.release();
      expect(readdirSync(dir), `seed ${seed}`).toEqual([]);
    }
  });

  it("is free as soon as its holder is killed, and says nothing of it any more", async () => {
    const holder = await Child.start();
    expect(await holder.lock()).toBe("held");
    expect(isFree()).toBe(false);
    await holder.kill();
    expect(lockHolder(dir)).toBeUndefined();
    expect(isFree()).toBe(true);
    expect(readdirSync(dir)).toEqual([]);
  });

  it("stays with a holder that is stopped, for as long as it is", async () => {
    const holder = await Child.start();
    expect(await holder.lock()).toBe("held");
    holder.process.kill("SIGSTOP");
    const other = await Child.start();
    expect(await other.lock()).toMatch(
      new RegExp(`^board-busy ${holder.pid} .*process ${holder.pid} is using`),
    );
    expect(isFree()).toBe(false);
    holder.process.kill("SIGCONT");
    await holder.release();
    expect(await other.lock()).toBe("held");
  });

  it("stays with the holder when its files are removed, and when another one's are put there", async () => {
    const holder = await Child.start();
    expect(await holder.lock()).toBe("held");
    for (const name of readdirSync(dir)) rmSync(join(dir, name));
    expect(isFree()).toBe(false);
    writeFileSync(join(dir, LOCK_FILE), "4194304 5\n");
    expect(isFree()).toBe(false);
    await holder.release();
    expect(isFree()).toBe(true);
  });

  it("is not passed on to a program that the holder starts", async () => {
    const lock = lockBoard(dir);
    const child = spawn("sleep", ["60"], { stdio: "ignore" });
    await once(child, "spawn");
    lock.release();
    expect(isFree()).toBe(true);
    child.kill("SIGKILL");
  });

  asRoot("needs no right to write the folder, and does not name itself there", async () => {
    const holder = await Child.start();
    execFileSync("mount", ["--bind", dir, dir]);
    try {
      execFileSync("mount", ["-o", "remount,bind,ro", dir]);
      expect(await holder.lock()).toBe("held");
      expect(readdirSync(dir)).toEqual([]);
      const other = await Child.start();
      expect(await other.lock()).toMatch(/^board-busy undefined .*another process/);
      await holder.release();
      expect(await other.lock()).toBe("held");
      await other.kill();
    } finally {
      execFileSync("umount", [dir]);
    }
  });

  asRoot("does not name a killed holder as the one that holds it on a full disk", async () => {
    const folder = join(dir, "full");
    mkdirSync(folder);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16k", "tmpfs", folder]);
    try {
      const filler = (): void => {
        execFileSync("sh", ["-c", 'dd if=/dev/zero of="$0" bs=1k 2>/dev/null || :', `${folder}/fill`]);
      };
      const [first, second, third] = await others();
      expect(await first?.lock(folder)).toBe("held");
      await first?.kill();
      rmSync(join(folder, "lock"));
      filler();
      expect(await second?.lock(folder)).toBe("held");
      expect(await third?.lock(folder)).toMatch(/^board-busy undefined .*another process .*fuser/);
      await second?.release();
      expect(await third?.lock(folder)).toBe("held");
      await third?.kill();
    } finally {
      execFileSync("umount", [folder]);
    }
  });
});

describe("a board's lock among PID namespaces", () => {
  asRoot("is refused to a process of another one, which names the holder, and keeps its files", async () => {
    const holder = await Child.start();
    expect(await holder.lock()).toBe("held");
    const files = (): string[] => readdirSync(dir).map((name) => readFileSync(join(dir, name), "utf8"));
    const before = files();
    const other = await Child.start(true);
    expect(other.pid).toBe(1);
    const said = await other.lock();
    expect(said).toMatch(
      new RegExp(`^board-busy ${holder.pid} .*process ${holder.pid} of another container \\(host .+\\)`),
    );
    expect(files()).toEqual(before);
    await holder.release();
    expect(await other.lock()).toBe("held");
    expect(isFree()).toBe(false);
  });

  asRoot("is free when its holder in another one is killed, although that id is a process here", async () => {
    const holder = await Child.start(true);
    expect(holder.pid).toBe(1);
    expect(await holder.lock()).toBe("held");
    expect(existsSync(`/proc/${holder.pid}`)).toBe(true);
    expect(isFree()).toBe(false);
    await holder.kill();
    // The kernel ends the namespace's processes after unshare has ended.
    await expect.poll(isFree, { timeout: 10_000, interval: 20 }).toBe(true);
  });

  asRoot("goes to one of two that hold the same id and start at the same time", async () => {
    const pair = await Promise.all([Child.start(true), Child.start(true)]);
    const seen = await Promise.all(pair.map((child) => child.lock()));
    expect(seen.filter((text) => text === "held")).toHaveLength(1);
    expect(seen.filter((text) => text.startsWith("board-busy 1 "))).toHaveLength(1);
  });
});

describe("a board's lock on file systems without hard links", () => {
  asRoot("is taken, refused and freed on a real exFAT", async () => {
    const image = join(dir, "exfat.img");
    const folder = join(dir, "exfat");
    mkdirSync(folder);
    execFileSync("truncate", ["-s", "8M", image]);
    execFileSync("mkfs.exfat", [image], { stdio: "ignore" });
    const loop = execFileSync("losetup", ["-f", "--show", image], { encoding: "utf8" }).trim();
    try {
      execFileSync("mount.exfat-fuse", [loop, folder], { stdio: "ignore" });
      expect(statSync(folder).dev).not.toBe(statSync(dir).dev);
      const [first, second] = await others();
      expect(await first?.lock(folder)).toBe("held");
      expect(await second?.lock(folder)).toMatch(new RegExp(`^board-busy ${first?.pid} `));
      await first?.kill();
      expect(await second?.lock(folder)).toBe("held");
      await second?.release();
      expect(readdirSync(folder)).toEqual([]);
      for (const child of children.splice(0)) await child.kill();
    } finally {
      execFileSync("sh", ["-c", 'umount "$0"; losetup -d "$1"', folder, loop]);
    }
  });
});
