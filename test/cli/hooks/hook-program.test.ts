import { chmodSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkedHook } from "../../../src/cli/hooks/hook-program.ts";
import { HookBench } from "./hook-bench.ts";

let bench: HookBench;
beforeEach(() => {
  bench = new HookBench();
});
afterEach(() => bench.remove());

const check = (...words: string[]): unknown => checkedHook("on-boot", words, bench.warn);

describe("the words of a hook", () => {
  it("are kept as they are", () => {
    expect(check("sh", "-c", "echo $A | cat", "")).toEqual({
      name: "on-boot",
      words: ["sh", "-c", "echo $A | cat", ""],
    });
    expect(bench.warnings).toEqual([]);
  });

  it.each([
    ["there are none", "command-empty", []],
    ["the first is empty", "command-empty", ["", "a"]],
    ["one has a zero byte", "command-zero-byte", ["sh", "a\0b"]],
    ["the program has a zero byte", "command-zero-byte", ["sh\0"]],
    ["the first is no program", "command-missing", ["no-such-program-here"]],
    ["the first is a folder", "command-missing", ["/etc"]],
  ])("are refused when %s", (_what, code, words) => {
    expect(() => check(...words)).toThrow(expect.objectContaining({ code, exitCode: 2 }));
  });
});

describe("a hook that other users may change", () => {
  /** The hook in a folder of the bench. */
  function inFolder(): { readonly folder: string; readonly path: string } {
    const folder = join(bench.dir, "hooks");
    mkdirSync(folder);
    const path = join(folder, "hook.sh");
    renameSync(bench.hook(), path);
    chmodSync(folder, 0o755);
    return { folder, path };
  }

  it("comes with a warning that names its file", () => {
    const { path } = inFolder();
    check(path);
    expect(bench.warnings).toEqual([]);
    chmodSync(path, 0o777);
    check(path);
    expect(bench.warnings).toEqual([expect.stringContaining(`other users may change ${path} (mode 0777`)]);
  });

  it("comes with a warning that names its folder", () => {
    const { folder, path } = inFolder();
    chmodSync(folder, 0o770);
    check(path);
    expect(bench.warnings).toEqual([expect.stringContaining(`other users may change ${folder} (mode 0770`)]);
  });
});
