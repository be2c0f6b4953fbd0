import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import {
  type DecodedEntry,
  decodeEntry,
  encodeEntry,
  entriesOf,
  type RecordEntry,
} from "../../../src/flash/record/record-codec.ts";
import type { RecordEvent, SlotRecord } from "../../../src/flash/record/record-state.ts";

interface Vector {
  readonly name: string;
  readonly sequence: number;
  readonly entry: { readonly tag: string } & Readonly<Record<string, unknown>>;
  /** The entry directly before it, where it needs one. */
  readonly beforeHex?: string;
  readonly entryHex: string;
}

const VECTORS = JSON.parse(
  readFileSync(new URL("../../../vectors/boot-record.json", import.meta.url), "utf8"),
) as { readonly entries: readonly Vector[]; readonly refused: readonly Omit<Vector, "entry">[] };

function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex.replaceAll(" ", ""));
  if (bytes === undefined) throw new Error(hex);
  return bytes;
}

function entryOf({ entry: fields }: Vector): RecordEntry {
  const text = (name: string): Uint8Array => bytesOf(String(fields[name]));
  const number = (name: string): number => Number(fields[name]);
  const pair = (name: string): { first: number; last: number } | undefined => {
    const range = fields[name];
    return Array.isArray(range) ? { first: Number(range[0]), last: Number(range[1]) } : undefined;
  };
  const event = (given: RecordEvent): RecordEntry => ({ tag: "event", event: given });
  switch (fields.tag) {
    case "header":
      return { tag: "header", count: number("count") };
    case "seal":
      return { tag: "seal" };
    case "installed":
    case "slot":
      return event({ tag: fields.tag, slot: slotOf(fields, text("digest")), floor: number("floor") });
    case "receiving": {
      const receiving = { slot: number("slot"), digest: text("digest"), area: number("area") };
      return event({ tag: "receiving", receiving });
    }
    case "sectors":
      return event({ tag: "sectors", open: pair("open"), close: pair("close") });
    case "floor": {
      const mark = fields["wasConfirmed"] === true ? { wasConfirmed: true as const } : {};
      return event({ tag: "floor", floor: number("floor"), ...mark });
    }
    case "failed":
      return event({ tag: "failed", failed: { adviceDigest8: text("digest"), count: number("count") } });
    case "order": {
      const { version } = fields;
      if (!Array.isArray(version)) return event({ tag: "order", order: undefined });
      const [major = 0, minor = 0, patch = 0] = version.map(Number);
      const order = { sequence: number("sequence"), version: { major, minor, patch } };
      return event({ tag: "order", order });
    }
    case "digest":
      return { tag: "digest", rest: text("rest") };
    case "nonces":
      return event({ tag: "nonces", starts: number("starts") });
    default:
      throw new Error(fields.tag);
  }
}

function slotOf(fields: Vector["entry"], digest: Uint8Array): SlotRecord {
  const flags = Array.isArray(fields["flags"]) ? fields["flags"] : [];
  const { slot, area, attempts, rank } = fields;
  return {
    slot: Number(slot),
    digest,
    area: Number(area),
    isConfirmed: flags.includes("confirmed"),
    isReverted: flags.includes("reverted"),
    attempts: Number(attempts),
    rank: Number(rank),
    ...(flags.includes("unproven") ? { isUnproven: true } : {}),
  };
}

function beforeOf({ beforeHex }: Pick<Vector, "beforeHex">): DecodedEntry | undefined {
  return beforeHex === undefined ? undefined : decodeEntry(bytesOf(beforeHex));
}

describe("entries of the boot record", () => {
  it.each(VECTORS.entries.map((vector) => [vector.name, vector] as const))(
    "are as frozen: %s",
    (_, vector) => {
      const entry = entryOf(vector);
      expect(toHex(encodeEntry(entry, vector.sequence))).toBe(vector.entryHex.replaceAll(" ", ""));
      expect(decodeEntry(bytesOf(vector.entryHex), beforeOf(vector))).toEqual({
        entry,
        sequence: vector.sequence,
      });
    },
  );

  it("are two where they name an image, each of which is as frozen", () => {
    const pairs = VECTORS.entries.filter(({ beforeHex }) => beforeHex !== undefined);
    expect(pairs).toHaveLength(7);
    for (const vector of pairs) {
      const entry = entryOf(vector);
      const entries = entry.tag === "event" ? entriesOf(entry.event) : [];
      const first = (vector.sequence - 1) >>> 0;
      expect(entries.map((part, i) => toHex(encodeEntry(part, (first + i) >>> 0)))).toEqual([
        vector.beforeHex?.replaceAll(" ", ""),
        vector.entryHex.replaceAll(" ", ""),
      ]);
      // Without the rest of its digest it is passed over.
      expect(decodeEntry(bytesOf(vector.entryHex))).toBeUndefined();
    }
  });

  it.each(VECTORS.refused.map((vector) => [vector.name, vector] as const))(
    "are passed over, although the CRC is right, with %s",
    (_, vector) => {
      expect(decodeEntry(bytesOf(vector.entryHex), beforeOf(vector))).toBeUndefined();
    },
  );

  it("are frozen for every type that there is", () => {
    const types = new Set(VECTORS.entries.map(({ entryHex }) => entryHex.slice(0, 2)));
    expect([...types].sort()).toEqual(["01", "02", "11", "12", "13", "14", "15", "16", "17", "18", "19"]);
  });
});
