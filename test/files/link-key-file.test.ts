import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import {
  LINK_KEY_MAX,
  LINK_KEY_MIN,
  readLinkKey,
  writeFreshLinkKey,
  writeLinkKey,
} from "../../src/files/link-key-file.ts";

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
const latin1 = (text: string): string => toHex(Buffer.from(text, "latin1"));

describe("a link key file", () => {
  it.each([
    ["32 digits", digits, digits.toLowerCase()],
    ["digits with white space around", `  ${digits}\r\n`, digits.toLowerCase()],
    ["an odd number of digits is bytes", `${digits}0`, latin1(`${digits}0`)],
    ["fewer than 32 digits are bytes", digits.slice(2), latin1(digits.slice(2))],
    ["a passphrase, its line end with it", "correct horse battery\n", latin1("correct horse battery\n")],
    ["digits with white space within are bytes", `${digits} ${digits}`, latin1(`${digits} ${digits}`)],
  ])("%s", (_name, content, key) => {
    expect(keyOf(content)).toBe(key);
  });

  it("has 16 to 1024 bytes, as hexadecimal or raw", () => {
    for (const length of [LINK_KEY_MIN, LINK_KEY_MAX]) {
      const key = new Uint8Array(length).fill(0xfe);
      expect(keyOf(key)).toBe(toHex(key));
      expect(keyOf(`${toHex(key)}\n`)).toBe(toHex(key));
    }
    for (const length of [0, LINK_KEY_MIN - 1, LINK_KEY_MAX + 1, 10_000])
      expect(keyOf(new Uint8Array(length).fill(0xfe))).toBe("link-key-length");
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
