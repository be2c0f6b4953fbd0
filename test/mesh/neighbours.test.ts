import { fc, test as property } from "@fast-check/vitest";
import { beforeEach, describe, expect, it } from "vitest";
import { equalBytes } from "../../src/base/bytes.ts";
import type { Millis } from "../../src/base/units.ts";
import { type Neighbour, Neighbours, type NeighboursOptions } from "../../src/mesh/neighbours.ts";
import { beaconOf } from "../../src/session/beacon.ts";
import type { Beacon } from "../../src/wire/messages.ts";

const SEED = 1024;
/** Two of the longest Trickle intervals. */
const SILENT: Millis = 2_048_000;

/** 8 bytes that hold a number. */
function id(number: number): Uint8Array {
  return Uint8Array.from({ length: 8 }, (_, i) => (i < 4 ? (number >>> (8 * i)) & 0xff : 0xa0 + i));
}

/** The beacon of a board that does not boot. */
function beacon(board: number, nonce = 1, more: Partial<Beacon> = {}): Beacon {
  const status = {
    nodeId: id(board),
    hardwareId: new Uint8Array(8),
    revision: 0,
    failure: "empty",
    installed: undefined,
    receivingDigest: undefined,
    counterFloor: 0,
  } as const;
  return { ...beaconOf(status, id(nonce)), ...more };
}

let table: Neighbours;

beforeEach(() => {
  table = new Neighbours();
});

/** Takes in a beacon of a board; what it told. */
function note(now: Millis, link: number, board: number, nonce?: number): string {
  return table.note(now, link, beacon(board, nonce)).tag;
}

/** Has a board heard twice, a second apart. */
function establish(now: Millis, link: number, board: number): void {
  note(now, link, board);
  note(now + 1_000, link, board);
}

/** The numbers of these boards. */
function boards(neighbours: readonly Neighbour[]): number[] {
  return neighbours.map(({ nodeId }) => new DataView(nodeId.buffer).getUint32(0, true));
}

describe("a table of neighbours", () => {
  it("keeps what a beacon says", () => {
    const installed = { digest: id(7), version: { major: 1, minor: 2, patch: 3 }, sequence: 4 };
    const status = { nodeId: id(5), hardwareId: id(6), revision: 1, failure: undefined } as const;
    const said = beaconOf({ ...status, installed, receivingDigest: id(8), counterFloor: 9 }, id(3));
    expect(table.note(100, 2, { ...said, isTrial: true, wantsUpdate: true })).toEqual({
      tag: "new",
      isCopied: false,
    });
    expect(table.get(2, id(5))).toEqual({
      link: 2,
      nodeId: id(5),
      bootNonce: id(3),
      isBootable: true,
      isProvider: false,
      isTrial: true,
      wantsUpdate: true,
      hardwareId: id(6),
      version: { major: 1, minor: 2, patch: 3 },
      sequence: 4,
      installedDigest: id(7),
      receivingDigest: id(8),
      failure: undefined,
      firstHeardAt: 100,
      heardAt: 100,
      beacons: 1,
    });
  });

  it("says of a board in distress why it does not boot, and no more than it said", () => {
    table.note(0, 0, beacon(1, 1, { failure: "reverted", isProvider: true }));
    expect(table.get(0, id(1))).toMatchObject({
      isBootable: false,
      isProvider: true,
      isTrial: false,
      wantsUpdate: false,
      installedDigest: undefined,
      receivingDigest: undefined,
      failure: "reverted",
    });
  });

  it("counts beacons, and keeps when the first and the last were heard", () => {
    expect([0, 10, 20].map((now) => note(now, 0, 1))).toEqual(["new", "same", "same"]);
    expect(table.get(0, id(1))).toMatchObject({ firstHeardAt: 0, heardAt: 20, beacons: 3 });
  });

  it("copies what it keeps: the bytes of a beacon are overwritten after it", () => {
    const received = new Uint8Array(40).fill(1);
    const view = (from: number): Uint8Array => received.subarray(from, from + 8);
    const [nodeId, bootNonce, hardwareId, installedDigest, receivingDigest] = [0, 8, 16, 24, 32].map(view);
    table.note(0, 0, {
      ...beacon(1),
      ...(nodeId && bootNonce && hardwareId && { nodeId, bootNonce, hardwareId }),
      installedDigest,
      receivingDigest,
    });
    received.fill(2);
    const ones = new Uint8Array(8).fill(1);
    expect(table.get(0, ones)).toMatchObject({
      nodeId: ones,
      bootNonce: ones,
      hardwareId: ones,
      installedDigest: ones,
      receivingDigest: ones,
    });
  });

  it("says that a board restarted when its boot nonce is another one, whatever else changed", () => {
    note(0, 0, 1, 1);
    expect(note(1, 0, 1, 2)).toBe("restarted");
    expect(note(2, 0, 1, 2)).toBe("same");
    expect(table.note(3, 0, beacon(1, 3, { sequence: 5 })).tag).toBe("restarted");
    expect(table.get(0, id(1))).toMatchObject({ bootNonce: id(3), sequence: 5, firstHeardAt: 0, beacons: 4 });
  });

  const changes: readonly (readonly [what: string, change: Partial<Beacon>])[] = [
    ["it boots", { failure: undefined }],
    ["why it does not boot", { failure: "hash" }],
    ["it is a provider", { isProvider: true }],
    ["its image is on trial", { isTrial: true }],
    ["it wants an update", { wantsUpdate: true }],
    ["hardware id", { hardwareId: id(9) }],
    ["major version", { version: { major: 1, minor: 0, patch: 0 } }],
    ["minor version", { version: { major: 0, minor: 1, patch: 0 } }],
    ["patch version", { version: { major: 0, minor: 0, patch: 1 } }],
    ["sequence", { sequence: 1 }],
    ["installed digest", { installedDigest: id(9) }],
    ["digest being received", { receivingDigest: id(9) }],
  ];
  it.each(changes)("says that a board changed, and once: %s", (_, change) => {
    table.note(0, 0, beacon(1));
    const changed = beacon(1, 1, change);
    expect(table.note(1, 0, changed).tag).toBe("changed");
    expect(table.note(2, 0, changed).tag).toBe("same");
    expect(table.note(3, 0, beacon(1)).tag).toBe("changed");
  });

  it("says that a board changed when one digest follows another", () => {
    table.note(0, 0, beacon(1, 1, { installedDigest: id(1), receivingDigest: id(2) }));
    expect(table.note(1, 0, beacon(1, 1, { installedDigest: id(3), receivingDigest: id(2) })).tag).toBe(
      "changed",
    );
    expect(table.note(2, 0, beacon(1, 1, { installedDigest: id(3), receivingDigest: id(4) })).tag).toBe(
      "changed",
    );
  });

  it("holds a board that is heard on two links twice, and lists links apart, the longest unheard first", () => {
    note(0, 0, 1);
    note(1, 1, 1);
    note(2, 0, 2);
    note(3, 0, 1);
    expect(boards(table.of(0))).toEqual([2, 1]);
    expect(boards(table.of(1))).toEqual([1]);
    expect(table.all().map(({ link }) => link)).toEqual([1, 0, 0]);
    expect(table.get(1, id(2))).toBeUndefined();
  });

  it("forgets the boards of one link", () => {
    note(0, 0, 1);
    note(1, 1, 1);
    note(2, 0, 2);
    table.forget(0);
    expect(table.of(0)).toEqual([]);
    expect(boards(table.all())).toEqual([1]);
    expect(note(3, 0, 1)).toBe("new");
  });

  it("does not change a neighbour that it gave away", () => {
    note(0, 0, 1);
    const [before] = table.all();
    note(5, 0, 1, 2);
    expect(before).toMatchObject({ bootNonce: id(1), heardAt: 0, beacons: 1 });
  });
});

