import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDirectoryRepository } from "../../src/image-files/directory-repository.ts";
import { runCli, startCli, verdictOf } from "../support/cli.ts";
import { freePort, openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

const RESCUER = "a rescuer is there but has nothing for this board: ";
/** Advice for a line that damages frames: wrong here, where no frame is damaged. */
const LEVELS = /check levels|baud/;

/** What a board of `generic/widget` says at its timeout, next to a rescuer with this repository. */
async function saidNextTo(name: string, fill: (dir: string) => Promise<void>): Promise<string> {
  const repo = bench.path(name);
  await mkdir(repo);
  await fill(repo);
  const board = await bench.board(`board-${name}`, undefined, {
    hardware: { vendor: "generic", hardwareClass: "widget" },
  });
  const port = await freePort();
  const link = `tcp:127.0.0.1:${port}`;
  const rescue = startCli(["rescue", "--link", link, "--repo", repo, "--timeout", "12", "--json"]);
  const calling = ["--link", `tcp-listen:127.0.0.1:${port}`, "--board", board, "--timeout", "3", "--json"];
  await rescue.saw(/"waiting"/);
  if (name === "removed") await rm(repo, { recursive: true });
  const verdict = verdictOf(await runCli(["distress", ...calling]));
  rescue.child.kill("SIGTERM");
  await rescue.ended;
  expect(verdict).toMatchObject({ code: 3, reason: "timeout" });
  return String(verdict["message"]);
}

describe("a board beside a rescuer that has no suitable image", () => {
  test.concurrent.each<[string, (dir: string) => Promise<void>, string]>([
    ["empty", async () => {}, "its repository holds no image"],
    [
      "other-hardware",
      async (dir) => void (await (await openDirectoryRepository(dir)).add(bench.path("fw.mdy"))),
      "its images are for other hardware",
    ],
    ["corrupt", (dir) => writeFile(join(dir, "fw.mdy"), "no image at all"), "its repository holds no image"],
  ])("says that a rescuer is there, and does not blame the line: %s repository", async (name, fill, why) => {
    const said = await saidNextTo(name, fill);
    expect(said).toContain(RESCUER + why);
    expect(said).not.toMatch(LEVELS);
  });

  test("says that a rescuer is there, and does not blame the line: removed repository", async () => {
    const said = await saidNextTo("removed", async () => {});
    expect(said).toContain("has nothing for this board: its repository holds no image");
    expect(said).not.toMatch(LEVELS);
  });
});

test("two boards in distress on one line both say so at their timeout", async () => {
  const port = await freePort();
  const calling = async (link: string, timeout: string) => {
    const board = await bench.board(`facing-${timeout}`);
    return startCli(["distress", "--link", link, "--board", board, "--timeout", timeout, "--json"]);
  };
  // The one that listens is there first, and stays while the other one starts.
  const listening = await calling(`tcp-listen:127.0.0.1:${port}`, "10");
  await listening.saw(/"waiting"/);
  const connecting = await calling(`tcp:127.0.0.1:${port}`, "4");
  const ends = await Promise.all([listening.ended, connecting.ended]);
  for (const end of ends) {
    const verdict = verdictOf(end);
    expect(verdict).toMatchObject({ code: 3, reason: "timeout" });
    expect(verdict["message"]).toContain("another board in distress is there, no rescuer");
    expect(verdict["message"]).not.toMatch(LEVELS);
  }
});
