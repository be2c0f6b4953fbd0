import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBoard } from "../../src/board/board.ts";
import type { ImageFields } from "../../src/image/manifest.ts";
import { type CliEvent, runCli, startCli, verdictOf } from "../support/cli.ts";
import { bootOf, freePort, openWorkbench, type Workbench } from "./workbench.ts";

const LARGEST = 0xffff_ffff;
let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

function release(
  major: number,
  key: string,
  counter: number,
  more: Partial<ImageFields> = {},
): Promise<string> {
  const version = { major, minor: 0, patch: 0 };
  return bench.image(`${key}-${major}-${counter}`, key, { version, counter, ...more });
}

/** A board that trusts `owner` alone and runs version 1 with counter 5. */
async function running(name: string, layout: "single" | "ab" = "single"): Promise<string> {
  return bench.board(name, await release(1, "owner", 5), { layout });
}

/** `distress` and `rescue` over TCP, with everything in a repository or with one image; both exit codes. */
async function rescue(board: string, ...source: readonly string[]): Promise<readonly number[]> {
  const port = await freePort();
  const listen = ["--link", `tcp-listen:127.0.0.1:${port}`, "--board", board, "--timeout", "2"];
  const target = startCli(["distress", ...listen, "--force", "--allow-single-update", "--json"]);
  const rescuer = startCli([
    "rescue",
    "--link",
    `tcp:127.0.0.1:${port}`,
    ...source,
    "--once",
    "--timeout",
    "6",
  ]);
  const ends = await Promise.all([target.ended, rescuer.ended]);
  return ends.map(({ code }) => code);
}

async function trust(dir: string, ...flags: readonly string[]): Promise<string> {
  const run = await runCli(["board", "trust", dir, ...flags, "--json"]);
  const first = run.events[0]?.event === "trust" ? run.events[0]["change"] : "looked";
  return run.code === 0 ? String(first) : `${run.code} ${verdictOf(run)["reason"]}`;
}

async function keysOf(dir: string): Promise<readonly CliEvent[]> {
  const { events } = await runCli(["board", "trust", dir, "--json"]);
  return events.filter(({ event }) => event === "key");
}

function floorOf(dir: string): number {
  const board = openBoard(dir, { write: false });
  const { counterFloor } = board.record();
  board.close();
  return counterFloor;
}

describe("a thief of a signing key", () => {
  test("who signs the largest counter is refused by a board that knows nothing of the theft, and the owner's next release is taken", async () => {
    const dir = await running("unaware");
    const evil = await release(3, "owner", LARGEST, { notAfterCounter: LARGEST });
    expect(await rescue(dir, "--image", evil)).toEqual([4, 4]);
    expect([bootOf(dir), floorOf(dir)]).toEqual(["1.0.0", 5]);
    expect(await rescue(dir, "--image", await release(2, "owner", 6))).toEqual([0, 0]);
    expect(bootOf(dir)).toBe("2.0.0");
  });

  test.each(["single", "ab"] as const)(
    "is refused once the key is retired, whatever he signs; the owner's next release with a new key is taken (%s)",
    async (layout) => {
      const dir = await running(`retired-${layout}`, layout);
      expect(await trust(dir, "--key", bench.path("owner.pub"), "--max-counter", "5")).toBe("changed");
      expect(await trust(dir, "--key", bench.path("other.pub"))).toBe("added");
      for (const counter of [6, 900, LARGEST]) {
        const evil = await release(9, "owner", counter, { notAfterCounter: LARGEST });
        expect(await rescue(dir, "--image", evil)).toEqual([4, 4]);
      }
      expect([bootOf(dir), floorOf(dir)]).toEqual(["1.0.0", 5]);
      expect(await rescue(dir, "--image", await release(2, "other", 6))).toEqual([0, 0]);
      expect(bootOf(dir)).toBe("2.0.0");
    },
    60_000,
  );

  test("whose image lies beside the owner's in a repository costs a refusal, no more, also in distress", async () => {
    const dir = await running("both");
    const repo = bench.path("both-images");
    for (const file of [await release(8, "owner", 700), await release(2, "other", 6)]) {
      expect((await runCli(["repo", "add", file, "--repo", repo])).code).toBe(0);
    }
    await trust(dir, "--key", bench.path("owner.pub"), "--max-counter", "5");
    await trust(dir, "--key", bench.path("other.pub"));
    expect((await runCli(["board", "damage", dir])).code).toBe(0);
    const port = await freePort();
    const listen = ["--link", `tcp-listen:127.0.0.1:${port}`, "--board", dir, "--timeout", "6"];
    const target = startCli(["distress", ...listen, "--json"]);
    // With --once it would end with the refusal.
    const rescuer = startCli(["rescue", "--link", `tcp:127.0.0.1:${port}`, "--repo", repo]);
    const { code, events } = await target.ended;
    rescuer.child.kill("SIGTERM");
    await rescuer.ended;
    expect(events.filter(({ event }) => event === "refused")).toMatchObject([{ reason: "counter" }]);
    expect([code, bootOf(dir)]).toEqual([0, "2.0.0"]);
  });
});

