/** Importing this module makes `node:crypto` compute: for the entries that run on Node, and for their tests. */
import { setCryptoPort } from "../base/crypto-port.ts";
import { nodeCrypto } from "./node-crypto.ts";

setCryptoPort(nodeCrypto);
