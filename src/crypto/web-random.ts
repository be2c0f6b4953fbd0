import type { Random } from "../base/prng.ts";

/** The generator that browsers and most other runtimes have, fit for nonces. */
export const webRandom: Random = {
  u32: () => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
};
