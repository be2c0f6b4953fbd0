import { toHex } from "../base/bytes.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { FailedError, MaydayError, RefusedError, UnreachableError } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import type { TrustPolicy } from "../image/envelope.ts";
import type { Hardware } from "../image/hardware.ts";
import { sha256 } from "../image/hash.ts";
import { encodeUtf8 } from "../image/utf8.ts";
import { type FetchRules, fetchRange } from "./http-get.ts";
import { INDEX_BYTES_MAX, type IndexFault, type ReadIndex, readIndex } from "./index-format.ts";
import { PullAccount, WHOLE_INDEX } from "./pull-account.ts";
import type { PullEvent } from "./pull-event.ts";
import type { PullFolder } from "./pull-folder.ts";
import { isFinalFault, isRefusal, pullImage, SHORT_FETCH_MS } from "./pull-image.ts";
import { indexRefusal, planPull } from "./pull-plan.ts";
import type { PullState } from "./pull-state.ts";
import { INDEX_NAME } from "./source-url.ts";

export interface PullOptions extends Pick<FetchRules, "tls" | "guard" | "signal" | "lookup"> {
  /** The folder that the index is in, with "/" at its end. */
  readonly url: URL;
  /** Whose images and index are taken. Unsigned ones only where nobody is trusted and `allowUnsigned` is set. */
  readonly trust: TrustPolicy;
  /** Only images for these; all where it is empty. */
  readonly hardware: readonly Hardware[];
  /** Bytes a day, at least BUDGET_MIN; Infinity for no limit. */
  readonly budget: number;
  /** Tries again what failed for good with this index. */
  readonly again?: boolean | undefined;
  /** The system's uptime: the only measure of time that no setting of the clock moves, and that outlives a process. */
  readonly uptimeMs: () => Millis;
  readonly clock?: Clock | undefined;
  /** Longest time without a sign of life. */
  readonly idleMs?: Millis | undefined;
  readonly onEvent: (event: PullEvent) => void;
}

/** How a pull ended. */
export interface PullOutcome {
  /** Images that were put into the folder. */
  readonly pulled: number;
  /** Bytes that were received, headers included. */
  readonly bytes: number;
  /** The gravest of what failed; undefined when the folder has all that it should have of the index. */
  readonly fault: MaydayError | undefined;
  /** The failure of this pull that may pass, if there was one. */
  readonly passing: UnreachableError | undefined;
}

const IDLE_MS: Millis = 30_000;
/** After these nothing else will work either. */
const ENDS_ALL: readonly string[] = [
  "net-unreachable",
  "net-address",
  "net-tls",
  "net-protocol",
  "net-aborted",
  "budget-spent",
  "pull-write",
  "pull-state",
];

/**
 * Looks at the index once, and puts the images that are new in it into the folder. What fails is an event, and in the outcome; nothing
 * is thrown but what is a fault of the program, or of the folder's state.
 */
export async function pullRound(folder: PullFolder, options: PullOptions): Promise<PullOutcome> {
  return await new PullRound(folder, options).run();
}

class PullRound {
  readonly #folder: PullFolder;
  readonly #options: PullOptions;
  readonly #clock: Clock;
  readonly #account: PullAccount;
  readonly #faults: MaydayError[] = [];
  #pulled = 0;

  constructor(folder: PullFolder, options: PullOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const edges = {
      clock: this.#clock,
      uptimeMs: options.uptimeMs,
      save: (state: PullState): void => folder.writeState(state),
    };
    const sizeOf = (digest: string): number => folder.partSize(digest);
    this.#account = new PullAccount(this.#startState(), options.budget, edges, sizeOf);
  }

