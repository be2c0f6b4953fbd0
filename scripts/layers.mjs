#!/usr/bin/env node
// What each folder of src/ may import of the others (docs/DESIGN.md, "Layers"). `node scripts/layers.mjs` writes the
// table into biome.json, whose rules enforce it; test/tidy.test.ts compares the two and sees each rule fire.
import { readFileSync, writeFileSync } from "node:fs";

/** What a node drives and joins. Who computes hashes is set at the entries, so `crypto` is not among them. */
const DRIVEN = [
  "base",
  "content",
  "wire",
  "link",
  "session",
  "mesh",
  "transport",
  "files",
  "image",
  "image-files",
  "network",
  "flash",
  "board",
  "fleet",
];

/**
 * Layers in their order: the layers that each may import, and whether it is pure, so that it also runs in a browser:
 * no `node:` module, no hardware package, no Buffer, nothing of a layer that is not pure. `except` names the files and
 * folders of a pure layer that need Node, without ".ts"; the pure ones import none of them.
 */
export const LAYERS = {
  base: { below: [], isPure: true },
  wire: { below: ["base"], isPure: true },
  link: { below: ["base", "wire"], isPure: true },
  session: { below: ["base", "wire", "link"], isPure: true },
  mesh: { below: ["base", "wire", "link", "session"], isPure: true },
  crypto: { below: ["base"], isPure: true, except: ["node-crypto", "use-node-crypto"] },
  content: { below: ["base"], isPure: true },
  files: { below: ["base", "content"] },
  transport: { below: ["base", "files"] },
  image: { below: ["base", "content"], isPure: true },
  "image-files": { below: ["base", "content", "files", "image"] },
  network: {
    below: ["base", "content", "files", "image", "image-files"],
    isPure: true,
    except: [
      "address-guard",
      "background-pull",
      "http-get",
      "publish",
      "pull-folder",
      "pull-image",
      "pull-index",
      "pull-round",
    ],
  },
  flash: { below: ["base", "files"], isPure: true, except: ["device"] },
  board: {
    below: ["base", "files", "image", "image-files", "flash"],
    isPure: true,
    except: [
      "board",
      "board-config",
      "board-flash",
      "board-lock",
      "lock-holder",
      "lock-socket",
      "new-board",
      "refusal-log",
      "trusted-keys",
    ],
  },
  fleet: {
    below: ["base", "content", "files", "image", "image-files"],
    isPure: true,
    except: ["store", "mqtt"],
  },
  node: { below: DRIVEN },
  sim: { below: [...DRIVEN, "node"] },
  cli: { below: [...DRIVEN, "node", "sim", "crypto"] },
};

const names = Object.keys(LAYERS);

/** The override for the files of `layer` that `includes` selects. */
function override(layer, includes, isPure) {
  const patterns = [];
  const forbidden = forbiddenTo(layer, isPure);
  if (forbidden.length > 0)
    patterns.push({
      group: forbidden.map((other) => `**/${other}/**`),
      message: `${layer}/ may not import this layer (docs/DESIGN.md, Layers)`,
    });
  const { except = [] } = LAYERS[layer];
  if (isPure && except.length > 0)
    patterns.push({
      group: except.flatMap((name) => [`**/${name}.ts`, `**/${name}/**`]),
      message: `this part of ${layer}/ needs Node; the file also runs in a browser (scripts/layers.mjs)`,
    });
  if (isPure)
    patterns.push({
      group: ["node:*", "serialport", "@serialport/*", "i2c-bus"],
      message: `${layer}/ also runs in a browser: no node: module, no hardware package`,
    });
  if (patterns.length === 0) return [];
  const style = { noRestrictedImports: { level: "error", options: { patterns } } };
  if (isPure)
    style.noRestrictedGlobals = {
      level: "error",
      options: { deniedGlobals: { Buffer: `${layer}/ also runs in a browser: use Uint8Array` } },
    };
  return [{ includes, linter: { rules: { style } } }];
}

/** The layers that no file of `layer` may import or, with `isPure`, that none of its pure files may import. */
export function forbiddenTo(layer, isPure) {
  const allowed = LAYERS[layer].below.filter((other) => !isPure || LAYERS[other].isPure);
  return names.filter((other) => other !== layer && !allowed.includes(other));
}

/** The linter's overrides that enforce the table. */
export function overrides() {
  return Object.entries(LAYERS).flatMap(([layer, { isPure = false, except = [] }]) => {
    const needNode = except.flatMap((name) => [`src/${layer}/${name}.ts`, `src/${layer}/${name}/**`]);
    const others = [`src/${layer}/**`, ...needNode.map((path) => `!${path}`)];
    return [
      ...override(layer, others, isPure),
      ...(needNode.length === 0 ? [] : override(layer, needNode, false)),
    ];
  });
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const config = JSON.parse(readFileSync("biome.json", "utf8"));
  writeFileSync("biome.json", `${JSON.stringify({ ...config, overrides: overrides() }, null, 2)}\n`);
}
