import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { socketFolders } from "../../src/files/socket-folder.ts";
import { SOCKET_PATH_MAX } from "../../src/files/unix-socket.ts";
import { controlPlace } from "../../src/node/control-place.ts";
import { openControlSocket } from "../../src/node/control-socket.ts";
import { openClient, openControl, openFolder } from "../support/control-client.ts";
import { IS_ROOT, NOBODY } from "../two-users/other-user.ts";

const NODE_ID = "0123456789abcdef";
const modeOf = (path: string): number => lstatSync(path).mode & 0o7777;

/** Opens a socket that is expected to be refused. */
async function refused(path: string): Promise<unknown> {
  const opened = openControlSocket({ path, canWrite: false, onRequest: async () => ({}) });
  return opened.then(
    (control) => control.close(),
    (error: unknown) => error,
  );
}

/** Leaves a socket behind that nobody answers, as a process that is killed does. */
function leaveDeadSocket(path: string): void {
  const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  try {
    execFileSync(process.execPath, ["-e", script]);
  } catch {
    // It was killed.
  }
  expect(lstatSync(path).isSocket()).toBe(true);
}

/** A folder for what runs now, in place of the user's. */
function openRuntimeFolder(): string {
  const base = openFolder();
  vi.stubEnv("XDG_RUNTIME_DIR", base);
  onTestFinished(() => void vi.unstubAllEnvs());
  return join(base, "mayday");
}

describe("the place of a control socket", () => {
  it("is the path that was given", () => {
    expect(controlPlace("/somewhere/node.sock", NODE_ID)).toEqual({ path: "/somewhere/node.sock" });
    expect(controlPlace("node.sock", NODE_ID)).toEqual({ path: join(process.cwd(), "node.sock") });
  });

  it("is else a private folder in XDG_RUNTIME_DIR, then one in /run", () => {
    const folder = openRuntimeFolder();
    expect(socketFolders()).toEqual([folder, "/run/mayday"]);
    const umask = process.umask(0);
    onTestFinished(() => void process.umask(umask));
    const path = join(folder, `${NODE_ID}.sock`);
    expect(controlPlace(undefined, NODE_ID)).toEqual({ path });
    expect(modeOf(folder)).toBe(0o700);
    expect(controlPlace(undefined, NODE_ID)).toEqual({ path });
    vi.stubEnv("XDG_RUNTIME_DIR", "not/absolute");
    expect(socketFolders()).toEqual(["/run/mayday"]);
  });

  it("is the next folder where the first cannot be used, and none where no folder can; then it says why", () => {
    const base = openFolder();
    const [missing, usable] = [join(base, "missing/mayday"), join(base, "mayday")];
    expect(controlPlace(undefined, NODE_ID, [missing, usable])).toEqual({
      path: join(usable, `${NODE_ID}.sock`),
    });
    const none = controlPlace(undefined, NODE_ID, [missing]);
    expect(none).toEqual({ path: undefined, why: expect.stringContaining(missing) });
  });

  it.each([
    ["others may enter", 0o711],
    ["others may write", 0o722],
  ])("is no folder that %s", (_what, mode) => {
    const folder = openRuntimeFolder();
    mkdirSync(folder);
    chmodSync(folder, mode);
    expect(controlPlace(undefined, NODE_ID, [folder]).path).toBeUndefined();
    expect(modeOf(folder)).toBe(mode);
  });

  it("is no link, and nothing that is not a folder", () => {
    const folder = openRuntimeFolder();
    const own = join(dirname(folder), "own");
    mkdirSync(own, { mode: 0o700 });
    symlinkSync(own, folder);
    expect(controlPlace(undefined, NODE_ID, [folder]).path).toBeUndefined();
    writeFileSync(join(own, "mayday"), "");
    expect(controlPlace(undefined, NODE_ID, [join(own, "mayday")]).path).toBeUndefined();
  });
});

