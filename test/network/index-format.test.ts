import { test } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { trustedKeyOf } from "../../src/image/keys.ts";
import { encodeUtf8 } from "../../src/image/utf8.ts";
import {
  encodeIndex,
  type IndexEntry,
  type IndexFault,
  imagePath,
  type ReadIndex,
  type RepositoryIndex,
  readIndex,
} from "../../src/network/index-format.ts";
import { fixedKey } from "../support/fixed-keys.ts";

const OWNER = fixedKey(1);
const OTHER = fixedKey(2);
const TRUST = { keys: [trustedKeyOf(OWNER, ["app"])] };
const NOBODY = { keys: [] };
const DIGEST = "ab".repeat(32);

function entry(digest = DIGEST, changes: Partial<IndexEntry> = {}): IndexEntry {
  return {
    vendor: "acme",
    hardwareClass: "widget",
    revisionMin: 0,
    revisionMax: 65_535,
    sequence: 4_295_032_832,
    version: { major: 1, minor: 1, patch: 0 },
    counter: 2,
    role: "app",
    digest,
    size: 40_560,
    url: imagePath(digest),
    ...changes,
  };
}

const INDEX: RepositoryIndex = { counter: 7, pruned: 3, images: [entry(), entry("cd".repeat(32))] };
const TEXT = encodeIndex(INDEX, OWNER);

function read(text: string, trust = TRUST): ReadIndex | IndexFault {
  return readIndex(encodeUtf8(text), trust);
}

const codeOf = (text: string, trust = TRUST): string => {
  const found = read(text, trust);
  return found.tag === "fault" ? found.code : found.tag;
};

