import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { FailedError } from "../../src/base/errors.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { doneVerdict, errorVerdict, interruptedVerdict } from "../../src/cli/command-verdict.ts";
import { ConsoleSink } from "../../src/cli/console-sink.ts";
import { eventText, progressText, verdictText } from "../../src/cli/event-text.ts";
import { GuardedLog } from "../../src/cli/guarded-log.ts";
import { Output, type OutputStream } from "../../src/cli/output.ts";
import { printableJson, TerminalText } from "../../src/cli/terminal-text.ts";
import { byteText, columns, durationText, grouped } from "../../src/cli/text.ts";
import type { HealedEvent, NodeEvent, ProgressEvent } from "../../src/node/node-event.ts";

const PROGRESS: ProgressEvent = {
  event: "progress",
  link: "serial:/dev/ttyUSB0?baud=921600",
  peer: "0123456789abcdef",
  blocks: 16,
  blocksTotal: 64,
  written: 8,
  missing: 56,
  bytes: 70_000,
  seconds: 1,
  rate: 88_000,
  eta: 2.2,
  quality: 0.987,
};

const HEALED: HealedEvent = {
  event: "healed",
  link: "L",
  peer: "0123456789abcdef",
  proven: false,
  digest: "ff".repeat(32),
  version: "1.0.0",
  blocks: 3,
  bytesTx: 12_500,
  seconds: 1.25,
};

interface Rig {
  readonly output: Output;
  readonly clock: VirtualClock;
  stdout(): string;
  stderr(): string;
}

async function rig({ isJson = false, isTTY = false, columns = 80 } = {}): Promise<Rig> {
  const [out, err]: [PassThrough, OutputStream & PassThrough] = [
    new PassThrough(),
    Object.assign(new PassThrough(), { isTTY, columns }),
  ];
  const clock = new VirtualClock();
  const output = await Output.open({ isJson, stdout: out, stderr: err, clock });
  let [stdout, stderr] = ["", ""];
  const stdoutText = (): string => {
    stdout += String(out.read() ?? "");
    return stdout;
  };
  const stderrText = (): string => {
    stderr += String(err.read() ?? "");
    return stderr;
  };
  return { output, clock, stdout: stdoutText, stderr: stderrText };
}

describe("JSON lines", () => {
  test("contain every field, with null for no value", async () => {
    const { output, stdout } = await rig({ isJson: true });
    output.nodeEvent({ ...PROGRESS, eta: undefined });
    expect(JSON.parse(stdout())).toEqual({ ...PROGRESS, eta: null });
  });

  test("of a verdict contain all its fields, and a message unless it is a success", async () => {
    const { output, stdout } = await rig({ isJson: true });
    output.verdict(doneVerdict());
    output.verdict(errorVerdict(new FailedError("some-code", "what was seen")));
    const [done, failed] = stdout().trim().split("\n");
    expect(JSON.parse(done ?? "")).toEqual({
      event: "verdict",
      ok: true,
      code: 0,
      reason: "done",
      bytesTx: 0,
      bytesRx: 0,
      resentBytes: 0,
      codedBlocks: 0,
      savedBytes: 0,
      blocks: 0,
      seconds: 0,
      peer: null,
      digest: null,
    });
    expect(JSON.parse(failed ?? "")).toMatchObject({
      ok: false,
      code: 1,
      reason: "some-code",
      message: "what was seen",
    });
  });

  test("are written for results with --json, and text without", async () => {
    const json = await rig({ isJson: true });
    const text = await rig();
    for (const { output } of [json, text]) output.result("one", { event: "thing", value: 1 });
    expect(json.stdout()).toBe('{"event":"thing","value":1}\n');
    expect(text.stdout()).toBe("one\n");
  });
});

