import { describe, expect, it } from "vitest";
import { MaydayError } from "../../../src/base/errors.ts";
import { parseNetworkRange } from "../../../src/network/address-guard.ts";
import { at, read } from "./support.ts";

const REST = '[[link]]\nendpoint = "/dev/ttyUSB0"\n';
const INDEX = 'index = "https://images.example.org/acme/index.json"\n';

/** The message of the error that a configuration causes. */
function faultOf(text: string): string {
  try {
    read(text);
  } catch (error) {
    if (error instanceof MaydayError && error.code === "config-invalid") return error.message;
    throw error;
  }
  throw new Error("no fault");
}

describe("[network] of a node's configuration", () => {
  it("has each of its settings, with absolute paths", () => {
    const text = `repository = "images"
[network]
${INDEX}trust = ["owner.pub"]
allow-unsigned = false
ca = "ca.pem"
cert = "site.pem"
cert-key = "site.key"
budget = "50M"
poll = "2h"
allow-addresses = ["192.168.7.0/24", "::1"]
hardware = ["acme/widget", "lamp"]
`;
    expect(read(text + REST).network).toEqual({
      index: new URL("https://images.example.org/acme/"),
      trust: [at("owner.pub")],
      "allow-unsigned": false,
      ca: at("ca.pem"),
      cert: at("site.pem"),
      "cert-key": at("site.key"),
      budget: 50 * 1_048_576,
      poll: 7_200_000,
      "allow-addresses": ["192.168.7.0/24", "::1"].map(parseNetworkRange),
      hardware: [
        { vendor: "acme", hardwareClass: "widget" },
        { vendor: "generic", hardwareClass: "lamp" },
      ],
    });
  });

  it("takes the keys of the board where it names none", () => {
    expect(read(`board = "b"\nrepository = "r"\n[network]\n${INDEX}${REST}`).network?.trust).toBeUndefined();
  });

  const FAULTS: readonly (readonly [what: string, text: string, line: number, message: RegExp])[] = [
    [
      "no index",
      '[network]\ntrust = ["a"]\n',
      1,
      /network\.index: expected a table, with index = in it; found nothing/,
    ],
    ["no folder", `[network]\n${INDEX}trust = ["a"]\n`, 2, /there is no repository/],
    ["no key", `repository = "r"\n[network]\n${INDEX}`, 3, /no key says which images are right/],
    ["a key that is not known", `[network]\n${INDEX}pol = "1h"\n`, 3, /unknown key; did you mean poll/],
    ["a key of the node", `[network]\n${INDEX}soak = "1h"\n`, 3, /it belongs above the first table/],
    ["a key of a link", `[network]\n${INDEX}endpoint = "x"\n`, 3, /it belongs below \[\[link\]\]/],
    ["a key that stands too high", `poll = "1h"\n[network]\n${INDEX}`, 1, /it belongs below \[network\]/],
    ["two tables", `[[network]]\n${INDEX}`, 1, /expected a table/],
    ["a URL of another kind", '[network]\nindex = "ftp://a/"\n', 2, /no URL of http or https/],
    ["a password in a URL", '[network]\nindex = "https://me:pw@a/"\n', 2, /user name or a password/],
    ["a budget without a size", `[network]\n${INDEX}budget = "much"\n`, 3, /not a size/],
    [
      "a range of no addresses",
      `[network]\n${INDEX}allow-addresses = ["here"]\n`,
      3,
      /no range of IP addresses/,
    ],
    [
      "half of a pair",
      `repository = "r"\n[network]\n${INDEX}trust = ["a"]\ncert = "c"\n`,
      5,
      /belong together/,
    ],
    ["a poll of each second", `[network]\n${INDEX}poll = "1s"\n`, 3, /at least "10s"/],
  ];

  it.each(FAULTS)("with %s is refused, with its line", (_what, text, line, message) => {
    const fault = faultOf(text + REST);
    expect(fault).toMatch(message);
    expect(fault).toContain(`:${line}:`);
  });
});
