import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type ContentKind, contentInMemory } from "../../src/content/content-kind.ts";
import { recognise } from "../../src/content/recognise.ts";

const kindOf = (bytes: Uint8Array | string): ContentKind | undefined =>
  recognise(
    contentInMemory(typeof bytes === "string" ? Uint8Array.from(Buffer.from(bytes, "latin1")) : bytes),
  );

const pair = generateKeyPairSync("ed25519");
const PKCS8 = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const DER = pair.privateKey.export({ type: "pkcs8", format: "der" });
const SPKI = pair.publicKey.export({ type: "spki", format: "der" });
const raw = Buffer.from(DER.subarray(-32));
const hex = raw.toString("hex");
const marked = (mark: string): string => PKCS8.replace(/^/gm, mark);
const numbers = (join: string, prefix = ""): string =>
  [...raw].map((byte) => prefix + byte.toString(16).padStart(2, "0")).join(join);
const base64 = raw.toString("base64");
const { d: privatePart = "" } = pair.privateKey.export({ format: "jwk" });

/** Private keys as people keep, quote, mail and print them. */
const DRESSED: readonly (readonly [string, string, Uint8Array | string])[] = [
  ["pem-private", "PEM in a mail", marked("> ")],
  ["pem-private", "PEM in a comment", marked("# ")],
  ["pem-private", "PEM in a comment of C", marked("// ")],
  ["pem-private", "PEM in YAML", `key: |\n${marked("    ")}`],
  ["pem-private", "PEM in JSON", JSON.stringify({ pem: PKCS8 })],
  [
    "pem-private-other",
    "PEM in small letters",
    PKCS8.replaceAll("PRIVATE KEY", "private key").replace("BEGIN", "begin"),
  ],
  ["pem-private-other", "PEM with unbreakable spaces", PKCS8.replaceAll(" ", "\xa0")],
  ["pem-private-other", "PEM with long dashes", PKCS8.replaceAll("-----", "\xe2\x80\x94\xe2\x80\x94")],
  ["pem-private-other", "PEM without its first line", PKCS8.slice(PKCS8.indexOf("\n") + 1)],
  [
    "pem-private",
    "PEM in UTF-32",
    Buffer.from(
      [...`\ufeff${PKCS8}`].flatMap((letter) => [
        letter.charCodeAt(0) & 0xff,
        letter.charCodeAt(0) >>> 8,
        0,
        0,
      ]),
    ),
  ],
  ["base64-private", "the base64 of PEM", Buffer.from(PKCS8).toString("base64")],
  ["der-private", "DER before padding", Buffer.concat([DER, Buffer.alloc(300, 0xff)])],
  ["der-private", "DER padded to 64 bytes", Buffer.concat([DER, Buffer.alloc(16)])],
  ["der-private", "DER before another key", Buffer.concat([DER, SPKI])],
  ["hex-key", "DER as pairs of digits", DER.toString("hex").replace(/(..)/g, "$1 ")],
  [
    "hex-key",
    "DER as an array of C",
    `uint8_t key[] = {${[...DER].map((byte) => `0x${byte.toString(16)}`).join(",\n")}};`,
  ],
  ["hex-key", "digits in pairs", numbers(" ")],
  ["hex-key", "digits with colons", numbers(":")],
  ["hex-key", "digits behind 0x", `0x${hex}\n`],
  ["hex-key", "numbers with commas", numbers(", ", "0x")],
  ["hex-key", "an escaped string", numbers("", "\\x")],
  ["hex-key", "an array of C", `/* secret */ static const uint8_t key[32] = { ${numbers(", ", "0x")}, };\n`],
  ["hex-key", "a JSON list of 64 numbers, as Solana has it", JSON.stringify([...raw, ...SPKI.subarray(-32)])],
  ["text-private", "WireGuard", `[Interface]\nPrivateKey = ${base64}\nAddress = 10.0.0.1/24\n`],
  ["text-private", "DNSSEC", `Private-key-format: v1.3\nAlgorithm: 15 (ED25519)\nPrivateKey: ${base64}\n`],
  ["text-private", "an environment", `MAYDAY_PRIVATE_KEY="${hex}"\n`],
  ["text-private", "RSA in XML", "<RSAKeyValue><Modulus>AAAA</Modulus><D>AAAA</D></RSAKeyValue>"],
  ["jwk-private", "a JSON Web Key in YAML", `kty: OKP\ncrv: Ed25519\nd: ${privatePart}\n`],
  ["putty-private", "PuTTY behind a comment", "# mine\nPuTTY-User-Key-File-3: ssh-ed25519\n"],
  ["gpg-secret", "the agent of GPG", "Key: (private-key (ecc (curve Ed25519)(d #AABB#)))\n"],
  [
    "gpg-secret",
    "the agent of GPG, in its own coding",
    "(21:protected-private-key(3:ecc(5:curve7:Ed25519)))",
  ],
  [
    "openssh-private",
    "SSH of the first protocol",
    Buffer.concat([Buffer.from("SSH PRIVATE KEY FILE FORMAT 1.1\n\0"), raw]),
  ],
  ["tor-secret", "Tor", Buffer.concat([Buffer.from("== ed25519v1-secret: type0 ==\0\0\0"), raw, raw])],
  ["password-store", "KeePass", Buffer.concat([Buffer.from("03d9a29a67fb4bb5", "hex"), raw])],
  ["java-key-store", "BouncyCastle", Buffer.concat([Buffer.from("0000000200000014", "hex"), raw])],
];

/** What is near to a key, and none that is private. */
const NOT_SECRET: readonly (readonly [string | undefined, string, Uint8Array | string])[] = [
  [
    "openssh-public",
    "a certificate of OpenSSH",
    "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQ= x\n",
  ],
  ["minisign-signature", "a signature", "untrusted comment: signature from minisign secret key\nRUQAAAAA\n"],
  [
    "certificate-bundle",
    "PKCS#7 in PEM",
    "-----BEGIN PKCS7-----\nMIIBAAYJKoZIhvcNAQcC\n-----END PKCS7-----\n",
  ],
  ["json", "a list of 40 numbers", JSON.stringify([...raw, 1, 2, 3, 4, 5, 6, 7, 8])],
  [undefined, "a page about keys", "The private key: keep it. To begin, private keys are made by keygen.\n"],
  [undefined, "a script that reads a key", 'private_key = load(path)\nsecret_key: str = ""\n'],
  [
    undefined,
    "DER of something else, in firmware",
    Buffer.concat([Buffer.from("3003020101", "hex"), Buffer.alloc(99, 7)]),
  ],
];

describe("a private key", () => {
  it.each(DRESSED)("is %s, and secret: %s", (id, _name, bytes) => {
    expect(kindOf(bytes)).toMatchObject({ group: "key", id, isSecret: true });
  });

  it.each(NOT_SECRET)("is not what is %s: %s", (id, _name, bytes) => {
    const kind = kindOf(bytes);
    expect(kind?.id).toBe(id);
    expect(kind?.isSecret).toBeUndefined();
  });
});
