import { describe, expect, it } from "vitest";
import { concatBytes } from "../../src/base/bytes.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import type { LinkEvent } from "../../src/link/link-event.ts";
import { LinkDriver } from "../../src/node/link-driver.ts";
import { PureRunSplitter } from "../../src/node/pure-run-splitter.ts";
import { LinkEnd } from "../../src/session/link-end.ts";
import type { Role } from "../../src/session/role.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import { encodeDelimited } from "../../src/wire/cobs.ts";
import { encodeCodedFrame } from "../../src/wire/fec/coded-frame.ts";
import { FRAME_VECTORS } from "../wire/wire-vectors.ts";

const LINE = { baud: 115_200, latencyMs: 1, pieceBytes: 16 };
const query = FRAME_VECTORS.find(({ frame }) => frame.tag === "query")?.bytes ?? expect.fail("no query");
const text = (line: string): Uint8Array => new TextEncoder().encode(line);

/** What an end hears of bytes that another one writes, in order: console text, and tags of messages. */
function heard(isHunting: boolean, bytes: Uint8Array): { told: string[]; end: LinkEnd<never> } {
  const clock = new VirtualClock();
  const [near, far] = createMemoryPair(clock, { aToB: LINE, bToA: LINE });
  const told: string[] = [];
  const end = new LinkEnd<never>({ baud: LINE.baud, rtoFloorMs: 10, isHunting });
  const role: Role = {
    handleLinkUp: () => {},
    handleHeard: (_now, event: LinkEvent) =>
      told.push(event.tag === "message" ? event.message.tag : event.tag),
    handleInputEnd: () => {},
    handleTimeout: () => {},
    pollTimeout: () => undefined,
    stop: () => {},
  };
  end.exchange(0, () => role);
  const splitter = (onRun: (run: Uint8Array) => void): PureRunSplitter => new PureRunSplitter(onRun, clock);
  const onEvent = (event: { tag: string; text?: string }): void => {
    told.push(event.text ?? event.tag);
  };
  void new LinkDriver(end, near, clock, splitter, { onEvent }).open();
  void far.open({ onUp: () => {}, onDown: () => {}, onBytes: () => {}, onWritable: () => {} });
  far.write(bytes);
  while (clock.runNext(1_000)) {
    // until nothing is left to happen
  }
  return { told, end };
}

describe("a link end on a stream with both forms", () => {
  const boot = "boot loader 1.2, loading the image\r\n";
  const stream = concatBytes(
    text(boot),
    encodeCodedFrame(query, 8),
    encodeDelimited(query),
    text("second stage\n"),
    encodeCodedFrame(query, 1),
    text("login: "),
  );

  it("hears frames of either form in their order, and every byte of the text between them", () => {
    const { told, end } = heard(true, stream);
    expect(told.filter((one) => one === "query")).toHaveLength(3);
    expect(told.filter((one) => one !== "query").join("")).toBe(`${boot}second stage\nlogin: `);
    expect(end.counters).toMatchObject({
      bytesReceived: stream.length,
      framesReceived: 3,
      codedFramesReceived: 2,
      crcErrors: 0,
    });
  });

  it("hears only COBS where it does not hunt", () => {
    const { told, end } = heard(false, stream);
    expect(told.filter((one) => one === "query")).toHaveLength(1);
    expect(end.counters).toMatchObject({
      bytesReceived: stream.length,
      framesReceived: 1,
      codedFramesReceived: 0,
    });
  });

  it("passes on the text that looked like the beginning of a frame when the line falls silent", () => {
    const cut = concatBytes(encodeCodedFrame(query, 8).subarray(0, 20), text("kernel panic, and nothing"));
    const { told, end } = heard(true, cut);
    expect(told.join("")).toContain("kernel panic, and nothing");
    expect(end.counters.bytesReceived).toBe(cut.length);
  });

  it("counts the bytes that were mended", () => {
    const wire = encodeCodedFrame(query, 8);
    for (const at of [9, 20, 30]) wire[at] = (wire[at] ?? 0) ^ 0xff;
    expect(heard(true, wire).end.counters).toMatchObject({
      codedFramesReceived: 1,
      mendedBytes: 3,
      crcErrors: 0,
    });
  });
});
