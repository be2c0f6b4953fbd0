import type { MaydayError } from "../base/errors.ts";
import { FailedError, UnreachableError } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";

/** What is looked at of the head of an answer. */
export interface AnswerHead {
  readonly statusCode?: number | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** What was asked for. */
export interface Asked {
  readonly from?: number | undefined;
  readonly limit: number;
  readonly etag?: string | undefined;
}

/** An answer that may be read: `length` bytes follow, of a whole of `size`, as far as the server says. */
export interface JudgedBody {
  readonly tag: "body";
  readonly length: number | undefined;
  readonly size: number | undefined;
  readonly etag: string | undefined;
}

/** Statuses that name another place. */
export const MOVED: readonly number[] = [301, 302, 303, 307, 308];
/** Statuses of clients' mistakes that say "later". */
const LATER: readonly number[] = [408, 425, 429];
/** Longest wait that a server may ask for. */
const RETRY_AFTER_MAX_MS: Millis = 86_400_000;
/** Longest tag that is kept. */
const ETAG_MAX = 200;

export function headersOf({ from, limit, etag }: Asked): Record<string, string> {
  return {
    accept: "*/*",
    "accept-encoding": "identity",
    "user-agent": "mayday",
    ...(from === undefined ? {} : { range: `bytes=${from}-${from + limit - 1}` }),
    ...(etag === undefined ? {} : { "if-none-match": etag }),
  };
}

/** Judges the head of an answer. Errors are those of `fetchRange`; `received` goes into their details. */
export function judgeAnswer(
  url: URL,
  { statusCode: status = 0, headers }: AnswerHead,
  asked: Asked,
  received: number,
): JudgedBody | { readonly tag: "unchanged" } {
  const failed = (code: string, seen: string, more: object = {}): FailedError =>
    new FailedError(code, `${url.href}: ${seen}`, { url: url.href, status, received, ...more });
  if (status === 304 && asked.etag !== undefined) return { tag: "unchanged" };
  if (status !== 200 && status !== 206) throw statusFault(url, status, one(headers["retry-after"]), received);
  const encoding = one(headers["content-encoding"])?.toLowerCase() ?? "identity";
  if (encoding !== "identity") {
    throw failed("net-encoded", `the answer is encoded (${encoding}), which was not asked for`);
  }
  const etag = one(headers["etag"]);
  const tag =
    etag !== undefined && etag.length <= ETAG_MAX && /^(W\/)?"[\x21\x23-\x7e]*"$/.test(etag)
      ? etag
      : undefined;
  const length = lengthOf(one(headers["content-length"]));
  if (asked.from === undefined) {
    if (status === 206) throw failed("net-range", "a part was sent where the whole was asked for");
    if (length !== undefined && length > asked.limit) {
      throw failed("net-length", `has ${length} bytes, at most ${asked.limit} are taken`);
    }
    return { tag: "body", length, size: length, etag: tag };
  }
  if (status === 200) {
    const fix = "use a server that knows ranges, such as nginx, caddy or Apache";
    throw failed("net-range", `the server ignores Range and sends the whole file; ${fix}`);
  }
  const [, first = "", last = "", whole = ""] =
    /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(one(headers["content-range"]) ?? "") ?? [];
  const size = whole === "" ? Number.NaN : Number(whole);
  const end = Math.min(asked.from + asked.limit, size);
  if (Number(first) !== asked.from || first === "" || Number(last) !== end - 1) {
    const seen = `another range was sent than asked for (${one(headers["content-range"]) ?? "unknown"})`;
    throw failed("net-range", seen);
  }
  if (length !== undefined && length !== end - asked.from) {
    throw failed("net-length", `${length} bytes are announced for a range of ${end - asked.from}`);
  }
  return { tag: "body", length: end - asked.from, size, etag: tag };
}

/** Where a redirect leads. FailedError `net-redirect`: to another origin, to nowhere, or once too often. */
export function redirectTarget(url: URL, { headers }: AnswerHead, mayFollow: boolean, received: number): URL {
  const to = one(headers["location"]) ?? "";
  const target = URL.canParse(to, url.href) ? new URL(to, url.href) : undefined;
  const isSame = target?.origin === url.origin && target.username === "" && target.password === "";
  if (mayFollow && isSame && target !== undefined) return target;
  const where =
    target === undefined ? "nowhere" : isSame ? "in circles" : `to another origin, ${target.origin}`;
  const message = `${url.href}: redirected ${where}, which is not followed; give the place itself`;
  throw new FailedError("net-redirect", message, { url: url.href, received });
}

function statusFault(
  url: URL,
  status: number,
  retryAfter: string | undefined,
  received: number,
): MaydayError {
  const details = { url: url.href, status, received };
  if (status < 500 && !LATER.includes(status)) {
    const why =
      status === 401 || status === 403
        ? "it is not given to this client"
        : status === 404
          ? "it is not there"
          : "not what was asked for";
    return new FailedError("net-status", `${url.href}: the server answers ${status}: ${why}`, details);
  }
  const seconds = /^\d{1,9}$/.test(retryAfter ?? "") ? Number(retryAfter) : undefined;
  const retryAfterMs = seconds === undefined ? undefined : Math.min(seconds * 1000, RETRY_AFTER_MAX_MS);
  const message = `${url.href}: the server answers ${status}: it cannot serve now`;
  return new UnreachableError("net-server", message, { ...details, retryAfterMs });
}

function lengthOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function one(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.[0];
}
