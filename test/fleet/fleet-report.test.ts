import { describe, expect, it } from "vitest";
import { TEXT_MAX } from "../../src/fleet/fields.ts";
import {
  BATCH_MAX,
  encodeFleet,
  MESSAGE_MAX,
  ownerTopic,
  parseBatch,
  parseCursor,
  parsePresence,
  parseState,
  partsOfTopic,
  type ReportBatch,
  type SiteState,
  siteTopic,
} from "../../src/fleet/fleet-messages.ts";
import { identified, parseReport } from "../../src/fleet/fleet-report.ts";
import { isFleetName, isSiteName } from "../../src/fleet/names.ts";
import { encodeUtf8 } from "../../src/image/utf8.ts";
import { heal, hex16, progress, RUN } from "./support.ts";

const BATCH: ReportBatch = {
  v: 1,
  epoch: hex16(7),
  after: 4,
  acked: 2,
  run: RUN,
  upMs: 99,
  reports: [
    { ...heal(1), seq: 5 },
    { ...progress(2), seq: 8 },
  ],
};
const STATE: SiteState = {
  v: 1,
  version: "0.1.0",
  boards: [{ id: hex16(1), state: "distress", reason: "hash", forMs: 5 }],
  suspects: [hex16(2)],
  conflicts: [],
  waiting: 3,
  dropped: 0,
  at: 0,
  clockSure: false,
  run: RUN,
  upMs: 1,
};

describe("the id of a report", () => {
  it("is frozen: collectors of all versions know the same heal", () => {
    expect(heal(1).id).toBe("d93d973cc49a97ba18297aed97a150cc");
  });

  it("is the same from each rescuer, from the board itself, and from a beacon", () => {
    const seen = [
      heal(1),
      heal(1, { rescuer: hex16(9), at: 0, clockSure: false, run: "00000001", upMs: 5, proven: false }),
      heal(1, { rescuer: undefined, digest: "ab".repeat(8), version: undefined }),
    ];
    expect(new Set(seen.map(({ id }) => id)).size).toBe(1);
  });

  it("is another one for another board, start, image or kind", () => {
    const different = [
      heal(1),
      heal(2),
      heal(1, { nonce: hex16(5) }),
      heal(1, { digest: "cd".repeat(32) }),
      heal(1, { kind: "updated" }),
      heal(1, { kind: "reverted" }),
    ];
    expect(new Set(different.map(({ id }) => id)).size).toBe(different.length);
  });
});

describe("a report", () => {
  it("is the same after JSON", () => {
    const report = heal(1, { from: undefined, seconds: 1.5, hardware: "acme/pump µ" });
    expect(parseReport(JSON.parse(JSON.stringify(report)))).toEqual(report);
  });

  it.each<[string, object]>([
    ["an id that is another report's", { id: heal(2).id }],
    ["a field that is unknown", { note: "x" }],
    ["an id of a board in upper case", { target: "AB".repeat(8) }],
    ["text that turns a line", { hardware: "a\u202eb" }],
    ["a line end", { version: "1\n2" }],
    ["text that is too long", { reason: "x".repeat(TEXT_MAX + 1) }],
    ["a time after the year 9999", { at: 253_402_300_800_000 }],
    ["a part of a byte", { bytes: 0.5 }],
    ["a negative duration", { seconds: -1 }],
    ["no word on its proof", { proven: undefined }],
  ])("is refused with %s", (_what, changes) => {
    expect(parseReport(heal(1))).toBeDefined();
    expect(parseReport({ ...heal(1), ...changes })).toBeUndefined();
  });
});

