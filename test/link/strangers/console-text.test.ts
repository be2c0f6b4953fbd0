import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { concatBytes } from "../../../src/base/bytes.ts";
import { randomBytes, SeededRandom } from "../../../src/base/prng.ts";
import { consoleText } from "../../../src/link/strangers/console-text.ts";

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
const KERNEL = "[    0.000000] Linux version 6.6.31 (oe-user@oe-host)\r\n";

describe("console text", () => {
  it.each([
    ["a kernel message", KERNEL],
    ["a prompt", "\n=> "],
    ["a boot log with colours", "ok \tGRUB 2.06\r\n"],
  ])("finds %s of four characters or more", (_name, text) => {
    expect(consoleText(ascii(text))).toBe(text);
  });

  it("finds a message spliced into a damaged frame", () => {
    const noise = Uint8Array.from({ length: 400 }, (_, i) => 0x80 + (i % 0x80));
    expect(consoleText(concatBytes(noise, ascii(KERNEL), noise))).toBe(KERNEL);
  });

  it("drops control bytes between stretches, and stretches too short", () => {
    expect(consoleText(ascii("boot\x1bing now\x07ok\x01"))).toBe("booting now");
  });

  it("counts a stretch of 16 in noise, and not one of 15", () => {
    const noise = new Uint8Array(100).fill(0x80);
    expect(consoleText(concatBytes(noise, ascii("0123456789abcdef"), noise))).toBe("0123456789abcdef");
    expect(consoleText(concatBytes(noise, ascii("0123456789abcde"), noise))).toBe("");
  });

  it("counts short stretches when four bytes in five are printable, and not below", () => {
    expect(consoleText(ascii("abcdefgh\x80\x80"))).toBe("abcdefgh");
    expect(consoleText(ascii("abcdefgh\x80\x80\x80"))).toBe("");
  });

  it("is empty for nothing", () => {
    expect(consoleText(new Uint8Array(0))).toBe("");
  });

  it("finds nothing in 99.9 % of damaged frames of 1 KiB", () => {
    const random = new SeededRandom(1);
    let found = 0;
    for (let i = 0; i < 4000; i++) if (consoleText(randomBytes(random, 1024)) !== "") found++;
    expect(found).toBeLessThanOrEqual(4);
  });

  property.prop([fc.uint8Array({ maxLength: 3000 })])("is always printable, and never throws", (run) => {
    expect(consoleText(run)).toMatch(/^[\t\n\r -~]*$/);
  });
});
