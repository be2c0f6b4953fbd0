import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { LinkDriver, type Machine } from "../../src/node/link-driver.ts";
import { PureRunSplitter } from "../../src/node/pure-run-splitter.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";

/** Waits for ever while a run arrives, and for 10 ms once it has ended. */
class WaitingMachine implements Machine<never> {
  dueAt: number | undefined;
  readonly calledAt: number[] = [];
  handleLinkUp(): void {}
  handleRun(now: number): void {
    this.dueAt = now + 10;
  }
  handleFrame(): void {}
  handleTimeout(now: number): void {
    if (this.dueAt === undefined || now < this.dueAt) return;
    this.calledAt.push(now);
    this.dueAt = undefined;
  }
  pollTransmit(): undefined {}
  pollEvent(): undefined {}
  pollTimeout(): number | undefined {
    return this.dueAt;
  }
  takeUnsent(): { frames: readonly Uint8Array[]; lineMs: number } {
    return { frames: [], lineMs: 0 };
  }
}

describe("a link driver", () => {
  it.each([
    ["silence", Uint8Array.of(1, 2, 3), 60],
    ["a delimiter", Uint8Array.of(1, 2, 0), 10],
  ])("keeps the time that its machine asks for when %s ends a run", async (_, bytes, wantedAt) => {
    const clock = new VirtualClock();
    const [near, far] = createMemoryPair(clock);
    const machine = new WaitingMachine();
    const driver = new LinkDriver(machine, near, clock, (onRun) => new PureRunSplitter(onRun, clock), {
      onEvent: () => {},
    });
    await driver.open();
    await far.open({ onUp: () => {}, onDown: () => {}, onBytes: () => {}, onWritable: () => {} });
    far.write(bytes);
    clock.advanceTo(1_000);
    expect(machine.calledAt).toEqual([wantedAt]);
  });
});