  async run(): Promise<PullOutcome> {
    try {
      const index = await this.#useIndex();
      await this.#fetchImages(index);
    } catch (error) {
      this.#note(error, undefined);
    }
    const passing = this.#faults.find((fault) => fault instanceof UnreachableError);
    return { pulled: this.#pulled, bytes: this.#account.received, fault: gravest(this.#faults), passing };
  }

  /** What the last pull left, as far as it is about the same place and the same judge. */
  #startState(): PullState {
    const { url, again = false } = this.#options;
    const judge = judgeTag(this.#options.trust);
    const found = this.#folder.readState();
    const fresh = {
      url: url.href,
      counter: undefined,
      digest: undefined,
      etag: undefined,
      finals: {},
      judge,
    };
    if (found === undefined || found === "damaged") {
      if (found === "damaged") {
        this.#warn(
          "what was kept of earlier pulls is damaged, and starts over: the counter of the index that was seen is not known any more, so an older one is not recognised this time",
        );
      }
      const uptimeMs = Math.floor(this.#options.uptimeMs());
      return { ...fresh, elapsedMs: 0, uptimeMs, spent: [], open: undefined };
    }
    if (found.url !== url.href) {
      this.#warn(`earlier pulls were from ${found.url}: the counter of that index does not count here`);
      return { ...found, ...fresh };
    }
    return again || found.judge !== judge ? { ...found, finals: {}, judge } : found;
  }

  /** Fetches the index if it changed. Throws what is wrong with it; then nothing of it is used. */
  async #useIndex(): Promise<ReadIndex["index"]> {
    const { state } = this.#account;
    const known = this.#knownIndex(state);
    const fetched = await this.#fetchIndex(known === undefined ? undefined : state.etag);
    if (fetched === undefined && known !== undefined) {
      this.#tellIndex(known, false);
      return known.index;
    }
    const bytes = fetched?.bytes ?? new Uint8Array();
    const found = readIndex(bytes, this.#options.trust);
    if (found.tag === "fault") throw indexError(this.#options.url, found);
    const digest = toHex(found.digest);
    const images = known?.index.images.map((entry) => entry.digest);
    const seen = { counter: state.counter ?? 0, digest: state.digest, images };
    const refusal = indexRefusal(found.index, digest, seen);
    if (refusal !== undefined) throw refusedIndex(this.#options.url, refusal.code, refusal.detail);
    const isNew = digest !== state.digest;
    if (known === undefined || isNew) this.#folder.writeIndex(bytes);
    const changes = { counter: found.index.counter, digest, etag: fetched?.etag };
    this.#account.change(isNew ? { ...changes, finals: {} } : changes);
    this.#folder.removeParts(new Set(found.index.images.map((entry) => entry.digest)));
    this.#tellIndex(found, isNew);
    return found.index;
  }

  /** The index that was used last, if it is there, whole, and signed by who is trusted now. */
  #knownIndex({ digest, counter }: PullState): ReadIndex | undefined {
    if (digest === undefined) return undefined;
    const bytes = this.#folder.readIndex();
    const found = bytes === undefined ? undefined : readIndex(bytes, { keys: [] });
    if (bytes === undefined || found?.tag !== "index" || toHex(found.digest) !== digest) {
      this.#warn(
        `the index of counter ${counter} that was seen last is missing or damaged: whether the next one lists less is not recognised this time`,
      );
      return undefined;
    }
    // What it lists is known to be from its owner, whose key may have been exchanged since.
    const trusted = readIndex(bytes, this.#options.trust);
    return trusted.tag === "index" ? trusted : found;
  }

  async #fetchIndex(
    etag: string | undefined,
  ): Promise<{ bytes: Uint8Array; etag: string | undefined } | undefined> {
    const url = new URL(INDEX_NAME, this.#options.url);
    const chunks: Uint8Array[] = [];
    const limit = this.#account.begin(WHOLE_INDEX, 0, INDEX_BYTES_MAX, true);
    let received = 0;
    try {
      const answer = await fetchRange(url, {
        ...this.#rules(),
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
      throw error.code === "net-length" && limit < INDEX_BYTES_MAX ? this.#account.spentError() : error;
    } finally {
      this.#account.end(received);
    }
  }

  async #fetchImages(index: ReadIndex["index"]): Promise<void> {
    const tried = new Set<string>();
    const told = new Set<string>();
    for (;;) {
      const { images } = await this.#folder.repository.list();
      const isTrusting = this.#options.trust.keys.length > 0;
      const held = images
        .filter(({ isSigned }) => isSigned || !isTrusting)
        .map(({ manifest, digest }) => ({ ...manifest, digest: toHex(digest) }));
      const { hardware } = this.#options;
      const finals = new Map(Object.entries(this.#account.state.finals));
      const { wanted, left } = planPull(index, { held, hardware, finals });
      for (const { entry, why } of left) {
        const isNews = !tried.has(entry.digest) && !told.has(entry.digest);
        told.add(entry.digest);
        if (!isNews || why === "held" || why === "hardware") continue;
        const reason = why === "final" ? (finals.get(entry.digest) ?? why) : why;
        this.#options.onEvent({ event: "left-out", entry, reason });
        if (why === "final") this.#faults.push(failedBefore(entry.digest, reason));
      }
      const next = wanted.find(({ digest }) => !tried.has(digest));
      if (next === undefined) return;
      tried.add(next.digest);
      if (!(await this.#fetchImage(next))) return;
    }
  }

  /** Whether to go on with the next one. */
  async #fetchImage(entry: ReadIndex["index"]["images"][number]): Promise<boolean> {
    const { url, trust, onEvent } = this.#options;
    try {
      await pullImage(entry, {
        url,
        trust,
        onEvent,
        folder: this.#folder,
        account: this.#account,
        clock: this.#clock,
        rules: this.#rules(),
      });
      this.#pulled++;
      return true;
    } catch (error) {
      return this.#note(error, entry);
    }
  }

  /** Keeps and tells what failed. Whether other images are worth a try. */
  #note(error: unknown, entry: ReadIndex["index"]["images"][number] | undefined): boolean {
    if (!(error instanceof MaydayError)) throw error;
    this.#faults.push(error);
    const isFinal = entry !== undefined && isFinalFault(error);
    const { code: reason, message: detail } = error;
    this.#options.onEvent({ event: "pull-failed", entry, reason, detail, isFinal });
    if (isFinal) {
      const { finals } = this.#account.state;
      this.#account.change({ finals: { ...finals, [entry.digest]: reason } });
    }
    return entry !== undefined && !ENDS_ALL.includes(reason);
  }

  #rules(): Omit<FetchRules, "totalMs"> {
    const { tls, guard, signal, lookup, idleMs = IDLE_MS } = this.#options;
    return { tls, guard, signal, lookup, idleMs, clock: this.#clock };
  }

  #tellIndex({ index, keyId }: ReadIndex, isNew: boolean): void {
    const { counter, images } = index;
    const signedBy = keyId === undefined ? undefined : toHex(keyId);
    this.#options.onEvent({ event: "index", counter, images: images.length, isNew, keyId: signedBy });
  }

  #warn(detail: string): void {
    this.#options.onEvent({ event: "pull-warning", detail });
  }
}

/** Stands for who decides over images: the keys with their limits, or that unsigned ones are taken. */
function judgeTag({ keys, allowUnsigned }: TrustPolicy): string {
  const parts = keys.map(({ publicKey, roles, maxCounter }) =>
    [toHex(publicKey), [...roles].sort().join("+"), maxCounter ?? ""].join(":"),
  );
  const text = JSON.stringify([parts.sort(), allowUnsigned]);
  return toHex(sha256(encodeUtf8(text))).slice(0, 32);
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

/** The error for an image that failed in an earlier pull. */
function failedBefore(digest: string, reason: string): MaydayError {
  const message = `image ${digest.slice(0, 8)} failed before (${reason}), and is not tried again until the index changes, or with --again`;
  return new (isRefusal(reason) ? RefusedError : FailedError)(reason, message, { digest });
}

/** Refusals first, then what lasts, then what may pass. */
function gravest(faults: readonly MaydayError[]): MaydayError | undefined {
  const refused = faults.find((fault) => fault instanceof RefusedError);
  return refused ?? faults.find((fault) => !(fault instanceof UnreachableError)) ?? faults[0];
}
