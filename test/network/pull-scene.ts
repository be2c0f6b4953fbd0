import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { encodeImageHeader } from "../../src/image/image-header.ts";
import { memoryImage } from "../../src/image/image-source.ts";
import { type SigningKey, trustedKeyOf } from "../../src/image/keys.ts";
import type { ImageFields } from "../../src/image/manifest.ts";
import { AddressGuard, parseNetworkRange } from "../../src/network/address-guard.ts";
import { encodeIndex, type IndexEntry, indexEntry } from "../../src/network/index-format.ts";
import type { PullEvent } from "../../src/network/pull-event.ts";
import { PullFolder } from "../../src/network/pull-folder.ts";
import { type PullOptions, type PullOutcome, pullRound } from "../../src/network/pull-round.ts";
import { fixedKey } from "../support/fixed-keys.ts";
import { openServer, serve, type TestServer } from "./hostile-server.ts";

export const OWNER: SigningKey = fixedKey(1);
export const OTHER: SigningKey = fixedKey(2);

/** An image file, and what an index says of it. */
export interface FileImage {
  readonly bytes: Uint8Array;
  readonly entry: IndexEntry;
}

/** An image file of random firmware; version 1.`minor`.0. */
export function fileImage(
  minor: number,
  {
    size = 40_000,
    key = OWNER,
    ...fields
  }: Partial<ImageFields> & { size?: number; key?: SigningKey | null } = {},
): FileImage {
  const firmware = randomBytes(new SeededRandom(minor), size);
  const what = { vendor: "acme", hardwareClass: "widget", version: { major: 1, minor, patch: 0 }, ...fields };
  const image = memoryImage(firmware, what, key ?? undefined);
  const bytes = Buffer.concat([encodeImageHeader(image.envelope, size), image.envelope, firmware]);
  return { bytes: new Uint8Array(bytes), entry: indexEntry(image.manifest, image.digest, bytes.length) };
}

export interface PullRun extends PullOutcome {
  readonly events: readonly PullEvent[];
  readonly code: string | undefined;
  readonly exitCode: number;
}

/** A folder of images, and a web server that it is filled from. */
export class PullScene {
  readonly dir: string;
  readonly server: TestServer;
  /** Files of the server by path, which it answers with unless a test says otherwise. */
  readonly files = new Map<string, Uint8Array>();
  readonly clock: VirtualClock = new VirtualClock();
  uptimeMs: Millis = 1_000_000;
  #etag = 0;

  private constructor(dir: string, server: TestServer) {
    this.dir = dir;
    this.server = server;
    this.reset();
  }

  static async open(): Promise<PullScene> {
    return new PullScene(await mkdtemp(join(tmpdir(), "mayday-pull-")), await openServer());
  }

  /** From now on the server is honest. */
  reset(): void {
    this.server.requests.length = 0;
    this.server.answer = (path, request, response) => this.answer(path, request, response);
  }

  answer(...[path, request, response]: Parameters<TestServer["answer"]>): void {
    serve(this.files.get(path), request, response, path === "index.json" ? `"${this.#etag}"` : undefined);
  }

  /** Puts images and an index of them on the server. */
  publish(
    counter: number,
    images: readonly FileImage[],
    changes: { pruned?: number; key?: SigningKey | null } = {},
  ): void {
    const { pruned = 0, key = OWNER } = changes;
    for (const { bytes, entry } of images) this.files.set(entry.url, bytes);
    const index = { counter, pruned, images: images.map(({ entry }) => entry) };
    this.files.set("index.json", new TextEncoder().encode(encodeIndex(index, key ?? undefined)));
    this.#etag++;
  }

  async pull(options: Partial<PullOptions> = {}): Promise<PullRun> {
    const folder = await PullFolder.open(this.dir);
    const events: PullEvent[] = [];
    try {
      const outcome = await pullRound(folder, {
        url: new URL(this.server.url),
        trust: { keys: [trustedKeyOf(OWNER, ["app"])], allowUnsigned: false },
        hardware: [],
        budget: Number.POSITIVE_INFINITY,
        tls: {},
        guard: new AddressGuard([parseNetworkRange("127.0.0.1")]),
        uptimeMs: () => this.uptimeMs,
        idleMs: 2_000,
        onEvent: (event) => events.push(event),
        ...options,
      });
      const { fault } = outcome;
      return { ...outcome, events, code: fault?.code, exitCode: fault?.exitCode ?? 0 };
    } finally {
      await folder.close();
    }
  }

  /** Versions of the images in the folder, oldest first; each was hashed. */
  async installed(): Promise<string[]> {
    const folder = await PullFolder.open(this.dir);
    try {
      const { images, skipped } = await folder.repository.verify();
      if (skipped.length > 0) throw new Error(JSON.stringify(skipped));
      return images.map(({ manifest: { version } }) => `${version.major}.${version.minor}`).sort();
    } finally {
      await folder.close();
    }
  }

  /** Names in the folder that are no images. */
  async others(): Promise<string[]> {
    return (await readdir(this.dir)).filter((name) => !name.endsWith(".mdy")).sort();
  }

  async state(): Promise<string> {
    return await readFile(join(this.dir, ".mayday-pull.json"), "utf8");
  }

  /** Empties the folder of images. */
  async clear(): Promise<void> {
    for (const name of await readdir(this.dir)) await rm(join(this.dir, name));
    this.files.clear();
    this.reset();
  }

  async close(): Promise<void> {
    await this.server.close();
    await rm(this.dir, { recursive: true });
  }
}

/** Of each event its name, and the version or the reason. */
export function shortEvents(events: readonly PullEvent[]): string[] {
  return events.flatMap((event) => {
    switch (event.event) {
      case "index":
        return [`index ${event.counter}${event.isNew ? "" : " unchanged"}`];
      case "pulling":
        return [];
      case "pulled":
        return [`pulled 1.${event.entry.version.minor}`];
      case "left-out":
        return [`left-out 1.${event.entry.version.minor} ${event.reason}`];
      case "pull-failed": {
        const what = event.entry === undefined ? "index" : `1.${event.entry.version.minor}`;
        return [`failed ${what} ${event.reason}${event.isFinal ? " final" : ""}`];
      }
      default:
        return ["warning"];
    }
  });
}
