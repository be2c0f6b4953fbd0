import { join } from "node:path";
import * as v from "valibot";
import { errnoOf } from "../../base/errno.ts";
import { errorWords } from "../../base/system-error.ts";
import { replaceFileSync } from "../../files/atomic-file.ts";
import { makeFolder } from "../../files/durable-file.ts";
import { readWholeFile } from "../../files/whole-file.ts";
import { hex, WALL_MAX, whole } from "../fields.ts";
import { parsedJson } from "../fleet-messages.ts";
import { FLOORS_MAX, type WordFloor } from "../word-judge.ts";

/** Name of the file in the folder of an outbox that keeps the floors of the owner's words. */
export const WORD_FILE = "words.json";
const FILE_MAX = 131_072;

const FileSchema = v.strictObject({
  format: v.literal(1),
  floors: v.pipe(
    v.array(
      v.strictObject({
        about: v.pipe(v.string(), v.regex(/^(?:offer|stop) [0-9a-f]{16}$/)),
        sequence: whole(),
        hash: hex(64),
        expires: v.exactOptional(whole(WALL_MAX)),
      }),
    ),
    v.maxLength(FLOORS_MAX),
  ),
});

/** The floors that were kept. `warn` is told of a file that cannot be read; then there are none, and old words count again. */
export function loadFloors(folder: string, warn: (text: string) => void): readonly WordFloor[] {
  const path = join(folder, WORD_FILE);
  try {
    const file = readWholeFile(path, FILE_MAX);
    const parsed = v.safeParse(FileSchema, file.tag === "file" ? parsedJson(file.bytes) : undefined);
    if (parsed.success) return parsed.output.floors;
    warn(`${path} is damaged, and is ignored: offers and stops of before would count again`);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT")
      warn(`${path} is ignored: ${errorWords(error)}; offers and stops of before would count again`);
  }
  return [];
}

/** Keeps the floors. A word whose floor cannot be kept counts nevertheless; `warn` is told. */
export function saveFloors(folder: string, floors: readonly WordFloor[], warn: (text: string) => void): void {
  const path = join(folder, WORD_FILE);
  try {
    makeFolder(folder, 0o700);
    replaceFileSync(path, `${JSON.stringify({ format: 1, floors }, undefined, 1)}\n`, 0o600);
  } catch (error) {
    warn(`${path} cannot be written: ${errorWords(error)}; after a restart old offers and stops count again`);
  }
}
