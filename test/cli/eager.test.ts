import { createServer, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hardwareId } from "../../src/image/hardware.ts";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { FrameClass } from "../../src/wire/constants.ts";
import { encodeMessage } from "../../src/wire/frame.ts";
import type { Beacon } from "../../src/wire/messages.ts";
import { runCli, startCli } from "../support/cli.ts";
import { bootedBytes, freePort, HARDWARE, openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
  await runCli(["keygen", "--link-key", bench.path("link.key")]);
});
afterAll(() => bench.close());

/** The call of a board that never answers an offer. */
const CALL: Beacon = {
  ...{ tag: "distress", nodeId: new Uint8Array(8).fill(1), bootNonce: new Uint8Array(8).fill(2) },
  hardwareId: hardwareId(HARDWARE.vendor, HARDWARE.hardwareClass),
  ...{ revision: 0, failure: "empty", isProvider: false, version: { major: 0, minor: 0, patch: 0 } },
  ...{ sequence: 0, counterFloor: 0, installedDigest: undefined, receivingDigest: undefined },
  inlineBytes: 65_536,
};

/** Classes of the frames that `rescue` sends to a board that calls, and never accepts. */
async function classesFrom(...flags: readonly string[]): Promise<Set<number>> {
  const classes = new Set<number>();
  let pending: number[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on("error", () => {}));
    socket.on("data", (bytes: Buffer) => {
      for (const byte of bytes) {
        if (byte !== 0) pending.push(byte);
        else {
          const frame = decodeCobs(Uint8Array.from(pending));
          if (frame !== undefined && frame.length > 0) classes.add((frame[0] ?? 0) & 0x0f);
          pending = [];
        }
      }
    });
    socket.write(encodeDelimited(encodeMessage(CALL, 0)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const link = `tcp:127.0.0.1:${port}`;
  const run = startCli([
    "rescue",
    "--link",
    link,
    "--image",
    bench.path("fw.mdy"),
    "--timeout",
    "3",
    ...flags,
  ]);
  await run.ended;
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
  return classes;
}

describe("mayday rescue --eager", () => {
  test("sends a small image right behind its offer, and without the flag nothing of it", async () => {
    const image = [FrameClass.object, FrameClass.data];
    expect([...(await classesFrom("--eager"))]).toEqual(
      expect.arrayContaining([FrameClass.announce, ...image]),
    );
    expect([...(await classesFrom())]).toEqual([FrameClass.announce]);
  });

  test("heals a board as without", async () => {
    const port = await freePort();
    const board = await bench.board("eager");
    const target = startCli([
      "distress",
      "--link",
      `tcp-listen:${port}`,
      "--board",
      board,
      "--timeout",
      "20",
    ]);
    const link = ["--link", `tcp:127.0.0.1:${port}`, "--image", bench.path("fw.mdy")];
    const rescuer = startCli(["rescue", ...link, "--eager", "--once", "--wait-for-links", "--timeout", "12"]);
    expect([(await target.ended).code, (await rescuer.ended).code]).toEqual([0, 0]);
    expect(Buffer.compare(bootedBytes(board), bench.firmware)).toBe(0);
  });

  test("says that it does nothing with a link key", async () => {
    const key = ["--link-key", bench.path("link.key"), "--once", "--timeout", "0.2"];
    const args = [
      "rescue",
      "--link",
      `tcp-listen:${await freePort()}`,
      "--image",
      bench.path("fw.mdy"),
      ...key,
    ];
    const { stderr } = await runCli([...args, "--eager"]);
    expect(stderr).toContain("--eager does nothing on links with a key");
    expect((await runCli(args)).stderr).not.toContain("--eager");
  });
});
