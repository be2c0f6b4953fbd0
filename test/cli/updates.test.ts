import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliEvent, type CliResult, runCli, startCli, verdictOf } from "../support/cli.ts";
import { bootOf, freePort, openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
const images = new Map<string, string>();

beforeAll(async () => {
  bench = await openWorkbench();
  for (const major of [1, 2]) {
    const version = { major, minor: 0, patch: 0 };
    images.set(`${major}.0.0`, await bench.image(`v${major}`, "owner", { version }));
  }
});
afterAll(() => bench.close());

const fileOf = (version: string): string => images.get(version) ?? expect.fail(version);

async function repositoryOf(name: string, versions: readonly string[]): Promise<string> {
  const repo = bench.path(name);
  await mkdir(repo);
  for (const version of versions) await copyFile(fileOf(version), join(repo, `${version}.mdy`));
  return repo;
}

interface Ends {
  readonly distress: CliResult;
  readonly rescue: CliResult;
  readonly board: string;
}

/** A board that runs 1.0.0 and asks for an update, beside `rescue --once` with these arguments. */
async function update(name: string, layout: "single" | "ab", source: readonly string[]): Promise<Ends> {
  const board = await bench.board(name, fileOf("1.0.0"), { layout });
  const port = await freePort();
  const rescuer = startCli(["rescue", "--link", `tcp:127.0.0.1:${port}`, ...source, "--once", "--json"]);
  const listen = ["--link", `tcp-listen:127.0.0.1:${port}`, "--board", board, "--timeout", "4", "--json"];
  const distress = await runCli(["distress", ...listen, "--force", "--allow-single-update"]);
  rescuer.child.kill("SIGTERM");
  return { distress, rescue: await rescuer.ended, board };
}

function about(result: CliResult, event: string): CliEvent[] {
  return result.events.filter((one) => one.event === event);
}

describe.each(["single", "ab"] as const)(
  "distress --force of a board of layout %s that runs 1.0.0",
  (layout) => {
    test.concurrent("ends with 2.0.0 beside a repository that has both", async () => {
      const source = ["--repo", await repositoryOf(`both-${layout}`, ["1.0.0", "2.0.0"])];
      const { distress, rescue, board } = await update(`board-both-${layout}`, layout, source);
      expect(verdictOf(distress)).toMatchObject({ code: 0, reason: "healed" });
      expect(verdictOf(rescue)).toMatchObject({ code: 0, reason: "healed" });
      expect(about(distress, "offer").map(({ version }) => version)).toEqual(["2.0.0"]);
      expect(about(distress, "refused")).toEqual([]);
      expect(bootOf(board)).toBe("2.0.0");
    });

    test.concurrent("ends with exit 4 and the reason version beside a repository that has 1.0.0 only", async () => {
      const source = ["--repo", await repositoryOf(`one-${layout}`, ["1.0.0"])];
      const { distress, rescue, board } = await update(`board-one-${layout}`, layout, source);
      expect(verdictOf(distress)).toMatchObject({ code: 4, reason: "version" });
      expect(verdictOf(distress)["message"]).toContain("nothing newer than what this board runs");
      expect(about(distress, "none")).toMatchObject([{ reason: "version" }]);
      expect(about(distress, "offer")).toEqual([]);
      expect(verdictOf(rescue)).toMatchObject({ code: 4, reason: "version" });
      expect(bootOf(board)).toBe("1.0.0");
    });

    test.concurrent("refuses with --image 1.0.0 the very image that it runs", async () => {
      const source = ["--image", fileOf("1.0.0")];
      const { distress, rescue, board } = await update(`board-same-${layout}`, layout, source);
      expect(verdictOf(distress)).toMatchObject({ code: 4, reason: "version" });
      expect(about(distress, "healed")).toEqual([]);
      expect(verdictOf(rescue)).toMatchObject({ code: 4, reason: "version" });
      expect(bootOf(board)).toBe("1.0.0");
    });
  },
);
