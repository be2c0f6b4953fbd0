import type { Command } from "commander";
import { addCommand } from "../help.ts";
import { onRun } from "../run.ts";
import { entryFields, entryText, type RepoFlags } from "./listing.ts";

/** Registers `mayday repo add`. */
export function addRepoAdd(repo: Command): void {
  const command = addCommand(repo, "add <files...>", {
    summary: "copy image files into a repository",
    does: "Copies image files into a repository, which is created if needed. Each appears whole or not at all.",
    examples: ["mayday repo add fw.mdy --repo images"],
  }).requiredOption("--repo <dir>", "folder of the repository");
  onRun<RepoFlags>(command, async ({ output }, files, { repo: dir }) => {
    const { openDirectoryRepository } = await import("../../image-files/directory-repository.ts");
    const repository = await openDirectoryRepository(dir, { create: true });
    for (const file of files) {
      const { tag, entry } = await repository.add(file);
      output.result(`${tag} ${entryText(entry)}`, { event: tag, file, ...entryFields(entry) });
    }
    return undefined;
  });
}
