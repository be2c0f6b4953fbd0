import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { HealedCommand, HOOKS_WAITING_MAX } from "../../src/cli/on-healed.ts";
import type { HealedEvent } from "../../src/node/node-event.ts";

let dir = "";
let log = "";
const warnings: string[] = [];
const warn = (text: string): void => {
  warnings.push(text);
};

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "mayday-hook-"));
  log = join(dir, "log");
  writeFileSync(log, "");
  warnings.length = 0;
});
afterEach(() => rmSync(dir, { recursive: true }));

/** A program that notes its begin and end, and what it was told. */
function hook(body = ""): string {
  const path = join(dir, "hook.sh");
  writeFileSync(
    path,
    `#!/bin/sh\necho "begin $MAYDAY_PEER $MAYDAY_PROVEN $*" >> ${log}\n${body}\necho end >> ${log}\n`,
  );
  chmodSync(path, 0o755);
  return path;
}

function healed(peer: string, proven = false): HealedEvent {
  const about = { link: "tcp:x:1", digest: "aa", version: "1.0.0", blocks: 1, bytesTx: 1, seconds: 1 };
  return { event: "healed", peer, proven, ...about };
}

const lines = (): string[] => readFileSync(log, "utf8").split("\n").filter(Boolean);

describe("the program that runs after each healed board", () => {
  it("gets its words as they are, and what is known of the board", async () => {
    const command = new HealedCommand(`${hook()} 'a b' "c"`, { warn });
    command.handle(healed("p1", true));
    await command.finished();
    expect(lines()).toEqual(["begin p1 1 a b c", "end"]);
    expect(warnings).toEqual([]);
  });

  it("runs one at a time, and once for each board that waits, for 1,000 heals that ten ids claim", async () => {
    const command = new HealedCommand(hook("sleep 0.05"), { warn });
    for (let i = 0; i < 1000; i++) command.handle(healed(`p${i % 10}`));
    await command.finished();
    const seen = lines();
    expect(seen.length).toBeGreaterThanOrEqual(20);
    expect(seen.length).toBeLessThanOrEqual(22);
    for (const [i, line] of seen.entries()) expect(line.split(" ")[0]).toBe(i % 2 === 0 ? "begin" : "end");
    expect(new Set(seen.map((line) => line.split(" ")[1]).filter(Boolean)).size).toBe(10);
  });

  it(`is run for the last ${HOOKS_WAITING_MAX} boards when more wait, and says how many were left out`, async () => {
    const command = new HealedCommand(hook(), { warn });
    for (let i = 0; i < 1 + HOOKS_WAITING_MAX + 20; i++) command.handle(healed(`p${i}`));
    await command.finished();
    const begun = lines().filter((line) => line.startsWith("begin"));
    expect(begun).toHaveLength(HOOKS_WAITING_MAX + 1);
    expect(begun.at(-1)).toContain(`p${HOOKS_WAITING_MAX + 20}`);
    expect(warnings).toEqual([expect.stringContaining("too slow"), expect.stringMatching(/not run for 20 /)]);
  });

  it("is ended, with its children, when it runs too long; and the next board has its run", async () => {
    const command = new HealedCommand(hook("[ $MAYDAY_PEER = p1 ] && sleep 60"), { warn, limitMs: 200 });
    command.handle(healed("p1"));
    command.handle(healed("p2"));
    await command.finished();
    expect(lines()).toEqual(["begin p1 0 ", "begin p2 0 ", "end"]);
    expect(warnings).toEqual([expect.stringContaining("was ended"), expect.stringContaining("SIGTERM")]);
  });

  it("is left to itself when the node stops before its end, and no other run begins", async () => {
    const clock = new VirtualClock();
    const stop = new AbortController();
    const command = new HealedCommand(hook("sleep 0.3"), { warn, clock, signal: stop.signal });
    command.handle(healed("p1"));
    command.handle(healed("p2"));
    stop.abort();
    while (clock.runNext(10_000));
    await command.finished();
    expect(warnings).toEqual([expect.stringMatching(/still runs/), expect.stringMatching(/not run for 1 /)]);
    while (!lines().includes("end")) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(lines().filter((line) => line.startsWith("begin"))).toEqual(["begin p1 0 "]);
  });

  it("says when it fails, and runs for the next board", async () => {
    const command = new HealedCommand(hook("exit 3"), { warn });
    command.handle(healed("p1"));
    await command.finished();
    expect(warnings).toEqual([expect.stringContaining("status 3")]);
  });

  it.each(["/no/such/program", "no-such-program-here x", "/etc/passwd"])(
    "is refused at the start when it cannot be run: %s",
    (text) => {
      const missing = expect.objectContaining({ code: "command-missing", exitCode: 2 });
      expect(() => new HealedCommand(text, { warn })).toThrow(missing);
    },
  );

  it.each(["logger $MAYDAY_PEER", "echo a | cat", "echo a > b", "echo a && b"])(
    "comes with a warning when it looks like shell text: %s",
    (text) => {
      new HealedCommand(text, { warn });
      expect(warnings).toEqual([expect.stringContaining("without a shell")]);
    },
  );
});
