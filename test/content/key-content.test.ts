import { execFileSync } from "node:child_process";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type ContentKind, contentInMemory } from "../../src/content/content-kind.ts";
import { recognise } from "../../src/content/recognise.ts";

const dir = mkdtempSync(join(tmpdir(), "mayday-keys-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const at = (name: string): string => join(dir, name);
const run = (program: string, ...args: string[]): Buffer =>
  execFileSync(program, args, { cwd: dir, stdio: "pipe" });
const kindOf = (bytes: Uint8Array | string): ContentKind | undefined =>
  recognise(
    contentInMemory(typeof bytes === "string" ? Uint8Array.from(Buffer.from(bytes, "latin1")) : bytes),
  );

const pair = generateKeyPairSync("ed25519");
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const pem = (key: KeyObject, type: "pkcs8" | "spki" | "pkcs1" | "sec1"): string =>
  key.export({ type: type as "pkcs8", format: "pem" }).toString();
const der = (key: KeyObject, type: "pkcs8" | "spki" | "pkcs1" | "sec1"): Buffer =>
  key.export({ type: type as "pkcs8", format: "der" });
const lock = { cipher: "aes-256-cbc", passphrase: "pw" };
const jwk = (key: KeyObject): string => JSON.stringify(key.export({ format: "jwk" }), undefined, 1);
const raw = Buffer.from(der(pair.privateKey, "pkcs8").subarray(-32));
const hex = raw.toString("hex");
const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, "utf16le");

run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "x", "-f", "ssh_plain");
run("ssh-keygen", "-q", "-t", "ed25519", "-N", "pw", "-C", "x", "-f", "ssh_pw");
writeFileSync(at("own.pem"), pem(pair.privateKey, "pkcs8"), { mode: 0o600 });
run("openssl", "req", "-x509", "-key", "own.pem", "-subj", "/CN=x", "-out", "crt.pem");
run("openssl", "req", "-new", "-key", "own.pem", "-subj", "/CN=x", "-out", "csr.pem");
run("openssl", "x509", "-in", "crt.pem", "-outform", "DER", "-out", "crt.der");
run(
  "openssl",
  "pkcs12",
  "-export",
  "-inkey",
  "own.pem",
  "-in",
  "crt.pem",
  "-passout",
  "pass:pw",
  "-out",
  "own.p12",
);
const own = (name: string): Buffer => readFileSync(at(name));

/** 42 bytes as minisign's public key has them: "Ed", id, key. */
const minisignPublic = Buffer.concat([Buffer.from("Ed"), Buffer.alloc(8, 7), raw]).toString("base64");
const signifySecret = Buffer.concat([Buffer.from("EdBK"), Buffer.alloc(100, 9)]).toString("base64");
const gpgSecret = Buffer.concat([Buffer.from("9458045f000000160909", "hex"), Buffer.alloc(60, 3)]);

const SECRET: readonly (readonly [string, string, Uint8Array | string])[] = [
  ["pem-private", "PKCS#8", pem(pair.privateKey, "pkcs8")],
  ["pem-private", "PKCS#8 behind a public key", pem(pair.publicKey, "spki") + pem(pair.privateKey, "pkcs8")],
  [
    "pem-private",
    "PKCS#8 behind other text",
    `Bag Attributes\n  friendlyName: x\n${pem(pair.privateKey, "pkcs8")}`,
  ],
  ["pem-private", "PKCS#8 with a mark", `\xef\xbb\xbf${pem(pair.privateKey, "pkcs8")}`],
  ["pem-private", "PKCS#8 in UTF-16", utf16(pem(pair.privateKey, "pkcs8"))],
  ["pem-private", "PKCS#8 with CR LF", pem(pair.privateKey, "pkcs8").replaceAll("\n", "\r\n")],
  ["pem-private", "PKCS#8 on one line", pem(pair.privateKey, "pkcs8").replaceAll("\n", "")],
  ["pem-private", "PKCS#8 cut off", pem(pair.privateKey, "pkcs8").slice(0, 60)],
  [
    "pem-private",
    "PKCS#8 before bytes that are not text",
    Buffer.from(`${pem(pair.privateKey, "pkcs8")}\0\0`, "latin1"),
  ],
  [
    "pem-private",
    "PKCS#8 in a coloured log",
    `\x1b[31m$ cat key\x1b[0m\n${pem(pair.privateKey, "pkcs8")}\x07`,
  ],
  [
    "pem-private",
    "PKCS#8 behind zeros",
    Buffer.concat([Buffer.alloc(64), Buffer.from(pem(pair.privateKey, "pkcs8"))]),
  ],
  [
    "pem-encrypted",
    "encrypted PKCS#8",
    pair.privateKey.export({ type: "pkcs8", format: "pem", ...lock }).toString(),
  ],
  [
    "pem-encrypted",
    "an encrypted RSA key",
    rsa.privateKey.export({ type: "pkcs1", format: "pem", ...lock }).toString(),
  ],
  ["pem-private-other", "an RSA key", pem(rsa.privateKey, "pkcs1")],
  ["pem-private-other", "an EC key", pem(ec.privateKey, "sec1")],
  ["openssh-private", "OpenSSH, by ssh-keygen", own("ssh_plain")],
  ["openssh-encrypted", "OpenSSH behind a passphrase", own("ssh_pw")],
  ["der-private", "PKCS#8 in DER", der(pair.privateKey, "pkcs8")],
  [
    "der-private",
    "PKCS#8 in DER and a newline",
    Buffer.concat([der(pair.privateKey, "pkcs8"), Buffer.from("\n")]),
  ],
  ["der-private", "an RSA key in DER", der(rsa.privateKey, "pkcs1")],
  ["der-private", "an EC key in DER", der(ec.privateKey, "sec1")],
  [
    "der-encrypted",
    "encrypted PKCS#8 in DER",
    pair.privateKey.export({ type: "pkcs8", format: "der", ...lock }),
  ],
  ["base64-private", "the body of PEM alone", der(pair.privateKey, "pkcs8").toString("base64")],
  ["pkcs12", "PKCS#12", own("own.p12")],
  ["putty-private", "PuTTY", "PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\n"],
  ["jwk-private", "JWK", jwk(pair.privateKey)],
  ["jwk-private", "a set of JWKs", `{"keys": [${jwk(pair.publicKey)}, ${jwk(rsa.privateKey)}]}`],
  ["minisign-secret", "signify", `untrusted comment: signify secret key\n${signifySecret}\n`],
  [
    "gpg-secret",
    "GPG in text",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: x\n\nlFgEX8AAABYJKwYBBAHaRw8BAQdA\n-----END PGP PRIVATE KEY BLOCK-----\n",
  ],
  ["gpg-secret", "GPG in bytes", gpgSecret],
  ["java-key-store", "a Java key store", Buffer.from("feedfeed0000000200000001", "hex")],
  ["age-secret", "age", "# created: 2026\nAGE-SECRET-KEY-1QQ\n"],
  ["hex-key", "hexadecimal digits", `${hex}\n`],
  ["hex-key", "the digits of a short link key", hex.slice(0, 32)],
  ["base64-key", "base64", `${raw.toString("base64")}\n`],
  [
    "base64-key",
    "base64 of seed and public half",
    Buffer.concat([raw, der(pair.publicKey, "spki").subarray(-32)]).toString("base64"),
  ],
  ["raw-key", "raw bytes", Uint8Array.from({ length: 32 }, (_, i) => (i * 37 + 11) & 0xff)],
];

