import type { Command } from "commander";
import { COUNTER_STEP_MAX } from "../../image/manifest.ts";
import { addCommand } from "../help.ts";
import { onRun } from "../run.ts";
import { entryFields, entryText, type RepoFlags } from "./listing.ts";

interface AddFlags extends RepoFlags {
  readonly force?: boolean;
}

/** Registers `mayday repo add`. */
export function addRepoAdd(repo: Command): void {
  const command = addCommand(repo, "add <files...>", {
    summary: "copy image files into a repository",
    does:
      "Copies image files into a repository, which is created if needed. Each appears whole or not at all. A security " +
      "counter that looks like a typing error is refused: boards take it for good.",
    examples: ["mayday repo add fw.mdy --repo images"],
  })
    .requiredOption("--repo <dir>", "folder of the repository")
    .option(
      "--force",
      `allow a counter more than ${COUNTER_STEP_MAX} above the highest of that hardware in the repository`,
    );
  onRun<AddFlags>(command, async ({ output }, files, { repo: dir, force = false }) => {
    const { openDirectoryRepository } = await import("../../image-files/directory-repository.ts");
    const { checkImageFile } = await import("../../image-files/image-file.ts");
    // Before the folder is made: a wrong file leaves nothing behind.
    for (const file of files) await checkImageFile(file);
    const repository = await openDirectoryRepository(dir, { create: true });
    for (const file of files) {
      const { tag, entry } = await repository.add(file, { isChecked: !force });
      output.result(`${tag} ${entryText(entry)}`, { event: tag, file, ...entryFields(entry) });
    }
    return undefined;
  });
}
