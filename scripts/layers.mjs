#!/usr/bin/env node
// What each folder of src/ may import of the others (docs/DESIGN.md, "Layers"). `node scripts/layers.mjs` writes the
// table into biome.json, whose rules enforce it; test/tidy.test.ts compares the two and sees each rule fire.
import { readFileSync, writeFileSync } from "node:fs";

/** Layers in their order: the layers each may import, and whether it is pure (no `node:` module, no hardware, no Buffer). */
export const LAYERS = {
  base: { below: [], isPure: true },
  wire: { below: ["base"], isPure: true },
  link: { below: ["base", "wire"], isPure: true },
  session: { below: ["base", "wire", "link"], isPure: true },
  transport: { below: ["base"] },
  files: { below: ["base"] },
  image: { below: ["base"] },
  "image-files": { below: ["base", "files", "image"] },
  flash: { below: ["base", "files"] },
  board: { below: ["base", "files", "image", "image-files", "flash"] },
  node: {
    below: [
      "base",
      "wire",
      "link",
      "session",
      "transport",
      "files",
      "image",
      "image-files",
      "flash",
      "board",
    ],
  },
  sim: {
    below: [
      "base",
      "wire",
      "link",
      "session",
      "transport",
      "files",
      "image",
      "image-files",
      "flash",
      "board",
      "node",
    ],
  },
  cli: {
    below: [
      "base",
      "wire",
      "link",
      "session",
      "transport",
      "files",
      "image",
      "image-files",
      "flash",
      "board",
      "node",
      "sim",
    ],
  },
};

const names = Object.keys(LAYERS);

/** The linter's overrides that enforce the table. */
export function overrides() {
  return Object.entries(LAYERS).flatMap(([layer, { below, isPure }]) => {
    const forbidden = names.filter((other) => other !== layer && !below.includes(other));
    const patterns = [];
    if (forbidden.length > 0)
      patterns.push({
        group: forbidden.map((other) => `**/${other}/**`),
        message: `${layer}/ may not import this layer (docs/DESIGN.md, Layers)`,
      });
    if (isPure)
      patterns.push({
        group: ["node:*", "serialport", "@serialport/*", "i2c-bus"],
        message: `${layer}/ is sans-IO: no node: module, no hardware package`,
      });
    if (patterns.length === 0) return [];
    const style = { noRestrictedImports: { level: "error", options: { patterns } } };
    if (isPure)
      style.noRestrictedGlobals = {
        level: "error",
        options: { deniedGlobals: { Buffer: `${layer}/ also runs in a browser: use Uint8Array` } },
      };
    return [{ includes: [`src/${layer}/**`], linter: { rules: { style } } }];
  });
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const config = JSON.parse(readFileSync("biome.json", "utf8"));
  writeFileSync("biome.json", `${JSON.stringify({ ...config, overrides: overrides() }, null, 2)}\n`);
}