describe("a control socket's file", () => {
  it("is for its user alone, and is made where nobody else can reach it", async () => {
    const umask = process.umask(0);
    onTestFinished(() => void process.umask(umask));
    const dir = openFolder();
    const opening = openControl({ path: join(dir, "node.sock") });
    const [temp = ""] = readdirSync(dir);
    expect(modeOf(join(dir, temp))).toBe(0o700);
    expect(readdirSync(join(dir, temp))).toHaveLength(1);
    await opening;
    expect(readdirSync(dir)).toEqual(["node.sock"]);
    expect(modeOf(join(dir, "node.sock"))).toBe(0o600);
  });

  it("replaces a socket that nobody answers", async () => {
    const path = join(openFolder(), "node.sock");
    leaveDeadSocket(path);
    await openControl({ path });
    (await openClient(path)).send('{"command":"status"}\n');
    expect(readdirSync(dirname(path))).toEqual(["node.sock"]);
  });

  it("does not replace a socket that a process answers", async () => {
    const { path } = await openControl();
    expect(await refused(path)).toMatchObject({ code: "control-in-use", exitCode: 1 });
    const client = await openClient(path);
    client.send('{"command":"status"}\n');
    expect(await client.reply()).toMatchObject({ ok: true });
    expect(readdirSync(dirname(path))).toEqual([basename(path)]);
  });

  it("is made by one of several that start at once on a dead socket", async () => {
    const path = join(openFolder(), "node.sock");
    leaveDeadSocket(path);
    const options = { path, canWrite: false, onRequest: async () => ({}) };
    const starts = await Promise.allSettled(Array.from({ length: 6 }, () => openControlSocket(options)));
    const opened = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
    const codes = starts.flatMap((start) => (start.status === "rejected" ? [start.reason.code] : []));
    expect([opened.length, new Set(codes)]).toEqual([1, new Set(["control-in-use"])]);
    await opened[0]?.close();
    expect(readdirSync(dirname(path))).toEqual([]);
  });

  it.each([
    ["a file", (path: string) => writeFileSync(path, "mine")],
    ["an empty file", (path: string) => writeFileSync(path, "")],
    ["a folder", (path: string) => mkdirSync(path)],
    ["a link to a file", (path: string) => symlinkSync("/etc/passwd", path)],
    ["a link to nothing", (path: string) => symlinkSync(`${path}-elsewhere`, path)],
  ])("leaves %s that was planted in its place, and is not made", async (_what, plant) => {
    const path = join(openFolder(), "node.sock");
    plant(path);
    const before = lstatSync(path, { bigint: true });
    expect(await refused(path)).toMatchObject({ code: "control-not-socket", exitCode: 1 });
    const { ino, size, mode } = lstatSync(path, { bigint: true });
    expect([ino, size, mode]).toEqual([before.ino, before.size, before.mode]);
    expect(existsSync(`${path}-elsewhere`)).toBe(false);
    expect(readdirSync(dirname(path))).toEqual(["node.sock"]);
  });

  it("has a path of at most 107 bytes", async () => {
    const dir = openFolder();
    const fits = join(dir, "x".repeat(SOCKET_PATH_MAX - dir.length - 1));
    expect(Buffer.byteLength(fits)).toBe(107);
    const { path } = await openControl({ path: fits });
    const client = await openClient(path);
    client.send('{"command":"status"}\n');
    expect(await client.reply()).toMatchObject({ ok: true });
    const error = await refused(`${fits.slice(0, -1)}\u00e4`);
    expect(error).toMatchObject({ code: "control-path-too-long", exitCode: 2, details: { max: 107 } });
    expect(await refused("node.sock")).toMatchObject({ code: "control-path-relative", exitCode: 2 });
    expect(readdirSync(dir)).toEqual([basename(fits)]);
  });
});

describe("the folder that a control socket is named in", () => {
  it("must be there", async () => {
    const path = join(openFolder(), "missing/node.sock");
    expect(await refused(path)).toMatchObject({ code: "control-folder-missing", exitCode: 2 });
  });

  it("may be entered by others, and sticky such as /tmp, but not else writable by others, nor the way there", async () => {
    const dir = openFolder();
    const inner = join(dir, "inner");
    mkdirSync(inner);
    const path = join(inner, "node.sock");
    for (const [mode, isTaken] of [
      [0o755, true],
      [0o1777, true],
      [0o777, false],
      [0o757, false],
    ] as const) {
      chmodSync(inner, mode);
      if (isTaken) await (await openControl({ path })).close();
      else expect(await refused(path)).toMatchObject({ code: "writable-by-others", exitCode: 1 });
    }
    chmodSync(inner, 0o700);
    chmodSync(dir, 0o777);
    expect(await refused(path)).toMatchObject({ code: "writable-by-others" });
    expect(readdirSync(inner)).toEqual([]);
  });

  it("may be reached by a link of one's own", async () => {
    const dir = openFolder();
    mkdirSync(join(dir, "real"), { mode: 0o700 });
    symlinkSync("real", join(dir, "link"));
    const { path } = await openControl({ path: join(dir, "link/node.sock") });
    expect(existsSync(join(dir, "real/node.sock"))).toBe(true);
    (await openClient(path)).socket.destroy();
  });

  it("is strict where it is the folder that nobody needs to name", async () => {
    const folder = openRuntimeFolder();
    mkdirSync(folder);
    chmodSync(folder, 0o755);
    expect(await refused(join(folder, "x.sock"))).toMatchObject({ code: "writable-by-others" });
    renameSync(folder, `${folder}-real`);
    chmodSync(`${folder}-real`, 0o700);
    symlinkSync(`${folder}-real`, folder);
    expect(await refused(join(folder, "x.sock"))).toMatchObject({ code: "control-folder-foreign" });
  });
});

