import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { elfFile, hexText, type Piece, srecText, uf2File } from "../image/firmware/support.ts";
import { type CliResult, runCli, verdictOf } from "../support/cli.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

const CODE = randomBytes(new SeededRandom(11), 600);
const SHA256 = createHash("sha256").update(CODE).digest("hex");
const noise = (length: number, seed: number): Uint8Array => randomBytes(new SeededRandom(seed), length);
const plain: Piece = { address: 0, data: CODE };
/** EEPROM, fuses and lock bits, where AVR tools put them. */
const AVR: readonly Piece[] = [
  { address: 0, data: noise(300, 1) },
  { address: 0x81_0000, data: noise(4, 2) },
  { address: 0x82_0000, data: noise(3, 3) },
  { address: 0x83_0000, data: noise(1, 4) },
];
const ESP = [0x1000, 0x8000, 0x1_0000].map((address, i) => ({
  address,
  data: noise([300, 64, 300][i] ?? 0, i),
}));

function put(name: string, content: string | Uint8Array): string {
  writeFileSync(bench.path(name), content);
  return bench.path(name);
}

/** `image build` of a file; the image is at `out`, if there is one. */
async function build(input: string, ...more: string[]): Promise<CliResult & { readonly out: string }> {
  const out = bench.path(`out-${readdirSync(bench.dir).length}.mdy`);
  const args = [
    "image",
    "build",
    "--in",
    input,
    "--hardware",
    "a/w",
    "--version",
    "1.0.0",
    "--out",
    out,
    "--json",
  ];
  return { ...(await runCli([...args, ...more])), out };
}

const eventOf = (result: CliResult, name: string) => result.events.find(({ event }) => event === name);

/** A build that fails: its verdict is its only line, and nothing is written. */
async function refused(code: number, reason: string, input: string, ...more: string[]): Promise<string> {
  const result = await build(input, ...more);
  expect(result.events).toHaveLength(1);
  expect(verdictOf(result)).toMatchObject({ ok: false, code, reason });
  expect(result.code).toBe(code);
  expect(existsSync(result.out)).toBe(false);
  expect(result.stderr).not.toMatch(/^\s+at /m);
  return String(verdictOf(result)?.["message"]);
}

