import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { openBoard } from "../../src/board/board.ts";
import { runCli, startCli, verdictOf } from "../support/cli.ts";

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mayday-demo-test-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** A place for temporary files that nobody else uses, so that what is left behind shows. */
async function ownTmp(name: string): Promise<string> {
  const tmp = join(dir, name);
  await mkdir(tmp);
  return tmp;
}

async function smallFirmware(): Promise<string> {
  const path = join(dir, "small.bin");
  await writeFile(path, randomBytes(new SeededRandom(3), 30_001));
  return path;
}

describe("demo", () => {
  test("heals a broken and an empty board with the firmware given, and leaves nothing behind", async () => {
    const tmp = await ownTmp("tmp");
    const result = await runCli(["demo", "--firmware", await smallFirmware(), "--json"], {
      env: { TMPDIR: tmp },
    });
    expect(verdictOf(result)).toMatchObject({ ok: true, code: 0, reason: "healed" });
    const figures = result.events.filter(({ event }) => event === "figures");
    expect(figures).toMatchObject([
      { act: "repair", imageOctets: 30_001, blocks: 4 },
      { act: "whole", imageOctets: 30_001, damagedOctets: 30_001, blocks: 8 },
    ]);
    expect(figures[0]?.["octetsToBoard"]).toBeLessThan(20_000);
    expect(figures[1]?.["lineShare"]).toBeGreaterThan(0.5);
    for (const line of [
      "exit 5: the image in flash is damaged",
      "30,001 bytes, all equal",
      "exit 5: no image",
    ]) {
      expect(result.stderr).toContain(line);
    }
    expect((await readdir(tmp)).filter((name) => name.startsWith("mayday-demo"))).toEqual([]);
  });

  test("gives the commands that the README's picture of it shows, which npm run docs:demo-picture draws", async () => {
    const svg = await readFile(new URL("../../docs/demo.svg", import.meta.url), "utf8");
    const rows = svg.split("\n").filter((row) => row.startsWith("<text"));
    const texts = rows.map((row) => row.replace(/<[^>]*>/g, "").replaceAll("&amp;", "&"));
    const shown = commandsIn(texts.slice(1)); // The first row is npm run demo itself.
    expect(shown.length).toBeGreaterThan(10);
    const firmware = join(dir, "firmware.bin"); // As the demonstration calls its own.
    await rename(await smallFirmware(), firmware);
    const told = await runCli(["demo", "--firmware", firmware]);
    expect(commandsIn(told.stderr.split("\n")).slice(0, shown.length)).toEqual(shown);
  });

  test("without a compiler plain socat joins the ports; a folder that is kept has a board that boots", async () => {
    const tmp = await ownTmp("nocc");
    const bin = join(dir, "bin");
    await mkdir(bin);
    await symlink(await which("socat"), join(bin, "socat"));
    const env = { TMPDIR: tmp, XDG_CACHE_HOME: tmp, PATH: bin, CC: "" };
    const firmware = join(dir, "tiny.bin");
    await writeFile(firmware, "tiny");
    const result = await runCli(["demo", "--firmware", firmware, "--keep", "--json"], { env });
    expect(verdictOf(result)).toMatchObject({ ok: true, code: 0 });
    expect(result.stderr).toContain("No C compiler");
    expect(result.events.find(({ event }) => event === "figures")).toMatchObject({ lineShare: null });
    const kept = /^kept: (.*)$/m.exec(result.stderr)?.[1] ?? "";
    const board = openBoard(join(kept, "empty"), { write: false });
    expect(Buffer.concat([...board.readImage().blocks]).toString()).toBe("tiny");
    board.close();
  });

  test("interrupted it ends with 130, its processes too, and tidies up", async () => {
    const tmp = await ownTmp("interrupted");
    const demo = startCli(["demo", "--json"], { env: { TMPDIR: tmp } });
    await demo.saw(/"progress".*"link":"port-a"/);
    demo.child.kill("SIGINT");
    const result = await demo.ended;
    expect(verdictOf(result)).toMatchObject({ ok: false, code: 130, reason: "interrupted" });
    expect((await readdir(tmp)).filter((name) => name.startsWith("mayday-demo"))).toEqual([]);
    await expect.poll(() => processesWith(tmp)).toEqual([]);
  });
});

/** Lines that show a command, without their remarks; damaged sectors count once, since their number is the firmware's. */
function commandsIn(lines: readonly string[]): string[] {
  const commands = lines.flatMap((line) => (line.startsWith("$ ") ? [line.replace(/\s+# .*/, "")] : []));
  return commands
    .map((command) => command.replace(/--sector \d+/, "--sector N"))
    .filter((command, i, all) => command !== all[i - 1]);
}

/** Command lines of processes that have `text` in theirs. */
async function processesWith(text: string): Promise<string[]> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = ids.map((id) => readFile(`/proc/${id}/cmdline`, "utf8").catch(() => ""));
  return (await Promise.all(lines)).filter((line) => line.includes(text));
}

describe("cable", () => {
  test("prints ready when both ends can be opened, and its counters at the end", async () => {
    const [a, b] = [join(dir, "a"), join(dir, "b")];
    const cable = startCli(["cable", "--a", a, "--b", b]);
    await cable.saw(/^ready$/m);
    expect([await readlink(a), await readlink(b)].every((to) => to.startsWith("/dev/pts/"))).toBe(true);
    cable.child.kill("SIGTERM");
    const { code, stdout } = await cable.ended;
    expect(code).toBe(130);
    expect(stdout).toMatch(/^octets +0 \/ 0$/m);
    await expect(readlink(a)).rejects.toThrow("ENOENT");
  });

  test.each([
    [["--baud", "fast"], "bad-baud"],
    [["--ber", "2"], "bad-probability"],
    [["--burst", "5"], "bad-pair"],
    [["--burst", "5,9"], "bad-cable-option"],
  ])("%j is a usage error", async (flags, reason) => {
    const ends = ["cable", "--a", join(dir, "x"), "--b", join(dir, "y"), "--json"];
    expect(verdictOf(await runCli([...ends, ...flags]))).toMatchObject({ code: 2, reason });
  });
});

describe("ports", () => {
  test("lists what is there, or nothing, and exits 0", async () => {
    const result = await runCli(["ports", "--json"]);
    expect(verdictOf(result)).toMatchObject({ ok: true, code: 0 });
    for (const port of result.events.slice(0, -1)) {
      expect(port).toMatchObject({ event: "port", kind: expect.stringMatching(/serial|i2c/) });
    }
  });
});

async function which(name: string): Promise<string> {
  for (const folder of (process.env["PATH"] ?? "").split(":")) {
    if ((await readdir(folder).catch((): string[] => [])).includes(name)) return join(folder, name);
  }
  throw new Error(`${name} is not installed`);
}
