import type { ContentKind } from "./content-kind.ts";

const FROM_SSH =
  "python3 -c \"import sys; from cryptography.hazmat.primitives.serialization import *; k = load_ssh_private_key(open('IN', 'rb').read(), " +
  'None); sys.stdout.buffer.write(k.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))" > OUT';

function secret(id: string, name: string, fix: string): ContentKind {
  return { group: "key", id, name, fix, isSecret: true };
}

function open(id: string, name: string, fix: string): ContentKind {
  return { group: "key", id, name, fix };
}

type KeyKindName =
  | "privatePem"
  | "encryptedPem"
  | "otherPrivatePem"
  | "publicPem"
  | "opensshPrivate"
  | "opensshEncrypted"
  | "opensshPublic"
  | "putty"
  | "privateDer"
  | "encryptedDer"
  | "publicDer"
  | "privateBody"
  | "publicBody"
  | "certificate"
  | "certificateDer"
  | "certificateBundle"
  | "request"
  | "otherPem"
  | "pkcs12"
  | "javaStore"
  | "passwordStore"
  | "torSecret"
  | "privateText"
  | "jwkPrivate"
  | "jwkPublic"
  | "minisignSecret"
  | "minisignPublic"
  | "minisignSignature"
  | "gpgSecret"
  | "gpgPublic"
  | "ageSecret"
  | "hexKey"
  | "base64Key"
  | "rawKey";

