import { toHex } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { errnoOf } from "../base/errno.ts";
import { FailedError, MaydayError, RefusedError } from "../base/errors.ts";
import { isSystemError, systemError } from "../base/system-error.ts";
import type { Millis } from "../base/units.ts";
import type { PartFile } from "../files/part-file.ts";
import { requireTrusted, type TrustPolicy } from "../image/envelope.ts";
import { isSameHardware } from "../image/hardware.ts";
import { IMAGE_HEAD_MAX, type ImageHead, parseImageHead } from "../image/image-head.ts";
import { formatVersion } from "../image/version.ts";
import { refuseKey } from "../image-files/image-file.ts";
import { type FetchRules, fetchRange } from "./http-get.ts";
import { ImageIntake } from "./image-intake.ts";
import type { IndexEntry } from "./index-format.ts";
import type { PullAccount } from "./pull-account.ts";
import type { PullEvent } from "./pull-event.ts";
import type { PullFolder } from "./pull-folder.ts";

/** What fetching an image needs. */
export interface ImageEdges {
  /** The folder that the index is in. */
  readonly url: URL;
  readonly folder: PullFolder;
  readonly account: PullAccount;
  readonly trust: TrustPolicy;
  readonly rules: Omit<FetchRules, "totalMs">;
  readonly clock: Clock;
  readonly onEvent: (event: PullEvent) => void;
}

/** Attempts at one image in one pull, of which each but the last ended too early and brought something. */
const ATTEMPTS_MAX = 5;
/** Time for a head, or an index. */
export const SHORT_FETCH_MS: Millis = 300_000;
/** Slowest line that an image is fetched over, in bytes a second, headers and waits aside. */
const SLOWEST_RATE = 512;
/** Longest time that a timer holds. */
const TIMER_MAX_MS: Millis = 2 ** 31 - 1;
/** Room that is left on the file system. */
const ROOM_LEFT = 262_144;
/** Shortest time between two reports of progress. */
const PROGRESS_MS: Millis = 500;
/** Bytes that are read at once of a part. */
const READ_CHUNK = 262_144;
/** Ends that come too early; what came before them is kept. */
const CUT_SHORT: readonly string[] = ["net-truncated", "net-slow", "net-timeout"];

/**
 * Fetches an image of the index into the folder: first its head, which is judged, then the rest, which is hashed as it comes; only
 * what is right gets its name. What there is of it already is read again, and continued. What was fetched stays for the next time
 * unless the image failed for good.
 *
 * Besides the errors of `fetchRange`, `parseImageHead` and `requireTrusted`: RefusedError `index-lies` (the image is another one than
 * the index says); FailedError `net-length`, `image-corrupt`, `image-holds-key`, `no-room`, `budget-spent`, `pull-write`.
 */
export async function pullImage(entry: IndexEntry, edges: ImageEdges): Promise<void> {
  await new ImagePull(entry, edges).run();
}

/** Whether an image that failed so would fail again: what is in the file, or how the server gives it out, is wrong. */
export function isFinalFault({ code }: MaydayError): boolean {
  const ofServer = ["net-status", "net-redirect", "net-encoded", "net-range", "net-length"];
  return ofServer.includes(code) || isRefusal(code) || code.startsWith("image-");
}

/** Whether a code says that an image was refused, by its signature or by what it says of itself. */
export function isRefusal(code: string): boolean {
  return ["signature", "unsigned", "role", "counter", "manifest", "index-lies"].includes(code);
}

