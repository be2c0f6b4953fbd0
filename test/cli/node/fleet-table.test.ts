import { describe, expect, it } from "vitest";
import { at, faultOf, read } from "./support.ts";

const LINK = '[[link]]\nendpoint = "/dev/ttyUSB0"\n';
const WHOLE = `${LINK}[fleet]
name = "pumps"
site = "hut-7"
reports = "reports.jsonl"
outbox = "/var/outbox"
broker = "mqtts://broker.example:8883"
ca = "ca.pem"
cert = "site.pem"
key = "site.key"
owner-keys = ["owner.pub", "/etc/second.pub"]
`;

describe("the table [fleet] of a node's configuration", () => {
  it("has absolute paths", () => {
    expect(read(WHOLE).fleet).toEqual({
      name: "pumps",
      site: "hut-7",
      reports: at("reports.jsonl"),
      outbox: "/var/outbox",
      broker: "mqtts://broker.example:8883",
      ca: at("ca.pem"),
      cert: at("site.pem"),
      key: at("site.key"),
      "owner-keys": [at("owner.pub"), "/etc/second.pub"],
    });
  });

  it("needs no broker for a file of reports", () => {
    expect(read(`${LINK}[fleet]\nreports = "r"\n`).fleet).toEqual({ reports: at("r") });
  });

  it.each<[string, string, string, RegExp]>([
    ["a table that does nothing", "", "fleet", /give reports.*or broker/],
    ["a broker for nobody", 'broker = "mqtt://h"', "fleet", /name.*and site/],
    [
      "a name that is two levels",
      'reports = "r"\nname = "a/b"',
      "fleet.name",
      /a name of letters.*found "a\/b"/,
    ],
    ["a name that is a pattern", 'reports = "r"\nsite = "+"', "fleet.site", /found "\+"/],
    [
      "the owner's level as a site",
      'reports = "r"\nsite = "stop"',
      "fleet.site",
      /other than "offers" and "stop"/,
    ],
    ["another kind of broker", 'broker = "http://h"', "fleet.broker", /"mqtts:\/\/HOST:PORT"/],
    ["a password in the address", 'broker = "mqtts://a:b@h"', "fleet.broker", /"mqtts:\/\/HOST:PORT"/],
    ["half a key pair", 'broker = "mqtts://h"\nname = "a"\nsite = "b"\ncert = "c"', "fleet", /together/],
    ["a certificate without TLS", 'broker = "mqtt://h"\nname = "a"\nsite = "b"\nca = "c"', "fleet", /mqtts:/],
    ["one owner key as text", 'reports = "r"\nowner-keys = "x"', "fleet.owner-keys", /a list in brackets/],
    ["a key it does not know", 'reports = "r"\nsites = "x"', "fleet.sites", /did you mean site\?/],
  ])("refuses %s, and says where", (_what, lines, field, message) => {
    const fault = faultOf(`${LINK}[fleet]\n${lines}\n`);
    expect(fault).toMatchObject({ code: "config-invalid", details: { field } });
    expect(fault.message).toMatch(message);
  });

  it("refuses a value that is no table", () => {
    expect(faultOf(`fleet = 5\n${LINK}`).message).toMatch(/expected a table; found 5$/);
  });
});
