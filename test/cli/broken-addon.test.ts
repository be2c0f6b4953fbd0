import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type CliResult, runCli, verdictOf } from "../support/cli.ts";

const HOOK = fileURLToPath(new URL("../support/broken-addon.mjs", import.meta.url));

/** What Node's loader says, by what is wrong. */
const WRONG = {
  "is missing": "Cannot find module '../build/Release/addon.node'\nRequire stack:\n- /somewhere/index.js",
  "was compiled for another Node.js":
    "The module '/x/addon.node'\nwas compiled against a different Node.js version using\nNODE_MODULE_VERSION 115.",
  "was compiled for another machine":
    "/x/addon.node: cannot open shared object file: wrong ELF class: ELFCLASS32",
} as const;

/** What of it is shown. */
const SEEN: Readonly<Record<string, string>> = {
  "is missing": "Cannot find module '../build/Release/addon.node'",
  "was compiled for another Node.js":
    "The module '/x/addon.node' was compiled against a different Node.js version using NODE_MODULE_VERSION 115.",
  "was compiled for another machine": WRONG["was compiled for another machine"],
};

const PACKAGES = [
  ["@serialport/bindings-cpp", "/dev/null", "serial-package-missing"],
  ["i2c-bus", "i2c:/dev/i2c-1?address=0x42", "i2c-package-missing"],
] as const;

function withBroken(name: string, how: string, words: readonly string[]): Promise<CliResult> {
  return runCli(words, { env: { NODE_OPTIONS: `--import=${HOOK}`, BROKEN_ADDON: name, BROKEN_HOW: how } });
}

describe("a native addon that", () => {
  const cases = PACKAGES.flatMap((one) => Object.entries(WRONG).map((wrong) => [...one, ...wrong] as const));

  test.each(cases)(
    "cannot be loaded: %s, for %s, is %s because it %s",
    async (name, link, reason, wrong, how) => {
      const result = await withBroken(name, how, ["status", "--link", link, "--json"]);
      expect(result.code).toBe(6);
      const verdict = verdictOf(result);
      expect(verdict).toMatchObject({ ok: false, code: 6, reason });
      const message = String(verdict["message"]);
      expect(message).toContain(`the package ${name} could not be loaded (${SEEN[wrong]})`);
      expect(message).toContain(`npm rebuild ${name}`);
      expect(message).toContain(process.version);
      expect(message).not.toContain("\n");
      expect(result.stderr).not.toMatch(/^\s+at /m);
    },
  );

  test.each(PACKAGES)("is not needed leaves other commands and links as they are: %s", async (name) => {
    expect((await withBroken(name, "broken", ["ports", "--json"])).code).toBe(0);
    const tcp = await withBroken(name, "broken", ["status", "--link", "tcp:127.0.0.1:9", "--timeout", "1"]);
    expect(tcp.stderr).not.toContain("could not be loaded");
  });
});
