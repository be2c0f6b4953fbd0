import { describe, expect, it } from "vitest";
import {
  type OfferWord,
  type OwnerWord,
  openWord,
  type StopWord,
  signWord,
  WORD_MAX,
} from "../../src/fleet/owner-word.ts";
import { STOP_MAX_MS, STOP_UNSURE_MS, stopMs, WordJudge } from "../../src/fleet/word-judge.ts";
import { trustedKeyOf } from "../../src/image/keys.ts";
import { generateKeyPair, signingKeyFromPem } from "../../src/image-files/pem-keys.ts";
import { hex16 } from "./support.ts";

const OWNER = signingKeyFromPem(generateKeyPair().privatePem);
const OTHER = signingKeyFromPem(generateKeyPair().privatePem);
const KEYS = [trustedKeyOf(OWNER, ["app"])];
const NOW = 1_800_000_000_000;
const SURE = { at: NOW, sure: true };
const UNSURE = { at: 0, sure: false };
const STOP: StopWord = {
  v: 1,
  word: "stop",
  fleet: "pumps",
  sequence: 5,
  expires: NOW + 1000,
  digest: hex16(1),
};
const OFFER: OfferWord = {
  ...{ v: 1, word: "offer", fleet: "pumps", sequence: 5, expires: NOW + 1000, hardware: hex16(2) },
  ...{ version: "1.2.3", digest: "ab".repeat(32), urls: ["https://images.example/a.mdy"] },
};
const judge = (): WordJudge => new WordJudge("pumps", KEYS, []);

describe("a word of the owner", () => {
  it.each<OwnerWord>([STOP, OFFER])("is read as it was signed", (word) => {
    expect(openWord(signWord(word, OWNER), KEYS)).toEqual(word);
  });

  it("is refused with any bit flipped, any byte less, one more, and too long", () => {
    const signed = signWord(STOP, OWNER);
    for (let bit = 0; bit < 8 * signed.length; bit++) {
      const flipped = signed.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(openWord(flipped, KEYS), `bit ${bit}`).toBeTypeOf("string");
    }
    for (let length = 0; length < signed.length; length++)
      expect(openWord(signed.subarray(0, length), KEYS)).toBe("format");
    expect(openWord(Uint8Array.of(...signed, 0), KEYS)).toBe("format");
    expect(openWord(new Uint8Array(WORD_MAX + 1), KEYS)).toBe("format");
  });

  it("of another key is a foreign one, also when it names the owner's", () => {
    expect(openWord(signWord(STOP, OTHER), KEYS)).toBe("foreign-key");
    expect(openWord(signWord(STOP, { ...OTHER, keyId: OWNER.keyId }), KEYS)).toBe("signature");
  });

  it.each<[string, object]>([
    ["an address that is a file", { ...OFFER, urls: ["file:///etc/passwd"] }],
    ["a fleet that is a pattern", { ...STOP, fleet: "+" }],
    ["an order that it does not know", { ...STOP, word: "start" }],
    ["a field that it does not know", { ...STOP, command: "x" }],
    ["a sequence below zero", { ...STOP, sequence: -1 }],
  ])("is refused with %s, also with a right signature", (_what, word) => {
    expect(openWord(signWord(word as OwnerWord, OWNER), KEYS)).toBe("format");
  });
});

describe("a site that hears its owner", () => {
  const tag = (one: WordJudge, word: OwnerWord, wall = SURE): string => {
    const [kind, id] =
      word.word === "stop" ? (["stop", word.digest] as const) : (["offers", word.hardware] as const);
    return one.judge(kind, id, signWord(word, OWNER), wall).tag;
  };

  it("takes a word once, and then only newer ones about the same thing", () => {
    const one = judge();
    expect(tag(one, STOP)).toBe("taken");
    expect(tag(one, STOP)).toBe("again");
    expect(tag(one, { ...STOP, expires: NOW + 9999 })).toBe("replayed");
    expect(tag(one, { ...STOP, sequence: 4 })).toBe("replayed");
    expect(tag(one, { ...STOP, sequence: 6 })).toBe("taken");
    expect(tag(one, { ...STOP, sequence: 1, digest: hex16(9) })).toBe("taken");
  });

  it("keeps its floors over a restart", () => {
    const one = judge();
    expect(tag(one, OFFER)).toBe("taken");
    const restarted = new WordJudge("pumps", KEYS, one.floors);
    expect(tag(restarted, { ...OFFER, sequence: 4 })).toBe("replayed");
    expect(tag(restarted, OFFER)).toBe("again");
  });

  it("refuses what is expired, where its clock is sure; where not, it says that it does not know", () => {
    const late = { ...STOP, expires: NOW };
    expect(tag(judge(), late)).toBe("expired");
    const verdict = judge().judge("stop", late.digest, signWord(late, OWNER), UNSURE);
    expect(verdict).toMatchObject({ tag: "taken", expiryUnknown: true });
  });

  it("hears nothing of another fleet, and nothing in the topic of another image or kind", () => {
    expect(tag(judge(), { ...STOP, fleet: "lamps" })).toBe("foreign-fleet");
    expect(judge().judge("stop", hex16(7), signWord(STOP, OWNER), SURE).tag).toBe("misplaced");
    expect(judge().judge("offers", STOP.digest, signWord(STOP, OWNER), SURE).tag).toBe("misplaced");
  });

  it("holds an image up until the stop ends, and without a sure clock for a day after each start", () => {
    expect(stopMs(NOW + 1000, SURE)).toBe(1000);
    expect(stopMs(NOW - 1, SURE)).toBe(0);
    expect(stopMs(NOW + 2 * STOP_MAX_MS, SURE)).toBe(STOP_MAX_MS);
    expect(stopMs(NOW, UNSURE)).toBe(STOP_UNSURE_MS);
    const one = judge();
    tag(one, STOP);
    tag(one, OFFER);
    const restarted = new WordJudge("pumps", KEYS, one.floors);
    expect([...restarted.stops(SURE)]).toEqual([{ digest: STOP.digest, forMs: 1000 }]);
    expect([...restarted.stops({ at: NOW + 1000, sure: true })]).toEqual([]);
  });
});
