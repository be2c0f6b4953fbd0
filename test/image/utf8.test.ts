import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { decodeUtf8, encodeUtf8 } from "../../src/image/utf8.ts";
import { unhex } from "./support.ts";

describe("UTF-8", () => {
  test.prop([fc.string({ unit: "binary" })])("decodes to the text that was encoded", (text) => {
    expect(encodeUtf8(text)).toEqual(Uint8Array.from(Buffer.from(text, "utf8")));
    expect(decodeUtf8(encodeUtf8(text))).toBe(text);
  });

  it("keeps a byte order mark, at the start too, and a replacement character that was encoded", () => {
    expect(decodeUtf8(unhex("efbbbf41efbbbf"))).toBe("\ufeffA\ufeff");
    expect(decodeUtf8(unhex("efbfbd"))).toBe("\ufffd");
  });

  it.each([
    ["a lone continuation byte", "80"],
    ["a sequence that is cut off", "c3"],
    ["an overlong encoding", "c080"],
    ["half a surrogate pair", "eda080"],
    ["a code point above U+10FFFF", "f4908080"],
  ])("is not %s", (_, bytes) => {
    expect(decodeUtf8(unhex(bytes))).toBeUndefined();
  });

  test.prop([fc.uint8Array({ maxLength: 8 })])(
    "accepts the bytes that Node accepts, and no others",
    (bytes) => {
      const text = Buffer.from(bytes).toString("utf8");
      const isUtf8 = Buffer.from(text, "utf8").equals(bytes);
      expect(decodeUtf8(bytes)).toBe(isUtf8 ? text : undefined);
    },
  );
});
