import { createSecureContext } from "node:tls";
import { errnoOf } from "../base/errno.ts";
import { UsageError } from "../base/errors.ts";
import { systemError } from "../base/system-error.ts";
import { isSharedMode } from "./rights.ts";
import { readWholeFile, type WholeFile } from "./whole-file.ts";
import { WriteGuard } from "./write-guard.ts";

/** What proves a server, and this client to it. PEM text. */
export interface TlsIdentity {
  /** Certificates to trust instead of the system's. */
  readonly ca?: string | undefined;
  /** Certificate of this client, and its key. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** Files of a connection over TLS, in PEM. */
export interface TlsFiles {
  /** Certificates to trust instead of the system's. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly certKey?: string | undefined;
}

/** Longest of these files, in bytes. */
const TLS_FILE_MAX = 1_048_576;

/**
 * Reads the files of a connection. UsageError `tls-missing`, `tls-not-pem`, `tls-pair` (a certificate and a key that do not belong
 * together, or one without the other); FailedError `tls-unreadable`, and `writable-by-others` of the guard. Warns when others may read
 * the key.
 */
export function loadTls({ ca, cert, certKey }: TlsFiles, warn: (text: string) => void): TlsIdentity {
  if ((cert === undefined) !== (certKey === undefined)) {
    const message = "a certificate of this client and its key belong together; give both, or neither";
    throw new UsageError("tls-pair", message);
  }
  const identity = {
    key: certKey === undefined ? undefined : pemOf(certKey, "PRIVATE KEY", warn),
    cert: cert === undefined ? undefined : pemOf(cert, "CERTIFICATE", warn),
    ca: ca === undefined ? undefined : pemOf(ca, "CERTIFICATE", warn),
  };
  try {
    createSecureContext(
      Object.fromEntries(Object.entries(identity).filter(([, text]) => text !== undefined)),
    );
  } catch (error) {
    const isPair = errnoOf(error) === "ERR_OSSL_X509_KEY_VALUES_MISMATCH";
    const names = [ca, cert, certKey].filter((name) => name !== undefined).join(", ");
    const seen = isPair
      ? `${cert} is not the certificate of ${certKey}; give the two that belong together`
      : `${names}: damaged, or encrypted; give PEM that openssl can read without a passphrase`;
    throw new UsageError(isPair ? "tls-pair" : "tls-not-pem", seen, {}, error);
  }
  return identity;
}

function pemOf(path: string, label: string, warn: (text: string) => void): string {
  let found: WholeFile;
  try {
    found = readWholeFile(path, TLS_FILE_MAX);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT")
      throw systemError("tls-unreadable", `${path} cannot be read`, error, { path });
    throw new UsageError("tls-missing", `${path}: there is no such file`, { path }, error);
  }
  const text = found.tag === "file" ? new TextDecoder().decode(found.bytes) : "";
  if (found.tag !== "file" || !/-----BEGIN [A-Z ]*-----/.test(text) || !text.includes(`${label}-----`)) {
    const message = `${path} holds no ${label.toLowerCase()} in PEM; give a file with a line -----BEGIN ${label}-----`;
    throw new UsageError("tls-not-pem", message, { path });
  }
  new WriteGuard({ warn }).checkFile(path, found.stat);
  if (label === "PRIVATE KEY" && isSharedMode(found.stat.mode)) {
    warn(`${path}: others on this machine may read this private key; fix: chmod 600 ${path}`);
  }
  return text;
}
