import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli, startCli, verdictOf } from "../support/cli.ts";
import { openSocatPair, type SocatPair } from "../support/socat-pair.ts";
import { bootedBytes, openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
let pair: SocatPair;

beforeAll(async () => {
  bench = await openWorkbench();
  pair = await openSocatPair();
  for (const name of ["link", "strange"]) await runCli(["keygen", "--link-key", bench.path(`${name}.key`)]);
});
afterAll(async () => {
  await pair.close();
  await bench.close();
});

const linkTo = (path: string): string[] => ["--link", `serial:${path}?baud=3000000`, "--json"];
const keyFlag = (name: string | undefined): string[] =>
  name === undefined ? [] : ["--link-key", bench.path(`${name}.key`)];
const modeOf = (path: string): number => statSync(path).mode & 0o777;

/** Makes a board with the command line, with the given link key. */
async function boardWith(name: string, key: string | undefined): Promise<string> {
  const what = ["--hardware", "acme/widget", "--flash-size", "64K", "--trust", bench.path("owner.pub")];
  const result = await runCli(["board", "init", bench.path(name), ...what, ...keyFlag(key)]);
  expect(result.code).toBe(0);
  return bench.path(name);
}

describe("keygen --link-key", () => {
  test("makes 64 hexadecimal digits that only the owner may read, and never overwrites", async () => {
    const path = bench.path("fresh-link.key");
    const result = await runCli(["keygen", "--link-key", path, "--json"]);
    expect(result.code).toBe(0);
    expect(result.events).toContainEqual({ event: "link-key", linkKey: path });
    expect(readFileSync(path, "utf8")).toMatch(/^[0-9a-f]{64}\n$/);
    expect(modeOf(path)).toBe(0o600);
    expect(verdictOf(await runCli(["keygen", "--link-key", path, "--json"]))).toMatchObject({
      code: 2,
      reason: "key-exists",
    });
  });

  test("works together with --out", async () => {
    const base = bench.path("both");
    const result = await runCli(["keygen", "--out", base, "--link-key", `${base}-link.key`, "--json"]);
    expect(result.events.map(({ event }) => event)).toEqual(["keys", "link-key", "verdict"]);
  });

  test("keys of either kind are never readable by others, whatever the umask", async () => {
    const base = bench.path("open");
    const before = process.umask(0);
    try {
      await runCli(["keygen", "--out", base, "--link-key", `${base}-link.key`]);
    } finally {
      process.umask(before);
    }
    const files = [`${base}.key`, `${base}-link.key`, `${base}.pub`];
    expect(files.map(modeOf)).toEqual([0o600, 0o600, 0o644]);
  });
});

describe("board init --link-key", () => {
  test("copies the key into the board, readable only by its owner, and records it in board.json", async () => {
    const dir = await boardWith("keyed", "link");
    expect(modeOf(join(dir, "keys", "link.key"))).toBe(0o600);
    const copied = readFileSync(join(dir, "keys", "link.key"), "utf8");
    expect(copied).toBe(readFileSync(bench.path("link.key"), "utf8"));
    const config = JSON.parse(readFileSync(join(dir, "board.json"), "utf8"));
    expect(config).toMatchObject({ format: 1, linkKey: "link.key" });
  });

  test("leaves no trace in a board without a link key", async () => {
    const dir = await boardWith("unkeyed", undefined);
    expect(readFileSync(join(dir, "board.json"), "utf8")).not.toContain("linkKey");
  });

  test("makes a board that does not call for help without its key when the key file is gone", async () => {
    const dir = await boardWith("bereft", "link");
    writeFileSync(join(dir, "keys", "link.key"), "short\n");
    const result = await runCli(["distress", ...linkTo(pair.a), "--board", dir, "--timeout", "1"]);
    expect(verdictOf(result)).toMatchObject({ code: 1, reason: "board-damaged", bytesTx: 0 });
  });
});

describe("a link key file", () => {
  test.each([
    ["15 bytes", "x".repeat(15), 2, "link-key-length"],
    ["30 hexadecimal digits are 30 bytes", "ab".repeat(15), 6, undefined],
    ["1025 bytes", "x".repeat(1025), 2, "link-key-length"],
    ["a signing key", "-----BEGIN PRIVATE KEY-----\n", 2, "link-key-is-pem"],
  ])(
    "is refused with its own reason, or accepted, by its length and kind: %s",
    async (name, text, code, reason) => {
      const path = bench.path(`${name}.key`);
      writeFileSync(path, text, { mode: 0o600 });
      const flags = [
        "--link",
        bench.path("no-port"),
        "--image",
        bench.path("fw.mdy"),
        "--once",
        "--timeout",
        "1",
      ];
      const verdict = verdictOf(await runCli(["rescue", ...flags, "--link-key", path, "--json"]));
      expect(verdict).toMatchObject({ code, ...(reason === undefined ? {} : { reason }) });
    },
  );

  test("that does not exist gives an error that names the command to make one", async () => {
    const flags = ["--link", bench.path("no-port"), "--image", bench.path("fw.mdy")];
    const result = await runCli(["rescue", ...flags, "--link-key", bench.path("none.key")]);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain("mayday keygen --link-key");
  });

  test("that others may read is used, with a warning", async () => {
    const path = bench.path("open.key");
    writeFileSync(path, "ab".repeat(16));
    chmodSync(path, 0o644);
    const flags = ["--link", bench.path("no-port"), "--image", bench.path("fw.mdy"), "--link-key", path];
    const result = await runCli(["rescue", ...flags]);
    expect(result.stderr).toContain("warning:");
    expect(result.stderr).toContain("chmod 600");
    expect(result.code).toBe(6);
  });
});

describe("over a serial pair with link keys,", () => {
  test.each([
    ["the board's own", "link", undefined],
    ["the one given to distress, instead of the board's", "strange", "link"],
  ])("a board is healed with %s", async (name, own, given) => {
    const dir = await boardWith(`healed-${own}`, own);
    const distress = startCli([
      ...["distress", ...linkTo(pair.a), "--board", dir, "--timeout", "12", ...keyFlag(given)],
    ]);
    const source = ["--image", bench.path("fw.mdy"), "--once", "--timeout", "12", ...keyFlag("link")];
    const rescue = await runCli(["rescue", ...linkTo(pair.b), ...source]);
    const healed = await distress.ended;
    expect(`${name}: ${healed.code} ${rescue.code}`).toBe(`${name}: 0 0`);
    expect(bootedBytes(dir)).toEqual(bench.firmware);
  });

  test.each([
    ["the rescuer has none", "link", undefined, "rescuer has none", "this rescuer has none"],
    ["the board has none", undefined, "link", "this board has none", "target has none"],
    ["they differ", "link", "strange", "another link key", "another link key"],
  ])(
    "both sides exit with 4 and name the mismatch where %s",
    async (name, own, theirs, atTarget, atRescuer) => {
      const dir = await boardWith(`refused ${name}`, own);
      const distress = startCli(["distress", ...linkTo(pair.a), "--board", dir, "--timeout", "6"]);
      const source = ["--image", bench.path("fw.mdy"), "--once", "--timeout", "12", ...keyFlag(theirs)];
      const rescue = await runCli(["rescue", ...linkTo(pair.b), ...source]);
      const called = await distress.ended;
      for (const [result, text] of [
        [called, atTarget],
        [rescue, atRescuer],
      ] as const) {
        const message = expect.stringContaining(text);
        expect(verdictOf(result)).toMatchObject({ ok: false, code: 4, reason: "link-key", message });
        expect(result.events).toContainEqual(
          expect.objectContaining({ event: "refused", reason: "link-key", detail: message }),
        );
      }
    },
  );
});
