import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, rmSync, writeFileSync } from "node:fs";
import { fc, test } from "@fast-check/vitest";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { UsageError } from "../../../src/base/errors.ts";
import { readNodeConfig } from "../../../src/cli/node/node-config.ts";
import { errorOf } from "../../image/support.ts";
import { at, dir, faultOf, type Given, put, putFolder, putHook, read } from "./support.ts";

const LINK = '[[link]]\nendpoint = "/dev/ttyUSB0"\n';
const isRoot = process.geteuid?.() === 0;

beforeAll(() => putHook("boot-hook"));

describe("a fault in the file", () => {
  // Text of the file, place, field, and what the message says.
  it.each<[string, string, number, number, string | undefined, RegExp]>([
    ["an unknown key", `bord = "b"\n${LINK}`, 1, 1, "bord", /did you mean board\?$/],
    ["an unknown key below others", `soak = "1s"\n  fanout = 1\n${LINK}`, 2, 3, "fanout", /mean fan-out\?$/],
    ["the beginning of a key", `repo = "r"\n${LINK}`, 1, 1, "repo", /mean repository\?$/],
    ["a key that is like no other", `xyz = 1\n${LINK}`, 1, 1, "xyz", /known: board, .*, fleet, link$/],
    ["a key of a later version", `report = "r"\n${LINK}`, 1, 1, "report", /unknown key/],
    ["an unknown key of a link", `${LINK}linkkey = "k"\n`, 3, 1, "link[0].linkkey", /mean link-key\?$/],
    ["a link's key above the links", `link-key = "k"\n${LINK}`, 1, 1, "link-key", /below \[\[link\]\]$/],
    ["a setting below a link", `${LINK}soak = "1s"\n`, 3, 1, "link[0].soak", /above the first \[\[link\]\]$/],
    ["an unknown table", `${LINK}[mqtt]\nurl = "u"\n`, 3, 2, "mqtt", /unknown key/],
    ["a name that objects have", `toString = 1\n${LINK}`, 1, 1, "toString", /unknown key/],
    ["the name of a prototype", `${LINK}[__proto__]\nboard = "b"\n`, 3, 2, "__proto__", /unknown key/],
    ["a dotted key", `board.path = "b"\n${LINK}`, 1, 1, "board", /expected the path .*found a table$/],
    ["a path that is a number", `board = 5\n${LINK}`, 1, 9, "board", /expected the path .*found 5$/],
    ["an empty path", `socket = ""\n${LINK}`, 1, 10, "socket", /expected the path .*found ""$/],
    ["a path with NUL", `socket = "a\\u0000"\n${LINK}`, 1, 10, "socket", /NUL/],
    [
      "an unknown choice",
      `update = "always"\n${LINK}`,
      1,
      10,
      "update",
      /"auto" or "never"; found "always"$/,
    ],
    [
      "a choice of another kind",
      `control = true\n${LINK}`,
      1,
      11,
      "control",
      /"read" or "write"; found true$/,
    ],
    ["a yes", `allow-single = "yes"\n${LINK}`, 1, 16, "allow-single", /true or false; found "yes"$/],
    ["a duration without a unit", `soak = 10\n${LINK}`, 1, 8, "soak", /"10s" for seconds; found 10, which/],
    [
      "a duration in quotes without one",
      `soak = "10"\n${LINK}`,
      1,
      8,
      "soak",
      /"10s" .*found "10", which has no/,
    ],
    ["an unknown unit", `ring-time = "1w"\n${LINK}`, 1, 13, "ring-time", /"90s".*found "1w"$/],
    ["a negative duration", `soak = "-1s"\n${LINK}`, 1, 8, "soak", /found "-1s"$/],
    ["a fraction of a duration", `soak = "1.5h"\n${LINK}`, 1, 8, "soak", /a whole number.*found "1.5h"$/],
    ["a duration above the most", `soak = "24d"\n${LINK}`, 1, 8, "soak", /at most "23d"; found "24d"$/],
    ["a date", `soak = 2024-01-01\n${LINK}`, 1, 8, "soak", /found a date or time$/],
    ["no updates at the same time", `fan-out = 0\n${LINK}`, 1, 11, "fan-out", /from 1 to 256; found 0$/],
    ["too many of them", `fan-out = 257\n${LINK}`, 1, 11, "fan-out", /from 1 to 256; found 257$/],
    ["a part of one", `fan-out = 1.5\n${LINK}`, 1, 11, "fan-out", /found 1.5$/],
    ["no number", `fan-out = nan\n${LINK}`, 1, 11, "fan-out", /found NaN$/],
    ["a hook that is one text", `on-boot = "x"\n${LINK}`, 1, 11, "on-boot", /an array of words.*found "x"$/],
    ["a hook without words", `on-boot = []\n${LINK}`, 1, 11, "on-boot[0]", /a program as the first word/],
    [
      "a hook with a number",
      `on-boot = ["true",\n 5]\n${LINK}`,
      2,
      2,
      "on-boot[1]",
      /a word in quotes; found 5$/,
    ],
    [
      "a hook that is missing",
      `on-boot = ["./x"]\n${LINK}`,
      1,
      12,
      "on-boot[0]",
      /no program that can be run/,
    ],
    [
      "a hook without its folder",
      `on-boot = ["boot-hook"]\n${LINK}`,
      1,
      12,
      "on-boot[0]",
      /write "\.\/boot-hook"$/,
    ],
    [
      "an endpoint of no kind",
      '[[link]]\nendpoint = "x:y"\n',
      2,
      12,
      "link[0].endpoint",
      /not a kind of link/,
    ],
    [
      "an endpoint that is a number",
      "[[link]]\nendpoint = 5\n",
      2,
      12,
      "link[0].endpoint",
      /an endpoint, such/,
    ],
    [
      "a link without an endpoint",
      `${LINK}[[link]]\n`,
      3,
      3,
      "link[1].endpoint",
      /an endpoint; found nothing$/,
    ],
    ["the same endpoint twice", LINK + LINK, 4, 12, "link[1].endpoint", /that of link\[0\] in line 2;/],
    [
      "the same port twice, in two ways",
      `${LINK}[[link]]\nendpoint = "serial:/dev/../dev/ttyUSB0?baud=9600"\n`,
      4,
      12,
      "link[1].endpoint",
      /same endpoint/,
    ],
    ["a link in single brackets", '[link]\nendpoint = "x"\n', 1, 2, "link", /\[\[link\]\].*found a table$/],
    ["two of them", "[link]\n[link]\n", 2, 2, "link", /write \[\[link\]\] above each link$/],
    ["no link", 'soak = "1s"\n', 1, 1, "link", /no link.*--link$/],
    ["an empty list of links", '\nlink = []\nsoak = "1s"\n', 2, 8, "link", /no link/],
    ["nothing at all", "", 1, 1, "link", /no link/],
    ["too many links", `link = [${"{ endpoint = 'a' }, ".repeat(257)}]`, 1, 8, "link", /more than 256 links/],
    [
      "a key that stands twice",
      `soak = "1s"\nsoak = "2s"\n${LINK}`,
      2,
      1,
      "soak",
      /given twice; give it once$/,
    ],
    [
      "a link's key that stands twice",
      `${LINK}${LINK.replace("USB0", "USB1")}endpoint = "x"\n`,
      5,
      1,
      "link[1].endpoint",
      /given twice/,
    ],
    ["text without quotes", `soak = 10m\n${LINK}`, 1, 10, "soak", /not TOML: .*quotes: soak = "10m"$/],
    ["a path without quotes", `board = /srv # x\n${LINK}`, 1, 9, "board", /quotes: board = "\/srv"$/],
    ["an open quote", `${LINK}link-key = "k\n`, 3, 14, "link[0].link-key", /not TOML/],
    ["no value above others", `board =\n\nsoak = "1s"\n`, 1, 8, "board", /not TOML/],
    ["no value", `${LINK}link-key =\n`, 3, 11, "link[0].link-key", /not TOML/],
    ["no key at all", `${LINK}= 5\n`, 3, 1, "link[0]", /not TOML/],
    ["text that is no TOML", "{ board: 5 }", 1, 1, undefined, /not TOML/],
    ["what only later versions of TOML have", `link = [{ endpoint = "a", }]`, 1, 27, "link", /not TOML/],
    [
      "arrays in arrays in arrays",
      `board = ${"[".repeat(9000)}${"]".repeat(9000)}`,
      1,
      1,
      undefined,
      /deeply/,
    ],
  ])("is told with its place and field: %s", (_what, content, line, column, field, says) => {
    const { code, exitCode, details, message } = faultOf(content);
    expect({ code, exitCode, details }).toEqual({
      code: "config-invalid",
      exitCode: 2,
      details: { path: at("node.toml"), line, column, ...(field === undefined ? {} : { field }), faults: 1 },
    });
    expect(message).toMatch(says);
    const place = `node.toml:${line}:${column}: ${field === undefined ? "" : `${field}: `}`;
    expect(message.slice(0, place.length)).toBe(place);
  });

  it("counts lines with the line ends of Windows, and columns without a byte order mark", () => {
    expect(faultOf(`soak = "1s"\r\n\r\nbord = 1\r\n${LINK}`).details).toMatchObject({ line: 3, column: 1 });
    expect(faultOf(`\ufeffbord = 1\n${LINK}`).details).toMatchObject({ line: 1, column: 1 });
  });

  it("changes no object of the process by a table that is named like a prototype", () => {
    expect(faultOf(`[__proto__]\nboard = "b"\n${LINK}`).details).toMatchObject({ field: "__proto__" });
    expect("board" in {}).toBe(false);
  });

  it("is told also where a flag or a variable replaces the setting", () => {
    const given: Given = { env: { MAYDAY_SOAK: "1s" }, flags: { soak: "2s", link: ["tcp:a:1"] } };
    expect(faultOf("soak = 5\n[[link]]\nendpoint = 6\n", given).details).toMatchObject({
      line: 1,
      faults: 2,
    });
  });
});

