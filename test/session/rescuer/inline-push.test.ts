import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../../src/base/prng.ts";
import { tagOf } from "../../../src/session/identity.ts";
import { LinkEnd } from "../../../src/session/link-end.ts";
import type { OfferedImage, RescuerEvent } from "../../../src/session/rescuer/rescuer-events.ts";
import { RescuerRole } from "../../../src/session/rescuer/rescuer-role.ts";
import { decodeFrame, encodeMessage } from "../../../src/wire/frame.ts";
import type { Frame, Message, Offer } from "../../../src/wire/messages.ts";
import { distressOf } from "../../attacks/ghost.ts";

const id = (byte: number): Uint8Array => new Uint8Array(8).fill(byte);
const IMAGE: OfferedImage = {
  ...{ digest: id(5), version: { major: 1, minor: 0, patch: 0 }, size: 2048, blockSize: 1024, counter: 0 },
  envelope: new Uint8Array(300),
};

/** An eager rescuer on a link of whole frames; images are read at once. */
class Bench {
  readonly frames: Frame[] = [];
  readonly events: RescuerEvent[] = [];
  readonly #end: LinkEnd<RescuerEvent> = new LinkEnd({ baud: undefined, rtoFloorMs: 10, framing: "message" });
  readonly #role: RescuerRole;
  /** Of the session whose packets are looked at. */
  #tag: number | undefined;

  constructor() {
    const options = { random: new SeededRandom(1), nodeId: id(9), bootNonce: id(8), isEager: true };
    this.#role = this.#end.exchange(0, (host) => new RescuerRole(0, host, options));
    this.#end.handleLinkUp(0, true);
  }

  /** Somebody says this, and what follows happens. */
  hear(message: Message): void {
    this.#end.handleFrame(0, encodeMessage(message, this.#tag ?? 0));
    this.#drain();
  }

  #drain(): void {
    for (let isDone = false; !isDone; ) {
      isDone = true;
      for (let event = this.#end.pollEvent(); event; event = this.#end.pollEvent()) {
        this.#carryOut(event);
        isDone = false;
      }
      for (let bytes = this.#end.pollTransmit(0); bytes; bytes = this.#end.pollTransmit(0)) {
        this.#note(bytes);
        isDone = false;
      }
    }
  }

  #carryOut(event: RescuerEvent): void {
    this.events.push(event);
    const block = new Uint8Array(1024);
    const hashes = new Uint8Array(64);
    if (event.tag === "pick") this.#role.handlePicked(0, event.session, IMAGE);
    if (event.tag === "readBlock") this.#role.handleBlockRead(0, event.session, event.wish, block);
    if (event.tag === "readRun")
      this.#role.handleRunRead(0, event.session, event.node, { tag: "hashes", hashes });
  }

  #note(bytes: Uint8Array): void {
    const frame = decodeFrame(bytes, this.#tag);
    if (frame.tag === "fault") return;
    this.frames.push(frame);
    if (frame.tag !== "offer" || this.#tag !== undefined) return;
    this.#tag = tagOf({ ...frame, targetId: id(1) });
  }

  get offers(): Offer[] {
    return this.frames.filter((frame) => frame.tag === "offer");
  }

  get packetNumbers(): number[] {
    return this.frames.flatMap((frame) => ("packetNumber" in frame ? [frame.packetNumber] : []));
  }
}

describe("a rescuer that sends an image behind its offer", () => {
  const call = { ...distressOf(id(1), id(2)), inlineBytes: 65_536 };

  it("keeps the offer open to its board when another one calls, and uses no packet number again", () => {
    const bench = new Bench();
    bench.hear(call);
    const before = bench.packetNumbers;
    // Manifest, run and two blocks, and a probe.
    expect(before.length).toBeGreaterThan(4);
    bench.hear(distressOf(id(3), id(4)));
    expect(bench.offers).toHaveLength(2);
    expect(bench.packetNumbers).toEqual(before);
    const [{ targetNonce, rescuerNonce, digest } = expect.fail("no offer")] = bench.offers;
    bench.hear({
      ...{ tag: "accept", targetNonce, rescuerNonce, digest },
      ...{ payloadMax: 1024, openBlocks: 4, codecs: 1, asks: "path" },
    });
    const all = bench.packetNumbers;
    expect(all.length).toBeGreaterThan(before.length);
    expect(new Set(all).size).toBe(all.length);
    expect(bench.events.filter(({ tag }) => tag === "accepted")).toHaveLength(1);
  });

  it("sends it once for an offer, however often the call is repeated", () => {
    const bench = new Bench();
    bench.hear(call);
    const before = bench.packetNumbers;
    for (let i = 0; i < 5; i++) bench.hear(call);
    expect(bench.packetNumbers).toEqual(before);
  });

  it("sends nothing so to a board that others serve, or that asks for nothing inline", () => {
    for (const other of [
      { ...call, isServed: true as const, receivingDigest: id(5) },
      distressOf(id(1), id(2)),
    ]) {
      const bench = new Bench();
      bench.hear(other);
      expect(bench.offers).toHaveLength(1);
      expect(bench.packetNumbers).toEqual([]);
    }
  });
});
