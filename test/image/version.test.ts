import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { compareOrder, packVersion } from "../../src/base/order.ts";
import {
  formatHardware,
  hardwareId,
  nameFault,
  parseHardware,
  parseRevisionRange,
} from "../../src/image/hardware.ts";
import { formatVersion, parseVersion } from "../../src/image/version.ts";
import { manifestVectors, unhex } from "./support.ts";

describe("versions", () => {
  it.each([
    ["1.2.3", { major: 1, minor: 2, patch: 3 }],
    ["v0.0.0", { major: 0, minor: 0, patch: 0 }],
    ["65535.65535.65535", { major: 65535, minor: 65535, patch: 65535 }],
  ])("reads %s", (text, version) => {
    expect(parseVersion(text)).toEqual(version);
  });

  it.each([
    "",
    "1",
    "1.2",
    "1.2.3.4",
    "1.2.65536",
    "01.2.3",
    "1.2.3-rc1",
    "-1.2.3",
    " 1.2.3",
    "1.2.3\n",
    "V1.2.3",
  ])("does not read %j", (text) => {
    expect(parseVersion(text)).toBeUndefined();
  });

  it("packs the largest version into 48 bits", () => {
    expect(packVersion({ major: 65535, minor: 65535, patch: 65535 })).toBe(2 ** 48 - 1);
  });

  it("orders by sequence before version", () => {
    const old = { sequence: 1, version: { major: 9, minor: 0, patch: 0 } };
    const recent = { sequence: 2, version: { major: 1, minor: 0, patch: 0 } };
    expect(compareOrder(old, recent)).toBeLessThan(0);
    expect(compareOrder({ ...old, sequence: 2 }, recent)).toBeGreaterThan(0);
    expect(compareOrder(old, { ...old })).toBe(0);
  });

  const part = fc.nat(65535);
  test.prop([part, part, part])("survives writing and reading", (major, minor, patch) => {
    expect(parseVersion(formatVersion({ major, minor, patch }))).toEqual({ major, minor, patch });
  });
});

describe("hardware and its revisions", () => {
  it("are read back as they were written", () => {
    expect(parseHardware("acme/pump-7")).toEqual({ vendor: "acme", hardwareClass: "pump-7" });
    expect(parseHardware("pump-7")).toEqual({ vendor: "generic", hardwareClass: "pump-7" });
    expect(formatHardware({ vendor: "acme", hardwareClass: "pump-7" })).toBe("acme/pump-7");
    for (const text of ["", "/", "acme/", "/pump", "a/b/c"])
      expect(parseHardware(text), text).toBeUndefined();
  });

  it.each([
    ["0", 0, 0],
    ["12345", 12_345, 12_345],
    ["65535", 65_535, 65_535],
    ["0-65535", 0, 65_535],
    ["12-345", 12, 345],
    ["7-7", 7, 7],
  ])("takes %s", (text, revisionMin, revisionMax) => {
    expect(parseRevisionRange(text)).toEqual({ revisionMin, revisionMax });
  });

  it.each(["", "-", "1-", "-1", "65536", "0-65536", "8-7", "1-2-3", "x1", "1x", "123456", "1-123456"])(
    "does not read %j",
    (text) => {
      expect(parseRevisionRange(text)).toBeUndefined();
    },
  );
});

describe("hardware ids", () => {
  it.each(manifestVectors.manifests)(
    "are the frozen ones: $hardwareId",
    ({ fields, hardwareId: expected }) => {
      expect(hardwareId(fields.vendor, fields.hardwareClass)).toEqual(unhex(expected));
    },
  );

  it("have the vendor generic when none is given", () => {
    expect(parseHardware("pi4")).toEqual({ vendor: "generic", hardwareClass: "pi4" });
    expect(formatHardware({ vendor: "acme", hardwareClass: "pi4" })).toBe("acme/pi4");
  });

  it.each([
    "",
    "/",
    "a/",
    "/b",
    "a/b/c",
    "a/b\n",
    "a\u001b[1m/b",
    "a/\u202eb",
    "a/\ud800",
    "a/ b",
    "a/b\u00a0",
    "x".repeat(33),
  ])("refuse the text %j", (text) => {
    expect(parseHardware(text)).toBeUndefined();
  });

  it("in a manifest may end with any white space but a space", () => {
    expect(nameFault("a ")).toMatch(/a space/);
    expect(nameFault(" a")).toMatch(/a space/);
    expect(nameFault("a\u00a0")).toBeUndefined();
  });

  it("count UTF-8 bytes, not characters", () => {
    expect(nameFault("ä".repeat(16))).toBeUndefined();
    expect(nameFault("ä".repeat(17))).toMatch(/34 bytes/);
  });

  it("read revision ranges", () => {
    expect(parseRevisionRange("2-7")).toEqual({ revisionMin: 2, revisionMax: 7 });
    expect(parseRevisionRange("0")).toEqual({ revisionMin: 0, revisionMax: 0 });
    for (const text of ["", "7-2", "0-65536", "-1", "1-", "a", "1-2-3"]) {
      expect(parseRevisionRange(text), text).toBeUndefined();
    }
  });
});
