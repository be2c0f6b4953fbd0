import { toHex } from "../base/bytes.ts";
import { FailedError, MaydayError, RefusedError } from "../base/errors.ts";
import { fetchRange } from "./http-get.ts";
import {
  INDEX_BYTES_MAX,
  type IndexFault,
  type ReadIndex,
  type RepositoryIndex,
  readIndex,
} from "./index-format.ts";
import { WHOLE_INDEX } from "./pull-account.ts";
import { type PullEdges, SHORT_FETCH_MS } from "./pull-image.ts";
import { indexRefusal } from "./pull-plan.ts";
import type { PullState } from "./pull-state.ts";
import { INDEX_NAME } from "./source-url.ts";

/**
 * The index of a web server: fetched if it changed, judged, and remembered. Besides the errors of `fetchRange`: RefusedError
 * `index-unsigned`, `index-signature`, `index-older`, `index-forked`, `index-shrunk`; FailedError `index-damaged`, `index-format`,
 * `budget-spent`, `pull-state`. After an error nothing of it is used, and what was remembered before stays.
 */
export async function useIndex(edges: PullEdges): Promise<RepositoryIndex> {
  return await new IndexLook(edges).run();
}

class IndexLook {
  readonly #edges: PullEdges;

  constructor(edges: PullEdges) {
    this.#edges = edges;
  }

  /** Fetches the index if it changed. Throws what is wrong with it; then nothing of it is used. */
  async run(): Promise<RepositoryIndex> {
    const { state } = this.#edges.account;
    const known = this.#knownIndex(state);
    const fetched = await this.#fetchIndex(known === undefined ? undefined : state.etag);
    if (fetched === undefined && known !== undefined) {
      this.#tell(known, false);
      return known.index;
    }
    const bytes = fetched?.bytes ?? new Uint8Array();
    const found = readIndex(bytes, this.#edges.trust);
    if (found.tag === "fault") throw indexError(this.#edges.url, found);
    const digest = toHex(found.digest);
    const images = known?.index.images.map((entry) => entry.digest);
    const seen = { counter: state.counter ?? 0, digest: state.digest, images };
    const refusal = indexRefusal(found.index, digest, seen);
    if (refusal !== undefined) throw refusedIndex(this.#edges.url, refusal.code, refusal.detail);
    const isNew = digest !== state.digest;
    if (known === undefined || isNew) this.#edges.folder.writeIndex(bytes);
    const changes = { counter: found.index.counter, digest, etag: fetched?.etag };
    this.#edges.account.change(isNew ? { ...changes, finals: {} } : changes);
    this.#edges.folder.removeParts(new Set(found.index.images.map((entry) => entry.digest)));
    this.#tell(found, isNew);
    return found.index;
  }

  /** The index that was used last, if it is there, whole, and signed by who is trusted now. */
  #knownIndex({ digest, counter }: PullState): ReadIndex | undefined {
    if (digest === undefined) return undefined;
    const bytes = this.#edges.folder.readIndex();
    const found = bytes === undefined ? undefined : readIndex(bytes, { keys: [] });
    if (bytes === undefined || found?.tag !== "index" || toHex(found.digest) !== digest) {
      this.#warn(
        `the index of counter ${counter} that was seen last is missing or damaged: whether the next one lists less is not recognised this time`,
      );
      return undefined;
    }
    // What it lists is known to be from its owner, whose key may have been exchanged since.
    const trusted = readIndex(bytes, this.#edges.trust);
    return trusted.tag === "index" ? trusted : found;
  }

  async #fetchIndex(
    etag: string | undefined,
  ): Promise<{ bytes: Uint8Array; etag: string | undefined } | undefined> {
    const url = new URL(INDEX_NAME, this.#edges.url);
    const chunks: Uint8Array[] = [];
    const limit = this.#edges.account.begin(WHOLE_INDEX, 0, INDEX_BYTES_MAX, true);
    let received = 0;
    try {
      const answer = await fetchRange(url, {
        ...this.#edges.rules,
        totalMs: SHORT_FETCH_MS,
        limit,
        etag,
        take: (chunk) => {
          received += chunk.length;
          chunks.push(Uint8Array.from(chunk));
        },
      });
      received = answer.received;
      if (answer.tag === "unchanged") return undefined;
      return { bytes: new Uint8Array(Buffer.concat(chunks)), etag: answer.etag };
    } catch (error) {
      if (!(error instanceof MaydayError)) throw error;
      received = Number(error.details["received"] ?? received);
      // It would have fitted on another day.
      throw error.code === "net-length" && limit < INDEX_BYTES_MAX ? this.#edges.account.spentError() : error;
    } finally {
      this.#edges.account.end(received);
    }
  }

  #tell({ index, keyId }: ReadIndex, isNew: boolean): void {
    const { counter, images } = index;
    const signedBy = keyId === undefined ? undefined : toHex(keyId);
    this.#edges.onEvent({ event: "index", counter, images: images.length, isNew, keyId: signedBy });
  }

  #warn(detail: string): void {
    this.#edges.onEvent({ event: "pull-warning", detail });
  }
}

function indexError(url: URL, { code, detail }: IndexFault): MaydayError {
  if (code === "index-unsigned" || code === "index-signature") return refusedIndex(url, code, detail);
  const place = new URL(INDEX_NAME, url).href;
  return new FailedError(code, `${place} ${detail}`, { url: place });
}

function refusedIndex(url: URL, code: string, detail: string): RefusedError {
  const place = new URL(INDEX_NAME, url).href;
  return new RefusedError(code, `${place} ${detail}; nothing of it is used`, { url: place });
}
