import { describe, expect, it } from "vitest";
import type { Clock, Timer } from "../../src/base/clock.ts";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { ErrorEstimate } from "../../src/link/error-estimate.ts";
import type { SplitterFactory } from "../../src/node/link-driver.ts";
import { PureRunSplitter } from "../../src/node/pure-run-splitter.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import type { Transport, TransportHandlers } from "../../src/transport/transport.ts";
import { TransportWrapper } from "../../src/transport/transport-wrapper.ts";
import { boardFor, imageOf } from "../attacks/duel.ts";
import { ExchangeableNode } from "../support/exchangeable-node.ts";

const EXCHANGES = 1000;
const TRANSFER_EVERY = 100;
const LINE = { baud: 921_600, latencyMs: 2 };
/** One for each driver and splitter, and one for each piece on the wire; one left at each exchange would be a thousand. */
const TIMERS_MAX = 40;

/** A clock that knows its timers that are neither fired nor cancelled. */
class CountingClock implements Clock {
  readonly running: Set<Timer> = new Set();
  readonly #inner: Clock;

  constructor(inner: Clock) {
    this.#inner = inner;
  }

  now(): Millis {
    return this.#inner.now();
  }

  after(delay: Millis, fire: () => void): Timer {
    const timer = this.#inner.after(delay, () => {
      this.running.delete(counted);
      fire();
    });
    const counted = {
      cancel: () => {
        this.running.delete(counted);
        timer.cancel();
      },
    };
    this.running.add(counted);
    return counted;
  }
}

/** A transport that counts how often it was opened and closed. */
class CountingTransport extends TransportWrapper {
  opened = 0;
  closed = 0;

  override open(handlers: TransportHandlers): Promise<void> {
    this.opened++;
    return super.open(handlers);
  }

  override close(): Promise<void> {
    this.closed++;
    return super.close();
  }
}

const counted = (wire: Transport): CountingTransport => new CountingTransport(wire);

describe("a role that is exchanged on an open port", () => {
  it("a thousand times, with a transfer at every hundredth, leaves no timer and keeps what the link knows", async () => {
    const virtual = new VirtualClock();
    const clock = new CountingClock(virtual);
    const data = randomBytes(new SeededRandom(3), 8192);
    const image = imageOf(data);
    const [one, two] = createMemoryPair(clock, { aToB: LINE, bToA: LINE });
    const wires = [counted(one), counted(two)] as const;
    const splitter: SplitterFactory = (onRun) => new PureRunSplitter(onRun, clock);
    const nodes = wires.map((wire, i) => new ExchangeableNode(wire, clock, splitter, i + 1));
    const [a, b] = nodes as [ExchangeableNode, ExchangeableNode];
    await Promise.all([a.open(), b.open()]);

    const pass = (ms: Millis): void => virtual.advanceTo(virtual.now() + ms);
    /** Has one node heal the other, which has an empty board. */
    const heal = (target: ExchangeableNode, rescuer: ExchangeableNode): void => {
      const board = boardFor([{ name: "image", data, digest: image.digest }]);
      rescuer.becomeRescuer(image);
      target.becomeTarget(board);
      const limit = virtual.now() + 20_000;
      while (!(target.seen.has("finished") && rescuer.seen.has("healed")))
        if (!virtual.runNext(limit)) throw new Error(`not healed; seen ${[...target.seen.keys()]}`);
      expect(board.boot()).toMatchObject({ tag: "boot" });
    };

    heal(a, b);
    heal(b, a);
    const before = nodes.map(({ link }) => ({
      rtt: link.rtt.smoothed,
      errors: link.errorRate,
      frames: link.counters.framesReceived,
    }));
    let transfers = 0;
    for (let i = 1; i <= EXCHANGES; i++) {
      const [first, second] = i % 2 === 0 ? [a, b] : [b, a];
      if (i % TRANSFER_EVERY === 0) {
        heal((i / TRANSFER_EVERY) % 2 === 0 ? a : b, (i / TRANSFER_EVERY) % 2 === 0 ? b : a);
        transfers++;
      } else if (i % 3 === 0) first.becomeQuery();
      else if (i % 3 === 1) first.becomeRescuer(image);
      else first.becomeTarget(boardFor([{ name: "image", data, digest: image.digest }]));
      // Also in the middle of a handshake or of a transfer, which then ends with a bye.
      pass([0, 3, 15, 60][i % 4] ?? 0);
      if (i % 7 === 0) second.becomeQuery();
      expect(clock.running.size).toBeLessThanOrEqual(TIMERS_MAX);
    }
    expect(transfers).toBe(EXCHANGES / TRANSFER_EVERY);
    const after = nodes.map(({ link }) => ({
      rtt: link.rtt.smoothed,
      errors: link.errorRate,
      frames: link.counters.framesReceived,
    }));
    for (const [i, known] of before.entries()) {
      const now = after[i];
      if (now === undefined) throw new Error("a node for each end");
      process.stdout.write(
        `end ${i}: round trip ${known.rtt.toFixed(2)} ms before, ${now.rtt.toFixed(2)} ms after ${EXCHANGES} exchanges; error estimate ${known.errors.toExponential(1)} before, ${now.errors.toExponential(1)} after; ${now.frames - known.frames} frames heard\n`,
      );
      // The line did not change, so what was learnt of it did not either; a new link would begin at its default.
      expect(Math.abs(now.rtt - known.rtt)).toBeLessThan(10);
      expect(now.errors).toBeLessThan(new ErrorEstimate().rate / 2);
      expect(now.frames).toBeGreaterThan(known.frames);
    }

    for (const node of nodes) await node.close();
    pass(10_000);
    expect(clock.running.size).toBe(0);
    expect(wires.map(({ opened, closed }) => [opened, closed])).toEqual([
      [1, 1],
      [1, 1],
    ]);
  });

  it("tells late frames of the session before from noise: their tag is kept", async () => {
    const clock = new VirtualClock();
    const data = randomBytes(new SeededRandom(3), 8192);
    const image = imageOf(data);
    const [one, two] = createMemoryPair(clock, { aToB: LINE, bToA: LINE });
    const splitter: SplitterFactory = (onRun) => new PureRunSplitter(onRun, clock);
    const target = new ExchangeableNode(one, clock, splitter, 1);
    const rescuer = new ExchangeableNode(two, clock, splitter, 2);
    await Promise.all([target.open(), rescuer.open()]);
    rescuer.becomeRescuer(image);
    target.becomeTarget(boardFor([{ name: "image", data, digest: image.digest }]));
    const limit = clock.now() + 5_000;
    while (!target.seen.has("progress") && clock.runNext(limit));
    // Packets of the session are on the wire now.
    target.becomeQuery();
    clock.advanceTo(clock.now() + 200);
    expect(target.link.counters.staleFrames).toBeGreaterThan(0);
    expect(target.link.counters.crcErrors).toBe(0);
    await Promise.all([target.close(), rescuer.close()]);
  });
});