describe("firmware", () => {
  test.each([
    ["raw bytes", "raw", () => CODE],
    ["Intel HEX", "hex", () => hexText(plain)],
    [
      "HEX in UTF-16",
      "hex",
      () => Buffer.from(`\ufeff${hexText(plain).replaceAll("\n", "\r\n")}`, "utf16le"),
    ],
    ["HEX after a comment", "hex", () => `; built for board 7\n${hexText(plain)}`],
    ["S-records", "srec", () => srecText(plain)],
    ["UF2", "uf2", () => uf2File(plain)],
    ["ELF", "elf", () => elfFile([plain])],
  ])("as %s is the same image", async (name, format, content) => {
    const result = await build(put(`same ${name}`, content()));
    expect(result.code).toBe(0);
    expect(eventOf(result, "image")).toMatchObject({ size: 600, sha256: SHA256 });
    expect(eventOf(result, "input")).toMatchObject({ format, base: format === "raw" ? null : 0, filling: 0 });
    expect(new Uint8Array(readFileSync(result.out).subarray(-600))).toEqual(CODE);
  });

  test("with --format raw is the file's own bytes, and with another format must be in it", async () => {
    const files = { hex: hexText(plain), srec: srecText(plain), uf2: uf2File(plain), elf: elfFile([plain]) };
    for (const [format, content] of Object.entries(files)) {
      const input = put(`own.${format}`, content);
      const raw = await build(input, "--format", "raw");
      expect(eventOf(raw, "image")).toMatchObject({ size: content.length });
      expect(readFileSync(raw.out).subarray(-content.length)).toEqual(readFileSync(input));
      expect(eventOf(await build(input, "--format", format), "image")).toMatchObject({ sha256: SHA256 });
      await refused(2, "input-format", input, "--format", format === "hex" ? "elf" : "hex");
    }
    await refused(1, "hex-syntax", put("noise.bin", CODE), "--format", "hex");
  });

  test("in far memories is refused with their names; --only and --fill say what is meant", async () => {
    const input = put("avr.hex", hexText(...AVR));
    const message = await refused(1, "hex-span", input);
    for (const word of ["EEPROM", "fuses", "8584909", "8585217", "--only 0x0-0x12b", "--fill"]) {
      expect(message).toContain(word);
    }
    const only = await build(input, "--only", "0x0-0x7fff");
    expect(eventOf(only, "image")).toMatchObject({ size: 300 });
    expect(eventOf(only, "input")).toMatchObject({ base: 0, ranges: [[0, 299]], leftOut: 8 });
    const filled = await build(input, "--fill", "0");
    expect(eventOf(filled, "input")).toMatchObject({ filling: 8_584_909, fill: 0, rangeCount: 4 });
    await refused(1, "elf-span", put("avr.elf", elfFile(AVR)));
    const uicr = hexText({ address: 0x2_6000, data: CODE }, { address: 0x1000_1014, data: noise(4, 1) });
    expect(await refused(1, "hex-span", put("uicr.hex", uicr))).toContain("UICR");
    await refused(1, "hex-span", bench.path("uicr.hex"), "--fill", "0xff");
    await refused(1, "hex-no-data", input, "--only", "0x4000+16K");
    await refused(2, "input-no-addresses", put("code.bin", CODE), "--only", "0-1");
    await refused(2, "bad-range", input, "--only", "8-7");
    await refused(2, "bad-fill", input, "--fill", "256");
  });

  test("with gaps is told by base, ranges and filling, for people and for machines", async () => {
    const input = put("esp.hex", hexText(...ESP));
    const result = await build(input);
    expect(eventOf(result, "image")).toMatchObject({ size: 61_740 });
    expect(eventOf(result, "input")).toMatchObject({
      base: 0x1000,
      rangeCount: 3,
      filling: 61_076,
      fillingShare: 0.9892,
    });
    const args = ["image", "build", "--in", input, "--hardware", "a/w", "--version", "1.0.0"];
    const { stdout } = await runCli([...args, "--out", bench.path("esp.mdy")]);
    expect(stdout).toMatch(/base +0x1000\n/);
    expect(stdout).toMatch(/filling +61,076 of 61,740 bytes \(99 %\), 0xff\n/);
  });

  test("that gives bytes twice alike is taken with a warning; two values are an error with both", async () => {
    const again = { address: 0x20, data: CODE.subarray(0x20, 0x30) };
    const result = await build(put("twice.hex", hexText(plain, again)));
    expect(eventOf(result, "image")).toMatchObject({ size: 600, sha256: SHA256 });
    expect(result.stderr).toContain("16 bytes more than once");
    expect(eventOf(result, "input")).toMatchObject({ repeated: 16 });
    const other = { address: 0, data: Uint8Array.of((CODE[0] ?? 0) ^ 0xff) };
    const message = await refused(1, "hex-overlap", put("two.hex", hexText(plain, other)));
    expect(message).toContain(
      `0x${(CODE[0] ?? 0).toString(16)} before and 0x${((CODE[0] ?? 0) ^ 0xff).toString(16)}`,
    );
    expect((await build(put("once.hex", hexText(plain)))).stderr).not.toContain("more than once");
  });

  test.each([
    ["gzip", () => gzipSync(CODE), "gzip -dc"],
    ["archive", () => `!<arch>\n${"x".repeat(100)}`, "objcopy"],
    ["html", () => "<!DOCTYPE html><html><body>404</body></html>", "download"],
    ["git-lfs", () => "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"],
    ["json", () => '{"message":"Not Found"}', "download"],
    ["ti-txt", () => "@8000\n31 40 00 03\nq\n", "srec_cat"],
    ["certificate", () => "-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n", "certificate"],
  ])("is not a %s file, unless --format raw says so", async (name, content, word) => {
    const input = put(`no-${name}`, content());
    const message = await refused(2, "input-format", input);
    expect(message).toContain(word);
    expect(message).toContain("--format raw");
    expect((await build(input, "--format", "raw")).code).toBe(0);
  });

  test("is not an image file, and not an empty one", async () => {
    expect(await refused(2, "image-not-raw", bench.path("fw.mdy"))).toContain("image file");
    expect((await build(bench.path("fw.mdy"), "--format", "raw")).code).toBe(0);
    await refused(2, "input-empty", put("empty.bin", ""));
  });
});

