import { lookup as systemLookup } from "node:dns";
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { type Clock, systemClock } from "../base/clock.ts";
import { FailedError, type MaydayError, UnreachableError } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import type { TlsIdentity } from "../files/tls-files.ts";
import type { AddressGuard } from "./address-guard.ts";
import { headersOf, judgeAnswer, MOVED, redirectTarget } from "./http-answer.ts";
import { fetchFault } from "./http-faults.ts";

/** Limits and rules of a fetch. */
export interface FetchRules {
  /** Longest time in which fewer than {@link PACE_BYTES} arrive, from the connection on. */
  readonly idleMs: Millis;
  /** Longest time of all. */
  readonly totalMs: Millis;
  readonly tls: TlsIdentity;
  readonly guard: AddressGuard;
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock | undefined;
  /** How names are resolved: the system's way unless given. */
  readonly lookup?: LookupFunction | undefined;
}

export interface FetchOptions extends FetchRules {
  /** First byte that is wanted: then exactly `limit` bytes from there, or what is left, are asked for. The whole unless given. */
  readonly from?: number | undefined;
  /** Most bytes of the body. */
  readonly limit: number;
  /** Of an earlier answer: what has not changed is not sent again. */
  readonly etag?: string | undefined;
  /** Takes what arrives, in order. The fetch waits for it. */
  readonly take: (chunk: Uint8Array) => void | Promise<void>;
}

/** What a server answered. `received`: about all bytes that it sent, headers included. */
export type FetchAnswer =
  | { readonly tag: "unchanged"; readonly received: number }
  | {
      readonly tag: "body";
      readonly received: number;
      /** Bytes of the whole, as far as the server said. */
      readonly size: number | undefined;
      readonly etag: string | undefined;
    };

/** Fewer bytes than these in an idle time are no progress: a server that sends a byte now and then is silent. */
export const PACE_BYTES = 1024;
/** Most redirects that are followed, all on the same origin. */
const REDIRECTS_MAX = 3;
/** Most bytes of an answer's headers. */
const HEADERS_MAX = 8192;

/**
 * Fetches a URL of http or https, or a range of it, within limits. Scheme, host and port stay those of the URL, whatever the server
 * answers; addresses are those that `guard` allows, looked at when they are connected to; nothing encoded is taken. Nothing is
 * retried. Every error has in its details `url` and `received`, the bytes that arrived meanwhile.
 *
 * UnreachableError, which may pass: `net-unreachable`, `net-timeout`, `net-slow`, `net-truncated`, `net-server` (5xx, 408, 425, 429;
 * with `retryAfterMs` in its details if the server said so). FailedError: `net-status`, `net-redirect`, `net-encoded`, `net-range`,
 * `net-length`, `net-address`, `net-tls`, `net-protocol`, `net-aborted`. Errors of `take` pass through.
 */
export async function fetchRange(url: URL, options: FetchOptions): Promise<FetchAnswer> {
  const stop = new Stopper(url, options);
  try {
    let at = url;
    for (let moves = 0; ; moves++) {
      const answer = await send(at, options, stop);
      if (!MOVED.includes(answer.statusCode ?? 0)) return await receive(at, answer, options, stop);
      stop.count(answer);
      answer.destroy();
      at = redirectTarget(at, answer, moves < REDIRECTS_MAX, stop.received);
    }
  } catch (error) {
    throw stop.reason ?? fetchFault(url, error, stop.received);
  } finally {
    stop.end();
  }
}

/** Resolves with the head of the answer. */
function send(url: URL, options: FetchOptions, stop: Stopper): Promise<IncomingMessage> {
  const { guard, tls } = options;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  // Of an address there is no lookup.
  if (isIP(host) !== 0 && !guard.isAllowed(host)) throw forbidden(url, host, stop.received);
  const request = (url.protocol === "https:" ? httpsRequest : httpRequest)({
    protocol: url.protocol,
    hostname: host,
    port: url.port,
    path: url.pathname + url.search,
    headers: headersOf(options),
    agent: false,
    maxHeaderSize: HEADERS_MAX,
    lookup: guardedLookup(url, guard, options.lookup ?? (systemLookup as LookupFunction)),
    // Written out, so that no variable of the environment turns it off.
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert, key: tls.key }),
  });
  return new Promise((resolve, reject) => {
    request.once("error", reject).once("response", resolve);
    request.once("socket", (socket) => {
      socket.once("connect", () => {
        const address = socket.remoteAddress ?? "";
        if (!guard.isAllowed(address)) stop.now(forbidden(url, address, stop.received));
      });
    });
    stop.watch(request);
    request.end();
  });
}

