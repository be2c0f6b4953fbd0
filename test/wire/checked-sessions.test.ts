import { afterAll, describe, expect, it } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { CRC_LENGTH } from "../../src/wire/constants.ts";
import { vectorBytes } from "../support/vector-file.ts";
import { VectorFolders } from "../support/vector-scripts.ts";
import { withCrc } from "../support/with-crc.ts";

/** Members that the changes below reach; the files have more. */
interface Step {
  kind: string;
  from?: string;
  frameHex: string;
  lost?: true;
  heard?: number;
  delayUnits?: number;
}
interface Session {
  tag: number;
  target: { failure: number; isSlotImageAfter: boolean };
  image: { root: string };
  steps: Step[];
}
interface SessionFile {
  sessions: Session[];
}
const folders = new VectorFolders();
afterAll(() => folders.dropAll());

/** The step of this kind with this number, from 0. */
function stepOf({ steps }: Session, kind: string, which = 0): Step {
  const found = steps.filter((step) => step.kind === kind)[which];
  if (found === undefined) throw new Error(`no ${kind} with number ${which}`);
  return found;
}

/** Changes the bytes of a frame, without its CRC, which is made again. The fields keep their lengths unless `edit` cuts. */
function edit(session: Session, step: Step, change: (bytes: Uint8Array) => Uint8Array | undefined): void {
  const bytes = vectorBytes(step.frameHex).slice(0, -CRC_LENGTH);
  const changed = change(bytes) ?? bytes;
  const isAnnouncement = ((changed[0] ?? 0) & 0x0f) === 0;
  const whole = toHex(withCrc(changed, isAnnouncement ? undefined : session.tag));
  const lengths = step.frameHex.split(" ").map((field) => field.length);
  const last = lengths.length - 2;
  lengths[last] = whole.length - lengths.reduce((sum, n, i) => (i === last ? sum : sum + n), 0);
  const ends = lengths.map((_, i) => lengths.slice(0, i + 1).reduce((sum, n) => sum + n, 0));
  step.frameHex = ends.map((end, i) => whole.slice(ends[i - 1] ?? 0, end)).join(" ");
}

const setByte =
  (at: number, value: number) =>
  (bytes: Uint8Array): undefined => {
    bytes[at] = value;
  };

/** Takes a step away; steps that are heard keep their frames. */
function remove(session: Session, step: Step): void {
  const at = session.steps.indexOf(step);
  session.steps.splice(at, 1);
  session.steps = session.steps.filter(({ heard }) => heard !== at);
  for (const other of session.steps) if (other.heard !== undefined && other.heard > at) other.heard--;
}

type Change = readonly [name: string, session: 0 | 1 | 2, wrong: string, change: (session: Session) => void];

