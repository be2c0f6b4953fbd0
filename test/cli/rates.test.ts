import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { startVirtualCable, type VirtualCableOptions } from "../../src/transport/cable/virtual-cable.ts";
import { startCli } from "../support/cli.ts";
import { bootedBytes, openWorkbench, type Workbench } from "./workbench.ts";

/*
 * Two processes over a cable whose rate is that of its ends. The same is held to exact figures in virtual time; here real
 * ports are set to other rates.
 */

const LIMIT_MS = 60_000;
const FIRMWARE = randomBytes(new SeededRandom(1), 262_144);

let bench: Workbench;
let image: string;
let runs = 0;

beforeAll(async () => {
  bench = await openWorkbench();
  await writeFile(bench.path("firmware.bin"), FIRMWARE);
  image = await bench.image("line", "owner");
});
afterAll(() => bench.close());

interface Rate {
  readonly baud: number;
  readonly reason: string;
}

/** Heals a board; the rates that each side told of. `ends`: endpoints of target and rescuer on these paths. */
async function ratesOf(
  options: Omit<VirtualCableOptions, "a" | "b">,
  ends: (path: string) => string = (path) => path,
): Promise<readonly [target: Rate[], rescuer: Rate[]]> {
  const run = runs++;
  const [a, b] = [bench.path(`${run}-a`), bench.path(`${run}-b`)];
  const dir = await bench.board(`board-${run}`, undefined, { slotSize: FIRMWARE.length });
  const cable = await startVirtualCable({ a, b, ...options });
  try {
    const limit = { limitMs: LIMIT_MS };
    const target = startCli(["distress", "--link", ends(a), "--board", dir, "--json"], limit);
    await target.saw(/"event":"ready"/);
    const rescuer = startCli(["rescue", "--link", ends(b), "--image", image, "--once", "--json"], limit);
    const outcomes = [await target.ended, await rescuer.ended] as const;
    for (const { code, stderr } of outcomes) expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(Buffer.compare(bootedBytes(dir), FIRMWARE)).toBe(0);
    return [ratesIn(outcomes[0].stdout), ratesIn(outcomes[1].stdout)];
  } finally {
    await cable.close();
  }
}

function ratesIn(stdout: string): Rate[] {
  const events = stdout.split("\n").filter((line) => line.includes('"event":"rate"'));
  return events.map((line) => {
    const { baud, reason } = JSON.parse(line) as Rate;
    return { baud, reason };
  });
}

describe("processes without a rate in their endpoints", { timeout: LIMIT_MS }, () => {
  it("climb from 115200 to 3,000,000 bit/s over a cable that carries every rate", async () => {
    const climbed = [{ baud: 3_000_000, reason: "faster" }];
    expect(await ratesOf({ strictBaud: true })).toEqual([climbed, climbed]);
  });

  it("end at the highest rate that is not garbled, with one in the middle that is", async () => {
    const [target, rescuer] = await ratesOf({ strictBaud: true, garbleBaud: [1_500_000, 3_000_000] });
    expect(rescuer).toEqual([
      { baud: 115_200, reason: "unproven" },
      { baud: 921_600, reason: "faster" },
      { baud: 2_000_000, reason: "faster" },
    ]);
    expect(target).toEqual(rescuer);
  });

  it("climb no higher than their endpoints say", async () => {
    const [, rescuer] = await ratesOf({ strictBaud: true }, (path) => `serial:${path}?baud-max=500000`);
    // On a busy machine a proof may come too late, and the rate is tried again.
    expect(rescuer.filter(({ reason }) => reason !== "unproven")).toEqual([
      { baud: 460_800, reason: "faster" },
    ]);
  });

  it("stay at the rate that their endpoints fix", async () => {
    const fixed = (path: string): string => `serial:${path}?baud=921600`;
    expect(await ratesOf({ strictBaud: true }, fixed)).toEqual([[], []]);
  });
});
