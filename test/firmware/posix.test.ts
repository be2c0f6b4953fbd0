import { readFile, writeFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { bootedBytes, openWorkbench, type Workbench } from "../cli/workbench.ts";
import { runCli, startCli, verdictOf } from "../support/cli.ts";
import { buildPosix, type RunningPosix, runPosix, startPosix } from "../support/mayday-posix.ts";
import { openSocatPair, type SocatPair } from "../support/socat-pair.ts";

/*
 * mayday-posix, as it is built by its two commands, on pseudo-terminals, against the real `mayday`.
 */

const BAUD = 921_600;
const LIMIT_MS = 60_000;
/** An image that takes long enough to be interrupted. */
const LARGE = 393_216;

let bench: Workbench;
let large: Uint8Array;
let pair: SocatPair | undefined;
let runs = 0;

beforeAll(async () => {
  buildPosix();
  bench = await openWorkbench();
  large = randomBytes(new SeededRandom(5), LARGE);
  await writeFile(bench.path("large.bin"), large);
  await bench.image("large", "owner", {}, bench.path("large.bin"));
}, 240_000);
afterEach(async () => {
  await pair?.close();
  pair = undefined;
});
afterAll(() => bench.close());

/** Options of a board on a file of its own. */
function boardOf(flash: string, slot: string, layout = "single"): string[] {
  const trust = ["--trust", bench.path("owner.pub")];
  return [
    "--flash",
    bench.path(flash),
    "--slot",
    slot,
    "--layout",
    layout,
    "--hardware",
    "acme/widget",
    ...trust,
  ];
}

function target(port: string, board: readonly string[], timeout = "20"): RunningPosix {
  return startPosix(["target", "--port", port, "--baud", `${BAUD}`, ...board, "--timeout", timeout]);
}

/** What boots from the flash file. */
async function readBack(board: readonly string[]): Promise<Uint8Array> {
  const out = bench.path(`out-${runs++}.bin`);
  expect(await runPosix(["read", ...board, "--out", out])).toMatchObject({ code: 0 });
  return new Uint8Array(await readFile(out));
}

function rescue(port: string, image: string): ReturnType<typeof startCli> {
  const link = `serial:${port}?baud=${BAUD}`;
  return startCli(["rescue", "--link", link, "--image", image, "--once", "--timeout", "30", "--json"], {
    limitMs: LIMIT_MS,
  });
}

describe("the C target on a file", () => {
  test.each(["single", "ab"])(
    "is healed byte-exactly by mayday rescue, and boots at its next start: %s",
    async (layout) => {
      pair = await openSocatPair();
      const board = boardOf(`heal-${layout}.flash`, "64K", layout);
      const rescuer = rescue(pair.b, bench.path("fw.mdy"));
      expect(await target(pair.a, board).ended).toMatchObject({ code: 0 });
      const verdict = verdictOf(await rescuer.ended);
      expect(verdict).toMatchObject({ ok: true, reason: "healed", blocks: 10 });
      expect(await readBack(board)).toEqual(bench.firmware);
      const again = await target(pair.a, board).ended;
      expect(again).toMatchObject({ code: 0 });
      expect(again.stderr).toContain("boots 1.2.3, 40000 bytes");
    },
    LIMIT_MS,
  );

  test(
    "continues after SIGKILL with the blocks that its flash lacks",
    async () => {
      pair = await openSocatPair();
      const board = boardOf("killed.flash", "1M");
      const rescuer = rescue(pair.b, bench.path("large.mdy"));
      const first = target(pair.a, board);
      await first.saw(/blocks of 96 written/);
      first.child.kill("SIGKILL");
      await first.ended;
      expect(await target(pair.a, board).ended).toMatchObject({ code: 0 });
      const verdict = verdictOf(await rescuer.ended);
      expect(verdict).toMatchObject({ ok: true, reason: "healed" });
      // Of both sessions together: only blocks that were open when it was killed are sent again.
      expect(Number(verdict["blocks"])).toBeLessThanOrEqual(96 + 17);
      expect(await readBack(board)).toEqual(large);
    },
    LIMIT_MS,
  );

  test(
    "takes only the blocks of a newer image that differ",
    async () => {
      pair = await openSocatPair();
      const board = boardOf("repair.flash", "64K");
      const rescuer = rescue(pair.b, bench.path("fw.mdy"));
      expect(await target(pair.a, board).ended).toMatchObject({ code: 0 });
      await rescuer.ended;
      const flash = new Uint8Array(await readFile(bench.path("repair.flash")));
      const at = flash.length - 65_536 + 3 * 4096 + 7;
      flash[at] = (flash[at] ?? 0) ^ 1;
      await writeFile(bench.path("repair.flash"), flash);
      expect(await runPosix(["read", ...board, "--out", bench.path("none.bin")])).toMatchObject({ code: 5 });
      const second = rescue(pair.b, bench.path("fw.mdy"));
      expect(await target(pair.a, board).ended).toMatchObject({ code: 0 });
      expect(verdictOf(await second.ended)).toMatchObject({ ok: true, blocks: 1 });
      expect(await readBack(board)).toEqual(bench.firmware);
    },
    LIMIT_MS,
  );

  test(
    "refuses an image that another key signed, and ends with 4 at its time limit",
    async () => {
      pair = await openSocatPair();
      const rescuer = rescue(pair.b, await bench.image("foreign", "other"));
      const board = await target(pair.a, boardOf("refused.flash", "64K"), "2").ended;
      expect(board).toMatchObject({ code: 4 });
      expect(board.stderr).toContain("signature");
      expect(verdictOf(await rescuer.ended)).toMatchObject({ ok: false, code: 4, reason: "signature" });
    },
    LIMIT_MS,
  );

  test(
    "ends with 3 when nobody answers, with 130 when it is interrupted, with 6 without its port",
    async () => {
      pair = await openSocatPair();
      expect(await target(pair.a, boardOf("alone.flash", "64K"), "1").ended).toMatchObject({ code: 3 });
      const interrupted = target(pair.a, boardOf("alone.flash", "64K"));
      await interrupted.saw(/calls for help/);
      interrupted.child.kill("SIGINT");
      expect(await interrupted.ended).toMatchObject({ code: 130 });
      const lost = await target("/nowhere/tty", boardOf("alone.flash", "64K")).ended;
      expect(lost).toMatchObject({ code: 6 });
      expect(lost.stderr).toContain("/nowhere/tty");
    },
    LIMIT_MS,
  );
});

describe("the C rescuer", () => {
  test(
    "heals mayday distress byte-exactly, and ends",
    async () => {
      pair = await openSocatPair();
      const board = await bench.board("ts-board");
      const rescuer = startPosix([
        "rescuer",
        "--port",
        pair.b,
        "--baud",
        `${BAUD}`,
        "--image",
        bench.path("fw.mdy"),
        "--once",
      ]);
      const distress = await runCli([
        "distress",
        "--link",
        `serial:${pair.a}?baud=${BAUD}`,
        "--board",
        board,
        "--timeout",
        "20",
      ]);
      expect(distress).toMatchObject({ code: 0 });
      expect(await rescuer.ended).toMatchObject({ code: 0 });
      expect(bootedBytes(board)).toEqual(bench.firmware);
    },
    LIMIT_MS,
  );

  test(
    "heals the C target byte-exactly",
    async () => {
      pair = await openSocatPair();
      const board = boardOf("c-to-c.flash", "1M");
      const rescuer = startPosix([
        "rescuer",
        "--port",
        pair.b,
        "--baud",
        `${BAUD}`,
        "--image",
        bench.path("large.mdy"),
        "--once",
      ]);
      expect(await target(pair.a, board).ended).toMatchObject({ code: 0 });
      expect(await rescuer.ended).toMatchObject({ code: 0 });
      expect(await readBack(board)).toEqual(large);
    },
    LIMIT_MS,
  );

  test(
    "ends with 4 when the board refuses its image",
    async () => {
      pair = await openSocatPair();
      const image = await bench.image("foreign-c", "other");
      const rescuer = startPosix([
        "rescuer",
        "--port",
        pair.b,
        "--baud",
        `${BAUD}`,
        "--image",
        image,
        "--once",
      ]);
      const board = target(pair.a, boardOf("refused-c.flash", "64K"), "2");
      expect(await rescuer.ended).toMatchObject({ code: 4 });
      expect(await board.ended).toMatchObject({ code: 4 });
    },
    LIMIT_MS,
  );
});

describe("mayday-posix", () => {
  test.each([
    [[], "there is no command|COMMAND"],
    [["target"], "--port is missing"],
    [["target", "--port", "x", "--flash", "y", "--slot", "0"], "--slot 0"],
    [["target", "--port", "x", "--flash", "y", "--slot", "5G"], "--slot 5G"],
    [["target", "--port", "x", "--baud", "-1"], "--baud -1"],
    [["target", "--port", "x", "--hardware", "a/b/c"], "--hardware a/b/c"],
    [["target", "--port", "x", "--layout", "abc"], "--layout abc"],
    [["target", "--nothing", "x"], "--nothing"],
    [["read", "--flash"], "--flash"],
  ])("says what is wrong with %j, and ends with 2", async (args, message) => {
    const { code, stderr } = await runPosix(args);
    expect(stderr).toMatch(new RegExp(message));
    expect(code).toBe(2);
  });

  test("takes no private key, no text and no missing file for a public key", async () => {
    const board = ["--flash", bench.path("k.flash"), "--slot", "64K", "--hardware", "acme/widget"];
    const withKey = (path: string): Promise<{ code: number; stderr: string }> =>
      runPosix(["read", ...board, "--out", bench.path("k.bin"), "--trust", path]);
    const secret = await withKey(bench.path("owner.key"));
    expect(secret).toMatchObject({ code: 2 });
    expect(secret.stderr).toContain("private key");
    expect(await withKey(bench.path("firmware.bin"))).toMatchObject({ code: 2 });
    expect(await withKey(bench.path("missing.pub"))).toMatchObject({ code: 2 });
  });

  test("says which flash file is none of its own, and changes nothing in it", async () => {
    await writeFile(bench.path("foreign.flash"), "not a flash");
    const { code, stderr } = await runPosix([
      "target",
      "--port",
      "/nowhere",
      ...boardOf("foreign.flash", "64K"),
    ]);
    expect({ code, stderr }).toMatchObject({ code: 2 });
    expect(stderr).toContain("foreign.flash");
    expect(await readFile(bench.path("foreign.flash"), "utf8")).toBe("not a flash");
  });

  test("explains itself with --help", async () => {
    const { code, stdout } = await runPosix(["--help"]);
    expect(code).toBe(0);
    for (const word of ["target", "rescuer", "read", "--flash", "--trust", "Exit codes"])
      expect(stdout).toContain(word);
  });
});
