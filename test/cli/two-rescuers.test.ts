import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { startVirtualCable, type VirtualCable } from "../../src/transport/cable/virtual-cable.ts";
import { runCli, startCli, verdictOf } from "../support/cli.ts";
import { bootedBytes, openWorkbench, type Workbench } from "./workbench.ts";

/** 40 blocks: 3.6 s at the rate of one cable, enough for both rescuers to take part also on a busy machine. */
const FIRMWARE = randomBytes(new SeededRandom(1), 163_840);
const BAUD = 460_800;
const LIMIT_MS = 60_000;

let bench: Workbench;
const cables: { readonly a: string; readonly b: string; readonly cable: VirtualCable }[] = [];

beforeAll(async () => {
  bench = await openWorkbench();
  await writeFile(bench.path("firmware.bin"), FIRMWARE);
  for (const name of ["one", "two"]) {
    const [a, b] = [bench.path(`${name}-a`), bench.path(`${name}-b`)];
    cables.push({ a, b, cable: await startVirtualCable({ a, b, baud: BAUD }) });
  }
});
afterAll(async () => {
  await Promise.all(cables.map(({ cable }) => cable.close()));
  await bench.close();
});

const endpoint = (path: string): string => `serial:${path}?baud=${BAUD}`;

test("two rescuers on two ports of one board each send a part of the image, and each hear that it is healed", async () => {
  const image = await bench.image("fw", "owner");
  const limit = { limitMs: LIMIT_MS };
  const rescuers = await Promise.all(
    cables.map(async ({ b }) => {
      const rescue = startCli(["rescue", "--link", endpoint(b), "--image", image, "--once", "--json"], limit);
      await rescue.saw(/"ready"/);
      return rescue;
    }),
  );
  const board = await bench.board("board", undefined, { slotSize: FIRMWARE.length });
  const links = cables.flatMap(({ a }) => ["--link", endpoint(a)]);
  const healed = await runCli(["distress", ...links, "--board", board, "--timeout", "20", "--json"], limit);
  expect(verdictOf(healed)).toMatchObject({ ok: true, reason: "healed" });
  expect(healed.events.filter(({ event }) => event === "healed")).toHaveLength(1);
  expect(Buffer.compare(bootedBytes(board), FIRMWARE)).toBe(0);
  const verdicts = (await Promise.all(rescuers.map(({ ended }) => ended))).map(verdictOf);
  expect(verdicts).toMatchObject([{ reason: "healed" }, { reason: "healed" }]);
  // How well they share is held in virtual time (test/sim/many/swarm.test.ts).
  const blocks = verdicts.map((verdict) => Number(verdict["blocks"]));
  expect(Math.min(...blocks)).toBeGreaterThanOrEqual(5);
});
