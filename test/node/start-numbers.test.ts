import { describe, expect, it } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { FailedError } from "../../src/base/errors.ts";
import { SeededRandom } from "../../src/base/prng.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import type { MemoryBoard } from "../../src/board/memory-board.ts";
import type { TargetStore } from "../../src/board/target-store.ts";
import type { LinkKey } from "../../src/link/link-key.ts";
import { linkKeyOf } from "../../src/node/derived-link-key.ts";
import { runDistress } from "../../src/node/distress-node.ts";
import type { Verdict } from "../../src/node/verdict.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import { decodeCobs } from "../../src/wire/cobs.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import { openBoardInMemory } from "../support/open-board.ts";
import { inVirtualTime } from "../support/virtual-time.ts";
import { wrappedTransport } from "../support/wrapped-transport.ts";

/** What a run of a target takes its boot nonce from (PROTOCOL.md 14.2). */

const LINE = { baud: 115_200, latencyMs: 1 };
const linkKey = linkKeyOf(new Uint8Array(32).fill(5));

interface Start {
  readonly bootNonces: readonly string[];
  /** The record and the slots afterwards. */
  readonly flash: string;
}

/** A run of a target, not yet begun, with a generator that begins as in every other run; and what it sends. */
function aStart(
  store: TargetStore,
  key: LinkKey | undefined,
): [VirtualClock, string[], () => Promise<Verdict>] {
  const clock = new VirtualClock();
  const [a] = createMemoryPair(clock, { aToB: LINE, bToA: LINE });
  const sent: string[] = [];
  const heard = wrappedTransport(a, {
    write: (bytes) => {
      const message = decodeFrame(decodeCobs(bytes.subarray(bytes[0] === 0 ? 1 : 0, -1)) ?? bytes, undefined);
      // A bare query has a nonce that means nothing (PROTOCOL.md 5.1).
      if (message.tag !== "query") sent.push("bootNonce" in message ? toHex(message.bootNonce) : message.tag);
      return a.write(bytes);
    },
  });
  const edges = {
    signal: new AbortController().signal,
    clock,
    random: new SeededRandom(1),
    onEvent: () => {},
  };
  const what = { links: [heard], store, timeoutMs: 2_000, linkKey: key };
  return [clock, sent, () => runDistress({ ...edges, ...what })];
}

async function start(board: MemoryBoard, key: LinkKey | undefined): Promise<Start> {
  const [clock, bootNonces, run] = aStart(board.store(), key);
  await inVirtualTime(clock, run());
  const { storage } = board;
  return { bootNonces, flash: toHex(storage.read(0, storage.size)) };
}

describe("a board with a link key, and a generator that repeats,", () => {
  it("has another boot nonce in each of its starts, and one in each", async () => {
    const board = openBoardInMemory();
    const starts: Start[] = [];
    for (let i = 0; i < 5; i++) starts.push(await start(board, linkKey));
    expect(starts.every(({ bootNonces }) => bootNonces.length > 3)).toBe(true);
    expect(starts.map(({ bootNonces }) => new Set(bootNonces).size)).toEqual([1, 1, 1, 1, 1]);
    expect(new Set(starts.flatMap(({ bootNonces }) => bootNonces)).size).toBe(5);
  });

  it("says nothing when its record takes no further start", async () => {
    const made = openBoardInMemory().store();
    const failing: TargetStore = Object.assign(Object.create(made) as TargetStore, {
      status: () => made.status(),
      takeStart: () => {
        throw new FailedError("starts-used-up", "no number is left");
      },
    });
    const [, sent, run] = aStart(failing, linkKey);
    await expect(run()).rejects.toMatchObject({ code: "starts-used-up" });
    expect(sent).toEqual([]);
  });
});

describe("a board without a link key", () => {
  it("writes nothing to its record when it starts", async () => {
    const board = openBoardInMemory();
    const first = await start(board, undefined);
    const second = await start(board, undefined);
    expect(second).toEqual(first);
  });
});
