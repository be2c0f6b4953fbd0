import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { adviceOn } from "../../src/cli/advice/run-advice.ts";
import { runDistress } from "../../src/node/distress-node.ts";
import type { NodeEvent } from "../../src/node/node-event.ts";
import { queryStatus } from "../../src/node/status-query.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import { openBoardInMemory } from "../support/open-board.ts";
import { inVirtualTime } from "../support/virtual-time.ts";

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
const LOGIN = ascii("\r\nraspberrypi login: ");

describe("a node next to a login prompt", () => {
  it("reports the prompt once, and again in its verdict at the timeout", async () => {
    const clock = new VirtualClock();
    const [near, far] = createMemoryPair(clock);
    const events: NodeEvent[] = [];
    const board = openBoardInMemory();
    const signal = new AbortController().signal;
    const onEvent = (event: NodeEvent): void => void events.push(event);
    await far.open({
      onUp: () => {},
      onDown: () => {},
      onWaiting: () => {},
      onBytes: () => {},
      onWritable: () => {},
    });
    for (const at of [1000, 2000, 3000]) clock.after(at, () => far.write(LOGIN));
    const options = {
      links: [near],
      advice: adviceOn,
      store: board.store(),
      timeoutMs: 5000,
      signal,
      clock,
      onEvent,
    };
    const verdict = await inVirtualTime(clock, runDistress(options));
    const told = events.filter((event) => event.event === "link" && event.state === "stranger");
    expect(told).toEqual([expect.objectContaining({ detail: expect.stringContaining("getty") })]);
    expect(verdict).toMatchObject({ code: 3, reason: "timeout", detail: expect.stringContaining("getty") });
  });

  it("reports the prompt as what was seen in a status query", async () => {
    const clock = new VirtualClock();
    const [near, far] = createMemoryPair(clock);
    await far.open({
      onUp: () => {},
      onDown: () => {},
      onWaiting: () => {},
      onBytes: () => {},
      onWritable: () => {},
    });
    clock.after(500, () => far.write(LOGIN));
    const signal = new AbortController().signal;
    const report = await inVirtualTime(clock, queryStatus({ link: near, timeoutMs: 2000, signal, clock }));
    expect(report).toMatchObject({ seen: "login-prompt", peer: undefined });
    expect(report.detail).toContain('"raspberrypi login:"');
  });
});