describe("places in a table of neighbours", () => {
  const fill = (options: NeighboursOptions): void => {
    table = new Neighbours(options);
  };

  it("are 8 for each link and 64 in all", () => {
    for (let board = 0; board < 9; board++) establish(0, 0, board);
    expect(table.of(0)).toHaveLength(8);
    for (let board = 0; board < 90; board++) establish(0, Math.floor(board / 9), board);
    expect(table.all()).toHaveLength(64);
    expect(table.of(7)).toHaveLength(8);
    expect(table.of(8)).toHaveLength(0);
  });

  it("are taken from the board that was unheard for longest and not heard over at least a second", () => {
    fill({ perLinkMax: 3 });
    establish(0, 0, 1);
    note(2_000, 0, 2);
    note(2_100, 0, 3);
    // Heard twice, but within a second.
    note(2_999, 0, 2);
    expect(note(3_000, 0, 4)).toBe("new");
    expect(boards(table.all())).toEqual([1, 2, 4]);
    expect(note(3_001, 0, 5)).toBe("new");
    expect(boards(table.all())).toEqual([1, 4, 5]);
  });

  it("stay with a board that was heard over at least a second, and the newcomer is ignored", () => {
    fill({ perLinkMax: 1 });
    note(0, 0, 1);
    note(1_000, 0, 1);
    expect(note(1_001, 0, 2)).toBe("ignored");
    expect(boards(table.all())).toEqual([1]);
    expect(table.get(0, id(2))).toBeUndefined();
  });

  it("are given away when such a board was silent for more than two of the longest Trickle intervals", () => {
    fill({ perLinkMax: 2 });
    establish(0, 0, 1);
    establish(10, 0, 2);
    expect(note(1_000 + SILENT, 0, 3)).toBe("ignored");
    expect(note(1_001 + SILENT, 0, 3)).toBe("new");
    expect(boards(table.all())).toEqual([2, 3]);
  });

  it("are given up by boards of the same link only, where that link has no more", () => {
    fill({ perLinkMax: 2, total: 3 });
    note(0, 0, 1);
    establish(1, 1, 2);
    establish(2, 1, 3);
    expect(note(2_000, 1, 4)).toBe("ignored");
    expect(boards(table.all())).toEqual([1, 2, 3]);
  });

  it("are given up by a board of another link where the whole table is full", () => {
    fill({ perLinkMax: 2, total: 3 });
    note(0, 0, 1);
    establish(1, 1, 2);
    establish(2, 1, 3);
    expect(note(2_000, 2, 4)).toBe("new");
    expect(boards(table.all())).toEqual([2, 3, 4]);
    establish(3_000, 2, 4);
    expect(note(5_000, 0, 1)).toBe("ignored");
  });

  it("invented ids cannot flush the table", () => {
    for (const [link, board] of [
      [0, 1],
      [0, 2],
      [1, 3],
      [2, 1],
    ] as const)
      establish(0, link, board);
    const before = table.all();
    // Half an hour of noise on each link, in turn: within the time that a quiet neighbour may be silent.
    for (let i = 0; i < 10_000; i++) note(1_001 + i * 180, i % 12, 1_000 + i);
    expect(table.all()).toHaveLength(64);
    expect(table.all().slice(0, 4)).toEqual(before);
    expect(note(1_900_000, 0, 2)).toBe("same");
  });

  it("are at least one", () => {
    expect(() => new Neighbours({ perLinkMax: 0 })).toThrow("64 neighbours, 0 of a link");
    expect(() => new Neighbours({ total: 0 })).toThrow("0 neighbours, 8 of a link");
    fill({ perLinkMax: 1, total: 1 });
    expect(note(0, 0, 1)).toBe("new");
  });

  const heard = fc.record({
    passMs: fc.oneof(fc.nat(1_500), fc.nat(1_000_000)),
    link: fc.nat(3),
    board: fc.nat(12),
  });
  property.prop([fc.array(heard, { maxLength: 300, size: "max" })], { seed: SEED, numRuns: 50 })(
    "never exceed their numbers, and stay with every board that is established and not silent",
    (beacons) => {
      table = new Neighbours({ perLinkMax: 3, total: 8 });
      let now = 0;
      for (const { passMs, link, board } of beacons) {
        now += passMs;
        const before = table.all();
        const tag = note(now, link, board);
        const after = table.all();
        expect(after.length).toBeLessThanOrEqual(8);
        expect(table.of(link).length).toBeLessThanOrEqual(3);
        expect(table.get(link, id(board)) === undefined).toBe(tag === "ignored");
        const kept = before.filter(
          ({ firstHeardAt, heardAt }) => heardAt - firstHeardAt >= 1_000 && now - heardAt <= SILENT,
        );
        const isThere = (one: Neighbour): boolean =>
          after.some(({ link, nodeId }) => link === one.link && equalBytes(nodeId, one.nodeId));
        expect(kept.every(isThere)).toBe(true);
        // At most one gives way, and only for a newcomer.
        expect(before.filter((one) => !isThere(one)).length).toBeLessThanOrEqual(tag === "new" ? 1 : 0);
      }
    },
  );
});