class ImagePull {
  readonly #entry: IndexEntry;
  readonly #edges: ImageEdges;
  readonly #url: URL;
  readonly #startMs: Millis;
  #bytes = 0;
  #toldAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(entry: IndexEntry, edges: ImageEdges) {
    this.#entry = entry;
    this.#edges = edges;
    this.#url = new URL(entry.url, edges.url);
    this.#startMs = edges.clock.now();
  }

  async run(): Promise<void> {
    const { folder } = this.#edges;
    const part = await onDisk(() => folder.openPart(this.#entry.digest));
    try {
      const resumedAt = part.size;
      for (let attempt = 1; ; attempt++) {
        const before = part.size;
        try {
          await this.#attempt(part);
          break;
        } catch (error) {
          const isCut = error instanceof MaydayError && CUT_SHORT.includes(error.code);
          if (!isCut || part.size <= before || attempt >= ATTEMPTS_MAX) throw error;
        }
      }
      const fileName = await onDisk(() => folder.putInPlace(part, this.#entry.digest));
      const told = { entry: this.#entry, fileName, bytes: this.#bytes, resumedAt, seconds: this.#seconds() };
      this.#edges.onEvent({ event: "pulled", ...told });
    } catch (error) {
      const isUseless = error instanceof MaydayError && (isFinalFault(error) || error.code === "no-room");
      if (isUseless) await part.remove();
      throw error;
    } finally {
      await part.close();
    }
  }

  /** Ends with a part that is whole and right. */
  async #attempt(part: PartFile): Promise<void> {
    const known = await this.#headOf(part);
    const head = known ?? (await this.#fetchHead(part));
    this.#judge(head);
    this.#checkRoom(part);
    const isResumed = known !== undefined;
    const intake = new ImageIntake(head);
    await this.#readAgain(part, intake);
    while (part.size < this.#entry.size) await this.#fetchMore(part, intake);
    try {
      intake.finish(this.#url.href);
    } catch (error) {
      // A power cut may have left something else in the part than what came: once more, from the start.
      if (!isResumed) throw error;
      await onDisk(() => part.cut(0));
      return await this.#attempt(part);
    }
    refuseKey(this.#url.href, part.handle, head.dataOffset, head.envelope.manifest.size);
  }

  /** The head of what is there; undefined when that is too little, or of something else. */
  async #headOf(part: PartFile): Promise<ImageHead | undefined> {
    const { size, digest } = this.#entry;
    if (part.size < Math.min(IMAGE_HEAD_MAX, size) || part.size > size) return undefined;
    const start = new Uint8Array(IMAGE_HEAD_MAX);
    const got = await onDisk(() => part.read(start, 0));
    try {
      const head = parseImageHead(start.subarray(0, got), size, this.#url.href);
      return toHex(head.envelope.digest) === digest ? head : undefined;
    } catch {
      return undefined;
    }
  }

  /** Fetches the head, and judges it before any byte of it is written. */
  async #fetchHead(part: PartFile): Promise<ImageHead> {
    const { size } = this.#entry;
    const wanted = Math.min(IMAGE_HEAD_MAX, size);
    const chunks: Uint8Array[] = [];
    await this.#fetch(0, wanted, false, SHORT_FETCH_MS, (chunk) => void chunks.push(Uint8Array.from(chunk)));
    const start = new Uint8Array(Buffer.concat(chunks));
    const head = parseImageHead(start, size, this.#url.href);
    this.#judge(head);
    await onDisk(async () => {
      await part.cut(0);
      await part.append(start);
    });
    return head;
  }

  /** RefusedError unless the image is signed as it has to be, and is the one of the index. */
  #judge({ envelope }: ImageHead): void {
    const entry = this.#entry;
    const { manifest } = requireTrusted(envelope.bytes, this.#edges.trust, this.#url.href);
    const isSame =
      toHex(envelope.digest) === entry.digest &&
      isSameHardware(manifest, entry) &&
      manifest.revisionMin === entry.revisionMin &&
      manifest.revisionMax === entry.revisionMax &&
      manifest.sequence === entry.sequence &&
      formatVersion(manifest.version) === formatVersion(entry.version) &&
      manifest.counter === entry.counter &&
      manifest.role === entry.role;
    if (isSame) return;
    const message = `${this.#url.href}: this is another image than the index says`;
    throw new RefusedError("index-lies", message, { url: this.#url.href });
  }

  #checkRoom(part: PartFile): void {
    const needed = this.#entry.size - part.size + ROOM_LEFT;
    const room = this.#edges.folder.room();
    if (room >= needed) return;
    const message = `${this.#url.href}: ${needed} bytes are needed in the folder of images, and ${room} are free; remove images, or make room`;
    throw new FailedError("no-room", message, { needed, room });
  }

  async #readAgain(part: PartFile, intake: ImageIntake): Promise<void> {
    const buffer = new Uint8Array(READ_CHUNK);
    for (let at = 0; at < part.size; ) {
      const got = await onDisk(() => part.read(buffer, at));
      if (got === 0)
        throw new FailedError("file-changed", `${this.#url.href}: what was there of it was cut short`);
      intake.push(buffer.subarray(0, got));
      at += got;
    }
  }

  async #fetchMore(part: PartFile, intake: ImageIntake): Promise<void> {
    const { size } = this.#entry;
    const rest = size - part.size;
    const totalMs = Math.min(TIMER_MAX_MS, SHORT_FETCH_MS + (rest / SLOWEST_RATE) * 1000);
    await this.#fetch(part.size, rest, true, totalMs, async (chunk) => {
      await onDisk(() => part.append(chunk));
      intake.push(chunk);
      this.#tell(part.size);
    });
  }

  async #fetch(
    from: number,
    wanted: number,
    isDivisible: boolean,
    totalMs: Millis,
    take: (chunk: Uint8Array) => void | Promise<void>,
  ): Promise<void> {
    const { account, rules } = this.#edges;
    const limit = account.begin(this.#entry.digest, from, wanted, isDivisible);
    let received = 0;
    try {
      const answer = await fetchRange(this.#url, {
        ...rules,
        from,
        limit,
        totalMs,
        take: (chunk) => {
          received += chunk.length;
          return take(chunk);
        },
      });
      received = answer.received;
      if (answer.tag !== "body" || answer.size !== this.#entry.size) throw this.#otherSize(answer);
    } catch (error) {
      if (error instanceof MaydayError) received = Number(error.details["received"] ?? received);
      throw error;
    } finally {
      this.#bytes += received;
      account.end(received);
    }
  }

  #otherSize(answer: object): FailedError {
    const seen = "size" in answer ? `${String(answer.size)} bytes` : "another size";
    const message = `${this.#url.href}: has ${seen}, the index says ${this.#entry.size}`;
    return new FailedError("net-length", message, { url: this.#url.href });
  }

  #tell(done: number): void {
    const now = this.#edges.clock.now();
    if (now - this.#toldAt < PROGRESS_MS) return;
    this.#toldAt = now;
    this.#edges.onEvent({ event: "pulling", entry: this.#entry, done, seconds: this.#seconds() });
  }

  #seconds(): number {
    return Math.round(this.#edges.clock.now() - this.#startMs) / 1000;
  }
}

/** Errors of the file system are told from those of the network, which have some names in common. */
async function onDisk<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MaydayError || !isSystemError(error)) throw error;
    const code = errnoOf(error) === "ENOSPC" || errnoOf(error) === "EDQUOT" ? "no-room" : "pull-write";
    throw systemError(code, "an image cannot be written into the folder", error, { errno: errnoOf(error) });
  }
}