describe("a fault outside the file", () => {
  it.each<[string, Given, Record<string, string>, RegExp]>([
    ["a variable", { env: { MAYDAY_SOAK: "10" } }, { variable: "MAYDAY_SOAK" }, /"10s".*no unit$/],
    [
      "a variable",
      { env: { MAYDAY_ALLOW_SINGLE: "1" } },
      { variable: "MAYDAY_ALLOW_SINGLE" },
      /true or false/,
    ],
    ["a variable", { env: { MAYDAY_FAN_OUT: "many" } }, { variable: "MAYDAY_FAN_OUT" }, /found "many"$/],
    [
      "a variable",
      { env: { MAYDAY_TRIAL_CONFIRM: "x" } },
      { variable: "MAYDAY_TRIAL_CONFIRM" },
      /"on-boot" or/,
    ],
    [
      "a variable",
      { env: { MAYDAY_ON_BOOT: "a 'b" } },
      { variable: "MAYDAY_ON_BOOT" },
      /it ends behind an open '/,
    ],
    ["a variable", { env: { MAYDAY_ON_HEALED: "./x" } }, { variable: "MAYDAY_ON_HEALED" }, /no program/],
    ["a flag", { flags: { ringTime: "1" } }, { flag: "--ring-time" }, /no unit$/],
    ["a flag", { flags: { board: "" } }, { flag: "--board" }, /expected the path/],
    ["a flag", { flags: { onBoot: " " } }, { flag: "--on-boot" }, /names no program$/],
    ["a flag", { flags: { link: ["x:y"] } }, { flag: "--link" }, /not a kind of link/],
    ["a flag", { flags: { link: ["tcp:a:1", "tcp:A:1"] } }, { flag: "--link" }, /same endpoint/],
    ["a flag", { flags: { link: ["tcp:a:1"], linkKey: "" } }, { flag: "--link-key" }, /expected the path/],
    ["a flag", { flags: { linkKey: "k" } }, { flag: "--link-key" }, /of the links of --link/],
  ])("is told with the name of %s: %j", (_what, given, name, says) => {
    const { code, exitCode, details, message } = faultOf(LINK, given);
    expect({ code, exitCode, details }).toEqual({
      code: "config-invalid",
      exitCode: 2,
      details: { ...name, faults: 1 },
    });
    const [text = ""] = Object.values(name);
    expect(message.slice(0, text.length + 2)).toBe(`${text}: `);
    expect(message).toMatch(says);
  });

  it("is a missing link where there is no file", () => {
    const read = (): unknown => readNodeConfig(undefined, {}, {});
    expect(read).toThrow(
      expect.objectContaining({ code: "config-invalid", details: { flag: "--link", faults: 1 } }),
    );
  });
});

