import { mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliEvent, runCli } from "../../support/cli.ts";
import { type I2cRig, openI2cRig } from "../../support/i2c-rig.ts";
import { bootOf, freePort } from "../workbench.ts";
import { openScene, portAt, type Scene, type SceneNode, statusOf, until } from "./scene.ts";

/** A chain of three, and the third one's fan-out to three: 0-1-2, 2-3, 2-4, 2-5. */
const BOARDS = [0, 1, 2, 3, 4, 5] as const;
/** Blocks of the image: 64 KiB. */
const BLOCKS = 16;

let scene: Scene;
let rig: I2cRig;

beforeAll(async () => {
  scene = await openScene();
  rig = await openI2cRig();
  await mkdir(rig.bus(1), { recursive: true, mode: 0o700 });
});
afterAll(async () => {
  await scene.close();
  await rig.close();
});

/** The endpoints of each board: 1 and 2 are joined by TCP, 2 and 4 by I2C, the others by serial cables. */
async function endpoints(): Promise<Map<number, string[]>> {
  const port = await freePort();
  const [first, third, fifth] = [
    await scene.cable("w01"),
    await scene.cable("w23"),
    await scene.cable("w25"),
  ];
  return new Map([
    [0, [portAt(first.a)]],
    [1, [portAt(first.b), `tcp-listen:127.0.0.1:${port}`]],
    [2, [`tcp:127.0.0.1:${port}`, portAt(third.a), "i2c:/dev/i2c-1?address=0x42", portAt(fifth.a)]],
    [3, [portAt(third.b)]],
    [4, [`i2c-peripheral:${rig.bus(1)}?address=0x42`]],
    [5, [portAt(fifth.b)]],
  ]);
}

const healsOf = (nodes: readonly SceneNode[]): CliEvent[] =>
  nodes.flatMap((node) => node.events().filter(({ event, blocks }) => event === "healed" && blocks !== 0));

interface Sent {
  readonly framesSent: number;
  readonly bytesSent: number;
}

async function sentBy(board: string): Promise<Sent[]> {
  const { links } = await statusOf(board);
  return (links as { counters: Sent }[]).map(({ counters }) => counters);
}

describe("Fig. 2: version 1.1 is installed on one board of six", () => {
  it("C14 C15 C16 C19 §27 §35 §57 §58 F1.8 F1.9 F1.12 F2.1 F2.3 F2.4 F2.5 F2.6 F2.7: all run it in the end, each got each block once, then there are only beacons", async () => {
    const places = await endpoints();
    const boards = await Promise.all(
      BOARDS.map((i) => scene.bench.board(`six-${i}`, scene.bench.path("v10.mdy"), { layout: "ab" })),
    );
    const nodes = BOARDS.map((i) => {
      const env = i === 2 ? rig.env() : {};
      return scene.node(boards[i] ?? "", places.get(i) ?? [], i === 0 ? 'control = "write"' : "", env);
    });
    const knows = (node: SceneNode): boolean => node.events().some(({ event }) => event === "neighbour");
    await until(
      () => nodes.every(knows),
      20_000,
      () => "not all heard a neighbour",
    );

    const installed = await runCli([
      "board",
      "install",
      boards[0] ?? "",
      scene.bench.path("v11.mdy"),
      "--json",
    ]);
    expect(installed.code, installed.stderr).toBe(0);
    const runs = (node: SceneNode): boolean =>
      node.events().some(({ event, version }) => event === "booted" && version === "1.1.0");
    await until(
      () => nodes.every(runs),
      60_000,
      () =>
        nodes
          .map(
            (node, i) =>
              `${i} ${runs(node)}\n${node
                .events()
                .map((e) => JSON.stringify(e))
                .join("\n")}`,
          )
          .join("\n"),
    );

    // Five boards got it, and five times a board handed it on; each side tells of 16 blocks.
    await until(
      () => healsOf(nodes).length === 10,
      10_000,
      () => JSON.stringify(healsOf(nodes)),
    );
    expect(healsOf(nodes).map(({ blocks }) => blocks)).toEqual(new Array(10).fill(BLOCKS));
    // At rest a link carries a few beacons, and nothing else: 69 bytes, on I2C 66, on a UART 72 with what it says of forms.
    await sleep(2_000);
    const before = await Promise.all(boards.map(sentBy));
    await sleep(4_000);
    const after = await Promise.all(boards.map(sentBy));
    const rests = after.flatMap((links, i) =>
      links.map((now, j) => {
        const then = before[i]?.[j] ?? now;
        return { frames: now.framesSent - then.framesSent, bytes: now.bytesSent - then.bytesSent };
      }),
    );
    expect(rests).toHaveLength(10);
    for (const { frames, bytes } of rests) {
      expect(frames).toBeLessThanOrEqual(3);
      expect(bytes).toBeGreaterThanOrEqual(66 * frames);
      expect(bytes).toBeLessThanOrEqual(72 * frames);
    }

    expect(await Promise.all(nodes.map((node) => node.stop()))).toEqual([0, 0, 0, 0, 0, 0]);
    for (const board of boards) expect(bootOf(board)).toBe("1.1.0");
  }, 150_000);
});
