import { describe, expect, it } from "vitest";
import { isNews, type OwnBoard, runsOther } from "../../src/mesh/own-board.ts";
import { beaconOf, providerBeacon } from "../../src/session/beacon.ts";
import { id, image, ownBoard, status } from "./support.ts";

const before = ownBoard(2);

describe("what a board is", () => {
  it("its status contains the version of its own firmware, also when it is healthy and calls nobody (F1.1, C6)", () => {
    const said = beaconOf(status(5, 3), id(9));
    expect(said).toMatchObject({ tag: "beacon", isProvider: false, failure: undefined, sequence: 3 });
    expect(said.version).toEqual({ major: 3, minor: 0, patch: 0 });
    expect(said.installedDigest).toEqual(image(3).digest);
    // A node without firmware of its own says that it has none.
    expect(providerBeacon(id(5), id(9))).toMatchObject({ isProvider: true, installedDigest: undefined });
  });

  it.each<[string, OwnBoard]>([
    ["another image", ownBoard(3)],
    ["that it does not boot any more", ownBoard(2, { failure: "hash" })],
    ["that it is on trial", ownBoard(2, { isTrial: true })],
    ["that it claims its turn", ownBoard(2, { isClaiming: true })],
    ["that it has no image any more", ownBoard(2, { installed: undefined })],
  ])("is news when it has %s", (_, now) => {
    expect(isNews(before, now)).toBe(true);
    expect(isNews(now, before)).toBe(true);
    expect(isNews(now, now)).toBe(false);
  });

  it("is news at the start, and none when only what is being received, or the floor, changes", () => {
    expect(isNews(undefined, before)).toBe(true);
    expect(isNews(before, ownBoard(2, { receivingDigest: id(3), counterFloor: 7 }))).toBe(false);
    expect(isNews(before, ownBoard(2, { isTrial: false, isClaiming: false }))).toBe(false);
  });

  it("runs another image only once that boots", () => {
    expect(runsOther(image(2).digest, ownBoard(3))).toBe(true);
    expect(runsOther(undefined, ownBoard(3))).toBe(true);
    expect(runsOther(image(2).digest, ownBoard(2))).toBe(false);
    expect(runsOther(image(2).digest, ownBoard(3, { failure: "receiving" }))).toBe(false);
  });
});
