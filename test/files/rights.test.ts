import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  canBeOwnWay,
  findOwnProgram,
  foreignOnWay,
  isOwnWay,
  openOwnProgram,
} from "../../src/files/own-way.ts";
import { walkPath } from "../../src/files/path-walk.ts";
import { type AccountList, isOpenToOthers, otherWriters, type Rights } from "../../src/files/rights.ts";
import { WriteGuard } from "../../src/files/write-guard.ts";
import { errorOf, scratchDir } from "../image/support.ts";

const dir = scratchDir();
const at = (name: string): string => join(dir, name);
const put = (name: string, mode: number): string => {
  writeFileSync(at(name), "content");
  chmodSync(at(name), mode);
  return at(name);
};
const folder = (name: string, mode: number): string => {
  mkdirSync(at(name), { recursive: true });
  chmodSync(at(name), mode);
  return at(name);
};

const lists: AccountList = (path) =>
  path === "/etc/passwd"
    ? "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1001:100::/home/bob:/bin/sh\n"
    : "root:x:0:\nusers:x:100:ann\nann:x:2000:\nbob:x:2001:bob,ann\nwheel:x:1001:ann\n";

describe("who else may write a file", () => {
  const rights = (mode: number, uid: number, gid: number): Rights => ({ mode, uid, gid });

  it.each([
    ["nobody, by a mode without such bits", rights(0o644, 1000, 100), undefined],
    ["everybody", rights(0o602, 1000, 1000), "everybody"],
    ["everybody, also in a sticky folder", rights(0o1777, 0, 0), "everybody"],
    ["nobody, by the group with the owner's number", rights(0o664, 1000, 1000), undefined],
    ["nobody, by the group with the owner's name", rights(0o664, 1000, 2000), undefined],
    [
      "nobody, by a group that no list knows but that has the owner's number",
      rights(0o664, 77, 77),
      undefined,
    ],
    ["another group", rights(0o664, 1000, 100), "group 100 (users)"],
    ["another group that no list knows", rights(0o664, 1000, 4711), "group 4711"],
    [
      "the group with the owner's name, when it has another member",
      rights(0o664, 1001, 2001),
      "group 2001 (bob)",
    ],
    [
      "the group with the owner's number, when it has another member",
      rights(0o660, 1001, 1001),
      "group 1001 (wheel)",
    ],
  ])("is %s", (_who, of, expected) => {
    expect(otherWriters(of, lists)).toBe(expected);
    expect(otherWriters({ ...of, mode: of.mode | 0o100_000 }, lists)).toBe(expected);
  });

  it("is told without lists of users and groups by numbers alone", () => {
    const none: AccountList = () => undefined;
    expect(otherWriters(rights(0o664, 1000, 1000), none)).toBeUndefined();
    expect(otherWriters(rights(0o664, 1000, 2000), none)).toBe("group 2000");
  });

  it("does not matter where they cannot look up names", () => {
    expect(isOpenToOthers(rights(0o755, 0, 0), lists)).toBe(true);
    expect(isOpenToOthers(rights(0o700, 0, 0), lists)).toBe(false);
    expect(isOpenToOthers(rights(0o710, 0, 0), lists)).toBe(false);
    expect(isOpenToOthers(rights(0o710, 0, 100), lists)).toBe(true);
  });
});