describe("several faults", () => {
  it("are listed in one error: those of the file in its order, then variables, then flags", () => {
    const content = 'fan-out = 0\nbord = 1\nsoak = 5\n[[link]]\nendpoint = "x:"\n';
    const given = { env: { MAYDAY_UPDATE: "x" }, flags: { control: "y" } };
    const { message, details } = faultOf(content, given);
    const [heading, ...lines] = message.split("\n  ");
    expect(heading).toBe("6 faults in the configuration:");
    expect(lines.map((line) => /^(?:node.toml:\d+:\d+: )?[^ ]*/.exec(line)?.[0])).toEqual([
      "node.toml:1:11: fan-out:",
      "node.toml:2:1: bord:",
      "node.toml:3:8: soak:",
      "node.toml:5:12: link[0].endpoint:",
      "MAYDAY_UPDATE:",
      "--control:",
    ]);
    expect(details).toMatchObject({ line: 1, field: "fan-out", faults: 6 });
  });

  it("are listed up to ten, and counted", () => {
    const keys = Array.from({ length: 12 }, (_, i) => `key${i} = 1\n`).join("");
    const { message, details } = faultOf(keys + LINK);
    expect(details["faults"]).toBe(12);
    expect(message.split("\n").length).toBe(1 + 10 + 1);
    expect(message).toMatch(/and 2 more$/);
  });
});