describe("an index", () => {
  it("has a text that is frozen", () => {
    expect(encodeIndex({ ...INDEX, images: [entry()] })).toBe(
      `{"mayday":"index","format":1,"counter":7,"pruned":3,"images":[
{"hardware":"acme/widget","revisions":[0,65535],"sequence":4295032832,"version":"1.1.0","counter":2,"role":"app","digest":"${DIGEST}","size":40560,"url":"sha256/${DIGEST}.mdy"}
],
"unsigned":true}
`,
    );
    expect(encodeIndex({ counter: 0, pruned: 0, images: [] })).toBe(
      '{"mayday":"index","format":1,"counter":0,"pruned":0,"images":[\n],\n"unsigned":true}\n',
    );
    // Ed25519 has one signature for a key and a message.
    expect(TEXT.slice(TEXT.lastIndexOf('"key"'))).toMatch(
      new RegExp(`^"key":"${toHex(OWNER.keyId)}","signature":"[A-Za-z0-9+/]{86}=="\\}\n$`),
    );
    expect(encodeIndex(INDEX, OWNER)).toBe(TEXT);
    expect(() => JSON.parse(TEXT)).not.toThrow();
  });

  it("is read as it was written, and names who signed it", () => {
    expect(read(TEXT)).toMatchObject({ tag: "index", index: INDEX, keyId: OWNER.keyId });
    expect(read(encodeIndex(INDEX), NOBODY)).toMatchObject({ tag: "index", index: INDEX, keyId: undefined });
  });

  it("has the same digest, no matter who signed it, and another one with each change", () => {
    const digestOf = (index: RepositoryIndex, key = OWNER): string => {
      const found = read(encodeIndex(index, key), NOBODY);
      return found.tag === "index" ? toHex(found.digest) : "";
    };
    expect(digestOf(INDEX, OTHER)).toBe(digestOf(INDEX));
    expect(digestOf({ ...INDEX, counter: 8 })).not.toBe(digestOf(INDEX));
    expect(digestOf({ ...INDEX, images: [entry()] })).not.toBe(digestOf(INDEX));
  });

  it("is refused by who trusts keys when it is not signed, or by another key, or when a character changed", () => {
    expect(codeOf(encodeIndex(INDEX))).toBe("index-unsigned");
    expect(codeOf(encodeIndex(INDEX, OTHER))).toBe("index-signature");
    expect(codeOf(TEXT.replace('"counter":7', '"counter":8'))).toBe("index-signature");
    expect(codeOf(TEXT.replace(toHex(OWNER.keyId), toHex(OTHER.keyId)))).toBe("index-signature");
    const other = encodeIndex({ ...INDEX, counter: 9 }, OWNER);
    const swapped = TEXT.slice(0, TEXT.lastIndexOf('"key"')) + other.slice(other.lastIndexOf('"key"'));
    expect(codeOf(swapped)).toBe("index-signature");
  });

  it("is damaged wherever it is cut off", () => {
    for (let length = 0; length < TEXT.length; length += 7)
      expect(codeOf(TEXT.slice(0, length), NOBODY), String(length)).toBe("index-damaged");
    expect(codeOf(`${TEXT}\n`, NOBODY)).toBe("index-damaged");
    expect(codeOf("", NOBODY)).toBe("index-damaged");
  });

  it.each<[string, (text: string) => string]>([
    ["a key that stands twice", (text) => text.replace('"counter":7', '"counter":9,"counter":7')],
    ["a key that is not known", (text) => text.replace('"counter":7', '"counter":7,"x":1')],
    ["spaces", (text) => text.replace('"counter":7', '"counter": 7')],
    ["a counter that is no whole number", (text) => text.replace('"counter":7', '"counter":7.5')],
    ["a counter that is too large", (text) => text.replace('"counter":7', '"counter":4294967296')],
    ["a prune that is to come", (text) => text.replace('"pruned":3', '"pruned":8')],
    ["an image twice", (text) => text.replaceAll("cd".repeat(32), DIGEST)],
    ["a digest of capitals", (text) => text.replaceAll(DIGEST, DIGEST.toUpperCase())],
    ["a size of nothing", (text) => text.replace('"size":40560', '"size":0')],
    ["a name with a control character", (text) => text.replace("acme/widget", "acme/wid\\u0007get")],
    ["a name with two slashes", (text) => text.replace("acme/widget", "acme/wid/get")],
    ["revisions from high to low", (text) => text.replace("[0,65535]", "[9,8]")],
    [
      "an array of its entries",
      (text) => text.replace('{"hardware"', '[{"hardware"').replace("}\n]", "}]\n]"),
    ],
  ])("with %s is damaged", (_what, change) => {
    const text = encodeIndex(INDEX);
    expect(change(text)).not.toBe(text);
    expect(codeOf(change(text), NOBODY)).toBe("index-damaged");
  });

  it.each([
    "https://evil.example/x.mdy",
    "//evil.example/x.mdy",
    "/x.mdy",
    "../x.mdy",
    "sha256/../../x.mdy",
    "sha256/..",
    "./x",
    "sha256//x",
    "sha256/x?y",
    "sha256/x#y",
    "sha256/%2e%2e/x",
    "sha256\\\\x",
    "",
    "a".repeat(201),
  ])("with the path %s of an image is damaged", (url) => {
    expect(codeOf(encodeIndex({ ...INDEX, images: [entry(DIGEST, { url })] }), NOBODY)).toBe("index-damaged");
  });

  it("of another format is named so", () => {
    expect(codeOf(encodeIndex(INDEX).replace('"format":1', '"format":2'), NOBODY)).toBe("index-format");
  });

  it("has limits of images and bytes", () => {
    const many = (count: number): RepositoryIndex => {
      const images = Array.from({ length: count }, (_, i) => entry(i.toString(16).padStart(64, "0")));
      return { ...INDEX, images };
    };
    expect(codeOf(encodeIndex(many(4096), OWNER))).toBe("index");
    expect(codeOf(encodeIndex(many(4097), OWNER))).toBe("index-damaged");
    expect(read(" ".repeat(2_097_153))).toMatchObject({ code: "index-damaged" });
  });

  it("that is deeply nested is damaged, and no exception", () => {
    expect(codeOf(`${"[".repeat(1_000_000)}\n"unsigned":true}\n`, NOBODY)).toBe("index-damaged");
  });

  test.prop([fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 })])(
    "never throws, and with any change is no index of its signer",
    (changes) => {
      const bytes = encodeUtf8(TEXT);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      const found = readIndex(bytes, TRUST);
      if (found.tag === "index") expect(toHex(bytes)).toBe(toHex(encodeUtf8(TEXT)));
    },
  );
});