async function receive(
  url: URL,
  answer: IncomingMessage,
  options: FetchOptions,
  stop: Stopper,
): Promise<FetchAnswer> {
  stop.count(answer);
  const judged = judgeAnswer(url, answer, options, stop.received);
  if (judged.tag === "unchanged") {
    answer.destroy();
    return { tag: "unchanged", received: stop.received };
  }
  let taken = 0;
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    stop.arrived(chunk.length);
    const most = judged.length ?? options.limit;
    if (taken + chunk.length > most) {
      const details = { url: url.href, received: stop.received, limit: most };
      throw new FailedError("net-length", `${url.href}: more than ${most} bytes were sent`, details);
    }
    taken += chunk.length;
    stop.isWaiting = false;
    await options.take(chunk);
    stop.isWaiting = true;
  }
  if (judged.length !== undefined && taken < judged.length) {
    throw truncated(url, taken, judged.length, stop.received);
  }
  return { tag: "body", received: stop.received, size: judged.size, etag: judged.etag };
}

/** Gives only addresses that are allowed: what is connected to is what was looked at. */
function guardedLookup(url: URL, guard: AddressGuard, lookup: LookupFunction): LookupFunction {
  return (name, options, callback) => {
    lookup(name, { ...options, all: true }, (error, found) => {
      if (error !== null) {
        callback(error, "", 0);
        return;
      }
      const all = Array.isArray(found) ? found : [{ address: found, family: isIP(found) }];
      const allowed = all.filter(({ address }) => guard.isAllowed(address));
      const [first] = allowed;
      if (first === undefined)
        callback(forbidden(url, all.map(({ address }) => address).join(", "), 0), "", 0);
      else if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

function forbidden(url: URL, address: string, received: number): FailedError {
  const message = `${url.host} has the address ${address}, which is not public; if it is meant, list it: --allow-address ${address.split(",")[0]}, or allow-addresses of [network]`;
  return new FailedError("net-address", message, { url: url.href, address, received });
}

function truncated(url: URL, taken: number, length: number, received: number): UnreachableError {
  const message = `${url.href}: the connection ended after ${taken} of ${length} bytes`;
  return new UnreachableError("net-truncated", message, { url: url.href, received });
}

/** The limits in time of one fetch, and its count of bytes. */
class Stopper {
  received = 0;
  /** Why the fetch was stopped. */
  reason: MaydayError | undefined;
  /** Whether it waits for the server, and not for its own disk. */
  isWaiting = true;
  readonly #url: URL;
  readonly #options: FetchOptions;
  readonly #clock: Clock;
  readonly #total: { cancel(): void };
  readonly #onAbort = (): void => this.#stop(FailedError, "net-aborted", "was stopped");
  #pace: { cancel(): void } | undefined;
  #lately = 0;
  #request: ClientRequest | undefined;

  constructor(url: URL, options: FetchOptions) {
    this.#url = url;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const { totalMs, signal } = options;
    const tooLong = `took longer than ${totalMs / 1000} s`;
    this.#total = this.#clock.after(totalMs, () => this.#stop(UnreachableError, "net-timeout", tooLong));
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    this.#watchPace();
  }

  watch(request: ClientRequest): void {
    this.#request = request;
    if (this.#options.signal?.aborted === true) this.#onAbort();
    if (this.reason !== undefined) request.destroy(this.reason);
  }

  /** Counts the headers of an answer. */
  count({ rawHeaders }: IncomingMessage): void {
    this.received += rawHeaders.reduce((sum, text) => sum + text.length + 2, 16);
    this.#lately += PACE_BYTES;
  }

  arrived(bytes: number): void {
    this.received += bytes;
    this.#lately += bytes;
  }

  now(reason: MaydayError): void {
    this.reason ??= reason;
    this.#request?.destroy(reason);
  }

  end(): void {
    this.#total.cancel();
    this.#pace?.cancel();
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#request?.destroy();
  }

  #watchPace(): void {
    const { idleMs } = this.#options;
    this.#pace = this.#clock.after(idleMs, () => {
      const isSlow = this.isWaiting && this.#lately < PACE_BYTES;
      const seen = this.#lately === 0 ? "sent nothing" : `sent ${this.#lately} bytes`;
      if (isSlow) this.#stop(UnreachableError, "net-slow", `${seen} for ${idleMs / 1000} s`);
      else this.#watchPace();
      this.#lately = 0;
    });
  }

  #stop(kind: typeof UnreachableError | typeof FailedError, code: string, what: string): void {
    const { href } = this.#url;
    this.now(new kind(code, `${href}: ${what}`, { url: href, received: this.received }));
  }
}