describe("a configuration that is no readable text", () => {
  it.each<[string, Uint8Array | string, string, number, number]>([
    ["NUL bytes", `${LINK}soak = "\0"\n`, "config-not-text", 3, 9],
    ["bytes that are not UTF-8", Buffer.from(`${LINK}# K\xf6ln\n`, "latin1"), "config-not-text", 3, 4],
    ["UTF-16", Buffer.from(`\ufeff${LINK}`, "utf16le"), "config-not-text", 1, 1],
  ])("is refused with its place: %s", (_what, content, code, line, column) => {
    expect(faultOf(content)).toMatchObject({ code, exitCode: 2, details: { line, column } });
  });

  it("is refused above 64 KiB", () => {
    const filled = (length: number): string => `${LINK}${"#".repeat(length - LINK.length)}`;
    expect(read(filled(65_536)).links).toHaveLength(1);
    expect(faultOf(filled(65_537))).toMatchObject({ code: "config-too-long", exitCode: 2 });
  });

  it.each<[string, string, string]>([
    ["a missing file", "none.toml", "config-missing"],
    ["a file as a folder", "node.toml/x", "config-missing"],
    ["a folder", ".", "config-not-file"],
    ["a named pipe", "pipe", "config-not-file"],
    ["a device", "/dev/null", "config-not-file"],
  ])("is refused: %s", (_what, name, code) => {
    put(LINK);
    rmSync(at("pipe"), { force: true });
    expect(spawnSync("mkfifo", [at("pipe")]).status).toBe(0);
    const path = name.startsWith("/") ? name : at(name);
    expect(() => readNodeConfig(path, {}, {})).toThrow(expect.objectContaining({ code, exitCode: 2 }));
  });
});