describe("a message of a fleet", () => {
  it("is read as it was sent", () => {
    expect(parseBatch(encodeFleet(BATCH))).toEqual(BATCH);
    expect(parseState(encodeFleet(STATE))).toEqual(STATE);
    expect(parseCursor(encodeFleet({ v: 1, epoch: hex16(7), through: 8 }))).toEqual({
      v: 1,
      epoch: hex16(7),
      through: 8,
    });
    expect(parsePresence(encodeUtf8("offline"))).toBe("offline");
  });

  it.each<[string, Partial<ReportBatch>]>([
    ["no report", { reports: [] }],
    ["numbers that do not rise", { reports: [...BATCH.reports].reverse() }],
    ["a number that it says was before", { after: 5 }],
    ["more acknowledged than sent", { acked: 5 }],
    ["a report whose id is another's", { reports: [{ ...heal(1), id: heal(2).id, seq: 5 }] }],
    [
      "too many reports",
      { reports: Array.from({ length: BATCH_MAX + 1 }, (_, i) => ({ ...heal(i), seq: 5 + i })) },
    ],
  ])("is refused as a batch with %s", (_what, changes) => {
    expect(parseBatch(encodeFleet({ ...BATCH, ...changes }))).toBeUndefined();
  });

  it.each([
    ["nothing", new Uint8Array(0)],
    ["no UTF-8", Uint8Array.of(0xff, 0x00)],
    ["no JSON", encodeUtf8("{")],
    ["something that is no object", encodeUtf8("[1]")],
    ["a prototype", encodeUtf8('{"__proto__":{"v":1}}')],
    ["arrays in arrays", encodeUtf8("[".repeat(MESSAGE_MAX))],
    ["too many bytes", encodeUtf8(`${JSON.stringify(BATCH)}${" ".repeat(MESSAGE_MAX)}`)],
  ])("is refused if it holds %s, and never throws", (_what, bytes) => {
    expect(parseBatch(bytes)).toBeUndefined();
    expect(parseState(bytes)).toBeUndefined();
    expect(parseCursor(bytes)).toBeUndefined();
    expect(parsePresence(bytes)).toBeUndefined();
  });

  it("has room for as many reports as it may hold, each as long as it may be", () => {
    const text = "\u{10ffff}".repeat(TEXT_MAX / 2);
    const long = { version: text, from: text, hardware: text, reason: text, digest: "ab".repeat(32) };
    const reports = Array.from({ length: BATCH_MAX }, (_, i) => ({
      ...identified({ ...heal(i), ...long, bytes: 2 ** 52, blocks: 2 ** 52, seconds: 1 / 3 }),
      seq: 2 ** 52 + i,
    }));
    const bytes = encodeFleet({ ...BATCH, reports });
    expect(bytes.length).toBeLessThanOrEqual(MESSAGE_MAX);
    expect(parseBatch(bytes)?.reports).toHaveLength(BATCH_MAX);
  });
});

describe("names in topics", () => {
  it.each(["+", "#", "a/b", "", ".", "-a", "a.", "$share", "a b", "ä", "x".repeat(49), "a\n"])(
    "are refused: %j",
    (name) => {
      expect(isFleetName(name)).toBe(false);
      expect(() => siteTopic(name, "s", "ack")).toThrow();
      expect(() => siteTopic("f", name === "+" ? "#" : name, "ack")).toThrow();
      expect(() => ownerTopic("f", "stop", name === "+" ? "#" : name)).toThrow();
    },
  );

  it("keep a site out of the owner's topics", () => {
    expect([isSiteName("offers"), isSiteName("stop"), isSiteName("hut-7")]).toEqual([false, false, true]);
    expect(() => siteTopic("f", "stop", "report")).toThrow();
  });

  it("make topics that are taken apart again", () => {
    expect(siteTopic("pumps", "hut-7", "report")).toBe("mayday/v1/pumps/hut-7/report");
    expect(partsOfTopic("pumps", "mayday/v1/pumps/hut-7/report")).toEqual(["hut-7", "report"]);
    expect(ownerTopic("pumps", "stop", hex16(1))).toBe("mayday/v1/pumps/stop/0000000000000001");
    expect(partsOfTopic("pumps", "mayday/v1/pump/hut-7/report")).toBeUndefined();
    expect(partsOfTopic("pumps", "mayday/v1/pumps/hut-7/report/x")).toBeUndefined();
  });
});