describe("the settings of a command with links", () => {
  const CONSOLE: NodeEvent = { event: "console", link: "L", text: "\r\nlogin:\r\n\r\n" };

  test("give events of a node their time, and leave the verdict as it is", async () => {
    const { output, stdout, clock } = await rig({ isJson: true });
    output.tune({ verbosity: "normal", console: ConsoleSink.shown(clock) });
    output.nodeEvent(HEALED);
    output.verdict(doneVerdict());
    const [healed, verdict] = stdout().trim().split("\n");
    const { time, ...event } = JSON.parse(healed ?? "") as Record<string, unknown>;
    expect(event).toEqual(HEALED);
    expect(Date.parse(String(time))).toBeGreaterThan(Date.parse("2020-01-01"));
    expect(JSON.parse(verdict ?? "")).not.toHaveProperty("time");
  });

  test("quiet print only warnings, errors, heals, and boards that are not healthy", async () => {
    const { output, stderr, clock } = await rig();
    output.tune({ verbosity: "quiet", console: ConsoleSink.shown(clock) });
    output.nodeEvent({ event: "ready", link: "L" });
    output.nodeEvent(CONSOLE);
    for (let i = 0; i < 3; i++) {
      clock.advanceTo(clock.now() + 10_000);
      output.nodeEvent(PROGRESS);
    }
    output.note("a note");
    output.warn("careful");
    output.nodeEvent(HEALED);
    const board = { link: "L", peer: "0123456789abcdef", digest: "ff".repeat(32) };
    output.nodeEvent({ event: "healthy", ...board, seconds: 4 });
    output.nodeEvent({ event: "not-healthy", ...board, seconds: 20, reason: "trial", detail: "on trial" });
    expect(stderr().trim().split("\n")).toEqual([
      "warning: careful",
      "L: 3 blocks in 1.25 s, 12,500 bytes sent",
      "L: healed with ffffffff, other side is 01234567",
      "warning: L: board 01234567 is not healthy: on trial",
    ]);
  });

  test("verbose begin each line with the time, and show roles", async () => {
    const { output, stderr, clock } = await rig();
    output.tune({ verbosity: "verbose", console: ConsoleSink.shown(clock) });
    output.nodeEvent({ event: "role", link: "L", role: "rescuer" });
    output.warn("careful");
    const [role, warning] = stderr().trim().split("\n");
    const time = String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z `;
    expect(role).toMatch(new RegExp(`${time}L: role rescuer$`));
    expect(warning).toMatch(new RegExp(`${time}warning: careful$`));
  });

  test("show a neighbour's text tidily, or nowhere, or in a file", async () => {
    const [shown, off, filed] = [await rig(), await rig({ isJson: true }), await rig({ isJson: true })];
    const lines: string[] = [];
    const file = new GuardedLog({ path: "f", append: (line) => lines.push(line) }, () => {});
    const { clock } = shown;
    shown.output.tune({ verbosity: "normal", console: ConsoleSink.shown(clock) });
    off.output.tune({ verbosity: "normal", console: ConsoleSink.apart(clock, undefined) });
    filed.output.tune({ verbosity: "normal", console: ConsoleSink.apart(clock, file) });
    for (const { output } of [shown, off, filed]) output.nodeEvent(CONSOLE);
    filed.output.nodeEvent({ ...CONSOLE, text: "\u001b[31mred\u001b]0;title\u0007\n" });
    expect(shown.stderr()).toBe("L| login:\n");
    for (const { stdout, stderr } of [off, filed]) expect(stdout() + stderr()).toBe("");
    expect(lines.map((line) => line.replace(/^\S+ /, ""))).toEqual([
      "L| login:\n",
      "L| red\u00b7]0;title\u00b7\n",
    ]);
  });

  test("thin out the text of a console that never ends, also in the log", async () => {
    const { output, stderr, clock } = await rig();
    const logged: string[] = [];
    output.tune({ verbosity: "normal", console: ConsoleSink.shown(clock) });
    output.logTo({ path: "log", append: (line) => logged.push(line) });
    for (let i = 0; i < 1000; i++) output.nodeEvent(CONSOLE);
    expect(stderr().trim().split("\n").length).toBeLessThanOrEqual(100);
    expect(logged.length).toBeLessThanOrEqual(100);
  });

  test("write a log again after it was opened again, and warn once in between", async () => {
    const { output, stderr } = await rig();
    const logged: string[] = [];
    let isFull = true;
    const append = (line: string): void => {
      if (isFull) throw new Error("no space left");
      logged.push(line);
    };
    output.logTo({ path: "log", append, reopen: () => {} });
    for (let i = 0; i < 3; i++) output.nodeEvent({ event: "ready", link: "L" });
    expect(stderr().match(/no longer written/g)).toHaveLength(1);
    isFull = false;
    output.reopenLogs();
    output.nodeEvent({ event: "ready", link: "L" });
    expect(logged).toHaveLength(1);
  });
});

describe("calls of a board for which there is nothing", () => {
  const CALL: NodeEvent = {
    ...{ event: "distress", link: "L", peer: "0123456789abcdef", hardwareId: "00", revision: 0 },
    ...{ reason: "hash", proven: false, version: undefined, counterFloor: 0 },
  };
  const REFUSED: NodeEvent = {
    ...{ event: "refused", link: "L", peer: CALL.peer, reason: "hardware", proven: false, detail: "others" },
  };
  const linesOf = (text: string): number => text.split("\n").length - 1;

  test("are shown once a minute, and in JSON each time", async () => {
    const [text, json] = [await rig(), await rig({ isJson: true })];
    for (let second = 0; second < 61; second += 2) {
      for (const { output, clock } of [text, json]) {
        output.nodeEvent(CALL);
        output.nodeEvent(REFUSED);
        clock.advanceTo(clock.now() + 2000);
      }
    }
    expect(linesOf(text.stderr())).toBe(4);
    expect(linesOf(json.stdout())).toBe(62);
  });

  test("are shown again when they say something else, come from another board, or follow a session", async () => {
    const { output, stderr } = await rig();
    const calls: NodeEvent[] = [
      CALL,
      { ...CALL, reason: "empty" },
      { ...CALL, reason: "empty", peer: "fedcba9876543210" },
      { event: "lost", link: "L", peer: CALL.peer, why: "silence" },
      { ...CALL, reason: "empty" },
      { ...HEALED, link: "L", peer: CALL.peer },
      { ...CALL, reason: "empty" },
    ];
    for (const event of calls) output.nodeEvent(event);
    expect(stderr().match(/is in distress/g)).toHaveLength(5);
  });
});

describe("progress without a terminal", () => {
  test("is shown every three seconds at most, and never for a transfer that ends before", async () => {
    const { output, clock, stderr } = await rig();
    output.nodeEvent(PROGRESS);
    expect(stderr()).toBe("");
    for (let i = 0; i < 35; i++) {
      clock.advanceTo(clock.now() + 200);
      output.nodeEvent(PROGRESS);
    }
    expect(stderr().match(/blocks/g)).toHaveLength(2);
    expect(stderr()).toContain("8/56 blocks, 2 s to go, 88.0 kB/s, 1 % lost");
  });
});

/** The progress of a transfer that is done. */
const FULL = { ...PROGRESS, written: PROGRESS.missing } as const;

describe("progress on a terminal", () => {
  test("is a bar with a short name that fits into 80 columns, below text", async () => {
    const { output, stderr } = await rig({ isTTY: true });
    output.nodeEvent(FULL);
    output.note("a line");
    output.endProgress();
    const shown = stderr();
    expect(shown).toContain("ttyUSB0 [================] 100% 56/56 blocks");
    expect(shown).toContain("1 % lost");
    expect(shown).toContain("a line\n");
    expect(shown.endsWith("\n")).toBe(true);
  });

  test.each([40, 60, 80, 160])("fits into %i columns with what matters most", async (columns) => {
    const { output, stderr } = await rig({ isTTY: true, columns });
    output.nodeEvent({ ...FULL, hardware: "acme/widget" });
    output.endProgress();
    // A bar that is drawn again begins with a move to the first column.
    const lines = stripVTControlCharacters(stderr().replaceAll("\u001b[1G", "\n")).split(/[\r\n]+/);
    // The terminal's own "^C" has room behind the bar.
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns - 2);
    expect(stderr()).toContain("100% 56/56 blocks");
    expect(stderr().includes("1 % lost")).toBe(columns >= 60);
    expect(stderr().includes("acme/widget")).toBe(columns >= 80);
  });

  test.each(["lost", "end of the command"])("is gone after a transfer that was not done: %s", async (how) => {
    const { output, stderr } = await rig({ isTTY: true });
    output.nodeEvent(PROGRESS);
    output.note("a line");
    const { link } = PROGRESS;
    if (how === "lost") output.nodeEvent({ event: "lost", link, peer: "00", why: "bye" });
    else output.endProgress();
    const shown = stderr();
    const last = shown.lastIndexOf("\u001b[0J");
    expect(shown.slice(0, last)).toContain("a line\n");
    // What comes after the screen was cleared below the text holds no bar, and the line that the library ends is taken back.
    expect(shown.slice(last)).not.toContain("ttyUSB0 [");
    expect(shown.slice(last)).toContain("\u001b[1A");
  });

  test("of one of two links is removed when its transfer ends, and the other stays", async () => {
    const { output, stderr } = await rig({ isTTY: true });
    output.nodeEvent(PROGRESS);
    output.nodeEvent({ ...PROGRESS, link: "/dev/ttyUSB1" });
    output.nodeEvent({ ...HEALED, link: PROGRESS.link, peer: "00", digest: "11" });
    const before = stderr().length;
    output.nodeEvent({ ...FULL, link: "/dev/ttyUSB1" });
    output.endProgress();
    expect(stderr().slice(before)).toContain("ttyUSB1 [");
    expect(stderr().slice(before)).not.toContain("ttyUSB0 [");
  });

  test("is removed when the transfer ends, so that no timer keeps the process alive", async () => {
    const { output, stderr } = await rig({ isTTY: true });
    output.nodeEvent(PROGRESS);
    const { link } = PROGRESS;
    output.nodeEvent({ ...HEALED, link, peer: "00", digest: "11" });
    expect(stderr()).toMatch(/\n.*healed with 11, other side is 00\n$/);
  });
});

describe("text for people", () => {
  test("never contains control characters of foreign text", () => {
    const foreign = "a\u001b[2Jb\u009bc\rd\u202e\ne";
    const [shown, stream] = ["a·[2Jb·c·d·\ne", { write: (): void => {}, isTTY: true }];
    expect(TerminalText.plain(foreign).written).toBe(shown);
    expect(TerminalText.styled(stream, "red", foreign).written).toBe(`\u001b[31m${shown}\u001b[39m`);
    expect(TerminalText.joined("<", TerminalText.plain(foreign), foreign).written).toBe(`<${shown}${shown}`);
  });

  test("escapes control characters in JSON without changing its value", () => {
    const value = { name: "a\u001bb\u007fc\u009bd\u2028e\u202ef\u2066\ng" };
    const json = printableJson(JSON.stringify(value));
    expect(json).toMatch(/^[ -~]+$/);
    expect(JSON.parse(json)).toEqual(value);
  });

  test("keeps no log that can no longer be written, and says so once", async () => {
    const { output, stderr } = await rig();
    let tried = 0;
    output.logTo({
      path: "full.log",
      append: () => {
        tried++;
        throw new Error("no space left");
      },
    });
    for (let i = 0; i < 3; i++) output.event({ event: "thing" });
    expect(tried).toBe(1);
    expect(stderr()).toContain("full.log is no longer written: no space left");
  });

  test("escapes in JSON every character that controls, separates lines, changes direction or is not seen", () => {
    const ranges = [
      [0x00, 0x1f],
      [0x7f, 0x9f],
      [0xad, 0xad],
      [0x61c, 0x61c],
      [0x200b, 0x200f],
      [0x2028, 0x202e],
      [0x2060, 0x206f],
      [0xfeff, 0xfeff],
      [0xfff9, 0xfffb],
      [0xe0001, 0xe0001],
      [0xe0020, 0xe007f],
    ] as const;
    const points = ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
    const seen = points.filter((point) => point !== 0x2065);
    for (const point of seen) {
      const text = `a${String.fromCodePoint(point)}b`;
      const json = printableJson(JSON.stringify({ [text]: text }));
      expect(json, point.toString(16)).toMatch(/^[ -~]+$/);
      expect(JSON.parse(json)).toEqual({ [text]: text });
    }
    expect(seen.length).toBeGreaterThan(180);
    // What is seen stays as it is.
    expect(printableJson(JSON.stringify("ä 漢 😀 ·"))).toBe('"ä 漢 😀 ·"');
  });

  test("has no character that changes the direction of text", () => {
    for (const mark of ["\u061c", "\u200e", "\u200f", "\u202a", "\u202e", "\u2066", "\u2069"]) {
      expect(TerminalText.plain(`a${mark}b`).written).toBe("a·b");
    }
  });

  test("keeps the style of a styled part between parts of foreign text", () => {
    const red = TerminalText.styled({ write: () => {}, isTTY: true }, "red", "x");
    expect(TerminalText.joined("\u001b", red, "\u001b").written).toBe("·\u001b[31mx\u001b[39m·");
  });

  test("is coloured only on a terminal", () => {
    const write = (): void => {};
    expect(TerminalText.styled({ write }, "red", "x").written).toBe("x");
    expect(TerminalText.styled({ write, isTTY: true }, "red", "x").written).toBe("\u001b[31mx\u001b[39m");
  });

  test("shows names and values in columns", () => {
    expect(
      columns([
        ["a", "1"],
        ["long", "2"],
      ]),
    ).toBe("a     1\nlong  2");
  });

  test("shows counts and times with units", () => {
    expect([byteText(1), byteText(262_144)]).toEqual(["1 byte", "262,144 bytes"]);
    for (const count of [0, 12, 999, 1000, 123_456, 1_000_000, 2 ** 53 - 1])
      expect(grouped(count)).toBe(count.toLocaleString("en-US"));
    expect([0.2, 59, 65, 3725].map(durationText)).toEqual(["0 s", "59 s", "1 min 5 s", "1 h 2 min"]);
    expect(progressText({ ...PROGRESS, eta: undefined })).toBe("8/56 blocks, 88.0 kB/s, 1 % lost");
  });

  test("has a line for each event except progress", () => {
    const [link, peer] = ["L", "0123456789abcdef"];
    const events: NodeEvent[] = [
      { event: "ready", link },
      { event: "link", link, state: "down", detail: "unplugged" },
      {
        event: "distress",
        link,
        peer: "0123456789abcdef",
        hardwareId: "00",
        revision: 1,
        reason: "hash",
        proven: false,
        version: "1.0.0",
        counterFloor: 0,
      },
      {
        event: "offer",
        link,
        peer: "0123456789abcdef",
        digest: "ff".repeat(32),
        version: "1.0.0",
        size: 4096,
      },
      { event: "refused", link, peer, reason: "hardware", proven: false, detail: "made for others" },
      { event: "console", link, text: "login:\nroot\n" },
      { event: "verified", link, peer, digest: "ff".repeat(32) },
      HEALED,
      { event: "healthy", link, peer, digest: "ff".repeat(32), seconds: 0 },
      { event: "healthy", link, peer, digest: "ff".repeat(32), seconds: 4 },
      { event: "lost", link, peer, why: "lease" },
    ];
    expect(events.map(eventText)).toEqual([
      "L: listening",
      "L: down (unplugged)",
      "L: board 01234567 (hardware 00) is in distress: the image in flash is damaged; had version 1.0.0",
      "L: offer of version 1.0.0 (ffffffff, 4,096 bytes), other side is 01234567",
      "L: refused (hardware): made for others",
      "L| login:\nL| root",
      "L: image ffffffff verified in flash",
      "L: healed with ffffffff, other side is 01234567",
      "L: board 01234567 is healthy",
      "L: board 01234567 is healthy, 4 s after its heal",
      "L: session ended early: the rescuer sent nothing useful for too long",
    ]);
    expect(eventText(PROGRESS)).toBeUndefined();
  });

  test("shows in a verdict what was transferred, if anything was", () => {
    expect(verdictText(doneVerdict("healthy"))).toBe("healthy");
    const moved = {
      bytesTx: 1000,
      bytesRx: 1,
      resentBytes: 32,
      codedBlocks: 1,
      savedBytes: 2100,
      blocks: 2,
      seconds: 1.234,
      digest: "ab".repeat(32),
    };
    expect(verdictText({ ...doneVerdict("healed"), ...moved })).toBe(
      "healed abababab: 2 blocks in 1.23 s, 1,000 bytes sent, 1 byte received, 32 bytes sent again, 2,100 bytes saved by compression",
    );
  });
});

describe("errors", () => {
  test("of ours keep code and exit code; others become failures with their own reason", () => {
    expect(errorVerdict(new FailedError("some-code", "text"))).toMatchObject({
      code: 1,
      reason: "some-code",
    });
    expect(errorVerdict(new TypeError("oops"))).toMatchObject({ code: 1, reason: "internal-error" });
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { syscall: "write" });
    expect(errorVerdict(full)).toMatchObject({ code: 1, reason: "system-error" });
    expect(interruptedVerdict()).toMatchObject({ ok: false, code: 130, reason: "interrupted" });
  });
});
