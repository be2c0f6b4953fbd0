import { toHex } from "../../base/bytes.ts";
import { formatHardware } from "../../image/hardware.ts";
import { formatVersion } from "../../image/version.ts";
import {
  isForeignName,
  type RepositoryListing,
  type SkippedFile,
  type StoredEntry,
} from "../../image-files/folder-listing.ts";
import { shortId } from "../event-text.ts";
import { imageFields } from "../image/description.ts";
import type { Output } from "../output.ts";
import { byteText } from "../text.ts";

/** The flag of every command of `repo`. */
export interface RepoFlags {
  readonly repo: string;
}

/** Most foreign names that are shown. */
const NAMES_MAX = 5;

/** Shows the images of a repository, and what is beside them. */
export function showListing(output: Output, { images, skipped }: RepositoryListing): void {
  for (const entry of images) output.result(entryText(entry), { event: "image", ...entryFields(entry) });
  for (const file of skipped) output.event({ event: "skipped", ...file });
  tellSkipped(output, skipped);
  if (images.length === 0) output.note("no usable image; add one with: mayday repo add FILE.mdy --repo DIR");
}

/** Warns about each damaged image, and names once what is not an image at all. */
export function tellSkipped(output: Output, skipped: readonly SkippedFile[]): void {
  for (const file of skipped) if (!isForeignName(file)) output.warn(oneLine(file.detail));
  const names = skipped.filter(isForeignName).map(({ fileName }) => oneLine(fileName));
  if (names.length === 0) return;
  const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : "";
  output.note(`not images (.mdy), and ignored: ${names.slice(0, NAMES_MAX).join(", ")}${more}`);
}

/** A file name may contain line ends, and could imitate a line of ours. */
function oneLine(text: string): string {
  return text.replaceAll("\n", "\u00b7");
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
