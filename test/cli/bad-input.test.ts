import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliResult, runCli, startCli, verdictOf } from "../support/cli.ts";
import { openSocatPair } from "../support/socat-pair.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench();
  await mkdir(bench.path("folder"));
  await writeFile(bench.path("empty.bin"), "");
  await writeFile(bench.path("text.bin"), "no image file");
});
afterAll(() => bench.close());

/** Runs with `--json` and checks that people get a message too. */
async function bad(args: readonly string[]): Promise<ReturnType<typeof verdictOf>> {
  const result: CliResult = await runCli([...args, "--json"]);
  const verdict = verdictOf(result);
  expect(result.stderr).toMatch(/mayday: .{10,}/);
  expect(result.stderr).not.toMatch(/internal error|at .*\.js:\d+/);
  expect(verdict).toMatchObject({ ok: false, code: result.code });
  return verdict;
}

function build(input: string, ...more: readonly string[]): string[] {
  const out = ["--out", bench.path("never.mdy")];
  return ["image", "build", "--in", bench.path(input), ...out, "--hardware", "widget", ...more];
}

describe("image build", () => {
  test.each<[string, string, readonly string[], number, string]>([
    ["its input is missing", "nothing.bin", ["--version", "1.0.0"], 2, "file-missing"],
    ["its input is a folder", "folder", ["--version", "1.0.0"], 2, "file-not-regular"],
    ["its input is empty", "empty.bin", ["--version", "1.0.0"], 2, "input-empty"],
    ["the version cannot be read", "firmware.bin", ["--version", "one"], 2, "bad-version"],
    [
      "the block size is not a power of two",
      "firmware.bin",
      ["--version", "1.0.0", "--block-size", "3000"],
      2,
      "manifest-invalid",
    ],
    [
      "the revision range is reversed",
      "firmware.bin",
      ["--version", "1.0.0", "--hardware-rev", "5-2"],
      2,
      "bad-revision",
    ],
  ])(
    "writes no file and exits with a usage or data error when %s",
    async (_what, input, more, code, reason) => {
      expect(await bad(build(input, ...more))).toMatchObject({ code, reason });
      expect(await readdir(bench.dir)).not.toContain("never.mdy");
    },
  );

  test("writes no file when a HEX file spans 4 GiB", async () => {
    const hex = [":0400000001020304F2", ":02000004FFFFFC", ":04FFFC0001020304F7", ":00000001FF", ""].join(
      "\n",
    );
    await writeFile(bench.path("sparse.hex"), hex);
    expect(await bad(build("sparse.hex", "--version", "1.0.0"))).toMatchObject({
      code: 1,
      reason: "hex-span",
    });
  });

  test("writes no file when the signing key is a public key, or not a key", async () => {
    for (const [name, reason] of [
      ["owner.pub", "key-is-public"],
      ["firmware.bin", "key-not-pem"],
      ["folder", "key-not-file"],
      ["none.key", "key-missing"],
    ] as const) {
      const verdict = await bad(build("firmware.bin", "--version", "1.0.0", "--key", bench.path(name)));
      expect(verdict).toMatchObject({ code: 2, reason });
    }
  });

  test("writes no file when the output folder is missing", async () => {
    const args = build("firmware.bin", "--version", "1.0.0");
    args[args.indexOf(bench.path("never.mdy"))] = bench.path("no/such/never.mdy");
    expect(await bad(args)).toMatchObject({ code: 2, reason: "out-folder-missing" });
  });
});