describe("a configuration that others may write", () => {
  afterEach(() => chmodSync(dir, 0o700));

  const codeOf = async (content: string, mode = 0o644): Promise<unknown> =>
    errorOf(() => readNodeConfig(put(content, mode), {}, {}));

  it("is refused", async () => {
    expect(await codeOf(LINK, 0o646)).toMatchObject({ code: "writable-by-others", exitCode: 1 });
    expect(await codeOf("not read", 0o666)).toMatchObject({ code: "writable-by-others" });
  });

  it("is refused where others may put another file in its place", () => {
    putFolder("open", 0o777);
    writeFileSync(at("open/node.toml"), LINK);
    // The folder around it keeps others out.
    expect(readNodeConfig(at("open/node.toml"), {}, {}).config.links).toHaveLength(1);
    chmodSync(dir, 0o755);
    expect(() => readNodeConfig(at("open/node.toml"), {}, {})).toThrow(
      expect.objectContaining({
        code: "writable-by-others",
        details: expect.objectContaining({ path: at("open") }),
      }),
    );
  });

  it("is refused where they may write a hook that it names by its path, and not for one that is replaced", async () => {
    putHook("shared-hook", 0o757);
    const content = `on-healed = ["./shared-hook"]\n${LINK}`;
    expect(await codeOf(content)).toMatchObject({
      code: "writable-by-others",
      details: { path: at("shared-hook") },
    });
    expect(read(content, { flags: { onHealed: "true" } }).onHealed).toEqual(["true"]);
    chmodSync(at("shared-hook"), 0o755);
    expect(read(content).onHealed).toEqual([at("shared-hook")]);
  });

  it("is refused where a variable or a flag names such a hook", () => {
    putHook("shared-hook", 0o757);
    const refused = expect.objectContaining({ code: "writable-by-others" });
    expect(() => read(LINK, { env: { MAYDAY_ON_BOOT: at("shared-hook") } })).toThrow(refused);
    expect(() => read(LINK, { flags: { onBoot: at("shared-hook") } })).toThrow(refused);
  });

  it.runIf(isRoot)(
    "is refused where another user owns a hook, unless the configuration is theirs, too",
    () => {
      putHook("their-hook");
      chownSync(at("their-hook"), 12_345, 12_345);
      const path = put(`on-boot = ["./their-hook"]\n${LINK}`);
      expect(() => readNodeConfig(path, {}, {})).toThrow(
        expect.objectContaining({
          code: "writable-by-others",
          details: { path: at("their-hook"), uid: 12_345 },
        }),
      );
      chownSync(path, 12_345, 12_345);
      expect(readNodeConfig(path, {}, {}).config.onBoot).toEqual([at("their-hook")]);
      chownSync(path, 0, 0);
    },
  );
});

describe("arbitrary text", () => {
  const tokens = [..."\n\n\r\"'[]{}=,.#5\0\u00e4 "].concat([
    "[[link]]\n",
    "[link]\n",
    "endpoint",
    "link-key",
    "board",
    "soak",
    "on-boot",
    "fan-out",
    "__proto__",
    " = ",
    '"1s"',
    '"/dev/ttyS0"',
    '["true"]',
    '"""',
    "'''",
    "true",
    "1979-05-27",
    "inf",
  ]);
  const toml = fc.array(fc.constantFrom(...tokens), { maxLength: 60 }).map((parts) => parts.join(""));
  const only = (run: () => unknown): void => {
    try {
      run();
    } catch (error) {
      expect(error).toBeInstanceOf(UsageError);
    }
  };

  test.prop([fc.oneof(toml, fc.string({ unit: "binary" }))], { seed: 11, numRuns: 2000 })(
    "is a configuration or a UsageError, as the file",
    (content) => only(() => read(content)),
  );

  test.prop([fc.uint8Array({ maxLength: 200 })], { seed: 12, numRuns: 300 })(
    "is a configuration or a UsageError, as bytes of the file",
    (bytes) => only(() => read(bytes)),
  );

  test.prop(
    [fc.constantFrom("MAYDAY_ON_BOOT", "MAYDAY_SOAK", "MAYDAY_FAN_OUT", "MAYDAY_BOARD"), fc.string()],
    {
      seed: 13,
      numRuns: 500,
    },
  )("is a configuration or a UsageError, as a variable", (name, value) =>
    only(() => read(LINK, { env: { [name]: value } })),
  );

  test.prop([fc.string(), fc.string()], { seed: 14, numRuns: 500 })(
    "is a configuration or a UsageError, as flags",
    (endpoint, words) => only(() => read("", { flags: { link: [endpoint], onHealed: words } })),
  );
});
