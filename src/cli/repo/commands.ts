import type { Command } from "commander";
import { toHex } from "../../base/bytes.ts";
import { FailedError } from "../../base/errors.ts";
import type { RepositoryListing, StoredEntry } from "../../image/directory-repository.ts";
import { formatHardware } from "../../image/hardware.ts";
import { formatVersion } from "../../image/version.ts";
import { shortId } from "../event-text.ts";
import { addCommand, addGroup } from "../help.ts";
import { imageFields } from "../image/description.ts";
import type { Output } from "../output.ts";
import { onRun } from "../run.ts";
import { byteText } from "../text.ts";

interface RepoFlags {
  readonly repo: string;
}

/** Registers `mayday repo add|list|remove|verify`. */
export function addRepoCommands(program: Command): void {
  const repo = addGroup(program, "repo", "keep images in a folder that rescuers take them from");
  addAdd(repo);
  addList(repo);
  addRemove(repo);
  addVerify(repo);
}

function addAdd(repo: Command): void {
  const command = addCommand(repo, "add <files...>", {
    summary: "copy image files in",
    does: "Copies image files into a repository, which is made if it is not there. Each appears whole or not at all.",
    examples: ["mayday repo add fw.mdy --repo images"],
  }).requiredOption("--repo <dir>", "folder of the repository");
  onRun<RepoFlags>(command, async ({ output }, files, { repo: dir }) => {
    const { openDirectoryRepository } = await import("../../image/directory-repository.ts");
    const repository = await openDirectoryRepository(dir, { create: true });
    for (const file of files) {
      const { tag, entry } = await repository.add(file);
      output.result(`${tag} ${entryText(entry)}`, { event: tag, file, ...entryFields(entry) });
    }
    return undefined;
  });
}

function addList(repo: Command): void {
  const command = addCommand(repo, "list", {
    summary: "list the images, newest first",
    does: "Lists the images of a repository, newest first. Files that are no usable images are named on stderr.",
    examples: ["mayday repo list --repo images"],
  }).requiredOption("--repo <dir>", "folder of the repository");
  onRun<RepoFlags>(command, async ({ output }, _args, { repo: dir }) => {
    const { openDirectoryRepository } = await import("../../image/directory-repository.ts");
    showListing(output, await (await openDirectoryRepository(dir)).list());
    return undefined;
  });
}

function addRemove(repo: Command): void {
  const command = addCommand(repo, "remove <image>", {
    summary: "remove an image",
    does: "Removes one image, named by its file or by the first digits of its digest (four or more).",
    examples: ["mayday repo remove 9f86d081 --repo images"],
  }).requiredOption("--repo <dir>", "folder of the repository");
  onRun<RepoFlags>(command, async ({ output }, [name = ""], { repo: dir }) => {
    const { openDirectoryRepository } = await import("../../image/directory-repository.ts");
    const fileName = await (await openDirectoryRepository(dir)).remove(name);
    output.result(`removed ${fileName}`, { event: "removed", fileName });
    return undefined;
  });
}

function addVerify(repo: Command): void {
  const command = addCommand(repo, "verify", {
    summary: "check the data of every image",
    does: "Hashes every image of a repository. Exits 1 if a file is damaged or is no image.",
    examples: ["mayday repo verify --repo images"],
  }).requiredOption("--repo <dir>", "folder of the repository");
  onRun<RepoFlags>(command, async ({ output }, _args, { repo: dir }) => {
    const { openDirectoryRepository } = await import("../../image/directory-repository.ts");
    const listing = await (await openDirectoryRepository(dir)).verify();
    showListing(output, listing);
    const { length } = listing.skipped;
    if (length === 0) return undefined;
    const message = `${length} of ${length + listing.images.length} files in ${dir} cannot be used; remove them with: mayday repo remove FILE --repo ${dir}`;
    throw new FailedError("repo-damaged", message, { count: length });
  });
}

function showListing(output: Output, { images, skipped }: RepositoryListing): void {
  for (const entry of images) output.result(entryText(entry), { event: "image", ...entryFields(entry) });
  for (const file of skipped) {
    output.event({ event: "skipped", ...file });
    // A file name may hold line ends, and so pass as a line of ours.
    output.warn(file.detail.replaceAll("\n", "\u00b7"));
  }
  if (images.length === 0) output.note("no usable image; add one with: mayday repo add FILE.mdy --repo DIR");
}

function entryText(entry: StoredEntry): string {
  const { manifest, digest, isSigned } = entry;
  const { version, size } = manifest;
  const what = `${formatHardware(manifest)} ${formatVersion(version)}, ${byteText(size)}`;
  return `${shortId(toHex(digest))} ${what}, ${isSigned ? "signed" : "unsigned"}`;
}

function entryFields(entry: StoredEntry): Record<string, unknown> {
  return { fileName: entry.fileName, ...imageFields(entry) };
}