const OPEN: readonly (readonly [string, string, Uint8Array | string])[] = [
  ["pem-public", "SPKI", pem(pair.publicKey, "spki")],
  ["pem-public", "an RSA public key", pem(rsa.publicKey, "pkcs1")],
  ["openssh-public", "OpenSSH", own("ssh_plain.pub")],
  ["openssh-public", "authorized_keys", `no-pty,command="x" ${own("ssh_plain.pub").toString()}`],
  ["der-public", "SPKI in DER", der(pair.publicKey, "spki")],
  ["der-public", "an RSA public key in DER", der(rsa.publicKey, "pkcs1")],
  ["base64-public", "the body of PEM alone", der(pair.publicKey, "spki").toString("base64")],
  ["certificate", "a certificate", own("crt.pem")],
  ["certificate-der", "a certificate in DER", own("crt.der")],
  ["certificate-request", "a request", own("csr.pem")],
  ["jwk-public", "JWK", jwk(pair.publicKey)],
  ["minisign-public", "minisign", `untrusted comment: minisign public key 1\n${minisignPublic}\n`],
  ["minisign-public", "minisign without its comment", minisignPublic],
  ["gpg-public", "GPG", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDM\n-----END PGP PUBLIC KEY BLOCK-----\n"],
  ["pem-other", "parameters", "-----BEGIN DH PARAMETERS-----\nMAAA\n-----END DH PARAMETERS-----\n"],
];

describe("a key file", () => {
  it.each(SECRET)("is %s, and secret: %s", (id, _name, bytes) => {
    expect(kindOf(bytes)).toMatchObject({ group: "key", id, isSecret: true });
  });

  it.each(OPEN)("is %s, and not secret: %s", (id, _name, bytes) => {
    const kind = kindOf(bytes);
    expect(kind).toMatchObject({ group: "key", id });
    expect(kind?.isSecret).toBeUndefined();
  });

  it("is what GPG exports, too", () => {
    const home = mkdtempSync(join(tmpdir(), "gpg-"));
    const gpg = (...args: string[]): Buffer =>
      run(
        "gpg",
        "--homedir",
        home,
        "--batch",
        "--quiet",
        "--pinentry-mode",
        "loopback",
        "--passphrase",
        "",
        ...args,
      );
    try {
      gpg("--quick-generate-key", "x@example.org", "ed25519", "sign", "never");
      expect(kindOf(gpg("--export-secret-keys"))?.id).toBe("gpg-secret");
      expect(kindOf(gpg("--export-secret-keys", "--armor"))?.id).toBe("gpg-secret");
      expect(kindOf(gpg("--export"))?.id).toBe("gpg-public");
    } finally {
      run("gpgconf", "--homedir", home, "--kill", "all");
      rmSync(home, { recursive: true, force: true });
    }
  });

  it.each(["ssh_plain.pub", "hex", "base64", "raw", "der", "body", "crt.der"])(
    "becomes PEM by the command that is named: %s",
    (name) => {
      const spki = der(pair.publicKey, "spki");
      const key = spki.subarray(-32);
      writeFileSync(at("hex"), key.toString("hex"));
      writeFileSync(at("base64"), key.toString("base64"));
      writeFileSync(at("raw"), key);
      writeFileSync(at("der"), spki);
      writeFileSync(at("body"), spki.toString("base64"));
      const fix = recognise(contentInMemory(own(name)))?.fix ?? "";
      // Of a form that may be either, the command for a public key comes last.
      const command = fix.replace(/^.*?a public one: |^of an ssh-ed25519 key: /, "");
      const words = command.replace(/\bIN\b/g, name).replace(/\bOUT\b/g, "made.pub");
      execFileSync("bash", ["-euo", "pipefail", "-c", words], { cwd: dir });
      const seen = own("made.pub").toString();
      expect(seen).toContain("-----BEGIN PUBLIC KEY-----");
      if (name !== "ssh_plain.pub") expect(seen).toBe(pem(pair.publicKey, "spki"));
    },
  );
});
