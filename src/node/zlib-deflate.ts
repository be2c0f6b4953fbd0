import { deflateRawSync } from "node:zlib";
import type { Deflate } from "./image-coder.ts";

/** Beyond this level, blocks of 4 KiB become no shorter. */
const LEVEL = 6;

/** The compression of `node:zlib`. */
export const zlibDeflate: Deflate = (bytes, dictionary) =>
  deflateRawSync(bytes, dictionary === undefined ? { level: LEVEL } : { level: LEVEL, dictionary });
