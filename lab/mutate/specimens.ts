import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import type { StoreOptions } from "../../src/board/admission.ts";
import { confirmBoot } from "../../src/board/boot.ts";
import { installFrom } from "../../src/board/install.ts";
import { type MemoryBoard, type MemoryBoardOptions, memoryBoard } from "../../src/board/memory-board.ts";
import type { FlashGeometry } from "../../src/flash/geometry.ts";
import { type FlashStorage, MemoryStorage } from "../../src/flash/storage.ts";
import { type ImageSource, memoryImage } from "../../src/image/image-source.ts";
import { type SigningKey, trustedKeyOf } from "../../src/image/keys.ts";
import type { ImageFields } from "../../src/image/manifest.ts";
import type { Original } from "../../src/sim/flash-oracle.ts";
import { fixedKey } from "../../test/support/fixed-keys.ts";
import { testKey } from "../../test/support/virtual-rescue.ts";

/** An image with its bytes. `isTrusted`: the board of the setup may take it. */
export interface Specimen extends Original {
  readonly image: ImageSource;
  readonly isTrusted: boolean;
}

/** A board before a transfer, and the images that are at hand. */
export interface Setup {
  readonly name: string;
  readonly board: MemoryBoardOptions;
  readonly store: StoreOptions;
  /** The board boots, and was told to call. */
  readonly isForced: boolean;
  /** What the honest rescuer offers. */
  readonly wanted: Specimen;
  /** What an attacker has besides: one that is trusted, too, and many that are not. */
  readonly decoys: readonly Specimen[];
  /** Whatever may ever lie in a slot: `wanted`, the trusted decoys, and what was installed before. */
  readonly trusted: readonly Specimen[];
  readonly counterFloor: number;
  /** The flash as it is at first. */
  readonly snapshot: Uint8Array;
}

const HARDWARE = { vendor: "acme", hardwareClass: "gate" };
const NODE_ID: Uint8Array = new Uint8Array(8).fill(7);
const SECTOR = 1024;

/** What a setup is made of. */
interface Plan {
  readonly name: string;
  readonly layout: FlashGeometry["layout"];
  readonly size: number;
  readonly blockSize: number;
  /** Nothing installed; an older image that boots; or one of which the middle was spoilt. */
  readonly start: "empty" | "boots" | "spoilt";
  /** Only each n-th block is full of chance, the others are one byte over and over. */
  readonly sparse?: number;
}

const PLANS: readonly Plan[] = [
  { name: "single-empty", layout: "single", size: 3_000, blockSize: 1024, start: "empty" },
  { name: "single-one-block", layout: "single", size: 2_048, blockSize: 4096, start: "empty" },
  { name: "single-uniform", layout: "single", size: 6_144, blockSize: 1024, start: "empty", sparse: 3 },
  { name: "single-deep", layout: "single", size: 34_816, blockSize: 1024, start: "empty", sparse: 12 },
  { name: "single-spoilt", layout: "single", size: 4_096, blockSize: 1024, start: "spoilt" },
  { name: "single-update", layout: "single", size: 4_000, blockSize: 2048, start: "boots" },
  { name: "ab-empty", layout: "ab", size: 2_500, blockSize: 1024, start: "empty" },
  { name: "ab-update", layout: "ab", size: 4_096, blockSize: 1024, start: "boots" },
  { name: "ab-spoilt", layout: "ab", size: 5_000, blockSize: 2048, start: "spoilt" },
];

let built: readonly Setup[] | undefined;

/** All setups; built once. */
export function setups(): readonly Setup[] {
  built ??= PLANS.map(build);
  return built;
}

/** Powers up the board of a setup, on the flash that it begins with unless another is given. */
export function powerUp(
  setup: Setup,
  more: Pick<MemoryBoardOptions, "wrap"> & Partial<Pick<MemoryBoardOptions, "policy">> = {},
  storage: FlashStorage = freshStorage(setup),
): MemoryBoard {
  return memoryBoard({ ...setup.board, ...more, storage });
}

/** A copy of the flash that a setup begins with. */
export function freshStorage({ snapshot }: Setup): FlashStorage {
  const storage = new MemoryStorage(snapshot.length);
  storage.write(0, snapshot);
  return storage;
}

