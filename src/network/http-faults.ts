import { errnoOf } from "../base/errno.ts";
import { FailedError, MaydayError, UnreachableError } from "../base/errors.ts";
import { tlsWords, unreachableWords } from "../base/network-error.ts";

/** An error of the network or of its library as one of `fetchRange`. Errors of ours, and of a sink of the caller, stay. */
export function fetchFault(url: URL, error: unknown, received: number): unknown {
  if (error instanceof MaydayError) return error;
  const code = errnoOf(error);
  const details = { url: url.href, errno: code, received };
  const meant = unreachableWords(error);
  if (code === "ECONNRESET" || code === "EPIPE") {
    return new UnreachableError(
      "net-truncated",
      `${url.href}: the connection was broken off`,
      details,
      error,
    );
  }
  if (meant !== undefined)
    return new UnreachableError("net-unreachable", `${url.href}: ${meant}`, details, error);
  if (code.startsWith("HPE_")) {
    return new FailedError(
      "net-protocol",
      `${url.href}: what answers there is no web server (${code})`,
      details,
      error,
    );
  }
  const untrusted = tlsWords(error);
  if (untrusted === undefined) return error;
  return new FailedError("net-tls", `${url.href}: ${untrusted}`, details, error);
}
