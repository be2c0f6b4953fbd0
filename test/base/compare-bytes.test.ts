import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { compareBytes } from "../../src/base/bytes.ts";

describe("compareBytes", () => {
  const bytes = fc.uint8Array({ maxLength: 4 });
  test.prop([bytes, bytes])("orders bytes as Node's Buffer.compare does", (a, b) => {
    expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
    expect(compareBytes(a, a.slice())).toBe(0);
  });
});
