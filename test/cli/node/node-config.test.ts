import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { FILE_KEYS, LINK_KEYS } from "../../../src/cli/node/config-schema.ts";
import { type NodeOverrides, readNodeConfig } from "../../../src/cli/node/node-config.ts";
import { parseEndpoint } from "../../../src/transport/endpoint.ts";
import { at, put, putHook, read } from "./support.ts";

const LINK = '[[link]]\nendpoint = "/dev/ttyUSB0"\n';
const PAGE = readFileSync("docs/node.md", "utf8");
const EXAMPLE = /^```toml\n([\s\S]*?)^```/m.exec(PAGE)?.[1] ?? "";
/** Each setting in three ways, other than its default. */
const CHANGED = `board = "b"
repository = "r"
socket = "s"
control = "write"
trial-confirm = "socket"
on-boot = ["./boot-hook", "from file"]
on-healed = ["./healed-hook", "from file"]
update = "never"
allow-single = true
eager = true
metrics = "1"
soak = "90s"
ring-time = "2d"
fan-out = 3
`;
const ENV = {
  MAYDAY_BOARD: "eb",
  MAYDAY_REPOSITORY: "er",
  MAYDAY_SOCKET: "es",
  MAYDAY_CONTROL: "read",
  MAYDAY_TRIAL_CONFIRM: "on-boot",
  MAYDAY_ON_BOOT: "true 'from environment'",
  MAYDAY_ON_HEALED: "true healed",
  MAYDAY_UPDATE: "auto",
  MAYDAY_ALLOW_SINGLE: "false",
  MAYDAY_EAGER: "false",
  MAYDAY_METRICS: "2",
  MAYDAY_SOAK: "500ms",
  MAYDAY_RING_TIME: "10m",
  MAYDAY_FAN_OUT: "4",
};
const FLAGS: NodeOverrides = {
  board: "fb",
  repository: "fr",
  socket: "fs",
  control: "write",
  trialConfirm: "socket",
  onBoot: "false 'from flag'",
  onHealed: "false healed",
  update: "never",
  allowSingle: true,
  eager: true,
  metrics: "[::1]:3",
  soak: "1s",
  ringTime: "3h",
  fanOut: "5",
};

beforeAll(() => {
  putHook("boot-hook");
  putHook("healed-hook");
});

