import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../src/base/virtual-clock.ts";
import {
  type BindingPort,
  coalesceReads,
  READ_PAUSE_MS,
  READS_AT_ONCE,
} from "../../../src/transport/serial/uart-tuning.ts";

let clock: VirtualClock;
let begun: number;
let port: BindingPort;

beforeEach(() => {
  clock = new VirtualClock();
  begun = 0;
  port = {
    read: (buffer) => {
      begun++;
      return Promise.resolve({ buffer, bytesRead: 1 });
    },
  };
  coalesceReads(port, clock);
});

/** Reads, letting the pause pass if there is one; gives how long that took. */
async function read(): Promise<number> {
  const start = clock.now();
  const before = begun;
  const done = port.read(Buffer.alloc(1), 0, 1);
  if (begun === before) clock.advanceTo(start + READ_PAUSE_MS);
  await done;
  return clock.now() - start;
}

async function reads(count: number): Promise<number[]> {
  const pauses: number[] = [];
  for (let i = 0; i < count; i++) pauses.push(await read());
  return pauses;
}

const atOnce = (count: number): number[] => new Array<number>(count).fill(0);
const paused = (count: number): number[] => new Array<number>(count).fill(READ_PAUSE_MS);

describe("reads of a serial port", () => {
  it("have no pause in a short exchange, and one each in a stream", async () => {
    expect(await reads(READS_AT_ONCE + 20)).toEqual([...atOnce(READS_AT_ONCE), ...paused(20)]);
  });

  it("have none again behind a silence, one for each pause that it lasted, up to those of an exchange", async () => {
    await reads(READS_AT_ONCE + 5);
    clock.advanceTo(clock.now() + 2 * READ_PAUSE_MS);
    expect(await reads(4)).toEqual([...atOnce(2), ...paused(2)]);
    clock.advanceTo(clock.now() + 1000);
    expect(await reads(READS_AT_ONCE + 2)).toEqual([...atOnce(READS_AT_ONCE), ...paused(2)]);
  });

  it("have one in a stream whose bytes come a little slower than they are read", async () => {
    await reads(READS_AT_ONCE);
    for (let i = 0; i < 50; i++) {
      expect(await read()).toBe(READ_PAUSE_MS);
      clock.advanceTo(clock.now() + READ_PAUSE_MS / 4);
    }
  });
});
