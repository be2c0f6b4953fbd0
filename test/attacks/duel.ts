import type { Millis } from "../../src/base/units.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import type { StoreOptions } from "../../src/board/admission.ts";
import { type MemoryBoard, memoryBoard } from "../../src/board/memory-board.ts";
import type { FlashLayout } from "../../src/flash/geometry.ts";
import type { ImageSource } from "../../src/image/image-source.ts";
import { memoryImage } from "../../src/image/image-source.ts";
import { type KeyLimits, type SigningKey, trustedKeyOf } from "../../src/image/keys.ts";
import type { ImageFields } from "../../src/image/manifest.ts";
import { fixedRepository } from "../../src/image/repository.ts";
import { runDistress } from "../../src/node/distress-node.ts";
import { runRescue } from "../../src/node/rescue-node.ts";
import type { Verdict } from "../../src/node/verdict.ts";
import { FlashOracle, type Original } from "../../src/sim/flash-oracle.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import { testKey } from "../support/virtual-rescue.ts";
import { inVirtualTime } from "../support/virtual-time.ts";

/** What `distress` and `rescue` themselves say of an image: the real nodes, in virtual time. */

export const HARDWARE = { vendor: "acme", hardwareClass: "gate" };

/** An image, signed by the test key unless another one is given. */
export function imageOf(
  data: Uint8Array,
  fields: Partial<ImageFields> = {},
  signer: SigningKey | "unsigned" = testKey,
): ImageSource {
  const version = { major: 1, minor: 0, patch: 0 };
  return memoryImage(
    data,
    { ...HARDWARE, version, blockSize: 1024, ...fields },
    signer === "unsigned" ? undefined : signer,
  );
}

/** A board that takes app images of the test key; the oracle lets only `originals` into its flash. */
export function boardFor(
  originals: readonly Original[],
  { limits = {}, layout = "single" }: { readonly limits?: KeyLimits; readonly layout?: FlashLayout } = {},
): MemoryBoard {
  return memoryBoard({
    geometry: { sectorSize: 4096, slotSize: 8192, layout },
    identity: { nodeId: new Uint8Array(8).fill(7), hardware: HARDWARE, revision: 3 },
    policy: { keys: [{ ...trustedKeyOf(testKey, ["app"]), ...limits }], allowUnsigned: false },
    wrap: (flash) => new FlashOracle(flash, originals, true),
  });
}

/** Both commands on one wire until both have ended. The rescuer offers its one image whatever it thinks of it. */
export async function duel(
  board: MemoryBoard,
  image: ImageSource,
  store: StoreOptions & { readonly isForced?: boolean; readonly timeoutMs?: Millis } = {},
): Promise<{ readonly distress: Verdict; readonly rescue: Verdict }> {
  const clock = new VirtualClock();
  const line = { baud: 115_200, latencyMs: 1 };
  const [near, far] = createMemoryPair(clock, { aToB: line, bToA: line });
  const { isForced = false, timeoutMs = 20_000, ...options } = store;
  const common = { timeoutMs, signal: new AbortController().signal, clock, onEvent: () => {} };
  const both = Promise.all([
    runDistress({ ...common, links: [near], store: board.store(options), isForced }),
    runRescue({
      ...common,
      links: [far],
      repository: fixedRepository([image]),
      allowUnsigned: true,
      offersAnyway: true,
      once: true,
    }),
  ]);
  const [distress, rescue] = await inVirtualTime(clock, both, 3 * timeoutMs);
  return { distress, rescue };
}
