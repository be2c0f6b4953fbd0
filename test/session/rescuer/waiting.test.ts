import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../../src/base/prng.ts";
import type { Millis } from "../../../src/base/units.ts";
import { linkKeyOf } from "../../../src/node/derived-link-key.ts";
import { callDigestOf } from "../../../src/session/call-digest.ts";
import { identityOf } from "../../../src/session/handshake.ts";
import { LinkEnd } from "../../../src/session/link-end.ts";
import { LinkGuard } from "../../../src/session/link-guard.ts";
import type { OfferedImage, RescuerEvent } from "../../../src/session/rescuer/rescuer-events.ts";
import { RescuerRole } from "../../../src/session/rescuer/rescuer-role.ts";
import { CRC_LENGTH } from "../../../src/wire/constants.ts";
import { decodeFrame, encodeMessage, type Protect } from "../../../src/wire/frame.ts";
import type { Frame, Message, NoneReason, Offer } from "../../../src/wire/messages.ts";
import { distressOf } from "../../attacks/ghost.ts";

const id = (byte: number): Uint8Array => new Uint8Array(8).fill(byte);
const TARGET = id(1);
const NONCE = id(2);
const imageOf = (byte: number): OfferedImage => ({
  digest: id(byte),
  version: { major: 1, minor: 0, patch: 0 },
  size: 4096,
  blockSize: 4096,
  counter: 0,
  envelope: new Uint8Array(300),
});
const KEY = linkKeyOf(new Uint8Array(32).fill(3));

/** A rescuer whose frames and events are looked at by hand. */
class Bench {
  now: Millis = 0;
  readonly events: RescuerEvent[] = [];
  readonly sent: Frame[] = [];
  readonly #end: LinkEnd<RescuerEvent>;
  readonly role: RescuerRole;

  constructor(isKeyed = false) {
    const key = isKeyed ? KEY : undefined;
    this.#end = new LinkEnd<RescuerEvent>({ baud: undefined, rtoFloorMs: 10, framing: "message", key });
    const options = { random: new SeededRandom(1), nodeId: id(9), bootNonce: id(8) };
    this.role = this.#end.exchange(0, (host) => new RescuerRole(0, host, options));
    this.#end.handleLinkUp(0, true);
    this.#drain();
  }

  #drain(): void {
    for (let bytes = this.#end.pollTransmit(this.now); bytes; bytes = this.#end.pollTransmit(this.now)) {
      const frame = decodeFrame(bytes, undefined);
      if (frame.tag !== "fault") this.sent.push(frame);
    }
    for (let event = this.#end.pollEvent(); event; event = this.#end.pollEvent()) this.events.push(event);
  }

  /** Lets the time come, and forgets what was before. */
  at(now: Millis): this {
    this.now = now;
    this.events.length = 0;
    this.sent.length = 0;
    this.#end.handleTimeout(now);
    this.#drain();
    return this;
  }

  hear(message: Message, proof?: Protect): void {
    this.#end.handleFrame(this.now, encodeMessage(message, 0, proof));
    this.#end.handleTimeout(this.now);
    this.#drain();
  }

  get picks(): Extract<RescuerEvent, { tag: "pick" }>[] {
    return this.events.filter((event) => event.tag === "pick");
  }

  /** Answers the pick that was asked for. */
  answer(image: OfferedImage | undefined, why?: NoneReason): void {
    const pick = this.picks.at(-1) ?? expect.fail("nothing to pick");
    this.role.handlePicked(this.now, pick.session, image, why);
    this.#drain();
  }

  /** A call, answered with an offer of this image. */
  offered(image: OfferedImage): Offer {
    this.hear(distressOf(TARGET, NONCE));
    this.answer(image);
    const offer = this.sent.find((frame) => frame.tag === "offer");
    return offer?.tag === "offer" ? offer : expect.fail("no offer");
  }

  nones(): Frame[] {
    return this.sent.filter(({ tag }) => tag === "none");
  }

  waiting(): RescuerEvent[] {
    return this.events.filter(({ tag }) => tag === "waiting");
  }
}

function deferOf({ targetNonce, rescuerNonce, digest }: Offer, seconds: number): Message {
  return { tag: "defer", targetNonce, rescuerNonce, digest, reason: "begun", seconds };
}

