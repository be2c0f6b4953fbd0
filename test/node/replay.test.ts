import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const CHILD = fileURLToPath(new URL("../support/replayed-run.mjs", import.meta.url));

interface Run {
  readonly reasons: readonly string[];
  readonly bytes: number;
  readonly events: number;
  readonly hash: string;
}

/** The run of a seed, in a process of its own. */
async function runOf(seed: number): Promise<Run> {
  const { stdout } = await promisify(execFile)(process.execPath, [CHILD, String(seed)]);
  return JSON.parse(stdout) as Run;
}

describe("a run of a target and a rescuer over a faulty wire in memory", () => {
  it("repeats every byte and event from its seed in another process, and differs for another seed", async () => {
    const [first, second, other] = [await runOf(11), await runOf(11), await runOf(12)];
    for (const { reasons, bytes, events } of [first, other]) {
      expect(reasons).toEqual(["healed", "healed"]);
      expect(bytes).toBeGreaterThan(40_000);
      expect(events).toBeGreaterThan(10);
    }
    expect(second).toEqual(first);
    expect(other.hash).not.toBe(first.hash);
  });
});
