import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { afterAll, describe, expect, it } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import {
  LINK_KEY_MAX,
  LINK_KEY_MIN,
  readLinkKey,
  writeFreshLinkKey,
  writeLinkKey,
} from "../../src/files/link-key-file.ts";
import { notRandom } from "../../src/files/random-bytes.ts";

const dir = mkdtempSync(join(tmpdir(), "mayday-link-key-"));
afterAll(() => rmSync(dir, { recursive: true }));

let files = 0;
/** What is read of a file with this content; the code of the error when it is refused. */
function read(content: string | Uint8Array, mode = 0o600): { key: string; warnings: number } | string {
  const path = join(dir, `key-${files++}`);
  writeFileSync(path, content);
  chmodSync(path, mode);
  let warnings = 0;
  try {
    const key = toHex(
      readLinkKey(path, () => {
        warnings++;
      }),
    );
    return { key, warnings };
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const digits = "00112233445566778899aabbccddeeFF";
const keyOf = (content: string | Uint8Array): string => {
  const result = read(content);
  return typeof result === "string" ? result : result.key;
};

describe("a link key file", () => {
  it.each([
    ["32 digits", digits],
    ["digits with a line end", `${digits}\n`],
    ["digits with a line end of Windows", `${digits}\r\n`],
    ["digits with white space around", `  \t${digits}\r\n\n`],
    ["64 digits, as openssl rand -hex 32 makes them", `${digits}${digits}\n`],
    ["2048 digits", digits.repeat(64)],
  ])("may hold %s", (_name, content) => {
    expect(keyOf(content)).toBe(content.trim().toLowerCase());
  });

  it.each([
    ["an odd number of digits", `${digits}0`, "link-key-length"],
    ["an odd number of digits and a line end", `${digits}0\n`, "link-key-length"],
    ["fewer than 32 digits", digits.slice(2), "link-key-length"],
    ["16 digits, which could be 16 bytes", digits.slice(16), "link-key-length"],
    ["more than 2048 digits", `${digits.repeat(64)}00`, "link-key-length"],
    ["digits after 0x", `0x${digits}`, "link-key-text"],
    ["digits with white space within", `${digits} ${digits}`, "link-key-text"],
    ["digits in lines", `${digits}\n${digits}\n`, "link-key-text"],
    ["digits with colons", digits.replace(/..(?!$)/g, "$&:"), "link-key-text"],
    ["digits with a word after them", `${digits} link.key\n`, "link-key-text"],
    ["digits in quotes", `"${digits}"`, "link-key-text"],
    ["digits with a letter among them", `${digits.slice(1)}g`, "link-key-text"],
    ["digits after a byte order mark", `\ufeff${digits}\n`, "link-key-text"],
    ["digits after a space that is none of ASCII", `\u00a0${digits}`, "link-key-text"],
    ["digits that end in NUL", `${digits}\0`, "link-key-pattern"],
    [
      "digits in UTF-16, as PowerShell redirects them",
      Buffer.from(`\ufeff${digits}`, "utf16le"),
      "link-key-text",
    ],
    ["digits in UTF-16 without a mark", Buffer.from(digits, "utf16le"), "link-key-text"],
    ["digits in UTF-16 of the other order", Buffer.from(digits, "utf16le").swap16(), "link-key-text"],
    ["base64", `${Buffer.from(digits).toString("base64")}\n`, "link-key-text"],
    ["a pass phrase", "correct horse battery\n", "link-key-text"],
    ["a pass phrase of 16 bytes", "correcthorsebatt", "link-key-text"],
    ["a pass phrase in UTF-8", "Zwölf Boxkämpfer jagen Viktor", "link-key-text"],
    ["a pass phrase in Latin-1", Buffer.from("Zwölf Boxkämpfer jagen Viktor", "latin1"), "link-key-text"],
    ["a pass phrase in Chinese", "正确的马电池订书钉", "link-key-text"],
    [
      "a pass phrase in Chinese in UTF-16",
      Buffer.from("\ufeff正确的马电池订书钉", "utf16le"),
      "link-key-text",
    ],
    ["a pass phrase of symbols", "🐎🔋📎✅🐎🔋", "link-key-text"],
    ["a UUID", "123e4567-e89b-12d3-a456-426614174000", "link-key-text"],
    ["JSON", '{"key": "00112233445566778899aabbccddeeff"}', "link-key-text"],
    ["an SSH key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF", "link-key-text"],
    ["blank lines", "\n".repeat(32), "link-key-text"],
    ["33 times the same byte", new Uint8Array(33).fill(0xfe), "link-key-pattern"],
    ["32 times the same byte", new Uint8Array(32).fill(0xfe), "link-key-text"],
    ["zeros", new Uint8Array(16), "link-key-text"],
    ["two bytes in turn", Uint8Array.from({ length: 32 }, (_, i) => 0x81 + (i % 2)), "link-key-text"],
    ["a few bytes in turn", Uint8Array.from({ length: 64 }, (_, i) => 0x81 + (i % 7)), "link-key-pattern"],
    [
      "a pass phrase and zeros up to 32 bytes",
      Buffer.concat([Buffer.from("correct horse"), Buffer.alloc(19)]),
      "link-key-text",
    ],
  ])("is refused with %s", (_name, content, code) => {
    expect(read(content)).toBe(code);
  });

  it("that is refused says how to make a key, and nothing of what it holds", () => {
    for (const content of [
      "correct horse battery staple",
      `${digits}0`,
      "shorter",
      new Uint8Array(40).fill(0x99),
    ]) {
      const path = join(dir, "refused");
      writeFileSync(path, content, { mode: 0o600 });
      let message = "";
      try {
        readLinkKey(path);
      } catch (error) {
        message = (error as Error).message;
      }
      expect(message).toContain(path);
      expect(message).toContain("openssl rand -hex 32 > link.key");
      expect(message).toMatch(/\d+ (?:bytes|hexadecimal digits)/);
      for (const word of ["correct", "horse", digits.slice(0, 8), "shorter"])
        expect(message).not.toContain(word);
    }
  });

  it("has 16 to 1024 bytes, as hexadecimal or raw", () => {
    for (const length of [LINK_KEY_MIN, LINK_KEY_MAX]) {
      const key = randomBytes(new SeededRandom(length), length);
      expect(keyOf(key)).toBe(toHex(key));
      expect(keyOf(`${toHex(key)}\n`)).toBe(toHex(key));
    }
    for (const length of [0, LINK_KEY_MIN - 1, LINK_KEY_MAX + 1, 10_000]) {
      const key = randomBytes(new SeededRandom(length), length);
      expect(keyOf(key)).toBe("link-key-length");
    }
    expect(keyOf(toHex(new Uint8Array(LINK_KEY_MAX + 1)))).toBe("link-key-length");
  });

  it("gives a warning when other users may read it, and only then", () => {
    expect(read(digits, 0o600)).toMatchObject({ warnings: 0 });
    expect(read(digits, 0o644)).toMatchObject({ warnings: 1 });
  });

  it("reads as it was written, also when its bytes look like digits", () => {
    for (const [i, key] of [Buffer.from(digits), Buffer.alloc(LINK_KEY_MAX, 7), Buffer.alloc(16)].entries()) {
      const path = join(dir, `written-${i}`);
      writeLinkKey(path, key);
      expect(toHex(readLinkKey(path))).toBe(toHex(key));
    }
  });

  it("may not be a folder, a signing key or missing", () => {
    const pem = join(dir, "signing.pem");
    writeFileSync(pem, "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n", { mode: 0o600 });
    writeFileSync(join(dir, "short"), "short", { mode: 0o600 });
    writeFileSync(join(dir, "long"), new Uint8Array(10_000), { mode: 0o600 });
    symlinkSync("circle", join(dir, "circle"));
    const refused: readonly (readonly [string, string, object])[] = [
      ["signing.pem", "link-key-is-pem", {}],
      ["short", "link-key-length", { length: 5 }],
      ["long", "link-key-length", { length: 10_000 }],
      [".", "link-key-not-file", {}],
      ["none", "link-key-missing", {}],
      ["short/none", "link-key-missing", {}],
      ["circle", "link-key-unreadable", {}],
    ];
    for (const [name, code, details] of refused) {
      const path = `${dir}/${name}`;
      const error = expect.objectContaining({ code, details: { path, ...details } });
      expect(() => readLinkKey(path), name).toThrow(error);
    }
  });

  it("is made of 32 new random bytes", () => {
    const keys = ["one", "other"].map((name) => {
      writeFreshLinkKey(join(dir, name));
      return readLinkKey(join(dir, name));
    });
    expect(keys.map(({ length }) => length)).toEqual([32, 32]);
    expect(keys[0]).not.toEqual(keys[1]);
  });
});

describe("a file of bytes", () => {
  it("is a key, byte for byte, when it was drawn at random, but for a few in ten thousand", () => {
    const random = new SeededRandom(17);
    for (const [length, count] of [
      [16, 20_000],
      [32, 20_000],
      [33, 5_000],
      [1024, 500],
    ] as const) {
      const refused = Array.from({ length: count }, () => notRandom(randomBytes(random, length))).filter(
        (fault) => fault !== undefined,
      );
      expect([length, refused.length / count < 0.001]).toEqual([length, true]);
    }
  });

  test.prop([fc.string({ unit: "grapheme", minLength: 16, maxLength: 200 })])(
    "is no key when it is any text of 16 characters or more in UTF-8, but for hexadecimal digits",
    (text) => {
      const isHex = /^\s*[0-9a-fA-F]+\s*$/.test(text);
      fc.pre(!isHex && Buffer.byteLength(text) <= LINK_KEY_MAX);
      expect(read(text)).toBe("link-key-text");
    },
  );

  test.prop([
    fc.array(fc.constantFrom("correct", "horse", "Kämpfer", "schön", "é", "42", "!"), {
      minLength: 8,
      maxLength: 60,
    }),
  ])("is no key when it is a pass phrase in Latin-1 or UTF-16", (words) => {
    const text = `pass ${words.join(" ")}`;
    // Words that repeat few values are refused for that.
    const reasons = ["link-key-text", "link-key-pattern"];
    expect(reasons).toContain(read(Buffer.from(text, "latin1")));
    expect(reasons).toContain(read(Buffer.from(text, "utf16le")));
  });

  test.prop([
    fc.uint8Array({ minLength: LINK_KEY_MIN, maxLength: LINK_KEY_MAX }),
    fc.constantFrom("", "\n", "\r\n", " \n"),
  ])("is read from its hexadecimal digits whatever its bytes are", (key, end) => {
    expect(read(toHex(key) + end)).toEqual({ key: toHex(key), warnings: 0 });
    expect(read(toHex(key).toUpperCase() + end)).toEqual({ key: toHex(key), warnings: 0 });
  });
});
