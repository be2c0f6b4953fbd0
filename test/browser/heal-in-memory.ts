import type * as Mayday from "../../src/browser.ts";

/** What came of a rescue; plain values, since it leaves the context that it was computed in. */
export interface HealReport {
  readonly before: string;
  readonly after: string;
  /** Whether the slot holds the image byte for byte. */
  readonly isEqual: boolean;
  readonly targetEvents: readonly string[];
  readonly rescuerEvents: readonly string[];
  /** Why the target refused the image, if it did. */
  readonly refusal: string | undefined;
}

const BAUD = 921_600;
const LIMIT_MS = 60_000;

/**
 * Heals an empty board in memory, in virtual time, with both machines, a link key and a signed image. All of mayday
 * comes in as an argument, and nothing of Node is used: this runs where there is only JavaScript.
 */
export function healInMemory(mayday: typeof Mayday, file: Uint8Array, publicKey: Uint8Array): HealReport {
  const clock = new mayday.VirtualClock();
  const random = seededRandom(1);
  const image = mayday.imageFromBytes(file);
  const { vendor, hardwareClass, size } = image.manifest;
  const board = mayday.memoryBoard({
    geometry: { sectorSize: 4096, slotSize: size, layout: "single" },
    identity: { nodeId: new Uint8Array(8).fill(7), hardware: { vendor, hardwareClass }, revision: 0 },
    policy: { keys: [mayday.trustedKeyFromBytes(publicKey, ["app"])], allowUnsigned: false },
  });
  const before = board.boot().tag;
  const line = { baud: BAUD, latencyMs: 1, pieceBytes: 64 };
  const [targetEnd, rescuerEnd] = mayday.createMemoryPair(clock, { aToB: line, bToA: line });
  const key = mayday.linkKeyOf(new Uint8Array(32).fill(9));
  const link = { baud: BAUD, rtoFloorMs: 10, key };
  const makeSplitter: Mayday.SplitterFactory = (onRun) => new mayday.PureRunSplitter(onRun, clock);
  const targetEvents: string[] = [];
  const rescuerEvents: string[] = [];
  let refusal: string | undefined;

  const store = board.store();
  const status = () => mayday.nodeStatusOf(store.status());
  const now = clock.now();
  const atTarget = new mayday.LinkEnd<Mayday.TargetEvent>(link);
  const nonces = mayday.countedNonces(key, status().nodeId, store.takeStart(), random);
  const start = new mayday.TargetStart(nonces);
  const targetOptions = { random, status, start };
  const target = atTarget.exchange(now, (host) => new mayday.TargetRole(now, host, targetOptions));
  const targetDriver = new mayday.LinkDriver(atTarget, targetEnd, clock, makeSplitter, {
    onEvent: (event) => {
      if (!mayday.applyTargetEffect(clock, event, target, store)) targetEvents.push(event.tag);
    },
  });
  const ids = { nodeId: bytes(random, 8), bootNonce: bytes(random, 8) };
  const atRescuer = new mayday.LinkEnd<Mayday.RescuerEvent>(link);
  const rescuer = atRescuer.exchange(now, (host) => new mayday.RescuerRole(now, host, { random, ...ids }));
  const images = new mayday.PickedImages(undefined, new mayday.ImageCoders());
  const rescuerDriver = new mayday.LinkDriver(atRescuer, rescuerEnd, clock, makeSplitter, {
    onEvent: (event) => {
      if (event.tag === "pick") images.answer(clock.now(), rescuer, event.session, image);
      else if (!images.apply(clock.now(), event, rescuer)) rescuerEvents.push(event.tag);
      if (event.tag === "refused") refusal = event.reason;
    },
  });
  void targetDriver.open();
  void rescuerDriver.open();
  const isOver = (): boolean => {
    const isHealed = targetEvents.includes("finished") && rescuerEvents.includes("healed");
    return isHealed || refusal !== undefined;
  };
  while (!isOver() && clock.runNext(LIMIT_MS));

  const region = board.nor.map.slots[0];
  const flashed = region === undefined ? new Uint8Array() : board.storage.read(region.offset, size);
  const { blockSize } = image.manifest;
  const isEqual = flashed.every(
    (byte, i) => byte === image.readBlockSync(Math.floor(i / blockSize))[i % blockSize],
  );
  return { before, after: board.boot().tag, isEqual, targetEvents, rescuerEvents, refusal };
}

function bytes(random: Mayday.Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.u32() & 0xff);
}

/** The multiplier and increment of Numerical Recipes: good enough for ids and jitter here. */
function seededRandom(seed: number): Mayday.Random {
  let state = seed;
  return {
    u32: () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state;
    },
  };
}
