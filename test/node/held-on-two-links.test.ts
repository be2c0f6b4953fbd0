import { expect, it } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { fixedRepository } from "../../src/image/repository.ts";
import { runDistress } from "../../src/node/distress-node.ts";
import type { NodeEvent } from "../../src/node/node-event.ts";
import { runRescue } from "../../src/node/rescue-node.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import { Attacker } from "../attacks/attacker.ts";
import { boardFor, imageOf } from "../attacks/duel.ts";
import { holdWith } from "../attacks/holding.ts";
import { inVirtualTime } from "../support/virtual-time.ts";

const LINE = { baud: 115_200, latencyMs: 1 };

it("lets an image on one link wait for the one that was begun on another, and not for longer than the hold", async () => {
  const clock = new VirtualClock();
  const data = [1, 2].map((seed) => randomBytes(new SeededRandom(seed), 8192)) as [Uint8Array, Uint8Array];
  const [old, fresh] = [imageOf(data[0]), imageOf(data[1], { version: { major: 2, minor: 0, patch: 0 } })];
  const board = boardFor([
    { name: "old", data: data[0], digest: old.digest },
    { name: "fresh", data: data[1], digest: fresh.digest },
  ]);
  const [nearA, farA] = createMemoryPair(clock, { aToB: LINE, bToA: LINE });
  const [nearB, farB] = createMemoryPair(clock, { aToB: LINE, bToA: LINE });
  // It offers the old image every 50 s, and serves one block of the first offer alone.
  holdWith(new Attacker(clock, new SeededRandom(3), farA), old, 50_000, 0);
  const seen: (NodeEvent & { readonly at: number })[] = [];
  const common = { timeoutMs: 600_000, signal: new AbortController().signal, clock };
  const target = runDistress({ ...common, links: [nearA, nearB], store: board.store(), onEvent: () => {} });
  const rescuer = new Promise<void>((resolve) => void clock.after(1_000, resolve)).then(() =>
    runRescue({
      ...common,
      links: [farB],
      repository: fixedRepository([fresh]),
      allowUnsigned: false,
      once: true,
      onEvent: (event) => seen.push({ ...event, at: clock.now() }),
    }),
  );
  const [distress, rescue] = await inVirtualTime(clock, Promise.all([target, rescuer]), 600_000);
  expect([distress, rescue]).toMatchObject([{ reason: "healed" }, { reason: "healed" }]);
  const waits = seen.filter((event) => event.event === "waiting");
  expect(waits[0]).toMatchObject({ reason: "defer", digest: expect.stringMatching(/^[0-9a-f]{16}$/) });
  const healed = seen.find(({ event }) => event === "healed")?.at ?? 0;
  expect(healed).toBeGreaterThan(60_000);
  expect(healed).toBeLessThan(60_000 + 75_000 + 5_000);
  const boot = board.boot();
  expect(boot.tag === "boot" && boot.image.manifest.version.major).toBe(2);
});
