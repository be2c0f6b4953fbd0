import type { FileHandle } from "node:fs/promises";
import { FailedError, UsageError } from "../base/errors.ts";
import {
  type Content,
  type ContentKind,
  contentInMemory,
  type FirmwareFormat,
} from "../content/content-kind.ts";
import { KeyKind } from "../content/key-kinds.ts";
import { type Likeness, likenessOf } from "../content/likeness.ts";
import { recognise } from "../content/recognise.ts";
import { isOneValue, readContent } from "../files/file-content.ts";
import { readFully } from "../files/regular-file.ts";
import {
  ADDRESSED_FILE_MAX,
  FILL_DEFAULT,
  type Firmware,
  type FirmwareChoice,
  type FirmwareFacts,
  readFirmware,
} from "../image/firmware/firmware.ts";

/** How an input is read; `auto` judges it by its content, `raw` takes the file's own bytes. */
export type InputFormat = "auto" | "raw" | FirmwareFormat;

/** What a user says about an input. */
export interface InputChoice extends FirmwareChoice {
  readonly format?: InputFormat | undefined;
}

/** How an input is to be read, and what is told of it if that is raw. */
interface FoundInput {
  readonly format: FirmwareFormat | "raw";
  readonly facts: FirmwareFacts;
}

/**
 * How to read an input: a format with addresses, or raw. UsageError: `input-empty`; `input-is-key` for a private key, whatever
 * the format, also where it stands in records; `image-not-raw` for an image file; `input-format` for what is no raw firmware, or
 * not of the given format; `input-no-addresses`.
 */
export function inputFormat(
  path: string,
  handle: FileHandle,
  size: number,
  { format = "auto", only, fill }: InputChoice,
): FoundInput {
  if (size === 0) throw new UsageError("input-empty", `${path} is empty; an image has at least one byte`);
  const content = readContent(handle.fd, size);
  const kind = recognise(content);
  // Of random bytes nobody can say whether they are a key: --format raw says that they are not.
  if (kind?.isSecret === true && !(kind === KeyKind.rawKey && format !== "auto")) throw isKey(path, kind);
  if (kind?.group === "format") refuseKeyInside(path, content, kind.id as FirmwareFormat);
  const chosen = format === "auto" ? foundFormat(path, kind) : format;
  if (chosen !== "raw" && kind !== undefined && kind.id !== chosen) {
    const message = `${path} is ${kind.name}, not in the format ${chosen}`;
    throw new UsageError("input-format", message, { path, format: kind.id });
  }
  if (chosen === "raw" && (only !== undefined || fill !== undefined)) {
    const message = `${path} is taken as raw bytes, which have no addresses and no gaps`;
    throw new UsageError("input-no-addresses", message, { path });
  }
  return { format: chosen, facts: { ...RAW_FACTS, likeness: rawLikeness(handle, content, format) } };
}

/** What a file without a format looks like; nothing where the user says that it is raw. */
function rawLikeness({ fd }: FileHandle, { head, size }: Content, format: InputFormat): Likeness | undefined {
  const likeness = format === "auto" ? likenessOf(head) : undefined;
  return likeness === "blank" && !isOneValue(fd, size) ? undefined : likeness;
}

/** A key may stand in records, or in the segments of a program. Files beyond the head hold more than a key. */
function refuseKeyInside(path: string, { head, size }: Content, format: FirmwareFormat): void {
  if (head.length < size) return;
  const read = readFirmware(format, head);
  const kind = read.tag === "firmware" ? recognise(contentInMemory(read.bytes)) : undefined;
  if (kind?.isSecret === true && kind !== KeyKind.rawKey) throw isKey(path, kind);
}

function isKey(path: string, kind: ContentKind): UsageError {
  const message = `${path} holds ${kind.name}: it never goes into an image; give the firmware`;
  return new UsageError("input-is-key", message, { path, form: kind.id });
}

function foundFormat(path: string, kind: ContentKind | undefined): FirmwareFormat | "raw" {
  if (kind === undefined) return "raw";
  switch (kind.group) {
    case "format":
      return kind.id as FirmwareFormat;
    case "image": {
      const message = `${path} is an image file (.mdy) already, which states its hardware and version: use it as it is`;
      throw new UsageError("image-not-raw", message, { path });
    }
    default: {
      const fix = kind.fix === undefined || kind.group === "key" ? "" : `; fix: ${kind.fix}`;
      const message = `${path} is ${kind.name}, not raw firmware${fix}`;
      throw new UsageError("input-format", message, { path, format: kind.id });
    }
  }
}

/** Reads an input with addresses. UsageError `input-too-large`; FailedError `hex-…`, `srec-…`, `uf2-…`, `elf-…`. */
export async function readAddressed(
  path: string,
  handle: FileHandle,
  size: number,
  format: FirmwareFormat,
  choice: FirmwareChoice,
): Promise<Firmware> {
  if (size > ADDRESSED_FILE_MAX) {
    const message = `${path} has ${size} bytes, of a file with addresses at most ${ADDRESSED_FILE_MAX} are read; fix: objcopy -O binary IN OUT`;
    throw new UsageError("input-too-large", message, { size, limit: ADDRESSED_FILE_MAX });
  }
  const file = new Uint8Array(size);
  const read = readFirmware(format, file.subarray(0, await readFully(handle, file, 0)), choice);
  if (read.tag === "firmware") return read;
  const where = read.line === 0 ? path : `${path}, line ${read.line}`;
  throw new FailedError(`${format}-${read.fault}`, `${where}: ${read.detail}`, {
    path,
    line: read.line,
    meant: read.meant,
  });
}

/** What is told of raw input. */
const RAW_FACTS: FirmwareFacts = {
  format: "raw",
  base: undefined,
  ranges: [],
  rangeCount: 0,
  filling: 0,
  fill: FILL_DEFAULT,
  leftOut: 0,
  repeated: 0,
  likeness: undefined,
};
