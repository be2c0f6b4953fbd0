import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli, startCli, verdictOf } from "../support/cli.ts";
import { openSocatPair, type SocatPair } from "../support/socat-pair.ts";
import { bootedBytes, openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
let pairs: readonly SocatPair[];

beforeAll(async () => {
  bench = await openWorkbench();
  pairs = await Promise.all([openSocatPair(), openSocatPair()]);
});
afterAll(async () => {
  await Promise.all(pairs.map((pair) => pair.close()));
  await bench.close();
});

/** 40,000 bytes take 3.5 s at this rate: enough for both rescuers to take part. */
const endpoint = (path: string): string => `serial:${path}?baud=115200`;

test("two rescuers on two ports of one board each send a part of the image, and each hear that it is healed", async () => {
  const image = bench.path("fw.mdy");
  const rescuers = await Promise.all(
    pairs.map(async ({ b }) => {
      const rescue = startCli(["rescue", "--link", endpoint(b), "--image", image, "--once", "--json"]);
      await rescue.saw(/"ready"/);
      return rescue;
    }),
  );
  const board = await bench.board("board");
  const links = pairs.flatMap(({ a }) => ["--link", endpoint(a)]);
  const healed = await runCli(["distress", ...links, "--board", board, "--timeout", "12", "--json"]);
  expect(verdictOf(healed)).toMatchObject({ ok: true, reason: "healed" });
  expect(healed.events.filter(({ event }) => event === "healed")).toHaveLength(1);
  expect(bootedBytes(board)).toEqual(bench.firmware);
  const verdicts = (await Promise.all(rescuers.map(({ ended }) => ended))).map(verdictOf);
  expect(verdicts).toMatchObject([{ reason: "healed" }, { reason: "healed" }]);
  // Ten blocks in all; one that was on its way may have been sent by both.
  const blocks = verdicts.map((verdict) => Number(verdict["blocks"]));
  expect(Math.min(...blocks)).toBeGreaterThanOrEqual(3);
  expect(blocks.reduce((a, b) => a + b)).toBeLessThan(20);
});