describe("a private key", () => {
  const forms: Readonly<Record<string, (pem: string, der: Buffer) => string | Buffer>> = {
    PEM: (pem) => pem,
    "PEM in UTF-16": (pem) => Buffer.from(`\ufeff${pem}`, "utf16le"),
    DER: (_, der) => der,
    "hexadecimal digits": (_, der) => der.subarray(-32).toString("hex"),
    base64: (_, der) => der.subarray(-32).toString("base64"),
    "PEM behind its public half": (pem) => readFileSync(bench.path("owner.pub"), "utf8") + pem,
  };

  test.each(Object.keys(forms))(
    "as %s never becomes an image, whatever flag it is given to",
    async (name) => {
      const pem = readFileSync(bench.path("owner.key"), "utf8");
      const key = put(
        `${name}.secret`,
        forms[name]?.(pem, Buffer.from(pem.split("\n")[1] ?? "", "base64")) ?? "",
      );
      for (const more of [[], ["--format", "raw"], ["--format", "hex"], ["--key", bench.path("owner.key")]]) {
        await refused(2, "input-is-key", key, ...more);
      }
      const raw = ["--hardware", "a/w", "--version", "1.0.0", "--allow-unsigned"];
      const rescue = ["rescue", "--link", bench.path("no-port"), "--json", "--image", key];
      const init = [
        "board",
        "init",
        bench.path("none"),
        "--hardware",
        "a/w",
        "--flash-size",
        "64K",
        "--allow-unsigned",
      ];
      for (const [args, code] of [
        [[...rescue, ...raw], 2],
        [rescue, 2],
        [[...rescue, "--allow-unsigned"], 2],
        [["repo", "add", key, "--repo", bench.path("none"), "--json"], 1],
        [[...init, "--image", key, "--json"], 1],
        [["demo", "--firmware", key, "--json"], 2],
      ] as const) {
        const result = await runCli(args);
        expect(verdictOf(result), args.join(" ")).toMatchObject({ ok: false, code });
        expect(`${result.stdout}${result.stderr}`).not.toContain("--allow-unsigned");
        expect(existsSync(bench.path("none"))).toBe(false);
      }
    },
  );

  test("is suspected in 32 random bytes, which --format raw takes", async () => {
    const seed = put("seed.bin", noise(32, 8));
    expect(await refused(2, "input-is-key", seed)).toContain("--format raw");
    expect((await build(seed, "--format", "raw")).code).toBe(0);
  });

  test("gets into no board: not as a trusted key, not as a link key", async () => {
    const init = ["board", "init", bench.path("never"), "--hardware", "a/w", "--flash-size", "64K", "--json"];
    const pem = readFileSync(bench.path("owner.key"), "utf8");
    const der = put("der.key", Buffer.from(pem.split("\n")[1] ?? "", "base64"));
    const both = put("both.pem", readFileSync(bench.path("owner.pub"), "utf8") + pem);
    for (const key of [bench.path("owner.key"), both, der]) {
      expect(verdictOf(await runCli([...init, "--trust", key]))).toMatchObject({
        code: 2,
        reason: "key-is-private",
      });
      const linked = await runCli([...init, "--allow-unsigned", "--link-key", key]);
      expect(verdictOf(linked)).toMatchObject({ code: 2, reason: expect.stringMatching(/^link-key-/) });
      expect(existsSync(bench.path("never"))).toBe(false);
    }
  });

  test("is sent and installed from no image that holds one", async () => {
    const { buildImageFile } = await import("../../src/image-files/image-build.ts");
    const { memoryImage } = await import("../../src/image/image-source.ts");
    const { writeImageFile } = await import("../../src/image-files/image-build.ts");
    const version = { major: 1, minor: 0, patch: 0 };
    const fields = { vendor: "a", hardwareClass: "w", version };
    await writeImageFile(memoryImage(readFileSync(bench.path("owner.key")), fields), bench.path("leak.mdy"));
    await buildImageFile({ ...fields, input: put("good.bin", CODE), out: bench.path("good.mdy") });
    for (const [file, code] of [
      ["leak.mdy", 1],
      ["good.mdy", 0],
    ] as const) {
      const added = await runCli([
        "repo",
        "add",
        bench.path(file),
        "--repo",
        bench.path(`repo-${code}`),
        "--json",
      ]);
      expect(verdictOf(added)).toMatchObject({ code, reason: code === 0 ? "done" : "image-holds-key" });
    }
  });

  test("is not overwritten by an output, and no log is appended to it", async () => {
    const before = readFileSync(bench.path("owner.key"));
    const args = [
      "image",
      "build",
      "--in",
      put("over.bin", CODE),
      "--hardware",
      "a/w",
      "--version",
      "1.0.0",
      "--json",
    ];
    const over = await runCli([...args, "--out", bench.path("owner.key")]);
    expect(verdictOf(over)).toMatchObject({ code: 2, reason: "out-is-key" });
    const pub = await runCli([...args, "--out", bench.path("owner.pub")]);
    expect(verdictOf(pub)).toMatchObject({ code: 2, reason: "out-is-key" });
    const log = ["rescue", "--link", bench.path("no-port"), "--image", bench.path("fw.mdy"), "--json"];
    const logged = await runCli([...log, "--log", bench.path("owner.key")]);
    expect(verdictOf(logged)).toMatchObject({ code: 2, reason: "log-is-key" });
    expect(readFileSync(bench.path("owner.key"))).toEqual(before);
    expect((await runCli([...args, "--out", put("old.mdy", "an older output")])).code).toBe(0);
  });
});