describe("a bad image file", () => {
  async function damagedCopy(name: string, change: (bytes: Uint8Array) => Uint8Array): Promise<string> {
    const bytes = new Uint8Array(await readFile(bench.path("fw.mdy")));
    await writeFile(bench.path(name), change(bytes));
    return bench.path(name);
  }

  test.each<[string, (bytes: Uint8Array) => Uint8Array, string]>([
    ["truncated", (bytes) => bytes.subarray(0, bytes.length - 1), "image-truncated"],
    [
      "corrupt in its data",
      (bytes) => bytes.with(bytes.length - 5, 0x55 ^ (bytes.at(-5) ?? 0)),
      "image-corrupt",
    ],
    ["corrupt in its head", (bytes) => bytes.with(8, 0x55 ^ (bytes[8] ?? 0)), "image-header"],
    ["too long", (bytes) => new Uint8Array([...bytes, 0]), "image-trailing"],
  ])("is reported by its own reason when it is %s", async (name, change, reason) => {
    const file = await damagedCopy(`${name}.mdy`, change);
    expect(await bad(["image", "inspect", file])).toMatchObject({ code: 1, reason });
  });

  test("is accepted by no repository, rescuer or board when it is damaged", async () => {
    const file = await damagedCopy("cut.mdy", (bytes) => bytes.subarray(0, 1000));
    const verdict = { code: 1, reason: "image-truncated" };
    expect(await bad(["repo", "add", file, "--repo", bench.path("repo")])).toMatchObject(verdict);
    expect(await bad(["rescue", "--link", "tcp:127.0.0.1:1", "--image", file])).toMatchObject(verdict);
    const init = ["board", "init", bench.path("unmade"), "--hardware", "w", "--flash-size", "64K"];
    expect(await bad([...init, "--allow-unsigned", "--image", file])).toMatchObject(verdict);
    expect(await readdir(bench.dir)).not.toContain("unmade");
  });

  test("gives exit code 1 when it is not an image file at all, and rescue says which flags a raw file needs", async () => {
    const file = bench.path("text.bin");
    expect(await bad(["image", "inspect", file])).toMatchObject({ code: 1, reason: "image-foreign" });
    const link = ["--link", "tcp:127.0.0.1:1"];
    expect(await bad(["rescue", ...link, "--image", file])).toMatchObject({
      code: 2,
      reason: "raw-image-flags",
    });
  });
});

describe("a damaged board", () => {
  test.each<[string, (dir: string) => Promise<void>, string]>([
    ["its description is damaged", (dir) => writeFile(`${dir}/board.json`, "{"), "board-damaged"],
    ["its format is newer", (dir) => writeFile(`${dir}/board.json`, '{"format":99}'), "board-version"],
    ["its flash is too short", (dir) => truncate(`${dir}/flash.bin`, 100), "flash-size"],
    ["its key is missing", (dir) => writeFile(`${dir}/keys/trust-1.pub`, ""), "board-damaged"],
  ])("is reported by its reason, and does not call for help, when %s", async (name, damage, reason) => {
    const dir = await bench.board(`damaged ${name}`, bench.path("fw.mdy"));
    await damage(dir);
    expect(await bad(["board", "boot", dir])).toMatchObject({ code: 1, reason });
    const distress = ["distress", "--link", "tcp:127.0.0.1:1", "--board", dir, "--timeout", "5"];
    expect(await bad(distress)).toMatchObject({ code: 1, reason });
  });

  test("is reported as missing when the folder is empty or does not exist", async () => {
    expect(await bad(["board", "boot", bench.path("folder")])).toMatchObject({
      code: 1,
      reason: "board-missing",
    });
    expect(await bad(["board", "boot", bench.path("nowhere")])).toMatchObject({
      code: 1,
      reason: "board-missing",
    });
  });

  test("is refused while another process has it open", async () => {
    const dir = await bench.board("busy");
    const first = startCli(["distress", "--link", "tcp:127.0.0.1:1", "--board", dir, "--json"]);
    await first.saw(/"waiting"/);
    expect(await bad(["board", "damage", dir])).toMatchObject({ code: 1, reason: "board-busy" });
    expect((await runCli(["board", "status", dir])).code).toBe(0);
    first.child.kill("SIGTERM");
    expect((await first.ended).code).toBe(130);
    expect((await runCli(["board", "damage", dir])).code).toBe(0);
  });
});