describe("the guard of what decides", () => {
  const check = (path: string, guard = new WriteGuard()): void => guard.checkFile(path, statSync(path));
  const codeOf = async (work: () => void): Promise<string> => (await errorOf(work)).code;

  it.each(["600", "644", "400", "664"])("lets a file of mode %s pass whose group is the owner's", (mode) => {
    expect(() => check(put(`fine-${mode}`, Number.parseInt(mode, 8)))).not.toThrow();
  });

  it.each(["666", "602", "622"])(
    "refuses a file that everybody may write, with path, mode and what to do: %s",
    async (mode) => {
      const path = put("open", Number.parseInt(mode, 8));
      const error = await errorOf(() => check(path));
      expect(error).toMatchObject({ code: "writable-by-others", exitCode: 1 });
      expect(error.details).toMatchObject({ path, mode: `0${mode}` });
      expect(error.message).toContain(`chmod go-w ${path}`);
    },
  );

  it("looks at the folders on the way as far as others can reach them", async () => {
    folder("out", 0o777);
    folder("out/in", 0o755);
    put("out/in/file", 0o644);
    // Others cannot enter the folder of this test.
    expect(() => check(at("out/in/file"))).not.toThrow();
    chmodSync(dir, 0o755);
    const error = await errorOf(() => check(at("out/in/file")));
    expect(error).toMatchObject({ code: "writable-by-others", details: { path: at("out") } });
    chmodSync(at("out"), 0o1777);
    expect(() => check(at("out/in/file"))).not.toThrow();
    chmodSync(at("out"), 0o755);
    chmodSync(dir, 0o700);
  });

  it("follows links, and looks at the folders that they lead through", async () => {
    folder("far", 0o777);
    put("far/file", 0o644);
    symlinkSync(at("far/file"), at("near"));
    symlinkSync("../far", at("far/up"));
    chmodSync(dir, 0o755);
    for (const path of [at("near"), at("far/up/file")]) {
      expect((await errorOf(() => check(path))).details["path"]).toBe(at("far"));
    }
    chmodSync(at("far"), 0o755);
    expect(() => check(at("near"))).not.toThrow();
    chmodSync(dir, 0o700);
  });

  it("refuses a file that is another one than the path leads to", async () => {
    const other = put("other", 0o600);
    const path = put("one", 0o600);
    expect(await codeOf(() => new WriteGuard().checkFile(path, statSync(other)))).toBe("writable-by-others");
    expect(await codeOf(() => new WriteGuard().checkFile(at("gone"), statSync(other)))).toBe(
      "writable-by-others",
    );
  });

  it.each([
    ["FAT", 0x4d44],
    ["exFAT", 0x2011_bab0],
    ["NTFS", 0x7366_746e],
    ["SMB", 0xfe53_4d42],
    // As a number with a sign, which some systems give.
    ["SMB", 0xfe53_4d42 | 0],
  ])("warns once where %s keeps no modes, and refuses elsewhere", async (name, type) => {
    const path = put("stick", 0o666);
    const warnings: string[] = [];
    const guard = new WriteGuard({ warn: (text) => warnings.push(text), typeOf: () => type });
    for (let i = 0; i < 3; i++) check(path, guard);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(name);
    expect(warnings[0]).toContain("umask=077");
    const ext4 = new WriteGuard({ warn: (text) => warnings.push(text), typeOf: () => 0xef53 });
    expect(await codeOf(() => check(path, ext4))).toBe("writable-by-others");
    expect(warnings).toHaveLength(1);
  });

  it("asks the system for the type of a file system", async () => {
    expect(await codeOf(() => check(put("real", 0o666)))).toBe("writable-by-others");
  });
});

describe("a way that only root and we may change", () => {
  it.each([
    ["its own mode", "p1", 0o775, "p1/a/b/program"],
    ["the mode of its folder", "p2", 0o755, "p2/a/b"],
    ["the mode of a folder further up", "p3", 0o755, "p3"],
  ])("is not one by %s", (_what, name, mode, foreign) => {
    const open = name === "p1" ? 0o755 : 0o777;
    folder(`${name}/a/b`, 0o755);
    if (name === "p2") chmodSync(at(`${name}/a/b`), open);
    if (name === "p3") chmodSync(at(name), 0o770);
    const path = put(`${name}/a/b/program`, mode);
    expect(isOwnWay(path)).toBe(false);
    expect(foreignOnWay(path)).toMatchObject({
      at: at(foreign),
      rights: { mode: statSync(at(foreign)).mode },
    });
    expect(openOwnProgram(path)).toBeUndefined();
  });

  it("is one below a sticky folder, if what is in that is ours", () => {
    const path = put("ours", 0o755);
    expect(isOwnWay(path)).toBe(true);
    expect(foreignOnWay(path)).toBeUndefined();
    expect(canBeOwnWay(at("new/folder"))).toBe(true);
    folder("sticky", 0o1777);
    mkdirSync(at("sticky/in"), { mode: 0o755 });
    chmodSync(at("sticky/in"), 0o755);
    expect(isOwnWay(put("sticky/in/program", 0o755))).toBe(true);
    expect(canBeOwnWay(at("sticky/new"))).toBe(true);
    expect(isOwnWay(at("sticky"))).toBe(false);
    folder("wide", 0o777);
    expect(canBeOwnWay(at("wide/new"))).toBe(false);
  });

  it("finds programs in folders of PATH that pass, and passes over the others", () => {
    const found = findOwnProgram("sh");
    expect(found).toMatch(/^\/.*\/sh$/);
    const path = process.env["PATH"] ?? "";
    folder("bin", 0o777);
    put("bin/sh", 0o755);
    try {
      process.env["PATH"] = `${at("bin")}:relative:${path}`;
      expect(findOwnProgram("sh")).toBe(found);
      chmodSync(at("bin"), 0o755);
      expect(findOwnProgram("sh")).toBe(at("bin/sh"));
      chmodSync(at("bin/sh"), 0o644);
      expect(findOwnProgram("sh")).toBe(found);
    } finally {
      process.env["PATH"] = path;
    }
    expect(findOwnProgram("no-such-program")).toBeUndefined();
  });

  it("ends at a circle of links, at a missing name and below a file", () => {
    symlinkSync(at("circle"), at("circle"));
    for (const path of [at("circle"), at("missing/x"), join(put("leaf", 0o644), "x"), "/proc/none/x"]) {
      expect(walkPath(path).target).toBeUndefined();
      expect(isOwnWay(path)).toBe(false);
    }
    expect(walkPath("/").target).toBe("/");
  });
});
