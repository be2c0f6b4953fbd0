import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { scratchDir } from "../image/support.ts";

const dir = scratchDir();

it("a broker without the optional package mqtt is an error that says how to install it, and nothing is written", () => {
  cpSync("dist", join(dir, "dist"), { recursive: true });
  cpSync("package.json", join(dir, "package.json"));
  mkdirSync(join(dir, "node_modules"));
  for (const name of readdirSync("node_modules").filter((one) => one !== "mqtt"))
    symlinkSync(resolve("node_modules", name), join(dir, "node_modules", name));
  const out = join(dir, "collected");
  const flags = ["--broker", "mqtt://localhost", "--fleet", "pumps", "--out", out, "--json"];
  const { status, stdout } = spawnSync(process.execPath, [
    join(dir, "dist/cli/main.js"),
    "collect",
    ...flags,
  ]);
  expect(status).toBe(2);
  expect(JSON.parse(String(stdout))).toMatchObject({
    reason: "mqtt-missing",
    message: expect.stringContaining("npm install mqtt"),
  });
  expect(existsSync(out)).toBe(false);
});
