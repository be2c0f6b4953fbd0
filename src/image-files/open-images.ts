import { fileStamp } from "../files/file-stamp.ts";
import { type ImageFile, openImageFile } from "./image-file.ts";

/** Most images that stay open although nobody uses them: the one used longest ago is closed first. */
export const IDLE_IMAGES_MAX = 4;

interface Held {
  readonly path: string;
  readonly stamp: string;
  readonly image: ImageFile;
  users: number;
}

/**
 * Image files that are open, shared by all who use them. A file is opened and hashed once for as long as it is the same, and
 * one file at a time: what a call for help can cost does not grow with the number of calls.
 */
export class OpenImages {
  /** Newest use last. Files that were replaced stay here until their users gave them back. */
  readonly #held: Set<Held> = new Set();
  readonly #opening: Map<string, Promise<Held>> = new Map();
  #last: Promise<unknown> = Promise.resolve();

  /** Opens a file, or shares it; give it back with {@link release}. The errors are those of `openImageFile`. */
  async use(path: string): Promise<ImageFile> {
    const stamp = await fileStamp(path);
    const held = this.#find(path, stamp) ?? (await this.#open(path, stamp));
    held.users++;
    this.#held.delete(held);
    this.#held.add(held);
    await this.#closeIdle();
    return held.image;
  }

  #find(path: string, stamp: string): Held | undefined {
    return [...this.#held].find((held) => held.path === path && held.stamp === stamp);
  }

  #open(path: string, stamp: string): Promise<Held> {
    const name = `${stamp} ${path}`;
    const known = this.#opening.get(name);
    if (known !== undefined) return known;
    const opening = this.#last.then(async () => {
      const held = { path, stamp, image: await openImageFile(path), users: 0 };
      this.#held.add(held);
      return held;
    });
    this.#opening.set(name, opening);
    const done = (): boolean => this.#opening.delete(name);
    this.#last = opening.then(done, done);
    return opening;
  }

  /** Ends one use of an image. It may stay open for the next. */
  async release(image: ImageFile): Promise<void> {
    for (const held of this.#held) if (held.image === image && held.users > 0) held.users--;
    await this.#closeIdle();
  }

  async #closeIdle(): Promise<void> {
    const idle = [...this.#held].filter(({ users }) => users === 0);
    for (const held of idle.slice(0, Math.max(0, idle.length - IDLE_IMAGES_MAX))) {
      this.#held.delete(held);
      await held.image.close();
    }
  }

  /** Closes all, used or not. */
  async close(): Promise<void> {
    await this.#last;
    for (const held of this.#held) {
      this.#held.delete(held);
      await held.image.close();
    }
  }
}
