import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FailedError, UsageError } from "../../src/base/errors.ts";
import { errorText } from "../../src/cli/advice/error-advice.ts";
import { adviceOn } from "../../src/cli/advice/run-advice.ts";
import { MISMATCH_SENTENCES, REFUSAL_SENTENCES } from "../../src/node/refusal-sentences.ts";
import { runCli, verdictOf } from "../support/cli.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

/** Flags and commands of the command line, as a message would name them. */
const COMMAND_LINE =
  /(^|[\s"'`(])--[a-z]|\bmayday (board|cable|demo|distress|image|keygen|ports|repo|rescue|status)\b|\b(board (boot|init|status)|image (build|inspect)|repo add)\b/;
const OF_OTHER_TOOLS = /blockdev --getro/;
/** The folders that a program imports without the command line. `transport` still has advice of its own. */
const LIBRARY = ["base", "wire", "link", "session", "content", "files", "image", "flash", "board", "node"];

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

describe("messages of the library", () => {
  test("name no flag and no command of the command line", () => {
    const paths = LIBRARY.flatMap((folder) =>
      readdirSync(`src/${folder}`, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".ts"))
        .map((name) => `src/${folder}/${name}`),
    );
    expect(paths.length).toBeGreaterThan(100);
    const found = paths.flatMap((path) => {
      const code = readFileSync(path, "utf8").replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$|\s\/\/ .*$/gm, "");
      const strings = code.match(/"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g) ?? [];
      const own = strings.map((text) => text.replace(OF_OTHER_TOOLS, ""));
      return own.filter((text) => COMMAND_LINE.test(text)).map((text) => `${path}: ${text}`);
    });
    expect(found).toEqual([]);
  });

  test("are recognized as such by this test", () => {
    for (const text of ["give --trust PUB", "make it with: mayday repo add", "compare image inspect"]) {
      expect(text).toMatch(COMMAND_LINE);
    }
  });
});

describe("advice on a refusal", () => {
  test.each([
    ["unsigned", "the target takes signed images only", "sign the image with image build --key"],
    ["counter", "the image's security counter is below", "build it with a higher --counter"],
    ["link-key", "the target has a link key and this rescuer has none", "give rescue --link-key"],
  ] as const)("of reason %s names the flag, behind what happened", (reason, sentence, advice) => {
    expect(REFUSAL_SENTENCES[reason]).toContain(sentence);
    const topic = { about: "refusal", side: "rescuer", reason, mismatch: undefined } as const;
    expect(adviceOn(topic)).toContain(advice);
  });

  test.each([
    ["target", "we-lack-key", "this board has none", "distress --link-key"],
    ["target", "peer-lacks-key", "the rescuer has none", "rescue --link-key"],
    ["rescuer", "peer-lacks-key", "the target has none", "distress --link-key"],
    ["rescuer", "keys-differ", "another link key", "the same file"],
  ] as const)("for link keys names the side that lacks one: %s, %s", (side, mismatch, sentence, advice) => {
    expect(MISMATCH_SENTENCES[side][mismatch]).toContain(sentence);
    expect(adviceOn({ about: "refusal", side, reason: "link-key", mismatch })).toContain(advice);
  });
});

describe("advice on a healed board that is not healthy", () => {
  test.each([
    ["nothing", "mayday node"],
    ["trial", "board confirm"],
    ["reverted", "on-boot"],
  ] as const)("fits what was seen: %s", (seen, advice) => {
    expect(adviceOn({ about: "not-healthy", seen })).toContain(advice);
  });
});

describe("advice on an error", () => {
  test.each([
    [["board", "boot", "none"], "board-missing", "make a board with board init"],
    [["image", "verify", "fw.mdy", "--trust", "note.txt"], "key-not-pem", "mayday keygen --out BASE"],
    [["repo", "list", "--repo", "none"], "repo-missing", "mayday repo add FILE.mdy --repo none"],
    [["board", "init", "b", ...boardFlags(), "--flash", "file:full"], "flash-not-empty", "--overwrite"],
    [["repo", "add", "page.html", "--repo", "images"], "image-foreign", "fix: a failed download"],
    [["image", "inspect", "code.bin"], "image-foreign", "mayday image build --in FILE"],
    [["image", "inspect", ""], "file-missing", "is empty"],
    [["status", "--link", "/dev/none,115200"], "port-missing", "serial:/dev/none?baud=115200"],
    [["status", "--link", "serial:/dev/none&baud=9600"], "port-missing", "serial:/dev/none?baud=9600"],
    [["status", "--link", "/dev/none "], "port-missing", 'write "/dev/none"'],
    [["status", "--link", "ttyNone0"], "port-missing", "write /dev/ttyNone0"],
    [["status", "--link", "COM3"], "port-missing", "/dev/ttyUSB0"],
    [["status", "--link", "/dev/none"], "port-missing", "plug the adapter in"],
    [["board", "init", "c", ...boardFlags(), "--link-key", "none"], "link-key-missing", "--link-key FILE"],
  ])("is part of the verdict's message: %j", async (args, reason, advice) => {
    writeFileSync(bench.path("full"), Buffer.alloc(4_000_000, 1));
    writeFileSync(bench.path("note.txt"), "no key");
    writeFileSync(bench.path("page.html"), "<html></html>");
    writeFileSync(bench.path("code.bin"), Buffer.from("00200020c1000008c9000008", "hex"));
    const verdict = verdictOf(await runCli([...args, "--json"], { cwd: bench.dir }));
    expect(verdict).toMatchObject({ ok: false, reason });
    expect(verdict["message"]).toContain(advice);
  });

  test("takes the figures from the error's details", () => {
    const sectors = new UsageError("flash-sector", "erases 65536", { eraseSize: 65_536, sectorSize: 4096 });
    const writes = new UsageError("flash-sector", "programs 512", { writeSize: 512 });
    expect(errorText(sectors)).toBe("erases 65536; try: --sector 65536");
    expect(errorText(writes)).toBe("programs 512; try: --write-size 512");
  });

  test("is omitted where there is none", () => {
    expect(errorText(new FailedError("some-code", "text"))).toBe("text");
    expect(errorText(new UsageError("key-not-pem", "damaged"))).toBe("damaged");
  });
});

function boardFlags(): string[] {
  return ["--hardware", "acme/widget", "--flash-size", "64K", "--allow-unsigned"];
}
