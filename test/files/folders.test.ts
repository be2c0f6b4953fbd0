import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeAtomically } from "../../src/files/atomic-file.ts";
import { makeFolder, writeNewFile } from "../../src/files/durable-file.ts";
import { writeKeyFile } from "../../src/files/key-file.ts";
import { OpenFolder } from "../../src/files/open-folder.ts";
import { removeIfSame } from "../../src/files/same-file.ts";
import { setMode } from "../../src/files/set-mode.ts";
import { clearStaleTempsIn, removeFolderIn, removeOpenFolder } from "../../src/files/stale-temps.ts";
import { errorOf, scratchDir } from "../image/support.ts";

const dir = scratchDir();
const at = (name: string): string => join(dir, name);
const folder = (name: string, mode = 0o700): string => {
  mkdirSync(at(name), { recursive: true });
  chmodSync(at(name), mode);
  return at(name);
};
const host = createHash("sha256").update(hostname()).digest("hex").slice(0, 8);
/** No process has this number: it is above the limit of Linux. */
const stale = (digit: number): string => `.mayday-${host}-4194300-00000000000${digit}.tmp`;
const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);

/** Does something under each umask, and restores the one before. */
function underUmasks<T>(work: (umask: number) => T): void {
  const before = process.umask();
  try {
    for (const umask of [0, 0o002, 0o022, 0o077, 0o777]) {
      process.umask(umask);
      work(umask);
    }
  } finally {
    process.umask(before);
  }
}

describe("what is made", () => {
  it("has the mode that was asked for, whatever the umask", () => {
    underUmasks((umask) => {
      for (const mode of [0o600, 0o644]) {
        writeNewFile(at(`new-${umask}-${mode}`), "x", mode);
        expect(modeOf(at(`new-${umask}-${mode}`)), `umask ${umask}`).toBe(mode.toString(8));
        writeKeyFile(at(`key-${umask}-${mode}`), "x", mode);
        expect(modeOf(at(`key-${umask}-${mode}`)), `umask ${umask}`).toBe(mode.toString(8));
      }
    });
  });

  it("stays as it is where a file system keeps no modes, which is no error", () => {
    const before = statSync("/proc/self/comm").mode;
    for (const file of ["/proc/self/comm", "/proc/sys/kernel/hostname"])
      expect(() => setMode(file, 0o777)).not.toThrow();
    expect(statSync("/proc/self/comm").mode).toBe(before);
    expect(() => setMode(at("not there"), 0o600)).toThrow("ENOENT");
  });

  it("may never be written by others, where the umask has a say", async () => {
    const before = process.umask(0);
    try {
      await writeAtomically(at("out"), async (handle) => void (await handle.write("x")));
      makeFolder(at("deep/er"));
      expect([modeOf(at("out")), modeOf(at("deep")), modeOf(at("deep/er"))]).toEqual(["644", "755", "755"]);
      process.umask(0o077);
      await writeAtomically(at("own"), async (handle) => void (await handle.write("x")));
      expect(modeOf(at("own"))).toBe("600");
    } finally {
      process.umask(before);
    }
  });

  it("is refused at once where a file system makes nothing, such as /proc", async () => {
    for (const path of ["/proc/none/of/this", "/proc/self/task/x/y"]) {
      const error: unknown = await Promise.resolve()
        .then(() => makeFolder(path))
        .catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: expect.stringMatching(/^(ENOENT|EACCES|EPERM)$/) });
    }
  });
});

