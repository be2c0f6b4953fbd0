import { type Random, randomBytes } from "../../base/prng.ts";
import { installFrom } from "../../board/install.ts";
import { memoryBoard } from "../../board/memory-board.ts";
import type { RunningBoard } from "../../board/running-board.ts";
import { type FlashGeometry, flashMap } from "../../flash/geometry.ts";
import type { TrustPolicy } from "../../image/envelope.ts";
import { type ImageSource, memoryImage } from "../../image/image-source.ts";
import type { SigningKey } from "../../image/keys.ts";
import { TornStorage } from "../power-cuts/torn-storage.ts";

/** All boards of a world have the same hardware. */
export const HARDWARE = { vendor: "sim", hardwareClass: "board" } as const;
export const SIM_SECTOR_SIZE = 4096;

/** What images a world needs. */
export interface ImagesWanted {
  /** Bytes. */
  readonly size: number;
  readonly key: SigningKey;
  readonly update: boolean;
  readonly seed: number;
  /** Rings of the newest image; 1 unless given. */
  readonly rings?: number | undefined;
  readonly onTrial?: boolean | undefined;
}

/** The images of a world, and flash that holds them, to be forked for each board. */
export class WorldImages {
  readonly older: ImageSource;
  /** The same as the older one in a world without an update. */
  readonly newest: ImageSource;
  readonly blank: TornStorage;
  readonly withOlder: TornStorage;
  /** Of board 0; with `onTrial` the newest image is new there, too, and the older one is in the other slot. */
  readonly withNewest: TornStorage;
  readonly #geometry: FlashGeometry;
  readonly #policy: TrustPolicy;
  readonly #random: Random;

  constructor(
    { size, key, update, rings = 1, seed, onTrial = false }: ImagesWanted,
    geometry: FlashGeometry,
    policy: TrustPolicy,
    random: Random,
  ) {
    this.#geometry = geometry;
    this.#policy = policy;
    this.#random = random;
    const image = (minor: number): ImageSource => {
      const version = { major: 1, minor, patch: 0 };
      const rollout = { rings: minor > 1 ? rings : 1, seed };
      const fields = { ...HARDWARE, version, blockSize: SIM_SECTOR_SIZE, rollout };
      return memoryImage(randomBytes(random, size), fields, key);
    };
    this.older = image(1);
    this.newest = update ? image(2) : this.older;
    this.blank = new TornStorage(flashMap(geometry), random);
    this.withOlder = this.#installed(this.older);
    this.withNewest = update ? this.#withNewest(onTrial) : this.withOlder;
    for (const storage of [this.blank, this.withOlder, this.withNewest])
      storage.shareSectorsOf(this.blank, this.withOlder, this.withNewest);
  }

  #withNewest(onTrial: boolean): TornStorage {
    if (!onTrial) return this.#installed(this.newest);
    const storage = this.#installed(this.older);
    const store = this.#store(storage);
    store.setPolicy({ allowUpdate: true, allowSingleUpdate: true, triesAll: true });
    installFrom(store, this.newest);
    return storage;
  }

  #installed(image: ImageSource): TornStorage {
    const storage = this.blank.fork(this.#random);
    const store = this.#store(storage);
    installFrom(store, image);
    store.confirm();
    return storage;
  }

  #store(storage: TornStorage): RunningBoard {
    const identity = { nodeId: new Uint8Array(8), hardware: HARDWARE, revision: 1 };
    return memoryBoard({ geometry: this.#geometry, policy: this.#policy, identity, storage }).store();
  }
}
