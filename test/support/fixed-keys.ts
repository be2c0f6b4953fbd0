import type { SigningKey } from "../../src/image/keys.ts";
import { signingKeyFromPem } from "../../src/image-files/pem-keys.ts";

/** PKCS #8 around the 32 bytes of an Ed25519 private key (RFC 8410). */
const KEY_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/** A key pair that is the same in every run, so that a seed gives the same bytes on the wire. */
export function fixedKey(byte: number): SigningKey {
  const der = Buffer.concat([KEY_PREFIX, Buffer.alloc(32, byte)]).toString("base64");
  return signingKeyFromPem(`-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`);
}
