import { errnoOf } from "./errno.ts";
import { errorWords } from "./system-error.ts";

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
  ECONNRESET: "the other side broke the connection off; perhaps it speaks TLS, or does not",
  EPIPE: "the other side broke the connection off",
  EADDRNOTAVAIL: "this machine has no address for it",
};

/** How codes of TLS begin. */
const TLS = /^(ERR_SSL|ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME_MISMATCH|INVALID_CA)/;

/** "nothing listens there": why nothing can be reached, for behind an address; undefined for an error of another kind. */
export function unreachableWords(error: unknown): string | undefined {
  return NETWORK[errnoOf(error)];
}

/** Why there is no secure connection, for behind an address; undefined for an error of another kind. */
export function tlsWords(error: unknown): string | undefined {
  const code = errnoOf(error);
  return TLS.test(code) ? tlsText(code, error) : undefined;
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
      return 'its certificate is signed by nobody that is trusted; name the certificate of a private authority with the setting "ca"';
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return "its certificate is for another name";
    default:
      return `no secure connection: ${reasonOf(errorWords(error))}`;
  }
}

/** What OpenSSL says, in words: "...:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/...:355:" and a line end. */
function reasonOf(text: string): string {
  const reason = /SSL routines:[^:]*:([^:]+)/.exec(text)?.[1] ?? text.trim();
  if (
    /alert certificate required|alert handshake failure|alert bad certificate|alert unknown ca/.test(reason)
  )
    return `the server does not take this client's certificate, or wants one (${reason})`;
  return /wrong version number|packet length too long/.test(reason)
    ? `TLS is not spoken there (${reason})`
    : reason;
}
