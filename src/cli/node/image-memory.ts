import { join } from "node:path";
import * as v from "valibot";
import { assert } from "../../base/assert.ts";
import { errnoOf } from "../../base/errno.ts";
import { systemText } from "../../base/system-error.ts";
import { replaceFileSync } from "../../files/atomic-file.ts";
import { readWholeFile } from "../../files/whole-file.ts";
import { ROLLOUT_IMAGES_MAX } from "../../mesh/rollout.ts";
import type { ImageMemory } from "../../node/image-gates.ts";

/** Name of the file in a board's folder that keeps what is known of images in staged updates. */
export const ROLLOUT_FILE = "rollout.json";
/** Longest file that is read, in bytes. */
const FILE_MAX = 16_384;

const whole = (max: number) => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(max));
const FileSchema = v.strictObject({
  format: v.literal(1),
  images: v.pipe(
    v.array(
      v.strictObject({
        digest: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
        knownMs: whole(Number.MAX_SAFE_INTEGER),
        ring: v.optional(whole(254)),
        starts: v.optional(whole(0xffff_ffff)),
        isCanary: v.optional(v.literal(true)),
      }),
    ),
    v.maxLength(ROLLOUT_IMAGES_MAX),
  ),
});

/**
 * Keeps how long a board has known of images whose ring is not due, in `rollout.json` of its folder, which the caller holds. A file
 * that cannot be read or written is told to `warn`, the same once: the board waits for its ring again.
 */
export function imageMemory(dir: string, warn: (text: string) => void): ImageMemory {
  const path = join(dir, ROLLOUT_FILE);
  let told = "";
  const tell = (text: string): void => {
    if (text !== told) warn(text);
    told = text;
  };
  return {
    load: () => {
      try {
        const file = readWholeFile(path, FILE_MAX);
        const text = file.tag === "file" ? Buffer.from(file.bytes).toString("utf8") : "";
        return v.parse(FileSchema, JSON.parse(text)).images;
      } catch (error) {
        if (errnoOf(error) === "ENOENT") return [];
        const isDamaged = error instanceof SyntaxError || error instanceof v.ValiError;
        const why = isDamaged ? "is damaged" : `cannot be read: ${systemText(error)}`;
        tell(`${path} ${why}, and is ignored: images whose ring is not due wait as if they were new`);
        return [];
      }
    },
    save: (images) => {
      const text = `${JSON.stringify({ format: 1, images }, undefined, 2)}\n`;
      assert(text.length <= FILE_MAX, "the file can be read again");
      try {
        replaceFileSync(path, text, 0o600);
      } catch (error) {
        tell(
          `${path} cannot be written: ${systemText(error)}; after a restart images wait for their ring again`,
        );
      }
    },
  };
}
