import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Paths of PEM files: a private authority, a server at 127.0.0.1, and a client, both signed by it; and a client of another one. */
export interface Certificates {
  readonly ca: string;
  readonly server: string;
  readonly serverKey: string;
  readonly client: string;
  readonly clientKey: string;
  readonly stranger: string;
  readonly strangerKey: string;
}

/** Makes certificates with openssl in a folder. */
export function makeCertificates(dir: string): Certificates {
  const path = (name: string): string => join(dir, name);
  const openssl = (...args: readonly string[]): unknown => execFileSync("openssl", args, { stdio: "pipe" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const authority = (name: string): void => {
    const out = ["-keyout", path(`${name}.key`), "-out", path(`${name}.pem`)];
    openssl("req", "-x509", ...key, ...out, "-days", "2", "-subj", `/CN=${name}`);
  };
  const signed = (name: string, by: string, extension: string): void => {
    openssl(
      "req",
      "-new",
      ...key,
      "-keyout",
      path(`${name}.key`),
      "-out",
      path(`${name}.csr`),
      "-subj",
      `/CN=${name}`,
    );
    writeFileSync(path(`${name}.ext`), extension);
    const from = ["-req", "-in", path(`${name}.csr`), "-CA", path(`${by}.pem`), "-CAkey", path(`${by}.key`)];
    const to = [
      "-CAcreateserial",
      "-days",
      "2",
      "-extfile",
      path(`${name}.ext`),
      "-out",
      path(`${name}.pem`),
    ];
    openssl("x509", ...from, ...to);
  };
  authority("ca");
  authority("other-ca");
  signed("server", "ca", "subjectAltName=IP:127.0.0.1\n");
  signed("client", "ca", "extendedKeyUsage=clientAuth\n");
  signed("stranger", "other-ca", "extendedKeyUsage=clientAuth\n");
  return {
    ca: path("ca.pem"),
    server: path("server.pem"),
    serverKey: path("server.key"),
    client: path("client.pem"),
    clientKey: path("client.key"),
    stranger: path("stranger.pem"),
    strangerKey: path("stranger.key"),
  };
}
