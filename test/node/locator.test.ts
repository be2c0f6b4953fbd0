import { describe, expect, it } from "vitest";
import { judgeLocator } from "../../src/node/locator.ts";

const ORIGINS = ["https://images.example.org", "https://10.1.2.3:8443", "http://depot.example"];
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("a locator", () => {
  it.each([
    "https://images.example.org/acme/gate.mdy",
    "https://images.example.org:443/a?version=3",
    "https://10.1.2.3:8443/gate.mdy",
    "http://depot.example/gate.mdy",
    `https://images.example.org/${"a".repeat(613)}`,
  ])("may be used if its origin is allowed: %s", (text) => {
    expect(judgeLocator(bytes(text), ORIGINS)).toEqual({ tag: "usable", url: new URL(text) });
  });

  it.each([
    ["", "0 bytes"],
    [`https://images.example.org/${"a".repeat(614)}`, "641 bytes"],
    ["https://images.example.org.evil.net/a", "origin"],
    ["https://images.example.org:8443/a", "origin"],
    ["http://images.example.org/a", "origin"],
    ["https://evil.net/https://images.example.org/a", "origin"],
    ["https://evil.net\\@images.example.org/a", "origin"],
    ["https://owner:secret@images.example.org/a", "password"],
    ["https://owner@images.example.org/a", "user name"],
    ["https://images.example.org/a#b", "fragment"],
    ["https://images.example.org/a#", "fragment"],
    ["file:///etc/passwd", "no URL of https"],
    ["gate.mdy", "no URL of https"],
    ["https://images.example.org/a\nb", "control"],
    ["https://images.example.org/a b", "white space"],
    ["https://images.example.org/\u202eydm.a", "control"],
    ["\u001b[2Jhttps://images.example.org/a", "control"],
  ])("is not used otherwise: %j", (text, why) => {
    const judged = judgeLocator(bytes(text), ORIGINS);
    expect(judged).toMatchObject({ tag: "unusable", detail: expect.stringContaining(why) });
    // What a neighbour sent is not repeated to a person.
    if (judged.tag === "unusable" && text !== "") expect(judged.detail).not.toContain(text);
  });

  it("is not used if it is not UTF-8, or if no origin is allowed", () => {
    expect(judgeLocator(Uint8Array.of(0x68, 0xff), ORIGINS)).toMatchObject({ tag: "unusable" });
    expect(judgeLocator(bytes("https://images.example.org/a"), [])).toMatchObject({ tag: "unusable" });
  });
});
