import type { Command } from "commander";
import { addCommand } from "../help.ts";
import { onRun } from "../run.ts";
import type { RepoFlags } from "./listing.ts";

/** Registers `mayday repo remove`. */
export function addRepoRemove(repo: Command): void {
  const command = addCommand(repo, "remove <image>", {
    summary: "remove an image",
    does: "Removes one image, named by its file or by the first digits of its digest (four or more).",
    examples: ["mayday repo remove 9f86d081 --repo images"],
  }).requiredOption("--repo <dir>", "folder of the repository");
  onRun<RepoFlags>(command, async ({ output }, [name = ""], { repo: dir }) => {
    const { openDirectoryRepository } = await import("../../image-files/directory-repository.ts");
    const fileName = await (await openDirectoryRepository(dir)).remove(name);
    output.result(`removed ${fileName}`, { event: "removed", fileName });
    return undefined;
  });
}
