import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { scratchDir } from "../image/support.ts";

const scratch = scratchDir();

it.each([
  ["a broker", "mqtt", "mqtt-missing"],
  ["a database", "node-sqlite3-wasm", "sqlite-missing"],
])(
  "%s without the optional package %s is an error that says how to install it, and nothing is written",
  (_what, missing, reason) => {
    const dir = join(scratch, missing);
    cpSync("dist", join(dir, "dist"), { recursive: true });
    cpSync("package.json", join(dir, "package.json"));
    mkdirSync(join(dir, "node_modules"));
    for (const name of readdirSync("node_modules").filter((one) => one !== missing))
      symlinkSync(resolve("node_modules", name), join(dir, "node_modules", name));
    const [out, file] = [join(dir, "collected"), join(dir, "fleet.db")];
    const flags = [
      "--broker",
      "mqtt://localhost",
      "--fleet",
      "pumps",
      "--out",
      out,
      "--sqlite",
      file,
      "--json",
    ];
    const { status, stdout } = spawnSync(process.execPath, [
      join(dir, "dist/cli/main.js"),
      "collect",
      ...flags,
    ]);
    expect(status).toBe(2);
    expect(JSON.parse(String(stdout))).toMatchObject({
      reason,
      message: expect.stringContaining(`npm install ${missing}`),
    });
    expect([out, file].filter((path) => existsSync(path))).toEqual([]);
  },
);
