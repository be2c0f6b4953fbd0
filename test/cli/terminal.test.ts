import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runOnPty } from "../support/pty.ts";
import { withTcpTalker } from "../support/tcp-talker.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

const ESC = "\u001b";
const CSI = "\u009b";
/** Clears the screen: as an escape sequence, and with the C1 control character CSI. */
const CLEAR = `${ESC}[2J${CSI}2J`;
const RED_NAME = `${ESC}[31mmayday:${ESC}[39m `;
const YELLOW_WARNING = `${ESC}[33mwarning:${ESC}[39m `;

let bench: Workbench;
let dir: string;

beforeAll(async () => {
  bench = await openWorkbench();
  dir = await mkdtemp(join(tmpdir(), "mayday-terminal-"));
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
  await bench.close();
});

describe("the sources of the command line", () => {
  test("write to a terminal only in the two files that take TerminalText", async () => {
    const names = await readdir("src/cli", { recursive: true });
    const texts = await Promise.all(
      names
        .filter((name) => name.endsWith(".ts"))
        .map(async (name) => [name, await readFile(join("src/cli", name), "utf8")] as const),
    );
    const writing = texts.filter(([, text]) =>
      /process\.std(out|err)|\{ stdout|tream\.write\(|out\.write\(/.test(text),
    );
    expect(texts.length).toBeGreaterThan(30);
    // help.ts asks how wide the terminal is. run.ts hands the streams to Output, and result-stream.ts is one. app.ts shows help, main.ts
    // that Node is too old: neither contains foreign text.
    const known = ["app.ts", "help.ts", "main.ts", "output.ts", "progress.ts", "result-stream.ts", "run.ts"];
    expect(writing.map(([name]) => name).sort()).toEqual(known);
  });
});

describe("on a real terminal", () => {
  test("an error begins with a red name, without visible escape codes", async () => {
    const { code, screen } = await runOnPty([
      "rescue",
      "--link",
      "/dev/nope",
      "--image",
      bench.path("fw.mdy"),
    ]);
    expect(code).toBe(6);
    expect(screen).toContain(`${RED_NAME}cannot open /dev/nope: `);
    expect(screen).not.toContain("\u00b7");
  });

  test("a warning begins with a yellow word", async () => {
    const { screen } = await runOnPty(["image", "build", ...raw(), "--out", join(dir, "unsigned.mdy")]);
    expect(screen).toContain(`${YELLOW_WARNING}the image is not signed`);
    expect(screen).not.toContain("\u00b7");
  });

  test("NO_COLOR leaves the colours out", async () => {
    const { screen } = await runOnPty(["board", "boot", join(dir, "none")], { NO_COLOR: "1" });
    expect(screen).toMatch(/^mayday: /m);
    expect(screen).not.toContain(ESC);
  });

  test("text that a neighbour sends cannot move the cursor in a console line or an error", async () => {
    await withTcpTalker(`${CLEAR}login: \n`, async (link) => {
      const send = ["--image", bench.path("fw.mdy"), "--timeout", "1"];
      const { code, screen } = await runOnPty(["rescue", "--link", link, ...send]);
      expect(code).toBe(3);
      expect(screen).toContain(`${link}| 2Jlogin:`);
      expect(screen).toContain(RED_NAME);
      expect(controlsIn(screen)).toEqual([]);
    });
  });

  test("a file name cannot move the cursor in a result, in a warning or in a line of JSON", async () => {
    const name = `${CLEAR}.mdy`;
    const built = await runOnPty(["image", "build", ...raw(), "--out", join(dir, name)]);
    expect(built.code).toBe(0);
    expect(built.screen).toContain("\u00b7[2J\u00b72J.mdy");
    const repo = join(dir, "images");
    await runOnPty(["repo", "add", bench.path("fw.mdy"), "--repo", repo]);
    await writeFile(join(repo, name), "no image");
    const listed = await runOnPty(["repo", "list", "--repo", repo]);
    const inJson = await runOnPty(["repo", "list", "--repo", repo, "--json"]);
    expect(listed.screen).toContain("\u00b7[2J\u00b72J.mdy");
    expect(inJson.screen).toContain("\\u001b[2J\\u009b2J.mdy");
    for (const { screen } of [built, listed, inJson]) {
      expect(controlsIn(screen)).toEqual([]);
    }
  });
});

function raw(): string[] {
  return ["--in", bench.path("firmware.bin"), "--hardware", "acme/widget", "--version", "1.0.0"];
}

/** Control characters, except line ends and our colours. */
function controlsIn(screen: string): string[] {
  const plain = ["31", "33", "39"].reduce((text, colour) => text.replaceAll(`${ESC}[${colour}m`, ""), screen);
  return [...plain.matchAll(/[^\P{Cc}\n]/gu)].map(([control]) => JSON.stringify(control));
}
