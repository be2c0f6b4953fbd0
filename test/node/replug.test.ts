import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { memoryBoard } from "../../src/board/memory-board.ts";
import { memoryImage } from "../../src/image/image-source.ts";
import { trustedKeyOf } from "../../src/image/keys.ts";
import { fixedRepository } from "../../src/image/repository.ts";
import { runDistress } from "../../src/node/distress-node.ts";
import type { NodeEvent } from "../../src/node/node-event.ts";
import { runRescue } from "../../src/node/rescue-node.ts";
import { startVirtualCable } from "../../src/transport/cable/virtual-cable.ts";
import { parseEndpoint } from "../../src/transport/endpoint.ts";
import { testKey } from "../support/virtual-rescue.ts";

const HARDWARE = { vendor: "acme", hardwareClass: "gate" };
const SIZE = 196_608;
const BAUD = 230_400;

describe("a transfer over a cable that is unplugged", () => {
  // Real time is the subject: the system reports a lost port late or not at all.
  it("three times resumes each time the port comes back, and ends byte-exact", async () => {
    const directory = await mkdtemp(join(tmpdir(), "mayday-replug-"));
    const ends = { a: join(directory, "a"), b: join(directory, "b"), baud: BAUD };
    let cable = await startVirtualCable(ends);
    const data = randomBytes(new SeededRandom(5), SIZE);
    const image = memoryImage(data, { ...HARDWARE, version: { major: 1, minor: 0, patch: 0 } }, testKey);
    const board = memoryBoard({
      geometry: { sectorSize: 4096, slotSize: SIZE, layout: "single" },
      identity: { nodeId: new Uint8Array(8).fill(3), hardware: HARDWARE, revision: 1 },
      policy: { keys: [trustedKeyOf(testKey, ["app"])], allowUnsigned: false },
    });
    const downs: string[] = [];
    const onEvent = (event: NodeEvent): void => {
      if (event.event === "link" && event.state === "down") downs.push(event.link);
    };
    const common = { signal: AbortSignal.timeout(60_000), onEvent };
    const target = runDistress({
      ...common,
      links: [parseEndpoint(`serial:${ends.a}?baud=${BAUD}`)],
      store: board.store(),
    });
    const rescuer = runRescue({
      ...common,
      links: [parseEndpoint(`serial:${ends.b}?baud=${BAUD}`)],
      repository: fixedRepository([image]),
      allowUnsigned: false,
      once: true,
    });
    let isOver = false;
    void Promise.race([target, rescuer]).then(() => {
      isOver = true;
    });
    for (let pull = 0; pull < 3; pull++) {
      await sleep(1700);
      expect(isOver, "the transfer was over before the cable was pulled").toBe(false);
      process.kill(cable.pid, "SIGKILL");
      await cable.closed;
      cable = await startVirtualCable(ends);
    }
    expect((await Promise.all([target, rescuer])).map(({ code }) => code)).toEqual([0, 0]);
    expect(downs.length).toBeGreaterThanOrEqual(3);
    expect(board.boot().tag).toBe("boot");
    const region = board.nor.map.slots[0];
    expect(Buffer.compare(board.storage.read(region?.offset ?? 0, SIZE), data)).toBe(0);
    await cable.close();
    await rm(directory, { recursive: true });
  }, 90_000);
});