/** What files of cryptography are called, and the way to PEM. Fixes begin with a command, or say that there is none. */
export const KeyKind: Readonly<Record<KeyKindName, ContentKind>> = {
  privatePem: secret("pem-private", "a private key in PEM", "it is in PEM"),
  encryptedPem: secret("pem-encrypted", "an encrypted private key in PEM", "openssl pkey -in IN -out OUT"),
  otherPrivatePem: secret(
    "pem-private-other",
    "a private key in PEM, not PKCS#8",
    "openssl pkey -in IN -out OUT",
  ),
  publicPem: open("pem-public", "a public key in PEM", "it is in PEM"),
  opensshPrivate: secret("openssh-private", "an OpenSSH private key", FROM_SSH),
  opensshEncrypted: secret(
    "openssh-encrypted",
    "an OpenSSH private key behind a passphrase",
    `first, on a copy: ssh-keygen -p -N '' -f IN; then: ${FROM_SSH}`,
  ),
  opensshPublic: open(
    "openssh-public",
    "an OpenSSH public key",
    "of an ssh-ed25519 key: { printf 302a300506032b6570032100 | xxd -r -p; cut -d' ' -f2 IN | base64 -d | tail -c 32; } | " +
      "openssl pkey -pubin -inform DER -pubout -out OUT",
  ),
  putty: secret(
    "putty-private",
    "a PuTTY private key",
    `puttygen IN -O private-openssh-new -o KEY; then: ${FROM_SSH.replace("'IN'", "'KEY'")}`,
  ),
  privateDer: secret("der-private", "a private key in DER", "openssl pkey -inform DER -in IN -out OUT"),
  encryptedDer: secret(
    "der-encrypted",
    "an encrypted private key in DER",
    "openssl pkcs8 -inform DER -in IN -out OUT",
  ),
  publicDer: open(
    "der-public",
    "a public key in DER",
    "openssl pkey -pubin -inform DER -in IN -pubout -out OUT",
  ),
  privateBody: secret(
    "base64-private",
    "the base64 of a private key, without BEGIN and END lines",
    "openssl base64 -d -A -in IN | openssl pkey -inform DER -out OUT",
  ),
  publicBody: open(
    "base64-public",
    "the base64 of a public key, without BEGIN and END lines",
    "openssl base64 -d -A -in IN | openssl pkey -pubin -inform DER -pubout -out OUT",
  ),
  certificate: open("certificate", "a certificate", "openssl x509 -in IN -noout -pubkey > OUT"),
  certificateDer: open(
    "certificate-der",
    "a certificate in DER",
    "openssl x509 -inform DER -in IN -noout -pubkey > OUT",
  ),
  certificateBundle: open(
    "certificate-bundle",
    "certificates or signed data (PKCS#7)",
    "openssl pkcs7 -in IN -print_certs | openssl x509 -noout -pubkey > OUT; with -inform DER if it is in DER",
  ),
  request: open("certificate-request", "a certificate request", "openssl req -in IN -noout -pubkey > OUT"),
  otherPem: open("pem-other", "a PEM file without a key", "it holds no key"),
  pkcs12: secret(
    "pkcs12",
    "a PKCS#12 key store (.p12, .pfx)",
    "openssl pkcs12 -in IN -nocerts -nodes -out OUT",
  ),
  javaStore: secret(
    "java-key-store",
    "a Java key store",
    "keytool -importkeystore -srckeystore IN -destkeystore P12 -deststoretype PKCS12",
  ),
  passwordStore: secret("password-store", "a KeePass data base", "take the key out of it with KeePass"),
  torSecret: secret("tor-secret", "a key of Tor", "it has no PEM form"),
  privateText: secret(
    "text-private",
    "a text with a private key in it",
    "put the base64 of the key alone into IN; if it is an Ed25519 key: " +
      "{ printf 302e020100300506032b657004220420 | xxd -r -p; openssl base64 -d -A -in IN; } | openssl pkey -inform DER -out OUT",
  ),
  jwkPrivate: secret(
    "jwk-private",
    "a JSON Web Key with its private part",
    `node -p "crypto.createPrivateKey({key: JSON.parse(fs.readFileSync('IN')), format: 'jwk'}).export({type: 'pkcs8', format: 'pem'})" > OUT`,
  ),
  jwkPublic: open(
    "jwk-public",
    "a JSON Web Key",
    `node -p "crypto.createPublicKey({key: JSON.parse(fs.readFileSync('IN')), format: 'jwk'}).export({type: 'spki', format: 'pem'})" > OUT`,
  ),
  minisignSecret: secret("minisign-secret", "a secret key of minisign or signify", `it has no PEM form`),
  minisignPublic: open(
    "minisign-public",
    "a public key of minisign or signify",
    "it signs another way, and is of no use here",
  ),
  minisignSignature: open(
    "minisign-signature",
    "a signature of minisign or signify",
    "a signature is not a key",
  ),
  gpgSecret: secret("gpg-secret", "a GPG secret key", "it has no PEM form"),
  gpgPublic: open("gpg-public", "a GPG public key, message or signature", "it has no PEM form"),
  ageSecret: secret("age-secret", "a secret key of age", "it signs nothing"),
  hexKey: secret(
    "hex-key",
    "hexadecimal digits alone, as a raw key or a link key has them",
    "a raw private key: { printf 302e020100300506032b657004220420; cat IN; } | xxd -r -p | openssl pkey -inform DER -out OUT; " +
      "a public one: { printf 302a300506032b6570032100; cat IN; } | xxd -r -p | openssl pkey -pubin -inform DER -pubout -out OUT",
  ),
  base64Key: secret(
    "base64-key",
    "32 or 64 bytes in base64, as a raw key has them",
    "a raw private key: { printf 302e020100300506032b657004220420 | xxd -r -p; openssl base64 -d -A -in IN | head -c 32; } | " +
      "openssl pkey -inform DER -out OUT; a public one: { printf 302a300506032b6570032100 | xxd -r -p; openssl base64 -d -A -in IN; } | " +
      "openssl pkey -pubin -inform DER -pubout -out OUT",
  ),
  rawKey: secret(
    "raw-key",
    "32 or 64 random bytes, as a raw key or a link key has them",
    "a raw private key: { printf 302e020100300506032b657004220420 | xxd -r -p; head -c 32 IN; } | openssl pkey -inform DER -out OUT; " +
      "a public one: { printf 302a300506032b6570032100 | xxd -r -p; cat IN; } | openssl pkey -pubin -inform DER -pubout -out OUT",
  ),
};
