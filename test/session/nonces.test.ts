import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { type Random, SeededRandom } from "../../src/base/prng.ts";
import { linkKeyOf } from "../../src/node/derived-link-key.ts";
import { countedNonces, type Nonces, randomNonces } from "../../src/session/nonces.ts";
import { TargetStart } from "../../src/session/target/target-start.ts";
import { LoneTarget, type MadeOffer, TARGET_ID } from "../support/lone-target.ts";
import { bytesOf } from "../wire/wire-vectors.ts";

/** Boot and accept nonces of a node with a link key do not repeat, whatever its generator does (PROTOCOL.md 14.2). */

interface VectorFile {
  readonly linkKey: string;
  readonly identity: { readonly targetId: string };
  readonly nonces: {
    readonly of: readonly { start: number; index: number; random: string; nonce: string }[];
  };
}

const url = new URL("../../vectors/link-key-v1.json", import.meta.url);
const file = JSON.parse(readFileSync(url, "utf8")) as VectorFile;
const key = linkKeyOf(new Uint8Array(16).fill(1));

/** A generator of which these 8 bytes are drawn again and again. */
function repeating(bytes: Uint8Array): Random {
  let drawn = 0;
  return { u32: () => bytes[drawn++ % bytes.length] ?? 0 };
}
/** One without any randomness. */
const stuck = (): Random => ({ u32: () => 0 });
const some = (nonces: Nonces, count: number): string[] =>
  Array.from({ length: count }, () => toHex(nonces()));

describe("nonces of a node with a link key", () => {
  it.each(file.nonces.of)("are those of the vectors: start $start, index $index", (vector) => {
    const { linkKey, identity } = file;
    const random = repeating(bytesOf(vector.random));
    const nonces = countedNonces(
      linkKeyOf(bytesOf(linkKey)),
      bytesOf(identity.targetId),
      vector.start,
      random,
    );
    for (let i = 0; i < vector.index; i++) nonces();
    expect(toHex(nonces())).toBe(vector.nonce);
  });

  it("do not repeat in 50 starts of 50 nonces, with a generator that gives nothing but zeros", () => {
    const starts = Array.from({ length: 50 }, (_, start) => start);
    const all = starts.flatMap((start) => some(countedNonces(key, TARGET_ID, start, stuck()), 50));
    expect(new Set(all).size).toBe(2_500);
  });

  it("do not repeat with the same number of a start as long as the generator does not", () => {
    const [one, other] = [1, 2].map((seed) => countedNonces(key, TARGET_ID, 1, new SeededRandom(seed)));
    expect(toHex(one?.() ?? TARGET_ID)).not.toBe(toHex(other?.() ?? TARGET_ID));
  });

  it("are foreseen by nobody without the key, and differ from board to board", () => {
    const first = (secret: number, id: number): string =>
      toHex(
        countedNonces(linkKeyOf(new Uint8Array(16).fill(secret)), new Uint8Array(8).fill(id), 1, stuck())(),
      );
    expect(new Set([first(1, 1), first(2, 1), first(1, 2)]).size).toBe(3);
  });
});

/** What somebody recorded in the first start of a target. */
interface Recording {
  /** Taken, and another one that was not delivered. */
  readonly taken: MadeOffer;
  readonly held: MadeOffer;
  /** A frame of the session, sealed by the rescuer. */
  readonly sealed: Uint8Array;
}

function record(target: LoneTarget): Recording {
  const taken = target.offer(1);
  target.hear(taken.frame);
  const sealed = target.sealed(taken, { tag: "later", forMs: 1_000 });
  return { taken, held: target.offer(2), sealed };
}

/** Whether a frame is one of the target's present session, and is taken. */
function opens(target: LoneTarget, frame: Uint8Array): boolean {
  target.hear(frame);
  return target.end.heard === "session";
}

describe("a target whose generator repeats from start to start", () => {
  const noncesOf = (start: number): Nonces => countedNonces(key, TARGET_ID, start, new SeededRandom(5));

  it("takes nothing in a start that was recorded in the one before", () => {
    const first = new LoneTarget(key, new TargetStart(noncesOf(1)));
    const { taken, held, sealed } = record(first);
    expect(opens(first, sealed)).toBe(true);

    const second = new LoneTarget(key, new TargetStart(noncesOf(2)));
    expect(toHex(second.call.beacon.bootNonce)).not.toBe(toHex(first.call.beacon.bootNonce));
    for (const { frame } of [taken, held]) second.hear(frame);
    expect(second.role.isServed).toBe(false);
    // In a session of the second start, between the same two nodes, about the same image, with the same rescuer nonce.
    const again = second.offer(1);
    second.hear(again.frame);
    expect(second.role.isServed).toBe(true);
    expect(opens(second, sealed)).toBe(false);
    expect(opens(second, second.sealed(again, { tag: "later", forMs: 1_000 }))).toBe(true);
    second.bye(taken);
    expect(second.role.isServed).toBe(true);
  });

  it("would take it, if its nonces were as good as the generator only", () => {
    const start = (): TargetStart => new TargetStart(randomNonces(new SeededRandom(5)));
    const { taken, sealed } = record(new LoneTarget(key, start()));
    const second = new LoneTarget(key, start());
    second.hear(taken.frame);
    expect(second.role.isServed).toBe(true);
    expect(opens(second, sealed)).toBe(true);
  });
});

describe("a rescuer whose nonces repeat", () => {
  it("obtains in one start of a target no second session with its recorded frames", () => {
    const target = new LoneTarget(key, new TargetStart(countedNonces(key, TARGET_ID, 1, stuck())));
    const { taken, sealed } = record(target);
    target.bye(taken);
    target.pass(1_000);
    // The rescuer starts again, and makes the very same offer.
    target.hear(target.offer(1).frame);
    expect(target.role.isServed).toBe(false);
    expect(opens(target, sealed)).toBe(false);
  });
});
