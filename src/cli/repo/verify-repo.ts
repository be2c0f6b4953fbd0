import type { Command } from "commander";
import { FailedError } from "../../base/errors.ts";
import { addCommand } from "../help.ts";
import { onRun } from "../run.ts";
import { type RepoFlags, showListing } from "./listing.ts";

/** Registers `mayday repo verify`. */
export function addRepoVerify(repo: Command): void {
  const command = addCommand(repo, "verify", {
    summary: "check the data of every image",
    does:
      "Hashes every image of a repository. Exits 1 if one is damaged. Names that do not end in .mdy, " +
      "hidden files and folders are ignored.",
    examples: ["mayday repo verify --repo images"],
  }).requiredOption("--repo <dir>", "folder of the repository");
  onRun<RepoFlags>(command, async ({ output }, _args, { repo: dir }) => {
    const { isForeignName } = await import("../../image-files/folder-listing.ts");
    const { openDirectoryRepository } = await import("../../image-files/directory-repository.ts");
    const listing = await (await openDirectoryRepository(dir)).verify();
    showListing(output, listing);
    const { length } = listing.skipped.filter((file) => !isForeignName(file));
    if (length === 0) return undefined;
    const message = `${length} of ${length + listing.images.length} image files in ${dir} cannot be used; remove them with: mayday repo remove FILE --repo ${dir}`;
    throw new FailedError("repo-damaged", message, { count: length });
  });
}
