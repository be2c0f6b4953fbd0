import { describe, expect, it } from "vitest";
import { adviceOn } from "../../src/cli/advice/run-advice.ts";
import { newCounters } from "../../src/link/counters.ts";
import type { StrangerKind } from "../../src/link/strangers/stranger.ts";
import { diagnose, type Noticed } from "../../src/node/diagnosis.ts";
import { strangerText } from "../../src/node/stranger-names.ts";

const nothing: Noticed = {
  heardNode: false,
  consoleText: "",
  foreignVersion: false,
  baud: 115_200,
  endpoint: "/dev/ttyUSB0",
};

const KINDS: readonly StrangerKind[] = [
  "esp-boot-log",
  "linux-kernel-log",
  "login-prompt",
  "shell-prompt",
  "u-boot",
  "xmodem",
  "zmodem",
  "smp",
  "modem",
  "stk500",
  "nmea",
  "zeros",
  "ones",
  "slower-sender",
  "telnet",
  "flow-control",
  "line-ends",
  "terminal",
  "zeros-dropped",
  "seven-bits",
];

describe("a diagnosis", () => {
  it.each<[string, string, Partial<ReturnType<typeof newCounters>>, Partial<Noticed>]>([
    ["node", "a node that answered", { bytesReceived: 40, framesReceived: 1 }, { heardNode: true }],
    ["foreign-version", "another version", { bytesReceived: 40 }, { foreignVersion: true }],
    ["silence", "nothing", {}, {}],
    ["echo", "own frames", { bytesReceived: 40, framesReceived: 1, echoes: 1 }, {}],
    ["console", "text", { bytesReceived: 40, bytesDiscarded: 40 }, { consoleText: "hello" }],
    ["node", "whole frames of others", { bytesReceived: 40, framesReceived: 1 }, {}],
    ["node", "own frames and others", { bytesReceived: 90, framesReceived: 3, echoes: 2 }, {}],
    ["node", "frames that mean nothing", { bytesReceived: 40, unexpectedFrames: 1 }, {}],
    ["zeros", "a few zeros", { bytesReceived: 1 }, {}],
    ["noise", "bytes that are no frame", { bytesReceived: 40, bytesDiscarded: 40 }, {}],
  ])("says %s of %s", (seen, _what, seenCounters, noticed) => {
    const counters = { ...newCounters(), ...seenCounters };
    expect(diagnose(counters, { ...nothing, ...noticed }).seen).toBe(seen);
  });

  it.each(KINDS)("names %s, and says what to try", (kind) => {
    const counters = { ...newCounters(), bytesReceived: 500, bytesDiscarded: 500 };
    const noticed = { ...nothing, consoleText: "some text", stranger: { kind } };
    const found = diagnose(counters, noticed, adviceOn);
    expect(found).toEqual({ seen: kind, detail: strangerText({ kind }, nothing, adviceOn) });
    expect(found.detail.length).toBeGreaterThan(60);
    // Without advice the sentence says what was seen, and ends there.
    const sentence = diagnose(counters, noticed).detail;
    expect(found.detail.startsWith(`${sentence}: `)).toBe(true);
  });

  it("says that own frames come back beside a node, with what does that on this kind of link", () => {
    const counters = { ...newCounters(), bytesReceived: 90, framesReceived: 3, echoes: 2 };
    const found = diagnose(counters, { ...nothing, heardNode: true }, adviceOn);
    expect(found).toMatchObject({ seen: "node" });
    expect(found.detail).toMatch(/^a mayday node answered; our own frames come back, too: an RS-485 adapter/);
    const tcp = diagnose(counters, { ...nothing, endpoint: "tcp:pi:5000" }, adviceOn).detail;
    expect(tcp).toMatch(
      /^a mayday node was heard; our own frames come back, too: set the tty behind the server/,
    );
    const none = { ...counters, echoes: 0 };
    expect(diagnose(none, { ...nothing, heardNode: true }, adviceOn).detail).toBe("a mayday node answered");
  });

  it("quotes the text by which something was recognized", () => {
    const counters = { ...newCounters(), bytesReceived: 500, bytesDiscarded: 500 };
    const stranger = { kind: "login-prompt", sample: "raspberrypi login:" } as const;
    expect(diagnose(counters, { ...nothing, stranger }).detail).toContain('"raspberrypi login:"');
  });

  it("prefers a node, an echo and another version to a stranger", () => {
    const stranger = { kind: "nmea" } as const;
    const counters = { ...newCounters(), bytesReceived: 500 };
    expect(diagnose(counters, { ...nothing, stranger, heardNode: true }).seen).toBe("node");
    expect(diagnose(counters, { ...nothing, stranger, foreignVersion: true }).seen).toBe("foreign-version");
    expect(diagnose({ ...counters, echoes: 1 }, { ...nothing, stranger }).seen).toBe("echo");
  });

  it("says how many frames were valid on a noisy line", () => {
    const counters = { ...newCounters(), bytesReceived: 500, bytesDiscarded: 400, framesReceived: 2 };
    expect(diagnose(counters, nothing).detail).toContain("only 2 frames");
  });

  it("states the rate at which noise was read", () => {
    expect(strangerText({ kind: "noise" }, nothing, adviceOn)).toContain("115200");
    expect(strangerText({ kind: "noise" }, { ...nothing, baud: undefined }, adviceOn)).not.toContain("baud)");
  });
});
