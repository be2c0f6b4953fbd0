import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli, verdictOf } from "../support/cli.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
let images = 0;

beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

async function build(
  counter: string,
  ...more: readonly string[]
): Promise<{ code: number; reason: unknown }> {
  const what = ["--in", bench.path("firmware.bin"), "--hardware", "acme/widget", "--version", "1.0.0"];
  const out = ["--key", bench.path("owner.key"), "--out", bench.path("built.mdy")];
  const run = await runCli(["image", "build", ...what, ...out, "--counter", counter, ...more, "--json"]);
  return { code: run.code, reason: verdictOf(run)?.["reason"] };
}

/** Adds a new image with this counter to a repository. */
async function add(
  repo: string,
  counter: number,
  more: { readonly hardwareClass?: string; readonly flags?: readonly string[] } = {},
): Promise<unknown> {
  const { hardwareClass = "widget", flags = [] } = more;
  const version = { major: 1, minor: ++images, patch: 0 };
  const file = await bench.image(`counter-${images}`, "owner", { counter, hardwareClass, version });
  const run = await runCli(["repo", "add", file, "--repo", bench.path(repo), ...flags, "--json"]);
  return run.code === 0 ? run.events[0]?.["event"] : `${run.code} ${verdictOf(run)?.["reason"]}`;
}

describe("image build", () => {
  test("asks for --force for a counter above 10,000, and for none up to it", async () => {
    expect(await build("10000")).toEqual({ code: 0, reason: "done" });
    expect(await build("10001")).toEqual({ code: 2, reason: "counter-large" });
    expect(await build("4294967295")).toEqual({ code: 2, reason: "counter-large" });
    expect(await build("4294967295", "--force")).toEqual({ code: 0, reason: "done" });
  });

  test("takes no counter above 32 bits, also with --force", async () => {
    expect(await build("4294967296", "--force")).toEqual({ code: 2, reason: "bad-number" });
  });
});

describe("repo add", () => {
  test("asks for --force for a counter more than 1,000 above the highest of that hardware", async () => {
    expect(await add("steps", 5)).toBe("added");
    expect(await add("steps", 1006)).toBe("2 counter-step");
    expect(await add("steps", 1005)).toBe("added");
    expect(await add("steps", 2006)).toBe("2 counter-step");
    expect(await add("steps", 2005)).toBe("added");
    // An older one, and the next step from the highest, not from the last.
    expect(await add("steps", 3)).toBe("added");
    expect(await add("steps", 3005)).toBe("added");
  });

  test("compares with images of the same hardware only, and the first one with 10,000", async () => {
    expect(await add("kinds", 9000, { hardwareClass: "gate" })).toBe("added");
    expect(await add("kinds", 10_001)).toBe("2 counter-large");
    expect(await add("kinds", 10_000)).toBe("added");
    expect(await add("kinds", 10_001, { hardwareClass: "gate" })).toBe("2 counter-step");
    expect(await add("kinds", 11_000)).toBe("added");
  });

  test("takes it with --force, and counts from there", async () => {
    expect(await add("forced", 1)).toBe("added");
    expect(await add("forced", 20_000, { flags: ["--force"] })).toBe("added");
    expect(await add("forced", 21_000)).toBe("added");
    expect(await add("forced", 22_001)).toBe("2 counter-step");
  });

  test("does not ask for an image that is there already, and leaves the repository as it was when it refuses", async () => {
    const repo = bench.path("again");
    const large = await bench.image("large", "owner", { counter: 50_000 });
    expect(verdictOf(await runCli(["repo", "add", large, "--repo", repo, "--json"]))).toMatchObject({
      code: 2,
    });
    expect((await runCli(["repo", "list", "--repo", repo, "--json"])).events).toHaveLength(1);
    expect((await runCli(["repo", "add", large, "--repo", repo, "--force"])).code).toBe(0);
    expect((await runCli(["repo", "add", large, "--repo", repo])).stdout).toMatch(/^kept /);
  });
});