describe("wrong flags", () => {
  test("make rescue exit with 2 when it is given no source of images, or two", async () => {
    const link = ["--link", "tcp:127.0.0.1:1"];
    const image = ["--image", bench.path("fw.mdy")];
    expect(await bad(["rescue", ...link])).toMatchObject({ code: 2, reason: "image-or-repo" });
    const both = ["rescue", ...link, ...image, "--repo", bench.dir];
    expect(await bad(both)).toMatchObject({ code: 2, reason: "image-or-repo" });
    const wrapped = [
      "rescue",
      ...link,
      ...image,
      "--hardware",
      "w",
      "--version",
      "1.0.0",
      "--allow-unsigned",
    ];
    expect(await bad(wrapped)).toMatchObject({ code: 2, reason: "image-not-raw" });
    const half = ["rescue", ...link, "--image", bench.path("firmware.bin"), "--hardware", "w"];
    expect(await bad(half)).toMatchObject({ code: 2, reason: "raw-image-flags" });
  });

  test("make rescue refuse an unsigned image file without --allow-unsigned", async () => {
    const file = await bench.image("unsigned");
    const verdict = await bad(["rescue", "--link", "tcp:127.0.0.1:1", "--image", file]);
    expect(verdict).toMatchObject({ code: 4, reason: "unsigned" });
  });

  test("make board read refuse --slot without --raw", async () => {
    const dir = await bench.board("slots", bench.path("fw.mdy"));
    const read = ["board", "read", dir, "--slot", "0", "--out", bench.path("slot.bin")];
    expect(await bad(read)).toMatchObject({ code: 2, reason: "slot-needs-raw" });
  });

  test("make repo list fail for a repository that does not exist", async () => {
    const rescue = ["rescue", "--link", "tcp:127.0.0.1:1", "--repo", bench.path("no-repo")];
    expect(await bad(rescue)).toMatchObject({ code: 2, reason: "repo-missing" });
  });

  test("make board init refuse a size of zero", async () => {
    const init = [
      "board",
      "init",
      bench.path("none"),
      "--hardware",
      "w",
      "--allow-unsigned",
      "--flash-size",
      "0",
    ];
    expect(await bad(init)).toMatchObject({ code: 2, reason: "bad-size" });
  });
});

describe("a port that cannot be used", () => {
  test.each([
    ["is missing", "/dev/no-such-port", 6, "port-missing"],
    ["is a folder", "/tmp", 6, "port-not-tty"],
    ["is a plain file", "/etc/passwd", 6, "port-not-tty"],
    ["has an unknown scheme", "usb:1", 2, "endpoint-scheme"],
    ["has a rate above the limit", "serial:/dev/ttyS0?baud=99999999", 2, "endpoint-baud"],
  ])("is an error immediately when it %s", async (_what, link, code, reason) => {
    expect(await bad(["status", "--link", link])).toMatchObject({ code, reason });
  });

  test("ends distress and rescue when it is missing, and leaves the board unchanged", async () => {
    const dir = await bench.board("portless");
    const missing = { code: 6, reason: "port-missing" };
    const link = ["--link", "/dev/no-such-port"];
    expect(await bad(["distress", ...link, "--board", dir])).toMatchObject(missing);
    expect(await bad(["rescue", ...link, "--image", bench.path("fw.mdy")])).toMatchObject(missing);
    expect(await readdir(dir)).not.toContain("lock");
  });

  test("is reported as busy, with the name of the process that has it open", async () => {
    const pair = await openSocatPair();
    const first = startCli(["rescue", "--link", pair.a, "--image", bench.path("fw.mdy"), "--json"]);
    try {
      await first.saw(/"ready"/);
      const verdict = await bad(["status", "--link", pair.a]);
      expect(verdict).toMatchObject({ code: 6, reason: "port-busy" });
      expect(verdict["message"]).toContain(String(first.child.pid));
    } finally {
      first.child.kill("SIGTERM");
      await first.ended;
      await pair.close();
    }
  });
});

describe("a reader that closes the pipe", () => {
  test("does not crash the command", async () => {
    const command = `node dist/cli/main.js image inspect ${bench.path("fw.mdy")} --json | true; echo "\${PIPESTATUS[0]}"`;
    const child = spawn("bash", ["-c", command], { stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (text) => {
      stdout += text;
    });
    child.stderr.on("data", (text) => {
      stderr += text;
    });
    await new Promise((resolve) => child.once("close", resolve));
    expect({ stdout, stderr }).toEqual({ stdout: "0\n", stderr: "" });
  });
});
