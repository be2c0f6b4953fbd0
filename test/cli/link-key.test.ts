import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
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
  const FILES = [
    ["15 bytes", "x".repeat(15), "link-key-length"],
    ["30 hexadecimal digits", "ab".repeat(15), "link-key-length"],
    ["63 hexadecimal digits", "ab".repeat(32).slice(1), "link-key-length"],
    ["1025 bytes", "x".repeat(1025), "link-key-length"],
    ["a signing key", "-----BEGIN PRIVATE KEY-----\n", "link-key-is-pem"],
    ["a pass phrase", "correct horse battery staple\n", "link-key-text"],
    ["a pass phrase of 16 bytes", "correcthorsebatt", "link-key-text"],
    ["base64", `${Buffer.from("0123456789abcdef0123456789abcdef").toString("base64")}\n`, "link-key-text"],
  ] as const;
  const COMMANDS: Readonly<Record<string, (key: string) => Promise<string[]>>> = {
    rescue: async (key) => [
      "rescue",
      "--link",
      bench.path("no-port"),
      "--image",
      bench.path("fw.mdy"),
      ...keyFile(key),
    ],
    distress: async (key) => [
      "distress",
      "--link",
      bench.path("no-port"),
      "--board",
      await emptyBoard(),
      ...keyFile(key),
    ],
    "board init": async (key) => [
      ...["board", "init", bench.path(`refused-${key.length}`), "--hardware", "acme/widget"],
      ...["--flash-size", "64K", "--trust", bench.path("owner.pub"), ...keyFile(key)],
    ],
  };
  let board: Promise<string> | undefined;
  const emptyBoard = (): Promise<string> => {
    board ??= bench.board("without-key");
    return board;
  };
  const keyFile = (path: string): string[] => ["--link-key", path, "--json"];

  test.each(FILES)(
    "with %s is refused with its own reason by all commands, which say how to make one",
    async (name, text, reason) => {
      const path = bench.path(`${name}.key`);
      writeFileSync(path, text, { mode: 0o600 });
      for (const args of Object.values(COMMANDS)) {
        const verdict = verdictOf(await runCli(await args(path)));
        expect(verdict).toMatchObject({ code: 2, reason });
        expect(verdict["message"]).toContain("openssl rand -hex 32 > link.key");
        expect(verdict["message"]).toContain("mayday keygen --link-key FILE");
      }
      expect(existsSync(bench.path(`refused-${path.length}`))).toBe(false);
    },
  );

  test("in a board is refused like any other when somebody has written text into it", async () => {
    const dir = await boardWith("meddled", "link");
    writeFileSync(join(dir, "keys", "link.key"), "correct horse battery staple\n");
    const result = await runCli(["distress", ...linkTo(pair.a), "--board", dir, "--timeout", "1"]);
    expect(verdictOf(result)).toMatchObject({ code: 1, reason: "board-damaged", bytesTx: 0 });
    expect(verdictOf(result)["message"]).toContain("openssl rand -hex 32 > link.key");
  });

  test("made by the command that the errors name is accepted", async () => {
    const path = bench.path("openssl.key");
    execFileSync("sh", ["-c", `umask 077; openssl rand -hex 32 > '${path}'`]);
    for (const args of Object.values(COMMANDS)) {
      const { code } = await runCli(await args(path));
      // Only the port is missing.
      expect([0, 6]).toContain(code);
    }
    const raw = bench.path("raw.key");
    execFileSync("sh", ["-c", `umask 077; openssl rand 32 > '${raw}'`]);
    const [rescue] = Object.values(COMMANDS);
    expect((await runCli((await rescue?.(raw)) ?? [])).code).toBe(6);
  });

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
