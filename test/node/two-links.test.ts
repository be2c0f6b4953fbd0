import { describe, expect, it } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { fixedRepository, noneOf, type Repository } from "../../src/image/repository.ts";
import { runDistress } from "../../src/node/distress-node.ts";
import type { NodeEvent } from "../../src/node/node-event.ts";
import { runRescue } from "../../src/node/rescue-node.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { encodeDelimited } from "../../src/wire/cobs.ts";
import { boardFor, imageOf } from "../attacks/duel.ts";
import { inVirtualTime, pass, passUntil } from "../support/virtual-time.ts";
import { withCrc } from "../support/with-crc.ts";
import { wrappedTransport } from "../support/wrapped-transport.ts";

const SIZE = 8192;
const LINE = { baud: 115_200, latencyMs: 1 };

/** An announcement of protocol version 2 (PROTOCOL.md 3), as it is on the wire. */
const FOREIGN = encodeDelimited(withCrc(Uint8Array.of(0x20, 1, 2, 3), undefined));

describe("a board with two links", () => {
  it.each(["the link that serves it", "the other link"])(
    "continues its session when a neighbour of another protocol version is heard on %s",
    async (where) => {
      const data = randomBytes(new SeededRandom(5), SIZE);
      const image = imageOf(data);
      const clock = new VirtualClock();
      const [near, far] = createMemoryPair(clock, { aToB: LINE, bToA: LINE });
      const [nearOther, farOther] = createMemoryPair(clock, { aToB: LINE, bToA: LINE });
      const events: NodeEvent[] = [];
      const board = boardFor([{ name: "image", digest: image.digest, data }]);
      const signal = new AbortController().signal;
      const common = { timeoutMs: 30_000, signal, clock };
      const rescuer = {
        ...common,
        repository: fixedRepository([image]),
        allowUnsigned: false,
        once: true,
        onEvent: () => {},
      };
      const wire = where === "the other link" ? farOther : far;
      const distress = runDistress({
        ...common,
        links: [near, nearOther],
        store: board.store(),
        onEvent: (event) => {
          events.push(event);
          // Once, in the middle of the transfer; then another rescuer starts on the other link.
          if (event.event !== "progress" || rescuers.length > 1) return;
          rescuers.push(runRescue({ ...rescuer, links: [farOther] }));
          clock.after(1, () => wire.write(FOREIGN));
        },
      });
      const rescuers = [runRescue({ ...rescuer, links: [far] })];
      const verdict = await inVirtualTime(clock, distress);
      expect(rescuers).toHaveLength(2);
      expect(verdict).toMatchObject({ code: 0, reason: "healed" });
      expect(events).toContainEqual(expect.objectContaining({ event: "refused", reason: "protocol" }));
      expect(events.filter(({ event }) => event === "offer")).toHaveLength(1);
      expect(board.boot()).toMatchObject({ tag: "boot" });
      await inVirtualTime(clock, Promise.all(rescuers));
    },
  );
});

describe("the other link of a board that is served", () => {
  it("carries at most 260 bytes in that minute, and the board calls there at once when its rescuer is gone", async () => {
    const data = randomBytes(new SeededRandom(6), SIZE);
    const image = imageOf(data);
    const clock = new VirtualClock();
    const slow = { baud: 1_200, latencyMs: 1, pieceBytes: 1 };
    const [near, far] = createMemoryPair(clock, { aToB: slow, bToA: slow });
    const [nearOther, farOther] = createMemoryPair(clock, { aToB: LINE, bToA: LINE });
    let idleBytes = 0;
    const counted = (wire: Transport): Transport =>
      wrappedTransport(wire, {
        write: (bytes) => {
          idleBytes += bytes.length;
          return wire.write(bytes);
        },
      });
    const board = boardFor([{ name: "image", digest: image.digest, data }]);
    const common = { timeoutMs: 600_000, clock, onEvent: () => {} };
    const events: (NodeEvent & { readonly at: number })[] = [];
    const distress = runDistress({
      ...common,
      signal: new AbortController().signal,
      links: [near, counted(nearOther)],
      store: board.store(),
      onEvent: (event) => events.push({ ...event, at: clock.now() }),
    });
    const leaves = new AbortController();
    const rescuer = { ...common, repository: fixedRepository([image]), allowUnsigned: false, once: true };
    const first = runRescue({ ...rescuer, signal: leaves.signal, links: [far] });
    const isServed = (): boolean => events.some(({ event }) => event === "progress");
    expect(await passUntil(clock, isServed, 60_000)).toBe(true);
    // It gets the image later: one that has it would join.
    let hasImage = false;
    const whole = fixedRepository([image]);
    const repository: Repository = {
      ...whole,
      pick: async (criteria) => (hasImage ? await whole.pick(criteria) : noneOf([])),
    };
    const ends = new AbortController();
    const second = runRescue({
      ...{ ...rescuer, once: false, repository },
      signal: ends.signal,
      links: [counted(farOther)],
    });
    idleBytes = 0;
    await pass(clock, 60_000);
    expect(idleBytes).toBeGreaterThan(0);
    expect(idleBytes).toBeLessThanOrEqual(260);
    hasImage = true;
    leaves.abort();
    const leftAt = clock.now();
    const isServedAgain = (): boolean => events.some(({ event, at }) => event === "offer" && at > leftAt);
    expect(await passUntil(clock, isServedAgain, 6_000)).toBe(true);
    expect(await inVirtualTime(clock, distress, 600_000)).toMatchObject({ reason: "healed" });
    ends.abort();
    const [late] = await inVirtualTime(clock, Promise.all([second, first]));
    expect(late.blocks).toBeGreaterThan(0);
  });
});
