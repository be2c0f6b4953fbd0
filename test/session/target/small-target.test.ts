import { describe, expect, it } from "vitest";
import { decodeCobs } from "../../../src/wire/cobs.ts";
import { decodeFrame } from "../../../src/wire/frame.ts";
import type { Accept, Frame } from "../../../src/wire/messages.ts";
import { VirtualRescue, type VirtualRescueOptions } from "../../support/virtual-rescue.ts";
import { wrappedTransport } from "../../support/wrapped-transport.ts";

const SMALL = { payloadMax: 64, openBlocks: 1, runs: 1, asks: "run" } as const;
const BLOCK_SIZE = 1024;
/** Three runs below the root's, the last of them of 8 blocks. */
const BLOCKS = 40;

/** A rescue that heals its board, and all frames of the target. */
function rescue(options: Omit<VirtualRescueOptions, "seed">): { run: VirtualRescue; sent: Uint8Array[] } {
  const sent: Uint8Array[] = [];
  const run = new VirtualRescue({
    seed: 5,
    size: BLOCKS * BLOCK_SIZE,
    blockSize: BLOCK_SIZE,
    sectorSize: BLOCK_SIZE,
    ...options,
    wrap: (wire, end) =>
      wrappedTransport(wire, {
        write: (bytes) => {
          const frame = decodeCobs(bytes.subarray(bytes[0] === 0 ? 1 : 0, -1));
          if (end === 0 && frame !== undefined) sent.push(frame.slice());
          return wire.write(bytes);
        },
      }),
  });
  expect(run.run(120_000)).toBe(true);
  expect(run.flashed).toEqual(run.data);
  return { run, sent };
}

const entriesOf = (sent: readonly Uint8Array[], first: number): number[] =>
  sent.filter((frame) => frame[0] === first).map((frame) => frame[3] ?? -1);
const requests = (sent: readonly Uint8Array[]): number[] => entriesOf(sent, 0x21);
const grants = (sent: readonly Uint8Array[]): Uint8Array[] => sent.filter((frame) => frame[0] === 0x11);

function acceptOf(sent: readonly Uint8Array[]): Accept {
  const isAccept = (frame: Frame | { tag: string }): frame is Accept => frame.tag === "accept";
  return sent.map((frame) => decodeFrame(frame, undefined)).find(isAccept) ?? expect.fail("no accept");
}

describe("a target with one block buffer and one run", () => {
  it("states what it keeps, asks for one run and grants one block at a time, and is healed", () => {
    const { sent } = rescue({ limits: SMALL });
    expect(acceptOf(sent)).toMatchObject({ payloadMax: 64, openBlocks: 1, asks: "run" });
    expect(requests(sent)).toEqual([1, 1, 1]);
    for (const grant of grants(sent)) {
      expect(grant[3]).toBeLessThanOrEqual(1);
      if (grant[3] === 1) expect(grant[7]).toBe(1);
    }
    expect(grants(sent).length).toBeGreaterThanOrEqual(BLOCKS);
  });

  it("asks for nothing with its accept if it is told so, and is healed on a bad line, too", () => {
    const { run, sent } = rescue({ limits: { ...SMALL, asks: "nothing" }, faults: { drop: 0.0005 } });
    expect(run.rescuerEnd.counters.packetsLost).toBeGreaterThan(0);
    expect(acceptOf(sent).asks).toBeUndefined();
    expect(new Set(requests(sent))).toEqual(new Set([1]));
  });
});

describe("a target without limits", () => {
  it("asks for more runs and blocks at once", () => {
    const { sent } = rescue({});
    expect(acceptOf(sent)).toMatchObject({ payloadMax: 4096, openBlocks: 64, asks: "blank" });
    expect(Math.max(...grants(sent).map((grant) => grant[7] ?? 0))).toBeGreaterThan(1);
  });
});
