import { afterAll, beforeAll } from "vitest";
import { type CryptoPort, setCryptoPort } from "../../src/base/crypto-port.ts";
import { nodeCrypto } from "../../src/crypto/node-crypto.ts";
import { portableCrypto } from "../../src/crypto/portable-crypto.ts";

/** Every implementation of the cryptography, by name. */
export const CRYPTO_PORTS: readonly (readonly [string, CryptoPort])[] = [
  ["Node's crypto", nodeCrypto],
  ["the portable crypto", portableCrypto],
];

/** Makes `port` compute in the tests of the surrounding `describe`; afterwards Node's does again. */
export function useCryptoPort(port: CryptoPort): void {
  beforeAll(() => setCryptoPort(port));
  afterAll(() => setCryptoPort(nodeCrypto));
}
