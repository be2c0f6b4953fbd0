import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/prng.ts";
import { Link } from "../../src/link/link.ts";
import { LISTEN_MS } from "../../src/link/listening/unasked.ts";
import { HarmlessQueries, isHarmless } from "../../src/session/harmless-query.ts";
import { LinkEnd } from "../../src/session/link-end.ts";
import { RescuerRole } from "../../src/session/rescuer/rescuer-role.ts";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { AnnounceType, LineChangeBit } from "../../src/wire/constants.ts";
import { encodeMessage } from "../../src/wire/frame.ts";
import { bytesOf } from "../repro/support.ts";

const LINE = { baud: 115_200, bitsPerByte: 10, framing: "stream", rtoFloorMs: 5 } as const;
/** All that a shell may execute, as any of its line ends, or by its keys. */
const WORST = [0x03, 0x04, 0x0a, 0x0d, 0x0f, 0x11, 0x13, 0x18, 0x1a, 0x1b, 0x1c];

function queryOf(seed: number, isHunting: boolean): Uint8Array {
  const link = new Link({ ...LINE, isHunting });
  const query = new HarmlessQueries(link, new SeededRandom(seed)).next();
  return encodeDelimited(encodeMessage(link.announced(query), 0));
}

describe("a query to a line on which nobody was heard", () => {
  it.each([true, false])("holds no key that executes or breaks off a line, hunting %s", (isHunting) => {
    const frames = Array.from({ length: 300 }, (_, seed) => queryOf(seed, isHunting));
    const worst = new Set([...WORST, ...WORST.map((key) => key | 0x80), 0xa3]);
    expect(frames.filter((frame) => frame.some((byte) => worst.has(byte)))).toEqual([]);
    expect(new Set(frames.map((frame) => frame.join())).size).toBe(300);
  });

  it("is not harmless by chance: most random ones are not", () => {
    const random = Array.from({ length: 300 }, (_, seed) => {
      const query = { tag: "query", nodeId: bytesOf(seed, 8), bootNonce: bytesOf(seed + 1000, 8) } as const;
      return encodeDelimited(encodeMessage(query, 0));
    });
    expect(random.filter(isHarmless).length).toBeLessThan(60);
  });

  it("is the same again, until the link says something else of itself in it", () => {
    const link = new Link({ ...LINE, isHunting: false });
    const queries = new HarmlessQueries(link, new SeededRandom(1));
    const first = queries.next();
    expect(queries.next()).toBe(first);
    expect(queries.isOwn(first.nodeId)).toBe(true);
    // The line changes bytes as a terminal does: the only change that is recognised without a node.
    const { terminal: changes } = LineChangeBit;
    link.announced = (message) => ({ ...message, changes });
    expect(isHarmless(encodeDelimited(encodeMessage({ ...queries.next(), changes }, 0)))).toBe(true);
  });
});

/** A node that boots, idle on a line, and what it says. */
class IdleNode {
  readonly end: LinkEnd<never>;
  readonly role: RescuerRole;
  now = 0;

  constructor() {
    this.end = new LinkEnd<never>({ ...LINE, isHunting: false });
    const options = { random: new SeededRandom(1), nodeId: bytesOf(1, 8), bootNonce: bytesOf(2, 8) };
    this.role = this.end.exchange(0, (host) => new RescuerRole(0, host as never, options));
    this.end.handleLinkUp(0, true);
  }

  /** Types of the announcements that it says until `at`. */
  saidUntil(at: number): number[] {
    const said: number[] = [];
    for (; this.now <= at; this.now += 10) {
      this.end.handleTimeout(this.now);
      for (let bytes = this.end.pollTransmit(this.now); bytes; bytes = this.end.pollTransmit(this.now)) {
        const frame = decodeCobs(bytes.subarray(bytes[0] === 0 ? 1 : 0, -1));
        said.push(frame?.[1] ?? -1);
      }
    }
    return said;
  }

  hear(frame: Uint8Array): void {
    this.end.handleRun(this.now, encodeDelimited(frame).subarray(1));
  }
}

describe("a node that has a status to say", () => {
  const query = encodeMessage({ tag: "query", nodeId: bytesOf(8, 8), bootNonce: bytesOf(9, 8) }, 0);

  it("listens for 1.5 s, asks once, and says it as soon as somebody is heard", () => {
    const node = new IdleNode();
    node.role.announce(0);
    expect(node.saidUntil(LISTEN_MS - 10)).toEqual([]);
    expect(node.saidUntil(60_000)).toEqual([AnnounceType.query]);
    node.hear(query);
    expect(node.saidUntil(node.now + 100)).toContain(AnnounceType.beacon);
  });

  it("says it at once where somebody was heard", () => {
    const node = new IdleNode();
    node.hear(query);
    node.saidUntil(100);
    node.role.announce(node.now);
    expect(node.saidUntil(node.now + 100)).toEqual([AnnounceType.beacon]);
  });

  it("asks again where a shell was recognised since", () => {
    const node = new IdleNode();
    node.hear(query);
    node.saidUntil(100);
    const login = new TextEncoder().encode("\r\nboard login: ");
    node.end.handleBytes(node.now, login);
    node.end.handleRun(node.now, login);
    node.role.announce(node.now);
    expect(node.saidUntil(node.now + 65_000)).toEqual([AnnounceType.query]);
  });
});