function build(plan: Plan, index: number): Setup {
  const { name, layout, size, blockSize, start } = plan;
  const slotSize = size + 700;
  const board: MemoryBoardOptions = {
    geometry: { sectorSize: SECTOR, slotSize, layout },
    identity: { nodeId: NODE_ID, hardware: HARDWARE, revision: 3 },
    policy: { keys: [trustedKeyOf(testKey, ["app"])], allowUnsigned: false },
  };
  const counterFloor = start === "empty" ? 0 : 2;
  const data = (salt: number, bytes = size): Uint8Array => content(plan, index * 100 + salt, bytes);
  const fields = (minor: number, counter: number): ImageFields => {
    return { ...HARDWARE, version: { major: 1, minor, patch: 0 }, blockSize, counter };
  };
  const old = specimen("old", data(1), fields(1, counterFloor), testKey);
  const wanted = specimen("wanted", data(2), fields(2, counterFloor), testKey);
  const decoys = decoysOf(data, fields, counterFloor, slotSize);
  const storage = new MemoryStorage(memoryBoard(board).storage.size);
  if (start !== "empty") {
    const made = memoryBoard({ ...board, storage });
    installFrom(made.store(), old.image);
    // The floor is at its counter from here on.
    confirmBoot(made.parts);
    const [slot] = made.nor.map.slots;
    if (start === "spoilt") storage.write((slot?.offset ?? 0) + 1100, new Uint8Array(300).fill(0x5a));
  }
  const isForced = start === "boots";
  return {
    name,
    board,
    store: isForced ? { allowUpdate: true, allowSingleUpdate: true } : {},
    isForced,
    wanted,
    decoys,
    trusted: [wanted, ...decoys, ...(start === "empty" ? [] : [old])].filter(({ isTrusted }) => isTrusted),
    counterFloor,
    snapshot: storage.read(0, storage.size),
  };
}

/** Images that an attacker may have got hold of, one for each reason to refuse one. */
function decoysOf(
  data: (salt: number, bytes?: number) => Uint8Array,
  fields: (minor: number, counter: number) => ImageFields,
  counterFloor: number,
  slotSize: number,
): Specimen[] {
  const foreign = fixedKey(0x66);
  const disguised: SigningKey = { ...foreign, keyId: testKey.keyId, sign: (bytes) => foreign.sign(bytes) };
  let salt = 10;
  const no = (name: string, more: Partial<ImageFields>, signer: SigningKey | undefined): Specimen => {
    const bytes = name === "too-large" ? slotSize + 1 : undefined;
    const all = { ...fields(9, counterFloor + 9), ...more };
    return { ...specimen(name, data(salt++, bytes), all, signer), isTrusted: false };
  };
  return [
    specimen("other", data(3), fields(3, counterFloor + 1), testKey),
    no("foreign-key", {}, foreign),
    no("foreign-key-disguised", {}, disguised),
    no("unsigned", {}, undefined),
    no("other-hardware", { hardwareClass: "pump" }, testKey),
    no("later-revision", { revisionMin: 4 }, testKey),
    no("recovery-role", { role: "recovery" }, testKey),
    no("too-large", {}, testKey),
    ...(counterFloor === 0 ? [] : [no("old-counter", { counter: counterFloor - 1 }, testKey)]),
  ];
}

function specimen(
  name: string,
  data: Uint8Array,
  fields: ImageFields,
  signer: SigningKey | undefined,
): Specimen {
  const image = memoryImage(data, fields, signer);
  return { name, data, digest: image.digest, image, isTrusted: true };
}

function content({ sparse = 1, blockSize }: Plan, seed: number, bytes: number): Uint8Array {
  const data = randomBytes(new SeededRandom(seed), bytes);
  const fills = [0xff, 0x00, seed & 0xff];
  for (let block = 0; block * blockSize < bytes; block++) {
    if (block % sparse === 0) continue;
    data.fill(fills[block % fills.length] ?? 0xff, block * blockSize, (block + 1) * blockSize);
  }
  return data;
}
