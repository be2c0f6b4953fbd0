import { type Random, randomBytes } from "../../base/prng.ts";
import { installFrom } from "../../board/install.ts";
import { memoryBoard } from "../../board/memory-board.ts";
import { type FlashGeometry, flashMap } from "../../flash/geometry.ts";
import type { TrustPolicy } from "../../image/envelope.ts";
import { type ImageSource, memoryImage } from "../../image/image-source.ts";
import type { SigningKey } from "../../image/keys.ts";
import { TornStorage } from "../power-cuts/torn-storage.ts";

/** All boards of a world have the same hardware. */
export const HARDWARE = { vendor: "sim", hardwareClass: "board" } as const;
export const SIM_SECTOR_SIZE = 4096;

/** The images of a world, and flash that holds them, to be forked for each board. */
export class WorldImages {
  readonly older: ImageSource;
  /** The same as the older one in a world without an update. */
  readonly newest: ImageSource;
  readonly blank: TornStorage;
  readonly withOlder: TornStorage;
  readonly withNewest: TornStorage;
  readonly #geometry: FlashGeometry;
  readonly #policy: TrustPolicy;
  readonly #random: Random;

  constructor(
    { size, key, update }: { readonly size: number; readonly key: SigningKey; readonly update: boolean },
    geometry: FlashGeometry,
    policy: TrustPolicy,
    random: Random,
  ) {
    this.#geometry = geometry;
    this.#policy = policy;
    this.#random = random;
    const image = (minor: number): ImageSource => {
      const fields = { ...HARDWARE, version: { major: 1, minor, patch: 0 }, blockSize: SIM_SECTOR_SIZE };
      return memoryImage(randomBytes(random, size), fields, key);
    };
    this.older = image(1);
    this.newest = update ? image(2) : this.older;
    this.blank = new TornStorage(flashMap(geometry), random);
    this.withOlder = this.#installed(this.older);
    this.withNewest = update ? this.#installed(this.newest) : this.withOlder;
    for (const storage of [this.blank, this.withOlder, this.withNewest])
      storage.shareSectorsOf(this.blank, this.withOlder, this.withNewest);
  }

  #installed(image: ImageSource): TornStorage {
    const storage = this.blank.fork(this.#random);
    const identity = { nodeId: new Uint8Array(8), hardware: HARDWARE, revision: 1 };
    const board = memoryBoard({ geometry: this.#geometry, policy: this.#policy, identity, storage });
    const store = board.store();
    installFrom(store, image);
    store.confirm();
    return storage;
  }
}
