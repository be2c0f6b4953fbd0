import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import {
  REFUSAL_TEXT_MAX,
  REFUSALS_FILE,
  REFUSALS_MAX,
  REFUSALS_WRITE_MS,
  type Refusal,
  RefusalLog,
  readRefusals,
} from "../../src/board/refusal-log.ts";

let dir: string;
let clock: VirtualClock;
let warnings: string[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "mayday-refusals-"));
  clock = new VirtualClock();
  warnings = [];
});
afterEach(() => rmSync(dir, { recursive: true }));

function open(): RefusalLog {
  const now = (): string => new Date(clock.now()).toISOString();
  return new RefusalLog(dir, { clock, now, warn: (text) => warnings.push(text) });
}

const path = (): string => join(dir, REFUSALS_FILE);
const stamp = (): string => {
  const { ino, mtimeNs } = statSync(path(), { bigint: true });
  return `${ino} ${mtimeNs}`;
};
const refusal = (n: number, more: Partial<Refusal> = {}): Refusal => ({
  reason: "counter",
  detail: `security counter ${n}`,
  digest: `${n}`.padStart(16, "0"),
  peer: "00000000000000aa",
  link: "serial:/dev/ttyS0",
  ...more,
});
const details = (): string[] => readRefusals(dir).refusals.map(({ detail }) => detail);

describe("the log of a board's refusals", () => {
  it("has the last eight of them after a restart, oldest first, with time, reason, image and node", () => {
    const log = open();
    for (let n = 0; n < 10; n++) log.note(refusal(n));
    log.close();
    expect(open().refusals).toHaveLength(REFUSALS_MAX);
    expect(details()).toEqual([2, 3, 4, 5, 6, 7, 8, 9].map((n) => `security counter ${n}`));
    expect(readRefusals(dir).refusals.at(-1)).toEqual({
      at: "1970-01-01T00:00:00.000Z",
      count: 1,
      ...refusal(9),
    });
    const later = open();
    later.note(refusal(10));
    later.close();
    expect(details()[0]).toBe("security counter 3");
  });

  it("is written at the first refusal, then at most once a minute, and at the end", () => {
    const log = open();
    log.note(refusal(1));
    expect(details()).toEqual(["security counter 1"]);
    let writes = 0;
    let last = stamp();
    for (let second = 0; second < 600; second++) {
      log.note(refusal(second));
      clock.advanceTo(clock.now() + 1000);
      if (stamp() === last) continue;
      last = stamp();
      writes++;
    }
    expect(writes).toBe(10);
    log.note(refusal(-1));
    expect(details()).not.toContain("security counter -1");
    log.close();
    expect(details()).toContain("security counter -1");
    expect(clock.runningTimers).toBe(0);
  });

  it("is written a minute later when the refusals end early, while the node still runs", () => {
    const log = open();
    log.note(refusal(1));
    log.note(refusal(2));
    expect(details()).toEqual(["security counter 1"]);
    clock.advanceTo(clock.now() + REFUSALS_WRITE_MS);
    expect(details()).toEqual(["security counter 1", "security counter 2"]);
    const written = stamp();
    clock.advanceTo(clock.now() + 10 * REFUSALS_WRITE_MS);
    log.close();
    expect(stamp()).toBe(written);
  });

  it("counts a refusal that is repeated, instead of pushing others out", () => {
    const log = open();
    log.note(refusal(1));
    for (let n = 0; n < 1000; n++) log.note(refusal(2));
    log.note(refusal(2, { peer: "00000000000000bb" }));
    log.close();
    expect(readRefusals(dir).refusals.map(({ detail, count }) => [detail, count])).toEqual([
      ["security counter 1", 1],
      ["security counter 2", 1000],
      ["security counter 2", 1],
    ]);
  });

  it("stays small, whatever the texts are and however many there are, and can be read again", () => {
    const log = open();
    const long = '\u0007\u{1f600}"\\\ud83d'.repeat(2000);
    for (let n = 0; n < 5000; n++) {
      log.note({ reason: long, detail: `${n}${long}`, digest: long, peer: long, link: long });
    }
    log.close();
    expect(statSync(path()).size).toBeLessThan(65_536);
    const { refusals, warning } = readRefusals(dir);
    expect([refusals.length, warning]).toEqual([REFUSALS_MAX, undefined]);
    for (const { detail } of refusals) expect(detail.length).toBe(REFUSAL_TEXT_MAX);
    expect(JSON.stringify(refusals)).not.toContain("\\u0007");
  });

  it("is readable by the owner of the board only, whatever the umask, and leaves no other file", () => {
    const old = process.umask(0);
    try {
      const log = open();
      log.note(refusal(1));
      log.close();
    } finally {
      process.umask(old);
    }
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(readdirSync(dir)).toEqual([REFUSALS_FILE]);
  });

  it.each<[string, string]>([
    ["half of a file", '{ "format": 1, "refu'],
    ["nothing", ""],
    ["another format", '{ "format": 2, "refusals": [] }'],
    [
      "an unknown field",
      '{ "format": 1, "refusals": [{ "at": "", "count": 1, "reason": "", "detail": "", "x": 1 }] }',
    ],
    [
      "a count that is no number",
      '{ "format": 1, "refusals": [{ "at": "", "count": -1, "reason": "", "detail": "" }] }',
    ],
    [
      "nine refusals",
      JSON.stringify({ format: 1, refusals: Array(9).fill({ at: "", count: 1, reason: "", detail: "" }) }),
    ],
    ["more than it may have", " ".repeat(70_000)],
  ])("that holds %s is ignored with a warning, and replaced", (_, text) => {
    writeFileSync(path(), text);
    expect(readRefusals(dir)).toMatchObject({
      refusals: [],
      warning: expect.stringContaining(REFUSALS_FILE),
    });
    const log = open();
    expect(warnings).toHaveLength(1);
    log.note(refusal(1));
    log.close();
    expect(details()).toEqual(["security counter 1"]);
  });

  it("replaces a link in its place, and never writes through it", () => {
    const victim = join(dir, "victim");
    writeFileSync(victim, "mine");
    symlinkSync(victim, path());
    const log = open();
    log.note(refusal(1));
    log.close();
    expect(readFileSync(victim, "utf8")).toBe("mine");
    expect(details()).toEqual(["security counter 1"]);
  });

  it("warns when it cannot be written, and does not throw", () => {
    const log = open();
    rmSync(dir, { recursive: true });
    log.note(refusal(1));
    log.close();
    expect(warnings).toEqual([expect.stringContaining("cannot be written")]);
    writeFileSync(dir, "");
  });
});