describe("a rescuer whose image is deferred", () => {
  it("says so, and does not offer it to that start before the time is over; another one may be offered", () => {
    const bench = new Bench();
    bench.hear(deferOf(bench.offered(imageOf(0xa)), 30));
    const forMs = 30_000;
    expect(bench.waiting()).toEqual([
      { tag: "waiting", reason: "defer", targetId: TARGET, digest: id(0xa), forMs },
    ]);
    bench.at(29_000).hear(distressOf(TARGET, NONCE));
    expect(bench.picks.map(({ refused }) => refused)).toEqual([[id(0xa)]]);
    bench.answer(imageOf(0xb));
    expect(bench.sent.map(({ tag }) => tag)).toEqual(["offer"]);
    bench.at(36_000).hear(distressOf(TARGET, NONCE));
    expect(bench.picks.map(({ refused }) => refused)).toEqual([[]]);
  });

  it("offers it to another start of the target at once", () => {
    const bench = new Bench();
    bench.hear(deferOf(bench.offered(imageOf(0xa)), 30));
    bench.at(1_000).hear(distressOf(TARGET, id(7)));
    expect(bench.picks.map(({ refused }) => refused)).toEqual([[]]);
  });

  it("believes it for a minute at most, as anybody may have said it", () => {
    const bench = new Bench();
    bench.hear(deferOf(bench.offered(imageOf(0xa)), 0xffff_ffff));
    bench.at(60_000).hear(distressOf(TARGET, NONCE));
    expect(bench.picks.map(({ refused }) => refused)).toEqual([[]]);
  });

  it("believes it with a link key only if it is proven", () => {
    const bench = new Bench(true);
    const offer = bench.offered(imageOf(0xa));
    bench.hear(deferOf(offer, 30));
    expect(bench.waiting()).toEqual([]);
    const call = callDigestOf(encodeMessage(distressOf(TARGET, NONCE), 0).subarray(0, -CRC_LENGTH));
    bench.hear(deferOf(offer, 30), new LinkGuard(KEY, "target").prove(identityOf(offer, TARGET, call)));
    expect(bench.waiting()).toHaveLength(1);
  });
});

describe("a rescuer that is stood down", () => {
  function stoodDown(): Bench {
    const bench = new Bench();
    const { rescuerNonce } = bench.offered(imageOf(0xa));
    bench.hear({ tag: "standDown", targetId: TARGET, rescuerNonce, winnerId: id(6), retryAfterMs: 5_000 });
    return bench;
  }

  it("says so, and answers no call of that start before the time is over", () => {
    const bench = stoodDown();
    expect(bench.waiting()).toMatchObject([{ reason: "stand-down", targetId: TARGET, forMs: 5_000 }]);
    bench.at(3_999).hear(distressOf(TARGET, NONCE));
    expect(bench.picks).toEqual([]);
    expect(bench.at(5_000).picks).toEqual([]);
    bench.hear(distressOf(TARGET, NONCE));
    expect(bench.picks).toHaveLength(1);
  });

  it("answers a call of the last second before at the end of the time", () => {
    const bench = stoodDown();
    bench.at(4_000).hear(distressOf(TARGET, NONCE));
    expect(bench.picks).toEqual([]);
    expect(bench.at(5_000).picks).toHaveLength(1);
  });

  it("waits for nothing that a call before its session asks for, while it serves", () => {
    const bench = stoodDown();
    bench.at(4_500).hear(distressOf(TARGET, NONCE));
    bench.hear(distressOf(id(5), id(6)));
    bench.answer(imageOf(0xb));
    const offer = bench.sent.find((frame) => frame.tag === "offer") ?? expect.fail("no offer");
    const { targetNonce, rescuerNonce, digest } = offer;
    const accept = { tag: "accept", targetNonce, rescuerNonce, digest } as const;
    bench.hear({ ...accept, payloadMax: 2048, openBlocks: 4, codecs: 1 });
    expect(bench.events.map(({ tag }) => tag)).toContain("accepted");
    // The call that came too early would be answered half a second later.
    expect(bench.role.pollTimeout()).toBeGreaterThan(bench.now + 5_000);
  });

  it("answers another start of the target at once", () => {
    const bench = stoodDown();
    bench.at(1_000).hear(distressOf(TARGET, id(7)));
    expect(bench.picks).toHaveLength(1);
  });
});

describe("a rescuer that hears a call", () => {
  it("offers nothing to a target that says it is served elsewhere, and reports it", () => {
    const bench = new Bench();
    bench.hear({ ...distressOf(TARGET, NONCE), isServed: true });
    expect(bench.events.map(({ tag }) => tag)).toEqual(["heard"]);
  });

  it("says at most once a second that it has nothing suitable, and why", () => {
    const bench = new Bench();
    for (const [at, said] of [
      [0, 1],
      [999, 0],
      [1_000, 1],
    ] as const) {
      bench.at(at).hear(distressOf(TARGET, NONCE));
      bench.answer(undefined, "version");
      expect(bench.nones()).toHaveLength(said);
    }
    expect(bench.nones()).toEqual([{ tag: "none", rescuerId: id(9), targetNonce: NONCE, reason: "version" }]);
  });

  it("says nothing when it cannot tell, or when what suits was refused lately", () => {
    const bench = new Bench();
    bench.hear(distressOf(TARGET, NONCE));
    bench.answer(undefined);
    expect(bench.nones()).toEqual([]);
  });

  it("says nothing to a beacon of a board that is healthy", () => {
    const bench = new Bench();
    bench.hear({ ...distressOf(TARGET, NONCE), tag: "beacon", failure: undefined });
    expect([bench.picks, bench.nones()]).toEqual([[], []]);
  });
});
