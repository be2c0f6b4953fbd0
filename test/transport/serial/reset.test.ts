import { describe, expect, it } from "vitest";
import type { Millis } from "../../../src/base/units.ts";
import { VirtualClock } from "../../../src/base/virtual-clock.ts";
import { parseEndpoint, type ResetLine } from "../../../src/transport/endpoint.ts";
import { resetOf } from "../../../src/transport/open-transport.ts";
import { type ModemLines, resetBoard } from "../../../src/transport/serial/port-handle.ts";
import { inVirtualTime } from "../../support/virtual-time.ts";

/** What a board with a reset circuit sees: the levels of the lines, and since when. */
async function seen(line: ResetLine): Promise<{ dtr: boolean; rts: boolean; at: Millis }[]> {
  const clock = new VirtualClock();
  const steps: { dtr: boolean; rts: boolean; at: Millis }[] = [];
  const port: ModemLines = {
    set: ({ dtr, rts }, done) => {
      steps.push({ dtr, rts, at: clock.now() });
      done(null);
    },
    close: () => {},
  };
  await inVirtualTime(clock, resetBoard(port, "/dev/ttyUSB0", line, clock));
  return steps;
}

describe("the reset of a board when its port is opened", () => {
  it("by dtr ends with a falling edge of DTR", async () => {
    expect(await seen("dtr")).toEqual([
      { dtr: false, rts: true, at: 0 },
      { dtr: true, rts: true, at: 100 },
    ]);
  });

  it("by rts ends with both lines free", async () => {
    expect(await seen("rts")).toEqual([
      { dtr: false, rts: true, at: 0 },
      { dtr: false, rts: false, at: 100 },
    ]);
  });

  it("by esp holds the boot pin while reset ends, and then frees both lines", async () => {
    expect(await seen("esp")).toEqual([
      { dtr: false, rts: true, at: 0 },
      { dtr: true, rts: false, at: 100 },
      { dtr: false, rts: false, at: 150 },
    ]);
  });

  it("that fails closes the port, and the error says how to do without", async () => {
    let isClosed = false;
    const port: ModemLines = {
      set: (_lines, done) => done(new Error("Input/output error")),
      close: () => {
        isClosed = true;
      },
    };
    const reset = resetBoard(port, "/dev/ttyUSB0", "esp", new VirtualClock());
    await expect(reset).rejects.toMatchObject({ code: "port-reset" });
    await expect(reset).rejects.toThrow(/DTR and RTS .*reset=none/);
    expect(isClosed).toBe(true);
  });

  it.each([
    ["serial:/dev/ttyUSB0", undefined, undefined],
    ["serial:/dev/ttyUSB0", "rts", "rts"],
    ["serial:/dev/ttyUSB0?reset=esp", undefined, "esp"],
    ["serial:/dev/ttyUSB0?reset=esp", "rts", "esp"],
    ["serial:/dev/ttyUSB0?reset=none", "rts", undefined],
  ] as const)("of %s with %s for all links is %s", (text, common, reset) => {
    const endpoint = parseEndpoint(text);
    expect(endpoint.tag === "uart" && resetOf(endpoint, common)).toBe(reset);
  });
});
