import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runCli } from "../support/cli.ts";

const HOOK = fileURLToPath(new URL("../support/heap-at-exit.mjs", import.meta.url));
const MIB = 1_048_576;

/** What the young generation of a command has grown to at its end, in bytes. */
async function youngAfter(words: readonly string[]): Promise<number> {
  const { stderr } = await runCli(words, { env: { NODE_OPTIONS: `--import=${HOOK}` } });
  return Number(/young generation: (\d+) bytes/.exec(stderr)?.[1]);
}

test("a command that runs for ever keeps its young generation small, and one that computes does not", async () => {
  const link = ["--link", "tcp:127.0.0.1:9", "--image", "none.mdy"];
  expect(await youngAfter(["rescue", ...link])).toBeLessThanOrEqual(4 * MIB);
  expect(await youngAfter(["repo", "list", "--repo", "none"])).toBeGreaterThan(8 * MIB);
});