describe("the configuration of a node", () => {
  it("is what the example in its documentation says", () => {
    expect(readNodeConfig(put(EXAMPLE), {}, {})).toEqual({
      config: {
        path: at("node.toml"),
        board: at("board"),
        repository: at("images"),
        socket: at("node.sock"),
        control: "read",
        trialConfirm: "on-boot",
        onBoot: [at("boot-hook")],
        onHealed: [at("healed-hook")],
        update: "auto",
        allowSingle: false,
        eager: false,
        locatorOrigins: [],
        soakMs: 0,
        soakResets: 0,
        ringTimeMs: 3_600_000,
        fanOut: 1,
        network: undefined,
        links: [
          { endpoint: parseEndpoint("serial:/dev/ttyUSB0?baud=921600"), linkKey: undefined },
          { endpoint: parseEndpoint("i2c:/dev/i2c-1?address=0x42"), linkKey: at("link.key") },
        ],
        fleet: undefined,
      },
      warnings: [],
    });
  });

  it("has a row for each key in its documentation", () => {
    const table = PAGE.slice(PAGE.indexOf("## Configuration"));
    const rows = [...table.matchAll(/^\| `\[{0,2}([\w-]+)\]{0,2}` \|/gm)].map(([, key]) => key);
    expect(rows).toEqual([...FILE_KEYS, ...LINK_KEYS]);
  });

  it("has defaults for all but the links", () => {
    expect(read(LINK)).toEqual({
      path: at("node.toml"),
      board: undefined,
      repository: undefined,
      socket: undefined,
      control: "read",
      trialConfirm: "on-boot",
      onBoot: undefined,
      onHealed: undefined,
      update: "auto",
      allowSingle: false,
      eager: false,
      locatorOrigins: [],
      soakMs: 0,
      soakResets: 0,
      ringTimeMs: 3_600_000,
      fanOut: 1,
      network: undefined,
      links: [{ endpoint: parseEndpoint("/dev/ttyUSB0"), linkKey: undefined }],
      fleet: undefined,
    });
  });

  it("takes each setting from the file", () => {
    expect(read(CHANGED + LINK)).toMatchObject({
      board: at("b"),
      repository: at("r"),
      socket: at("s"),
      control: "write",
      trialConfirm: "socket",
      onBoot: [at("boot-hook"), "from file"],
      onHealed: [at("healed-hook"), "from file"],
      update: "never",
      allowSingle: true,
      eager: true,
      metrics: { host: "127.0.0.1", port: 1 },
      soakMs: 90_000,
      soakResets: 0,
      ringTimeMs: 172_800_000,
      fanOut: 3,
    });
  });

  it("takes each setting rather from a variable than from the file", () => {
    expect(read(CHANGED + LINK, { env: ENV })).toMatchObject({
      board: resolve("eb"),
      repository: resolve("er"),
      socket: resolve("es"),
      control: "read",
      trialConfirm: "on-boot",
      onBoot: ["true", "from environment"],
      onHealed: ["true", "healed"],
      update: "auto",
      allowSingle: false,
      eager: false,
      metrics: { host: "127.0.0.1", port: 2 },
      soakMs: 500,
      soakResets: 0,
      ringTimeMs: 600_000,
      fanOut: 4,
    });
  });

  it("takes each setting rather from a flag than from a variable", () => {
    expect(read(CHANGED + LINK, { env: ENV, flags: FLAGS })).toMatchObject({
      board: resolve("fb"),
      repository: resolve("fr"),
      socket: resolve("fs"),
      control: "write",
      trialConfirm: "socket",
      onBoot: ["false", "from flag"],
      onHealed: ["false", "healed"],
      update: "never",
      allowSingle: true,
      eager: true,
      metrics: { host: "::1", port: 3 },
      soakMs: 1000,
      soakResets: 0,
      ringTimeMs: 10_800_000,
      fanOut: 5,
    });
  });

  it("takes no setting from an empty variable", () => {
    const env = Object.fromEntries(Object.keys(ENV).map((name) => [name, ""]));
    expect(read(CHANGED + LINK, { env })).toEqual(read(CHANGED + LINK));
  });

  it("has the links of the flags, and none of the file, where flags name some", () => {
    const { links } = read(LINK, { flags: { link: ["tcp:a:1", "tcp:b:1"], linkKey: "k" } });
    expect(links.map(({ endpoint, linkKey }) => [endpoint.text, linkKey])).toEqual([
      ["tcp:a:1", resolve("k")],
      ["tcp:b:1", resolve("k")],
    ]);
    expect(read(LINK, { flags: { link: [] } }).links).toHaveLength(1);
  });

  it("needs no file where flags name a link", () => {
    const { config } = readNodeConfig(undefined, { link: ["/dev/ttyS0"] }, { MAYDAY_SOAK: "1m" });
    expect(config).toMatchObject({ path: undefined, soakMs: 60_000, links: [{ linkKey: undefined }] });
  });

  it("has absolute paths, so that a hook beside the file is not looked up in PATH", () => {
    const path = put(`on-boot = ["./boot-hook"]\n${LINK}`);
    const relative = path.slice(resolve("/").length);
    const { config } = readNodeConfig(`${"../".repeat(40)}${relative}`, {}, {});
    expect(config.onBoot).toEqual([at("boot-hook")]);
    expect(read(`board = "/b"\non-boot = ["true", "./x"]\n${LINK}`)).toMatchObject({
      board: "/b",
      onBoot: ["true", "./x"],
    });
  });

  it.each<[string, string | Uint8Array]>([
    ["line ends of Windows", CHANGED.replaceAll("\n", "\r\n") + LINK],
    ["a byte order mark", `\ufeff${CHANGED}${LINK}`],
    ["no line end at its end", `${CHANGED}${LINK.trimEnd()}`],
    ["links as an array of tables", `${CHANGED}link = [{ endpoint = "/dev/ttyUSB0" }]`],
    ["quoted keys", `${CHANGED.replace("board", '"board"')}${LINK}`],
  ])("is read from a file with %s", (_what, content) => {
    expect(read(content)).toEqual(read(CHANGED + LINK));
  });
});

describe("environment variables that are named like settings", () => {
  it("cause a warning unless they are known, with the one that was probably meant", () => {
    const env = {
      ...ENV,
      MAYDAY_DEBUG: "1",
      MAYDAY_PEER: "0011",
      MAYDAY_SOKA: "1s",
      MAYDAY_ZEBRA: "",
      HOME: "/",
    };
    const { warnings } = readNodeConfig(put(LINK), {}, env);
    expect(warnings).toEqual([
      expect.stringMatching(/MAYDAY_SOKA .*did you mean MAYDAY_SOAK\?$/),
      expect.stringMatching(/MAYDAY_ZEBRA .*ignored$/),
    ]);
  });
});
