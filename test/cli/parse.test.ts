import { describe, expect, test } from "vitest";
import {
  collectLinks,
  collectTrust,
  countParser,
  parseHardwareFlag,
  parsePair,
  parseProbability,
  parseRevisionsFlag,
  parseSeconds,
  parseSize,
  parseSlot,
  parseVersionFlag,
} from "../../src/cli/parse.ts";
import { codeOf } from "../support/recorder.ts";

describe("sizes", () => {
  test.each([
    ["1", 1],
    ["1048576", 1_048_576],
    ["64K", 65_536],
    ["64k", 65_536],
    ["4M", 4_194_304],
    ["4MiB", 4_194_304],
    ["1G", 1_073_741_824],
    ["0x1000", 4096],
  ])("%s is %d bytes", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(["", "0", "0K", "-1", "4.5M", "4T", "M", "0x", "64 K", "1e6", "999999999999999G", "NaN"])(
    '"%s" is refused',
    async (text) => {
      expect(await codeOf(() => parseSize(text))).toBe("bad-size");
    },
  );
});

describe("times", () => {
  test("are given in seconds, with fractions, and become milliseconds", () => {
    expect(parseSeconds("1.5")).toBe(1500);
    expect(parseSeconds("60")).toBe(60_000);
  });

  test.each(["0", "-1", "", "soon", "1s", "Infinity", "2000001", "0x10"])('"%s" is refused', async (text) => {
    expect(await codeOf(() => parseSeconds(text))).toBe("bad-seconds");
  });
});

describe("numbers", () => {
  test("of things are decimal or 0x, from their lower to their upper limit", () => {
    const parse = countParser("a revision", 0, 65_535);
    expect(["0", "65535", "0xffff"].map(parse)).toEqual([0, 65_535, 65_535]);
  });

  test.each(["65536", "-1", "1.0", "", "1e3", " 1"])('the count "%s" is refused', async (text) => {
    expect(await codeOf(() => countParser("a revision", 0, 65_535)(text))).toBe("bad-number");
  });

  test("of probabilities may have exponents, and are 0 to 1", () => {
    expect(["0", "1", "1e-4", ".5"].map(parseProbability)).toEqual([0, 1, 1e-4, 0.5]);
  });

  test.each(["1.1", "-0.1", "x", ""])('the probability "%s" is refused', async (text) => {
    expect(await codeOf(() => parseProbability(text))).toBe("bad-probability");
  });

  test("come in pairs of two where a flag takes a pair", async () => {
    expect(parsePair("1,0.5", "a cut T,DUR")).toEqual([1, 0.5]);
    for (const text of ["1", "1,2,3", "1,", "a,b", ""]) {
      expect(await codeOf(() => parsePair(text, "a cut T,DUR"))).toBe("bad-pair");
    }
  });
});

describe("names", () => {
  test("of hardware without a vendor have the vendor generic", () => {
    expect(parseHardwareFlag("widget")).toEqual({ vendor: "generic", hardwareClass: "widget" });
    expect(parseHardwareFlag("acme/widget")).toEqual({ vendor: "acme", hardwareClass: "widget" });
  });

  test("that are not a hardware id, version, range or slot are refused with their own code", async () => {
    expect(await codeOf(() => parseHardwareFlag("a/b/c"))).toBe("bad-hardware");
    expect(await codeOf(() => parseVersionFlag("1.2"))).toBe("bad-version");
    expect(await codeOf(() => parseVersionFlag("1.2.65536"))).toBe("bad-version");
    expect(await codeOf(() => parseRevisionsFlag("5-2"))).toBe("bad-revision");
    expect(await codeOf(() => parseSlot("2"))).toBe("bad-slot");
  });

  test("of slots are a number or a letter", () => {
    expect(["0", "1", "a", "B"].map(parseSlot)).toEqual([0, 1, 0, 1]);
  });
});

describe("trust", () => {
  test("covers all roles for a bare key, and one role with a suffix", () => {
    expect(collectTrust("k.pub")).toEqual([{ path: "k.pub", roles: ["app", "recovery"] }]);
    expect(collectTrust("k.pub:app")).toEqual([{ path: "k.pub", roles: ["app"] }]);
  });

  test("takes only a role as suffix: a colon may be part of the path", () => {
    expect(collectTrust("a:b.pub")).toEqual([{ path: "a:b.pub", roles: ["app", "recovery"] }]);
  });

  test("takes limits behind the role, or alone, in any order", () => {
    const roles = ["app", "recovery"];
    expect(collectTrust("k.pub:max-counter=5")).toEqual([{ path: "k.pub", roles, maxCounter: 5 }]);
    const whole = [{ path: "a:b.pub", roles: ["app"], maxCounter: 0, maxStep: 0xffff_ffff }];
    expect(collectTrust("a:b.pub:app:max-counter=0:max-step=4294967295")).toEqual(whole);
    expect(collectTrust("a:b.pub:max-step=0xffffffff:max-counter=0:app")).toEqual(whole);
  });

  test("of a key that is given twice has the lowest of each limit", () => {
    const twice = collectTrust(
      "k.pub:recovery:max-counter=9",
      collectTrust("k.pub:app:max-counter=5:max-step=1"),
    );
    expect(twice).toEqual([{ path: "k.pub", roles: ["app", "recovery"], maxCounter: 5, maxStep: 1 }]);
  });

  test("refuses a limit that is no 32-bit number, or is given twice in one flag", async () => {
    for (const number of ["", "-1", "5.5", "1e3", "4294967296", "five"]) {
      expect(await codeOf(() => collectTrust(`k.pub:max-counter=${number}`)), number).toBe("bad-number");
      expect(await codeOf(() => collectTrust(`k.pub:max-step=${number}:app`)), number).toBe("bad-number");
    }
    expect(await codeOf(() => collectTrust("k.pub:max-step=1:max-step=2"))).toBe("trust-limit");
    expect(await codeOf(() => collectTrust(":max-step=1"))).toBe("key-missing");
  });

  test("covers both roles for a key that is given for each", () => {
    const both = collectTrust("k.pub:recovery", collectTrust("k.pub:app"));
    expect(both).toEqual([{ path: "k.pub", roles: ["app", "recovery"] }]);
  });
});

describe("links", () => {
  test("are collected in order", () => {
    const links = collectLinks("tcp:host:1", collectLinks("/dev/ttyUSB0"));
    expect(links.map(({ tag }) => tag)).toEqual(["uart", "tcp"]);
  });

  test("may not be given twice", async () => {
    expect(await codeOf(() => collectLinks("/dev/a", collectLinks("/dev/a")))).toBe("link-twice");
  });

  test("with an unknown scheme are refused", async () => {
    expect(await codeOf(() => collectLinks("usb:1"))).toBe("endpoint-scheme");
  });
});