describe("board trust", () => {
  test("shows each key with its roles, its limits and what it signed of what is installed", async () => {
    const dir = await running("shown");
    await trust(dir, "--key", bench.path("other.pub"), "--max-counter", "7", "--max-step", "3");
    expect(await keysOf(dir)).toMatchObject([
      {
        file: "trust-1.pub",
        roles: ["app"],
        maxCounter: null,
        maxStep: 1000,
        images: [{ slot: 0, version: "1.0.0", counter: 5, isBooting: true }],
      },
      { file: "trust-2.pub", roles: ["app", "recovery"], maxCounter: 7, maxStep: 3, images: [] },
    ]);
    const text = await runCli(["board", "trust", dir]);
    expect(text.stdout).toMatch(
      /trust-1\.pub {2}[0-9a-f]{16}, app, any counter.*version 1\.0\.0 counter 5 \(boots\)/,
    );
  });

  test("sets the limits that are given and leaves the others; the same again changes nothing", async () => {
    const dir = await running("limits");
    const owner = ["--key", bench.path("owner.pub")];
    expect(await trust(dir, ...owner)).toBe("unchanged");
    expect(await trust(dir, ...owner, "--max-step", "4294967295")).toBe("changed");
    expect(await trust(dir, ...owner, "--max-counter", "5")).toBe("changed");
    expect(await trust(dir, ...owner, "--max-counter", "5")).toBe("unchanged");
    expect(await keysOf(dir)).toMatchObject([{ roles: ["app"], maxCounter: 5, maxStep: LARGEST }]);
    expect(await trust(dir, ...owner, "--max-counter", String(LARGEST))).toBe("changed");
    expect(await rescue(dir, "--image", await release(2, "owner", LARGEST))).toEqual([0, 0]);
  });

  test("gives a new key both roles, or those behind its name, and changes those of a known one", async () => {
    const dir = await bench.board("roles");
    const other = bench.path("other.pub");
    expect(await trust(dir, "--key", `${other}:recovery`)).toBe("added");
    expect((await keysOf(dir)).map(({ roles }) => roles)).toEqual([["app"], ["recovery"]]);
    expect(await rescue(dir, "--image", await release(2, "other", 1))).toEqual([4, 4]);
    expect(await trust(dir, "--key", `${other}:app:recovery:max-counter=3`, "--max-step", "9")).toBe(
      "changed",
    );
    expect(await trust(dir, "--key", other)).toBe("unchanged");
    expect((await keysOf(dir))[1]).toMatchObject({ roles: ["app", "recovery"], maxCounter: 3, maxStep: 9 });
    const boots = await running("roles-boots");
    expect(await trust(boots, "--key", `${bench.path("owner.pub")}:recovery`)).toBe("4 trust-boots");
  });

  test("is set by board init as well, for the factory image too", async () => {
    const what = [
      "--hardware",
      "acme/widget",
      "--flash-size",
      "64K",
      "--image",
      await release(1, "owner", 5),
    ];
    const init = (name: string, limit: string): ReturnType<typeof runCli> =>
      runCli([
        "board",
        "init",
        bench.path(name),
        ...what,
        "--trust",
        `${bench.path("owner.pub")}${limit}`,
        "--json",
      ]);
    expect(verdictOf(await init("made-4", ":app:max-counter=4"))).toMatchObject({
      code: 4,
      reason: "counter",
    });
    expect(verdictOf(await init("made-x", ":app:max-counter=x"))).toMatchObject({
      code: 2,
      reason: "bad-number",
    });
    expect((await init("made-5", ":app:max-counter=5:max-step=9")).code).toBe(0);
    expect(await keysOf(bench.path("made-5"))).toMatchObject([{ roles: ["app"], maxCounter: 5, maxStep: 9 }]);
  });

  test("refuses to retire the key of the image that boots, and does when the next release is installed", async () => {
    const dir = await running("in-use");
    const owner = bench.path("owner.pub");
    await trust(dir, "--key", bench.path("other.pub"));
    expect(await trust(dir, "--remove", owner)).toBe("4 trust-boots");
    expect(await trust(dir, "--key", owner, "--max-counter", "4")).toBe("4 trust-boots");
    expect((await keysOf(dir)).map(({ maxCounter }) => maxCounter)).toEqual([null, null]);
    expect(await rescue(dir, "--image", await release(2, "other", 6))).toEqual([0, 0]);
    expect(await trust(dir, "--remove", owner)).toBe("removed");
    expect([bootOf(dir), readdirSync(join(dir, "keys"))]).toEqual(["2.0.0", ["trust-2.pub"]]);
    expect(await trust(dir, "--key", owner)).toBe("added");
    expect(readdirSync(join(dir, "keys")).sort()).toEqual(["trust-1.pub", "trust-2.pub"]);
  });

  test("retires the key of an image that does not boot, and of one in the other slot with a warning", async () => {
    const broken = await running("broken");
    await runCli(["board", "damage", broken]);
    await trust(broken, "--key", bench.path("other.pub"));
    expect(await trust(broken, "--remove", bench.path("owner.pub"))).toBe("removed");
    const dir = await running("ab", "ab");
    await trust(dir, "--key", bench.path("other.pub"));
    expect(await rescue(dir, "--image", await release(2, "other", 5))).toEqual([0, 0]);
    const removed = await runCli(["board", "trust", dir, "--remove", bench.path("owner.pub")]);
    expect(removed).toMatchObject({ code: 0, stderr: expect.stringContaining("slot 0 is no way back") });
    expect(bootOf(dir)).toBe("2.0.0");
  });

  test("never leaves a board without a key", async () => {
    const dir = await bench.board("one-key");
    expect(await trust(dir, "--remove", bench.path("owner.pub"))).toBe("4 trust-last");
    expect(await trust(dir, "--remove", bench.path("other.pub"))).toBe("2 trust-unknown");
    expect(await keysOf(dir)).toHaveLength(1);
  });

  test("adds a key to a board that takes unsigned images, which then takes none, unless one boots", async () => {
    const open = { trust: [], allowUnsigned: true };
    const dir = await bench.board("open", undefined, open);
    expect(await trust(dir, "--key", bench.path("owner.pub"))).toBe("added");
    expect(await rescue(dir, "--image", await bench.image("plain"), "--allow-unsigned")).toEqual([4, 4]);
    const boots = await bench.board("open-boots", await bench.image("plain"), open);
    expect(await trust(boots, "--key", bench.path("owner.pub"))).toBe("4 trust-boots");
  });

  test.each<[string, readonly string[], string]>([
    ["a limit without a key", ["--max-counter", "5"], "2 trust-needs-key"],
    ["a step without a key", ["--max-step", "5"], "2 trust-needs-key"],
    ["a counter below 0", ["--key", "owner.pub", "--max-counter", "-1"], "2 bad-number"],
    ["a counter above 32 bits", ["--key", "owner.pub", "--max-counter", "4294967296"], "2 bad-number"],
    ["a step that is no number", ["--key", "owner.pub", "--max-step", "many"], "2 bad-number"],
    ["a key to add and to remove", ["--key", "owner.pub", "--remove", "other.pub"], "2 conflicting-option"],
    ["a private key", ["--key", "owner.key"], "2 key-is-private"],
    ["a key that is not there", ["--remove", "none.pub"], "2 key-missing"],
    ["a file that is no key", ["--key", "fw.mdy"], "2 key-not-pem"],
  ])("refuses %s, and changes nothing", async (_, flags, expected) => {
    const dir = bench.path("strict");
    if (!readdirSync(bench.dir).includes("strict")) await bench.board("strict");
    const before = readFileSync(join(dir, "board.json"), "utf8");
    const named = flags.map((flag) => (/\.(pub|key|mdy)$/.test(flag) ? bench.path(flag) : flag));
    expect(await trust(dir, ...named)).toBe(expected);
    expect(readFileSync(join(dir, "board.json"), "utf8")).toBe(before);
  });

  test("waits for nobody: a board that is calling for help is busy, and can still be looked at", async () => {
    const dir = await bench.board("calling");
    const port = await freePort();
    const call = startCli(["distress", "--link", `tcp-listen:127.0.0.1:${port}`, "--board", dir, "--json"]);
    await expect.poll(() => readdirSync(dir), { timeout: 10_000 }).toContain("lock");
    expect(await trust(dir, "--key", bench.path("other.pub"))).toBe("1 board-busy");
    expect(await trust(dir)).toBe("looked");
    call.child.kill("SIGTERM");
    await call.ended;
    expect(await trust(dir, "--key", bench.path("other.pub"))).toBe("added");
  });

  test("reads a board that was made before there were limits, and one whose limits are no numbers not at all", async () => {
    const dir = await running("old-format");
    expect(readFileSync(join(dir, "board.json"), "utf8")).not.toContain("max");
    expect(await keysOf(dir)).toMatchObject([{ maxCounter: null, maxStep: 1000 }]);
    const text = readFileSync(join(dir, "board.json"), "utf8");
    for (const limit of ["-1", "4294967296", "1.5", '"5"', "null"]) {
      const copy = bench.path(`old-format-${limit.length}-${limit.charCodeAt(0)}`);
      // Copies keep the modes, whatever the umask.
      cpSync(dir, copy, { recursive: true });
      writeFileSync(
        join(copy, "board.json"),
        text.replace('"trust-1.pub"', `"trust-1.pub", "maxCounter": ${limit}`),
      );
      expect(await trust(copy), limit).toBe("1 board-damaged");
    }
  });
});
