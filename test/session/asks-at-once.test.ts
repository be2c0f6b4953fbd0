import { describe, expect, it } from "vitest";
import type { Millis } from "../../src/base/units.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { EarlyChunks } from "../../src/session/target/early-chunks.ts";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { AnnounceType, FrameClass } from "../../src/wire/constants.ts";
import { decodeFrame, encodeMessage } from "../../src/wire/frame.ts";
import { VirtualRescue, type VirtualRescueOptions } from "../support/virtual-rescue.ts";
import { wrappedTransport } from "../support/wrapped-transport.ts";

const SIZE = 262_144;

/** What was measured in one rescue on a clean line. */
interface Seen {
  /** Round trips of the line from the accept to the first byte of firmware that leaves the rescuer. */
  readonly roundTrips: number;
  /** From the first call to the end of both sides. */
  readonly ms: Millis;
  readonly bytes: number;
}

function measure(latencyMs: Millis, options: Partial<VirtualRescueOptions>): Seen {
  const clock = new VirtualClock();
  let acceptAt: Millis | undefined;
  let dataAt: Millis | undefined;
  const rescue = new VirtualRescue({
    ...{ seed: 1, size: SIZE, latencyMs, clock, ...options },
    wrap: (wire) =>
      wrappedTransport(wire, {
        write: (bytes) => {
          const frame = decodeCobs(bytes.subarray(bytes[0] === 0 ? 1 : 0, -1));
          const first = frame?.[0] ?? 0;
          if ((first & 0xf) === FrameClass.announce && frame?.[1] === AnnounceType.accept)
            acceptAt ??= clock.now();
          if ((first & 0xf) >= FrameClass.data) dataAt ??= clock.now();
          return wire.write(bytes);
        },
      }),
  });
  expect(rescue.run(60_000)).toBe(true);
  expect(rescue.flashed).toEqual(rescue.data);
  const roundTrips = ((dataAt ?? Number.NaN) - (acceptAt ?? Number.NaN)) / (2 * latencyMs);
  return { roundTrips, ms: clock.now(), bytes: rescue.bytesOnWire };
}

/** Flash that differs from the image in every block, and of which nothing is known. */
const foreign = new Uint8Array(SIZE).fill(0x5a);

describe("an accept that asks at once", () => {
  it.each([
    // Half a round trip: the accept's way. Blocks follow the manifest and the runs.
    ["a blank flash", {}, 0.5],
    // One more: the grant answers the runs.
    ["a flash that holds something else", { slot: foreign }, 1.5],
  ] as const)("brings the first byte of firmware without questions: %s", (what, options, roundTrips) => {
    for (const latencyMs of [1, 16, 100]) {
      const seen = measure(latencyMs, options);
      process.stdout.write(
        `${what}, ${latencyMs} ms each way: ${seen.roundTrips.toFixed(2)} round trips to the first byte, ` +
          `${seen.bytes} bytes, ${seen.ms.toFixed(1)} ms\n`,
      );
      // Line time of the frames before it, and at 1 ms each way that is several round trips, comes on top.
      if (latencyMs === 100) expect(seen.roundTrips).toBeGreaterThanOrEqual(roundTrips);
      if (latencyMs === 100) expect(seen.roundTrips).toBeLessThan(roundTrips + 0.25);
    }
  });
});

describe("what an accept asked for", () => {
  it.each([
    ["blank", {}],
    ["path", { slot: foreign.subarray(0, 65_536) }],
  ] as const)(
    "is requested and granted all the same when the rescuer does not send it: %s",
    (asks, options) => {
      let altered = 0;
      const rescue = new VirtualRescue({
        ...{ seed: 1, size: 65_536, ...options },
        wrap: (wire, end) =>
          wrappedTransport(wire, {
            write: (bytes) => {
              const frame = decodeCobs(bytes.subarray(bytes[0] === 0 ? 1 : 0, -1));
              const message = frame && decodeFrame(frame, undefined);
              if (end === 1 || message?.tag !== "accept") return wire.write(bytes);
              expect(message.asks).toBe(asks);
              altered++;
              const { asks: _, ...plain } = message;
              return wire.write(encodeDelimited(encodeMessage(plain, 1)));
            },
          }),
      });
      expect(rescue.run(60_000)).toBe(true);
      expect(rescue.flashed).toEqual(rescue.data);
      expect(altered).toBe(1);
      expect(rescue.targetEvents.some(({ tag }) => tag === "sessionLost")).toBe(false);
    },
  );

  it("is only the root's run where flash may hold the image, and nothing else when it does", () => {
    const rescue = new VirtualRescue({ seed: 1, size: SIZE });
    expect(rescue.run(60_000)).toBe(true);
    const region = rescue.board.nor.map.slots[0];
    rescue.board.storage.write((region?.offset ?? 0) + 200_000, new Uint8Array(32));
    const before = rescue.bytesOnWire;
    rescue.restartTarget();
    const isHealedAgain = (): boolean =>
      rescue.targetEvents.filter(({ tag }) => tag === "finished").length > 1;
    expect(rescue.run(60_000, isHealedAgain)).toBe(true);
    expect(rescue.flashed).toEqual(rescue.data);
    // The manifest, two runs and one block.
    expect(rescue.bytesOnWire - before).toBeLessThan(6_500);
  });

  it("is kept within what was asked for, however much a rescuer sends", () => {
    const early = new EarlyChunks(4_096);
    const payload = new Uint8Array(1_024);
    for (let i = 0; i < 100; i++)
      early.add({ tag: "data", packetNumber: i, codec: 0, attempt: 0, position: 32 * i, payload });
    expect(early.takeData()).toHaveLength(6);
    const small = new EarlyChunks(4_096);
    for (let i = 0; i < 10_000; i++)
      small.add({
        tag: "data",
        packetNumber: i,
        codec: 0,
        attempt: 0,
        position: i,
        payload: Uint8Array.of(1),
      });
    expect(small.takeData().length).toBeLessThan(250);
    expect(small.takeData()).toHaveLength(0);
  });
});