describe.runIf(IS_ROOT)("another user's part in the way to a control socket", () => {
  it("is a reason to refuse a folder of theirs, and one in a folder of theirs", async () => {
    const dir = join(openFolder(), "dir");
    const inner = join(dir, "inner");
    mkdirSync(inner, { recursive: true, mode: 0o700 });
    chownSync(inner, NOBODY, NOBODY);
    expect(await refused(join(inner, "node.sock"))).toMatchObject({ code: "control-folder-foreign" });
    chownSync(inner, 0, 0);
    chownSync(dir, NOBODY, NOBODY);
    expect(await refused(join(inner, "node.sock"))).toMatchObject({ code: "control-folder-foreign" });
  });

  it("is a reason not to use an XDG_RUNTIME_DIR of theirs, and nothing is made in it", () => {
    const folder = openRuntimeFolder();
    chownSync(dirname(folder), NOBODY, NOBODY);
    expect(controlPlace(undefined, NODE_ID, [folder]).path).toBeUndefined();
    expect(existsSync(folder)).toBe(false);
    chownSync(dirname(folder), 0, 0);
    mkdirSync(folder, { mode: 0o700 });
    chownSync(folder, NOBODY, NOBODY);
    expect(controlPlace(undefined, NODE_ID, [folder]).path).toBeUndefined();
  });

  it("is a reason not to use a private folder of root's as another user", () => {
    const folder = openRuntimeFolder();
    chmodSync(dirname(folder), 0o755);
    mkdirSync(folder, { mode: 0o700 });
    process.seteuid?.(NOBODY);
    onTestFinished(() => process.seteuid?.(0));
    const place = controlPlace(undefined, NODE_ID, [folder]);
    expect(place).toEqual({ path: undefined, why: expect.stringContaining("user 0 owns it") });
  });

  it("is a reason to refuse a link of theirs", async () => {
    const shared = openFolder();
    chmodSync(shared, 0o1777);
    mkdirSync(join(shared, "own"), { mode: 0o700 });
    symlinkSync("own", join(shared, "link"));
    execFileSync("chown", ["-h", String(NOBODY), join(shared, "link")]);
    expect(await refused(join(shared, "link/node.sock"))).toMatchObject({ code: "foreign-link" });
    expect(readdirSync(join(shared, "own"))).toEqual([]);
  });

  it("leaves a dead socket of theirs where it is", async () => {
    const path = join(openFolder(), "node.sock");
    leaveDeadSocket(path);
    chownSync(path, NOBODY, NOBODY);
    expect(await refused(path)).toMatchObject({ code: "control-foreign" });
    expect(lstatSync(path).uid).toBe(NOBODY);
  });

  it("keeps them from connecting, also where they may enter the folder", async () => {
    const dir = openFolder();
    chmodSync(dir, 0o755);
    const umask = process.umask(0);
    onTestFinished(() => void process.umask(umask));
    const { path } = await openControl({ path: join(dir, "node.sock") });
    const script = `require("net").connect(${JSON.stringify(path)}).on("connect", () => console.log("connected")).on("error", (error) => { console.log(error.code); process.exit(); })`;
    const asNobody = [
      `--reuid=${NOBODY}`,
      `--regid=${NOBODY}`,
      "--clear-groups",
      process.execPath,
      "-e",
      script,
    ];
    expect(execFileSync("setpriv", asNobody, { encoding: "utf8", cwd: tmpdir() })).toBe("EACCES\n");
  });
});
