import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { elfFile, hexText, srecText, uf2File } from "../image/firmware/support.ts";
import { runCli, verdictOf } from "../support/cli.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

const CODE = randomBytes(new SeededRandom(11), 600);

function put(name: string, content: string | Uint8Array): string {
  writeFileSync(bench.path(name), content);
  return bench.path(name);
}

async function build(input: string, ...more: string[]) {
  const out = bench.path(`out-${readdirSync(bench.dir).length}.mdy`);
  const what = ["--in", input, "--hardware", "a/w", "--version", "1.0.0", "--out", out];
  return { ...(await runCli(["image", "build", ...what, "--json", ...more])), out };
}

describe("a private key in records", () => {
  const forms = {
    hex: hexText,
    srec: srecText,
    uf2: uf2File,
    elf: (piece: { address: number; data: Uint8Array }) => elfFile([piece]),
  };

  test.each(Object.keys(forms) as (keyof typeof forms)[])(
    "of %s never becomes an image, not as raw bytes either",
    async (format) => {
      const data = readFileSync(bench.path("owner.key"));
      const input = put(`key.${format}`, forms[format]({ address: 0, data }));
      for (const more of [[], ["--format", format], ["--format", "raw"]]) {
        const result = await build(input, ...more);
        expect(verdictOf(result)).toMatchObject({ ok: false, code: 2, reason: "input-is-key" });
        expect(result.events).toHaveLength(1);
        expect(existsSync(result.out)).toBe(false);
      }
      const firmware = await build(put(`code.${format}`, forms[format]({ address: 0, data: CODE })));
      expect(firmware).toMatchObject({ code: 0 });
    },
  );
});

describe("what is likely not firmware, and may be", () => {
  const UICR = hexText({ address: 0x1000_1000, data: CODE });
  const RAM = hexText({ address: 0x2000_0000, data: CODE });

  test.each([
    ["a text", "print('hello')\n", "is a text, taken as raw bytes"],
    ["text in another alphabet", "Grüße\n", "is a text, taken as raw bytes"],
    ["erased flash", new Uint8Array(70_000).fill(0xff), "one value throughout"],
    ["zeros", new Uint8Array(4096), "one value throughout"],
    [
      "records of erased flash",
      hexText({ address: 0, data: new Uint8Array(64).fill(0xff) }),
      "one value throughout",
    ],
    ["UICR alone", UICR, "0x10001000, which is nRF UICR"],
  ])("is taken with a warning: %s", async (name, content, words) => {
    const input = put(`doubt ${name}`, content);
    const result = await build(input);
    expect(result).toMatchObject({ code: 0, stderr: expect.stringContaining(words) });
    const more = ["--hardware", "a/w", "--version", "1.0.0", "--allow-unsigned", "--json"];
    const sent = await runCli(["rescue", "--link", bench.path("no-port"), "--image", input, ...more]);
    expect(sent).toMatchObject({ code: 6, stderr: expect.stringContaining(words) });
  });

  test.each([
    ["code", CODE],
    ["blank flash before code", Uint8Array.from([...new Uint8Array(70_000).fill(0xff), ...CODE])],
    ["code for RAM", RAM],
    ["a few bytes", "ok\0"],
  ])("is told from firmware: %s", async (name, content) => {
    const { code, stderr } = await build(put(`sure ${name}`, content));
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^warning: the image is not signed[^\n]*\n$/),
    });
  });

  test("is not read through where it is too large for an image", async () => {
    const input = put("sparse.bin", "");
    truncateSync(input, 8 * 2 ** 30);
    expect(verdictOf(await build(input))).toMatchObject({ code: 2, reason: "input-too-large" });
  });

  test("is not doubted with --format raw", async () => {
    const result = await build(put("said.txt", "print('hello')\n"), "--format", "raw");
    expect(result.stderr).not.toContain("is a text");
  });
});