describe("stale temporary files and folders", () => {
  const fill = (name: string): void => {
    folder(`${name}/${stale(1)}/keys`);
    chmodSync(at(`${name}/${stale(1)}`), 0o700);
    writeFileSync(at(`${name}/${stale(1)}/keys/k`), "half");
    writeFileSync(at(`${name}/${stale(2)}`), "half");
    symlinkSync(at("kept"), at(`${name}/${stale(3)}`));
    symlinkSync(at("kept"), at(`${name}/${stale(1)}/link`));
  };

  it.each([
    ["a folder of ours alone: all but links", "700", [stale(3)]],
    ["a folder that others may read: the same", "755", [stale(3)]],
    ["a sticky folder: files only", "1777", [stale(1), stale(3)]],
    ["a folder in which others may rename: the same", "777", [stale(1), stale(3)]],
  ])("are removed in %s", (_what, mode, left) => {
    const name = `stale-${mode}`;
    mkdirSync(at("kept"), { recursive: true });
    writeFileSync(at("kept/file"), "precious");
    folder(name);
    fill(name);
    chmodSync(at(name), Number.parseInt(mode, 8));
    clearStaleTempsIn(at(name));
    expect(readdirSync(at(name)).sort()).toEqual(left);
    expect(readdirSync(at("kept"))).toEqual(["file"]);
  });

  it("stay where a folder among them may be written by others", () => {
    folder("mixed");
    fill("mixed");
    chmodSync(at(`mixed/${stale(1)}`), 0o777);
    clearStaleTempsIn(at("mixed"));
    expect(readdirSync(at(`mixed/${stale(1)}`)).sort()).toEqual(["keys", "link"]);
  });
});

describe("an open folder", () => {
  it("stays the same one when another gets its name", () => {
    folder("first");
    writeFileSync(at("first/file"), "1");
    const open = OpenFolder.open(at("first"));
    const parent = OpenFolder.open(dir);
    expect(open.isBound).toBe(true);
    const moved = at("moved");
    folder("second");
    writeFileSync(at("second/other"), "2");
    renameSync(at("first"), moved);
    renameSync(at("second"), at("first"));
    expect(readdirSync(open.itself)).toEqual(["file"]);
    removeOpenFolder(parent, "first", open);
    expect(readdirSync(at("first"))).toEqual(["other"]);
    expect(readdirSync(moved)).toEqual([]);
    open.close();
    parent.close();
  });

  it("is found through links of ours, and not through a circle of them", async () => {
    folder("real/deep");
    symlinkSync("real", at("way"));
    symlinkSync(at("way/../way/deep/."), at("absolute"));
    const open = OpenFolder.open(at("absolute"));
    expect(open.stat().ino).toBe(statSync(at("real/deep"), { bigint: true }).ino);
    open.close();
    symlinkSync("ring", at("ring"));
    expect(() => OpenFolder.open(at("ring"))).toThrow("too many links");
    expect(() => OpenFolder.open(at("nowhere"))).toThrow("ENOENT");
    writeFileSync(at("plain"), "");
    expect(() => OpenFolder.open(at("plain"))).toThrow("ENOTDIR");
  });

  it("leaves no descriptor open, whether it can be opened or not", () => {
    const before = readdirSync("/proc/self/fd").length;
    for (const path of [dir, at("none/x"), at("ring"), "."]) {
      try {
        OpenFolder.open(path).close();
      } catch {
        // Some are not there.
      }
    }
    expect(readdirSync("/proc/self/fd")).toHaveLength(before);
  });

  it("opens no link as a folder in it, and removes no folder through one", () => {
    folder("victim");
    writeFileSync(at("victim/file"), "precious");
    folder("holder");
    symlinkSync(at("victim"), at("holder/link"));
    const holder = OpenFolder.open(at("holder"));
    expect(() => holder.openIn("link")).toThrow(/ENOTDIR|ELOOP/);
    expect(() => removeFolderIn(holder, "link")).toThrow(/ENOTDIR|ELOOP/);
    expect(existsSync(at("victim/file"))).toBe(true);
    holder.close();
  });
});

describe("removing a file that was made", () => {
  it("leaves what got its name meanwhile", async () => {
    const file = writeNewFile(at("mine"), "x", 0o600);
    removeIfSame(at("mine"), file);
    expect(existsSync(at("mine"))).toBe(false);
    writeFileSync(at("mine"), "another's");
    removeIfSame(at("mine"), { ...file, ino: file.ino + 1n });
    expect(existsSync(at("mine"))).toBe(true);
    removeIfSame(at("not there"), file);
    const error = await errorOf(() => writeKeyFile(at("mine"), "x", 0o600));
    expect(error.code).toBe("key-exists");
    expect(readdirSync(dirname(at("mine"))).filter((name) => name.startsWith(".mayday"))).toEqual([]);
  });
});
