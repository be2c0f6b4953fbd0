import type { Command } from "commander";
import { addCommand } from "../help.ts";
import { onRun } from "../run.ts";
import { type RepoFlags, showListing } from "./listing.ts";

/** Registers `mayday repo list`. */
export function addRepoList(repo: Command): void {
  const command = addCommand(repo, "list", {
    summary: "list the images, newest first",
    does: "Lists the images of a repository, newest first. Files that are not usable images are named on stderr.",
    examples: ["mayday repo list --repo images"],
  }).requiredOption("--repo <dir>", "folder of the repository");
  onRun<RepoFlags>(command, async ({ output }, _args, { repo: dir }) => {
    const { openDirectoryRepository } = await import("../../image-files/directory-repository.ts");
    showListing(output, await (await openDirectoryRepository(dir)).list());
    return undefined;
  });
}
