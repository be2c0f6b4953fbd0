import { concatBytes } from "../../base/bytes.ts";
import { randomBytes, SeededRandom } from "../../base/prng.ts";
import type { SigningKey } from "../../image/keys.ts";
import { signingKeyFromPem } from "../../image-files/pem-keys.ts";

/** PKCS #8 around the 32 bytes of an Ed25519 private key (RFC 8410). */
const KEY_PREFIX: Uint8Array = Uint8Array.of(
  ...[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20],
);

/** The key that signs the images of a simulated world: of a seed, and so no secret. */
export function simKey(seed: number): SigningKey {
  const secret = randomBytes(new SeededRandom(seed), 32);
  const der = concatBytes(KEY_PREFIX, secret);
  const base64 = btoa(String.fromCharCode(...der));
  return signingKeyFromPem(`-----BEGIN PRIVATE KEY-----\n${base64}\n-----END PRIVATE KEY-----\n`);
}