describe("a table of neighbours, about copied boards,", () => {
  const isCopied = (link: number, board: number, nonce: number): boolean =>
    table.note(0, link, beacon(board, nonce)).isCopied;

  it("accepts one board on two links with one boot nonce", () => {
    expect(isCopied(0, 1, 1)).toBe(false);
    expect(isCopied(1, 1, 1)).toBe(false);
    expect(isCopied(0, 1, 1)).toBe(false);
  });

  it("accepts a board that restarted on its link", () => {
    expect(isCopied(0, 1, 1)).toBe(false);
    expect(isCopied(0, 1, 2)).toBe(false);
  });

  it("accepts a board on two links that takes another boot nonce, or starts again", () => {
    const heard = [
      [0, 1],
      [1, 1],
      [0, 2],
      [1, 2],
      [0, 3],
      [1, 3],
    ] as const;
    for (const [link, nonce] of heard) expect(isCopied(link, 1, nonce)).toBe(false);
  });

  it("accepts a boot nonce that comes back on its own link", () => {
    expect([1, 2, 1].map((nonce) => isCopied(0, 1, nonce))).toEqual([false, false, false]);
  });

  it("reports one id on two links with two boot nonces as a copy, each time", () => {
    isCopied(0, 1, 1);
    isCopied(1, 1, 2);
    expect(isCopied(0, 1, 1)).toBe(true);
    expect(isCopied(1, 1, 2)).toBe(true);
    expect(isCopied(0, 2, 1)).toBe(false);
  });

  it("reports a copy also when several beacons of each are heard in a row", () => {
    for (let i = 0; i < 3; i++) expect(isCopied(0, 1, 1)).toBe(false);
    for (let i = 0; i < 3; i++) expect(isCopied(1, 1, 2)).toBe(false);
    expect([1, 1].map((nonce) => isCopied(0, 1, nonce))).toEqual([true, false]);
  });

  it("reports a copy that it has no room for", () => {
    table = new Neighbours({ perLinkMax: 1 });
    isCopied(0, 1, 1);
    isCopied(0, 1, 2);
    establish(0, 1, 9);
    expect(table.note(1_000, 1, beacon(1, 1))).toEqual({ tag: "ignored", isCopied: true });
  });
});
