import { describe, expect, it } from "vitest";
import { faultOf, read } from "./support.ts";

const LINK = '[[link]]\nendpoint = "/dev/ttyUSB0"\n';

describe("the table [locator] of a node's configuration", () => {
  it("names the origins from which the board may fetch", () => {
    const origins = '["https://images.example.org/", "http://10.0.0.7:8080"]';
    expect(read(`${LINK}[locator]\norigins = ${origins}\n`).locatorOrigins).toEqual([
      "https://images.example.org",
      "http://10.0.0.7:8080",
    ]);
  });

  it.each<[string, string, string, RegExp]>([
    ["more than an origin", 'origins = ["https://h/folder"]', "locator.origins[0]", /give https:\/\/h/],
    ["another scheme", 'origins = ["ftp://h"]', "locator.origins[0]", /http/],
    ["one as text", 'origins = "https://h"', "locator.origins", /a list in brackets/],
    ["a table without any", "", "locator.origins", /with origins = in it/],
    ["a key it does not know", 'origins = []\norigin = "x"', "locator.origin", /did you mean origins\?/],
  ])("refuses %s, and says where", (_what, lines, field, message) => {
    const fault = faultOf(`${LINK}[locator]\n${lines}\n`);
    expect(fault).toMatchObject({ code: "config-invalid", details: { field } });
    expect(fault.message).toMatch(message);
  });
});
