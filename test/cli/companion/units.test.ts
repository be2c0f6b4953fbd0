import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { read, some, TRACKED } from "../../tidy/repository.ts";
import { environmentOf, settingOf, unitSettings } from "./unit-file.ts";

const UNITS = ["mayday-rescue.service", "mayday-node.service"];
const PROGRAM = "/usr/local/bin/mayday";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "mayday-units-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** What systemd-analyze says of a unit; the program of ExecStart= need not be installed for it. */
function verify(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text.replaceAll(PROGRAM, "/bin/true"));
  const { stdout, stderr, status, error } = spawnSync("systemd-analyze", ["verify", "--man=no", path], {
    encoding: "utf8",
  });
  if (error !== undefined) throw error;
  // Settings that it does not know are no failure for it.
  const said = `${stdout}${stderr}`.split("\n").filter((line) => line.includes(name));
  return [...said, ...(status === 0 ? [] : [`status ${status}`])].join("\n");
}

describe.each(UNITS)("the unit %s", (name) => {
  it("is in order for systemd", () => {
    expect(verify(name, read(`contrib/systemd/${name}`))).toBe("");
  });

  it("that has a misspelt setting is not", () => {
    expect(verify(name, read(`contrib/systemd/${name}`).replace("UMask=", "Umask="))).toContain("Umask");
  });

  it("gives the process no more than it needs", () => {
    const settings = unitSettings(name);
    const wanted = {
      Type: "notify",
      NotifyAccess: "all",
      User: "mayday",
      UMask: "0077",
      NoNewPrivileges: "true",
      ProtectSystem: "strict",
      DevicePolicy: "closed",
      SupplementaryGroups: "dialout i2c",
      Restart: "on-failure",
    };
    for (const [key, value] of Object.entries(wanted)) expect(settingOf(settings, key)).toBe(value);
    for (const key of ["WatchdogSec", "MemoryMax", "TasksMax"])
      expect(settingOf(settings, key)).toMatch(/^\d/);
    const devices = settings.filter(([key]) => key === "DeviceAllow").map(([, value]) => value);
    expect(devices).toContain("char-ttyUSB rw");
  });

  it("runs a command of mayday that there is", () => {
    const [program, command] = settingOf(unitSettings(name), "ExecStart").split(" ");
    expect(program).toBe(PROGRAM);
    expect(["rescue", "node"]).toContain(command);
  });
});

describe("the variables of the rescuer's unit", () => {
  it("are those of its flags", () => {
    const help = execFileSync("node", ["dist/cli/main.js", "rescue", "--help"], { encoding: "utf8" });
    const known = new Set(help.match(/MAYDAY_[A-Z_]+/g));
    const commented = read("contrib/systemd/rescue.env").match(/^#?MAYDAY_[A-Z_]+(?==)/gm) ?? [];
    expect(commented.length).toBeGreaterThan(4);
    expect(commented.filter((name) => !known.has(name.replace("#", "")))).toEqual([]);
  });

  it("name places that the unit may write, and a log that logrotate turns", () => {
    const {
      MAYDAY_LOG: log = "",
      MAYDAY_CONSOLE: text = "",
      MAYDAY_REPO: repo = "",
    } = environmentOf("rescue.env");
    for (const path of [log, text]) expect(path).toMatch(/^\/var\/log\/mayday\/[a-z]+\.log$/);
    expect(repo).toMatch(/^\/var\/lib\/mayday\//);
    expect(read("contrib/logrotate/mayday")).toContain("/var/log/mayday/*.log");
  });
});

describe("the user of the units", () => {
  it("is made by systemd-sysusers, with the groups of ports and buses", () => {
    mkdirSync(join(dir, "root/etc"), { recursive: true });
    writeFileSync(join(dir, "root/etc/group"), "dialout:x:20:\n");
    const file = join(process.cwd(), "contrib/systemd/sysusers.d/mayday.conf");
    execFileSync("systemd-sysusers", [`--root=${join(dir, "root")}`, file], { stdio: "pipe" });
    const groups = readFileSync(join(dir, "root/etc/group"), "utf8");
    for (const group of ["dialout", "i2c"])
      expect(groups).toMatch(new RegExp(`^${group}:x:\\d+:mayday$`, "m"));
  });
});

/** Keys of a udev rule by what may be done with them (udev(7)). */
const MATCHES = /^(?:ACTION|KERNEL|SUBSYSTEM|DRIVER|ENV\{\w+\}|ATTR\{\w+\})$/;
const ASSIGNS = /^(?:SYMLINK|ENV\{\w+\}|ATTR\{\w+\})$/;

/** What is wrong with a file of rules: udev itself reports it only when it loads the file, and checks it from version 253 on. */
function ruleFaults(text: string): string[] {
  const rules = text.split("\n").map((line) => line.replace(/^#(?=[A-Z]+\W?=)/, ""));
  return rules.flatMap((line) => {
    if (line === "" || line.startsWith("#")) return [];
    const parts = line.match(/[A-Z]+(?:\{\w+\})?(?:==|!=|\+=|=)"[^"]*"/g) ?? [];
    if (parts.join(", ") !== line) return [`${line}: not a list of KEY op "value"`];
    const fields = parts.map((part) => /^([^=!+]+)(==|!=|\+=|=)/.exec(part) ?? []);
    const bad = fields.filter(
      ([, key = "", op = ""]) => !(op.endsWith("==") || op === "!=" ? MATCHES : ASSIGNS).test(key),
    );
    const assigns = fields.filter(([, , op]) => op === "=" || op === "+=");
    if (bad.length > 0) return [`${line}: ${bad.map(([field]) => field).join(", ")}`];
    return assigns.length === 0 ? [`${line}: assigns nothing`] : [];
  });
}

describe("the udev rules", () => {
  const files = some(
    "rules",
    TRACKED.filter((path) => /^contrib\/udev\/.*\.rules$/.test(path)),
  );

  it.each([...files])("of %s are well formed", (path) => {
    expect(ruleFaults(read(path))).toEqual([]);
    const version = Number(/\d+/.exec(execFileSync("udevadm", ["--version"], { encoding: "utf8" }))?.[0]);
    if (version >= 253) execFileSync("udevadm", ["verify", join(process.cwd(), path)], { stdio: "pipe" });
  });

  it.each([
    'SUBSYSTEM=="tty", SYMLINK+="mayday/x',
    'SUBSYSTEM="tty", SYMLINK+="mayday/x"',
    'SUBSYSTEM=="tty" SYMLINK+="mayday/x"',
    'SUBSYTEM=="tty", SYMLINK+="mayday/x"',
    'SUBSYSTEM=="tty", KERNEL=="ttyUSB0"',
  ])("that are not are seen: %s", (rule) => {
    expect(ruleFaults(rule)).toHaveLength(1);
  });

  it("name ports, set the latency timer, and keep ModemManager away", () => {
    const text = files.map(read).join("\n");
    for (const part of ['ATTR{latency_timer}="1"', 'ENV{ID_MM_DEVICE_IGNORE}="1"', 'SYMLINK+="mayday/'])
      expect(text).toContain(part);
  });
});
