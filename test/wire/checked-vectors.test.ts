import { afterAll, describe, expect, it } from "vitest";
import { vectorFile } from "../support/vector-file.ts";
import { REPOSITORY, runVectorScript, VectorFolders } from "../support/vector-scripts.ts";

interface Vector {
  frameHex: string;
  wireHex: string;
  fault: string;
  counter: number;
}
type Lists = Record<string, Vector[]>;

const WIRE = "wire-v1.json";
const RATE = "rate-v1.json";
const INLINE = "inline-v1.json";
const HAVE = "have-v1.json";
const LOCATOR = "locator-v1.json";
const KEY = "link-key-v1.json";
const folders = new VectorFolders();
afterAll(() => folders.dropAll());

/** A vector of a file, to be changed. */
function vectorOf(content: Lists, list: string, which = 0): Vector {
  return content[list]?.[which] ?? expect.fail(`${list} has no ${which}`);
}

/** How many vectors these lists have. */
function countOf(name: string, lists: readonly string[]): number {
  const content = vectorFile<Lists>(name);
  return lists.reduce((sum, list) => sum + (content[list]?.length ?? 0), 0);
}

const CHANGES: readonly (readonly [string, string, string, (content: Lists) => void])[] = [
  [
    "a byte",
    WIRE,
    "badCrc",
    (content) => {
      const vector = vectorOf(content, "frames");
      vector.frameHex = vector.frameHex.replace("10 01", "10 02");
    },
  ],
  [
    "where a field ends",
    WIRE,
    "does not begin behind a space",
    (content) => {
      const vector = vectorOf(content, "frames");
      vector.frameHex = vector.frameHex.replace("10 01 7461", "10 0174 61");
    },
  ],
  [
    "the bytes on the line",
    WIRE,
    "wireHex is not COBS",
    (content) => {
      vectorOf(content, "frames").wireHex = "00";
    },
  ],
  [
    "the fault of a frame",
    WIRE,
    "the fault is",
    (content) => {
      vectorOf(content, "faults").fault = "malformed";
    },
  ],
  [
    "a frame with a fault, to one without",
    WIRE,
    "has no fault",
    (content) => {
      vectorOf(content, "faults").frameHex = vectorOf(content, "frames").frameHex;
    },
  ],
  [
    "the counter of a seal",
    KEY,
    "the counter is",
    (content) => {
      vectorOf(content, "sealed").counter = 7;
    },
  ],
  [
    "a proof, to none",
    KEY,
    "no proof",
    (content) => {
      vectorOf(content, "handshake").frameHex = vectorOf(content, "calls").frameHex;
    },
  ],
  ...["frames", "decodeOnly", "faults"].map((list) => emptied(WIRE, list)),
  ...["calls", "handshake", "sealed"].map((list) => emptied(KEY, list)),
];

function emptied(name: string, list: string): (typeof CHANGES)[number] {
  return [
    `the list ${list}, to an empty one`,
    name,
    "a list is empty",
    (content) => {
      content[list] = [];
    },
  ];
}

/** What another text of PROTOCOL.md makes wrong. */
const TEXTS: readonly (readonly [string, string, string, string])[] = [
  ["the length of a field", "| 26 | 2 | u16 largest payload", "| 26 | 3 | u16 largest payload", "stands at"],
  ["the length of a CRC", "| 28 | 4 | CRC |", "| 28 | 5 | CRC |", "does not end with a CRC"],
  ["the first byte of a message", "| 0 | 1 | 41 |", "| 0 | 1 | 51 |", "the table says"],
  ["the number of a type", "| 0 | 4 | offer | 5.3 |", "| 0 | B | offer | 5.3 |", "unknown"],
  ["the most entries", "u8 entries, 0 to 10", "u8 entries, 0 to 9", "0 to 9"],
  ["a class", "| 4 | probe | packet", "| 4 | sounder | packet", "calls class 4"],
  ["a limit of messages", "| `WireLimit.control` | 64 |", "| `WireLimit.control` | 40 |", "40 at most"],
];

describe("the frames of wire-v1.json, rate-v1.json, have-v1.json, inline-v1.json, locator-v1.json, link-key-v1.json and session-v1.json", () => {
  it("are as the tables of PROTOCOL.md say, all of them", () => {
    const { status, text } = runVectorScript(REPOSITORY, "check_vectors.py");
    const { sessions } = vectorFile<{ sessions: { steps: { frameHex?: string }[] }[] }>("session-v1.json");
    const steps = sessions
      .flatMap((session) => session.steps)
      .filter(({ frameHex }) => frameHex !== undefined);
    const fixed =
      countOf(WIRE, ["frames", "decodeOnly", "faults"]) +
      countOf(RATE, ["frames", "decodeOnly", "faults"]) +
      countOf(INLINE, ["frames", "decodeOnly", "faults"]) +
      countOf(HAVE, ["frames", "decodeOnly", "faults"]) +
      countOf(LOCATOR, ["frames", "decodeOnly", "faults"]) +
      countOf(KEY, ["calls", "handshake", "sealed"]);
    expect(fixed).toBeGreaterThan(100);
    expect(steps.length).toBeGreaterThan(150);
    const said = `${fixed + steps.length} frames are as PROTOCOL.md says\n`;
    expect({ status, text }).toEqual({ status: 0, text: said });
  });

  it.each(CHANGES)("are found to be wrong when this changes: %s", (_, name, wrong, change) => {
    const { status, text } = folders.checkWith<Lists>(name, change);
    expect(text).toContain(`${name}: `);
    expect(text).toContain(wrong);
    expect(status).toBe(1);
  });

  it.each(TEXTS)("are found to differ from the text when this changes in it: %s", (_, from, to, wrong) => {
    const { status, text } = folders.checkAgainst(WIRE, (protocol) => protocol.replace(from, to));
    expect(text).toContain(wrong);
    expect(status).toBe(1);
  });
});
