import { errnoOf } from "../base/errno.ts";
import { FailedError, MaydayError, UnreachableError } from "../base/errors.ts";
import { errorWords } from "../base/system-error.ts";

/** What codes of the network mean, in words. */
const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  EHOSTUNREACH: "no way leads there",
  ENETUNREACH: "this machine has no network, or no way there",
  ENETDOWN: "the network is down",
  ENOTFOUND: "its name is not known",
  EAI_AGAIN: "the name service does not answer",
  EAI_FAIL: "the name service does not answer",
  ETIMEDOUT: "nothing answers",
  EADDRNOTAVAIL: "this machine has no address for it",
};

/** How codes of TLS begin. */
const TLS = /^(ERR_SSL|ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME_MISMATCH|INVALID_CA)/;

/** An error of the network or of its library as one of `fetchRange`. Errors of ours, and of a sink of the caller, stay. */
export function fetchFault(url: URL, error: unknown, received: number): unknown {
  if (error instanceof MaydayError) return error;
  const code = errnoOf(error);
  const details = { url: url.href, errno: code, received };
  const meant = NETWORK[code];
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
  if (!TLS.test(code)) return error;
  return new FailedError("net-tls", `${url.href}: ${tlsText(code, error)}`, details, error);
}

function tlsText(code: string, error: unknown): string {
  switch (code) {
    case "CERT_NOT_YET_VALID":
      return "its certificate is not valid yet by the clock of this machine; set the clock";
    case "CERT_HAS_EXPIRED":
      return "its certificate has expired, by the clock of this machine";
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      return "its certificate is signed by nobody that is trusted; a private authority is given by --ca, or ca of [network]";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return "its certificate is for another name";
    default:
      return `no secure connection: ${errorWords(error)}`;
  }
}
