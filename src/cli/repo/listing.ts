import { toHex } from "../../base/bytes.ts";
import { formatHardware } from "../../image/hardware.ts";
import { formatVersion } from "../../image/version.ts";
import type { RepositoryListing, StoredEntry } from "../../image-files/folder-listing.ts";
import { shortId } from "../event-text.ts";
import { imageFields } from "../image/description.ts";
import type { Output } from "../output.ts";
import { byteText } from "../text.ts";

/** The flag of every command of `repo`. */
export interface RepoFlags {
  readonly repo: string;
}

/** Shows the images of a repository, and warns about files that are not images. */
export function showListing(output: Output, { images, skipped }: RepositoryListing): void {
  for (const entry of images) output.result(entryText(entry), { event: "image", ...entryFields(entry) });
  for (const file of skipped) {
    output.event({ event: "skipped", ...file });
    // A file name may contain line ends, and could imitate a line of ours.
    output.warn(file.detail.replaceAll("\n", "\u00b7"));
  }
  if (images.length === 0) output.note("no usable image; add one with: mayday repo add FILE.mdy --repo DIR");
}

/** An image of a repository in one line. */
export function entryText(entry: StoredEntry): string {
  const { manifest, digest, isSigned } = entry;
  const { version, size } = manifest;
  const what = `${formatHardware(manifest)} ${formatVersion(version)}, ${byteText(size)}`;
  return `${shortId(toHex(digest))} ${what}, ${isSigned ? "signed" : "unsigned"}`;
}

/** The same as fields of a JSON line. */
export function entryFields(entry: StoredEntry): Record<string, unknown> {
  return { fileName: entry.fileName, ...imageFields(entry) };
}
