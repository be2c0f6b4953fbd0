import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ByteWriter } from "../../src/base/bytes.ts";
import { encodeDelimited } from "../../src/wire/cobs.ts";
import { AnnounceType, FrameClass, PROTOCOL_VERSION } from "../../src/wire/constants.ts";
import { frameCrc } from "../../src/wire/crc.ts";
import { runCli, startCli, verdictOf } from "../support/cli.ts";
import { openSocatPair, type SocatPair } from "../support/socat-pair.ts";
import { withTcpTalker } from "../support/tcp-talker.ts";
import { bootedBytes, freePort, openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
let pair: SocatPair;

beforeAll(async () => {
  bench = await openWorkbench();
  pair = await openSocatPair();
});
afterAll(async () => {
  await pair.close();
  await bench.close();
});

/** Both ends, at a rate that a pseudo-terminal can keep up with. */
function ends(): { readonly target: string[]; readonly rescuer: string[] } {
  const link = (path: string): string[] => ["--link", `serial:${path}?baud=3000000`, "--json"];
  return { target: link(pair.a), rescuer: link(pair.b) };
}

describe("an image that the board refuses", () => {
  // Run together, since each mostly waits for a timeout.
  test.concurrent.each([
    ["signature", "other", {}],
    ["hardware", "owner", { hardwareClass: "gadget" }],
    ["unsigned", undefined, {}],
  ])("because of its %s ends both sides with exit 4, and no byte is written", async (reason, key, fields) => {
    const image = await bench.image(`bad-${reason}`, key, fields);
    const dir = await bench.board(`refusing-${reason}`);
    const before = await readFile(`${dir}/flash.bin`);
    const port = await freePort();
    const send = ["--image", image, "--allow-unsigned", "--once", "--timeout", "12", "--json"];
    const rescue = startCli(["rescue", "--link", `tcp-listen:127.0.0.1:${port}`, ...send]);
    const link = ["--link", `tcp:127.0.0.1:${port}`, "--timeout", "2", "--json"];
    const [refused, sent] = await Promise.all([runCli(["distress", ...link, "--board", dir]), rescue.ended]);
    expect(verdictOf(sent)).toMatchObject({ ok: false, code: 4, reason });
    expect(verdictOf(refused)).toMatchObject({ ok: false, code: 4, reason });
    expect(refused.events).toContainEqual(expect.objectContaining({ event: "refused", reason }));
    expect(await readFile(`${dir}/flash.bin`)).toEqual(before);
  });
});

describe("over TCP", () => {
  test("either side may listen, and either may start first", async () => {
    for (const listener of ["distress", "rescue"] as const) {
      const port = await freePort();
      const dir = await bench.board(`tcp-${listener}`);
      const link = (side: string): string[] => [
        "--link",
        side === listener ? `tcp-listen:127.0.0.1:${port}` : `tcp:127.0.0.1:${port}`,
      ];
      const rescue = startCli([
        "rescue",
        ...link("rescue"),
        "--image",
        bench.path("fw.mdy"),
        "--once",
        "--timeout",
        "12",
      ]);
      const distress = await runCli(["distress", ...link("distress"), "--board", dir, "--timeout", "12"]);
      const { code, stdout, stderr } = distress;
      expect({ code, stdout }).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^healed [0-9a-f]{8}: /),
      });
      expect(stderr).toContain("boot decision: boot slot 0 version 1.2.3");
      expect((await rescue.ended).code).toBe(0);
      expect(bootedBytes(dir)).toEqual(bench.firmware);
    }
  });
});

describe("without a neighbour", () => {
  test("distress and rescue exit with 3 at their timeout and say what was seen", async () => {
    const dir = await bench.board("alone");
    const { target, rescuer } = ends();
    const begged = await runCli(["distress", ...target, "--board", dir, "--timeout", "0.4"]);
    expect(verdictOf(begged)).toMatchObject({ ok: false, code: 3, reason: "timeout" });
    expect(verdictOf(begged)["message"]).toContain("nothing was received");
    const listened = await runCli([
      "rescue",
      ...rescuer,
      "--image",
      bench.path("fw.mdy"),
      "--timeout",
      "0.4",
    ]);
    expect(verdictOf(listened)).toMatchObject({ ok: false, code: 3, reason: "timeout" });
  });

  test("status exits with 3 and reports silence", async () => {
    const result = await runCli(["status", ...ends().target, "--timeout", "0.4"]);
    expect(verdictOf(result)).toMatchObject({ ok: false, code: 3, reason: "silence" });
    expect(result.events[1]).toMatchObject({ event: "status", seen: "silence", peer: null });
  });
});

describe("status", () => {
  test("shows the board at the other end", async () => {
    const dir = await bench.board("asked");
    const { target, rescuer } = ends();
    const distress = startCli(["distress", ...target, "--board", dir, "--timeout", "12"]);
    await distress.saw(/"ready"/);
    const result = await runCli(["status", ...rescuer]);
    expect(verdictOf(result)).toMatchObject({ ok: true, code: 0 });
    const status = result.events.find(({ event }) => event === "status");
    expect(status).toMatchObject({ seen: "node", peer: { isBootable: false, failure: "empty" } });
    distress.child.kill("SIGTERM");
    expect((await distress.ended).code).toBe(130);
  });
});

describe("a neighbour that speaks another version of the protocol", () => {
  test("is reported with exit 4 by status and by rescue --once", async () => {
    await withTcpTalker(foreignQuery(), async (link) => {
      const status = await runCli(["status", "--link", link, "--timeout", "0.6", "--json"]);
      expect(verdictOf(status)).toMatchObject({ ok: false, code: 4, reason: "protocol" });
      const rescue = [
        "rescue",
        "--link",
        link,
        "--image",
        bench.path("fw.mdy"),
        "--once",
        "--timeout",
        "5",
        "--json",
      ];
      expect(verdictOf(await runCli(rescue))).toMatchObject({ ok: false, code: 4, reason: "protocol" });
    });
  });
});

/** A query of the next protocol version; the bytes after its type do not matter. */
function foreignQuery(): Uint8Array {
  const first = FrameClass.announce | ((PROTOCOL_VERSION + 1) << 4);
  const covered = new ByteWriter(18).u8(first).u8(AnnounceType.query).bytes(new Uint8Array(16)).finish();
  return encodeDelimited(new ByteWriter(22).bytes(covered).u32(frameCrc(covered)).finish());
}
