import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SeededRandom } from "../../src/base/prng.ts";
import { openBoard } from "../../src/board/board.ts";
import { openDirectoryRepository } from "../../src/image-files/directory-repository.ts";
import { runCli, startCli, verdictOf } from "../support/cli.ts";
import { openSocatPair, type SocatPair } from "../support/socat-pair.ts";
import { bootedBytes, bootOf, openWorkbench, type Workbench } from "./workbench.ts";

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

describe("over a serial pair", () => {
  test("an empty board is healed, byte for byte, and both sides report the same", async () => {
    const dir = await bench.board("empty");
    const { target, rescuer } = ends();
    const distress = startCli(["distress", ...target, "--board", dir, "--timeout", "12"]);
    const rescue = startCli([
      "rescue",
      ...rescuer,
      "--image",
      bench.path("fw.mdy"),
      "--once",
      "--timeout",
      "12",
    ]);
    const [healed, done] = await Promise.all([distress.ended, rescue.ended]);
    expect(bootedBytes(dir)).toEqual(bench.firmware);
    const digest = expect.stringMatching(/^[0-9a-f]{64}$/);
    const verdict = verdictOf(healed);
    expect(verdict).toMatchObject({
      ok: true,
      code: 0,
      reason: "healed",
      blocks: 10,
      resentBytes: 0,
      digest,
    });
    expect(verdict["bytesRx"]).toBeGreaterThan(bench.firmware.length);
    expect(verdict["seconds"]).toBeGreaterThan(0);
    expect(verdictOf(done)).toMatchObject({ ok: true, code: 0, reason: "healed", digest: verdict["digest"] });
    const [ownKinds, otherKinds] = [healed, done].map(
      ({ events }) => new Set(events.map(({ event }) => event)),
    );
    for (const kind of ["ready", "distress", "offer", "progress", "verified", "healed", "verdict"]) {
      expect(ownKinds).toContain(kind);
    }
    for (const kind of ["ready", "distress", "offer", "progress", "healed", "verdict"]) {
      expect(otherKinds).toContain(kind);
    }
    expect(otherKinds).not.toContain("verified");
  });

  test("a board that boots exits with 0 immediately, without a neighbour", async () => {
    const dir = await bench.board("healthy", bench.path("fw.mdy"));
    const result = await runCli(["distress", ...ends().target, "--board", dir]);
    expect(verdictOf(result)).toMatchObject({ ok: true, code: 0, reason: "healthy", bytesTx: 0 });
  });

  test("only the damaged block is sent from a repository, and --on-healed is run", async () => {
    const dir = await bench.board("damaged", bench.path("fw.mdy"));
    const board = openBoard(dir, { write: true });
    board.damage({ sector: 3 }, new SeededRandom(1));
    board.close();
    await (await openDirectoryRepository(bench.path("images"), { create: true })).add(bench.path("fw.mdy"));
    const { target, rescuer } = ends();
    const note = bench.path("healed.txt");
    const hook = `sh -c 'echo "$MAYDAY_PEER $MAYDAY_DIGEST $MAYDAY_VERSION $MAYDAY_PROVEN" > "$0"' '${note}'`;
    const source = ["--repo", bench.path("images"), "--on-healed", hook];
    const rescue = startCli(["rescue", ...rescuer, ...source, "--once", "--timeout", "12"]);
    await rescue.saw(/"ready"/);
    const distress = await runCli(["distress", ...target, "--board", dir, "--timeout", "12"]);
    const verdict = verdictOf(distress);
    expect(verdict).toMatchObject({ ok: true, reason: "healed", blocks: 1 });
    expect(verdict["bytesRx"]).toBeLessThan(8192);
    expect((await rescue.ended).code).toBe(0);
    const [peer, digest, version, proven] = (await readFile(note, "utf8")).trim().split(" ");
    expect({ peer, digest, version, proven }).toEqual({
      peer: expect.stringMatching(/^[0-9a-f]{16}$/),
      digest: verdict["digest"],
      version: "1.2.3",
      proven: "0",
    });
  });

  test("raw bytes heal a board that accepts unsigned images", async () => {
    const dir = await bench.board("open", undefined, { trust: [], allowUnsigned: true });
    const { target, rescuer } = ends();
    const raw = ["--image", bench.path("firmware.bin"), "--hardware", "acme/widget", "--version", "1.0.0"];
    const rescue = startCli(["rescue", ...rescuer, ...raw, "--allow-unsigned", "--once", "--timeout", "12"]);
    const distress = await runCli(["distress", ...target, "--board", dir, "--timeout", "12"]);
    expect(distress.code).toBe(0);
    expect((await rescue.ended).code).toBe(0);
    expect(bootedBytes(dir)).toEqual(bench.firmware);
  });

  test("SIGINT ends both sides with 130 within 2.5 s, and the next transfer resumes", async () => {
    const dir = await bench.board("interrupted");
    const slow = (path: string): string[] => ["--link", `serial:${path}?baud=115200`, "--json"];
    const send = ["rescue", ...slow(pair.b), "--image", bench.path("fw.mdy"), "--timeout", "12"];
    const rescue = startCli(send);
    const distress = startCli(["distress", ...slow(pair.a), "--board", dir, "--timeout", "12"]);
    await distress.saw(/"progress".*"blocks":[3-9]/);
    const at = performance.now();
    for (const { child } of [distress, rescue]) child.kill("SIGINT");
    const [first, second] = await Promise.all([distress.ended, rescue.ended]);
    expect(performance.now() - at).toBeLessThan(2500);
    expect(verdictOf(first)).toMatchObject({ ok: false, code: 130, reason: "interrupted" });
    expect(verdictOf(second)).toMatchObject({ ok: false, code: 130, reason: "interrupted" });
    expect(bootOf(dir)).toBe("receiving");
    const { target, rescuer } = ends();
    const again = startCli([
      "rescue",
      ...rescuer,
      "--image",
      bench.path("fw.mdy"),
      "--once",
      "--timeout",
      "12",
    ]);
    const verdict = verdictOf(await runCli(["distress", ...target, "--board", dir, "--timeout", "12"]));
    expect(verdict).toMatchObject({ ok: true, reason: "healed" });
    expect(verdict["blocks"]).toBeLessThan(9);
    expect((await again.ended).code).toBe(0);
    expect(bootedBytes(dir)).toEqual(bench.firmware);
  });

  test("a healthy board accepts an update only with --force, and into its only slot only with --allow-single-update", async () => {
    const dir = await bench.board("update", bench.path("fw.mdy"));
    const newer = await bench.image("newer", "owner", { version: { major: 2, minor: 0, patch: 0 } });
    const send = ["--image", newer, "--once", "--timeout", "12"];
    const { target, rescuer } = ends();
    const refused = startCli(["rescue", ...rescuer, ...send]);
    await refused.saw(/"ready"/);
    const forced = await runCli(["distress", ...target, "--board", dir, "--force", "--timeout", "0.8"]);
    expect(verdictOf(forced)).toMatchObject({ code: 4, reason: "healthy" });
    expect((await refused.ended).code).toBe(4);
    const taking = [
      "distress",
      ...target,
      "--board",
      dir,
      "--force",
      "--allow-single-update",
      "--timeout",
      "12",
    ];
    const rescue = startCli(["rescue", ...rescuer, ...send]);
    expect((await runCli(taking)).code).toBe(0);
    expect((await rescue.ended).code).toBe(0);
    expect(bootOf(dir)).toBe("2.0.0");
  });
});