const CHANGES: readonly Change[] = [
  [
    "a byte without its CRC",
    0,
    "badCrc",
    (s) => {
      const step = stepOf(s, "accept");
      step.frameHex = step.frameHex.replace("10 05", "10 06");
    },
  ],
  [
    "the tag",
    0,
    "the tag is",
    (s) => {
      s.tag++;
    },
  ],
  [
    "the root",
    0,
    "the root is not",
    (s) => {
      s.image.root = s.image.root.replace(/^../, "00");
    },
  ],
  [
    "the failure in a distress",
    0,
    "the failure",
    (s) => {
      s.target.failure = 5;
    },
  ],
  ["the size in an offer", 0, "size and block size", (s) => edit(s, stepOf(s, "offer"), setByte(40, 0))],
  ["the nonce in an accept", 0, "the nonces", (s) => edit(s, stepOf(s, "accept"), setByte(10, 0))],
  [
    "the largest payload, to no multiple of 32",
    0,
    "the largest payload",
    (s) => edit(s, stepOf(s, "accept"), setByte(26, 33)),
  ],
  ["the digest in a refusal", 2, "the digest", (s) => edit(s, stepOf(s, "refuse"), setByte(18, 0))],
  [
    "the number of a packet",
    0,
    "the packet's number is",
    (s) => edit(s, stepOf(s, "data", 3), (b) => setByte(1, (b[1] ?? 0) ^ 0x80)(b)),
  ],
  [
    "the position of a chunk, to one that no grant covers",
    0,
    "a chunk of no granted block",
    (s) => edit(s, stepOf(s, "data", 3), setByte(3, 9)),
  ],
  [
    "a byte of a chunk",
    0,
    "bytes 64 to 96",
    (s) => edit(s, stepOf(s, "data", 3), (b) => setByte(9, (b[9] ?? 0) ^ 1)(b)),
  ],
  [
    "the length of a chunk in the middle",
    1,
    "only the last chunk",
    (s) => edit(s, stepOf(s, "data", 1), (b) => b.slice(0, -1)),
  ],
  [
    "a chunk, to the one before it",
    0,
    "come again, and were not lost",
    (s) => {
      const before = vectorBytes(stepOf(s, "data", 2).frameHex).slice(2, -CRC_LENGTH);
      edit(s, stepOf(s, "data", 3), (b) => {
        b.set(before, 2);
        return b;
      });
    },
  ],
  [
    "the codec of a chunk",
    0,
    "codec 2 is not allowed",
    (s) => edit(s, stepOf(s, "data", 3), (b) => setByte(0, ((b[0] ?? 0) & ~0x06) | 0x04)(b)),
  ],
  ["the length of an object", 0, "the object's length", (s) => edit(s, stepOf(s, "object"), setByte(9, 0))],
  [
    "a lost packet, to one that arrives",
    1,
    "step",
    (s) => {
      delete s.steps.find((step) => step.lost && step.kind === "data")?.lost;
    },
  ],
  [
    "a packet that arrives, to a lost one",
    0,
    "step",
    (s) => {
      stepOf(s, "data", 3).lost = true;
    },
  ],
  [
    "the bitmap of an ack",
    1,
    "an ack of what did not arrive",
    (s) => edit(s, stepOf(s, "ack"), (b) => setByte(4, (b[4] ?? 0) | 0xff)(b)),
  ],
  [
    "the highest packet of an ack",
    0,
    "the highest that arrived",
    (s) => edit(s, stepOf(s, "ack"), setByte(1, 9)),
  ],
  [
    "the delay of an ack",
    0,
    "the delay is not as stated",
    (s) => {
      stepOf(s, "ack").delayUnits = 200;
    },
  ],
  [
    "the ack of a probe, to none",
    0,
    "an ack was due at once",
    (s) => {
      const at = s.steps.findIndex((step, i) => step.kind === "probe" && s.steps[i + 1]?.kind === "ack");
      remove(s, s.steps[at + 1] as Step);
    },
  ],
  ["the sequence of a grant", 0, "the sequence is", (s) => edit(s, stepOf(s, "grant"), setByte(1, 9))],
  ["the block of a grant", 0, "block 5 is not there", (s) => edit(s, stepOf(s, "grant"), setByte(4, 5))],
  [
    "the count of blocks in a grant",
    0,
    "more blocks than it has buffers for",
    (s) => edit(s, stepOf(s, "grant"), setByte(7, 2)),
  ],
  ["the codecs of a grant", 0, "the codecs", (s) => edit(s, stepOf(s, "grant"), setByte(8, 0xf0))],
  [
    "the block of a later grant, to one that has come",
    1,
    "block 0 has come",
    (s) => edit(s, stepOf(s, "grant", 3), setByte(4, 0)),
  ],
  [
    "the node of a request",
    1,
    "is not there, or a leaf",
    (s) => edit(s, stepOf(s, "request"), setByte(4, 0)),
  ],
  [
    "the grant of nothing before done, to none",
    0,
    "done without a grant of nothing",
    (s) => {
      remove(s, s.steps[s.steps.indexOf(stepOf(s, "done")) - 1] as Step);
    },
  ],
  ["the digest in done", 0, "the digest", (s) => edit(s, stepOf(s, "done"), setByte(1, 0))],
  ["the digest in a done-ack", 0, "the digest", (s) => edit(s, stepOf(s, "doneAck"), setByte(1, 0))],
  [
    "the order in which frames are heard",
    0,
    "a line keeps the order",
    (s) => {
      const heard = s.steps.filter((step) => step.heard !== undefined);
      const last = heard.at(-1);
      const first = heard[3];
      if (last !== undefined && first !== undefined) last.heard = first.heard as number;
    },
  ],
  [
    "a frame that is heard, to a lost one",
    0,
    "is not heard",
    (s) => {
      stepOf(s, "accept").lost = true;
    },
  ],
  [
    "the side that sends a frame",
    0,
    "is sent by the",
    (s) => {
      stepOf(s, "grant").from = "rescuer";
    },
  ],
  [
    "the kind of a frame",
    0,
    "a frame of kind",
    (s) => {
      stepOf(s, "grant").kind = "request";
    },
  ],
  [
    "how a session ends",
    2,
    "how it ends",
    (s) => {
      s.target.isSlotImageAfter = true;
    },
  ],
];

describe("a session of session-v1.json", () => {
  it.each(CHANGES)("is found to be wrong when this changes: %s", (_, which, wrong, change) => {
    const { status, text } = folders.checkWith<SessionFile>("session-v1.json", ({ sessions }) => {
      change(sessions[which] as Session);
    });
    expect(text).toContain("session-v1.json: ");
    expect(text).toContain(wrong);
    expect(status).toBe(1);
  });

  it("is found to be missing when there is none", () => {
    const { status, text } = folders.checkWith<SessionFile>("session-v1.json", (content) => {
      content.sessions = [];
    });
    expect({ status, text }).toEqual({ status: 1, text: "session-v1.json: a list is empty\n" });
  });
});
