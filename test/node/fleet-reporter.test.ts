import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import type { Report } from "../../src/fleet/fleet-report.ts";
import { FleetReporter } from "../../src/node/fleet-reporter.ts";
import type { NodeEvent } from "../../src/node/node-event.ts";

const [SELF, BOARD] = ["00000000000000aa", "00000000000000bb"];
const [OLD, NEW] = ["1111111111111111", "2222222222222222"];
let clock: VirtualClock;
let reports: Report[];
let reporter: FleetReporter;

const kinds = (): string[] => reports.map(({ kind }) => kind);
const beacon = (
  nonce: string,
  digest: string | undefined,
  bootable: boolean = true,
  version: string = "1.0.0",
): NodeEvent => ({
  ...{ event: "neighbour", link: "a", peer: BOARD, version, bootable, nonce: nonce.repeat(16) },
  ...(digest !== undefined && { digest }),
  ...(!bootable && { reason: "hash" }),
});
const session = (
  cause: "heal" | "update",
  nonce: string,
  digest: string,
  proven: boolean = true,
): NodeEvent => ({
  ...{ event: "healed", link: "a", peer: BOARD, digest: digest.repeat(4), version: "1.1.0", proven },
  ...{ blocks: 3, bytesTx: 100, seconds: 2, target: BOARD, nonce: nonce.repeat(16), cause },
});
const feed = (...events: readonly NodeEvent[]): void => {
  for (const event of events) reporter.handle(event);
};

beforeEach(() => {
  clock = new VirtualClock();
  reports = [];
  reporter = new FleetReporter({
    ...{ clock, run: "0badcafe", version: "0.1.0", wall: () => ({ at: 5, sure: false }) },
    onReport: (report) => reports.push(report),
    onChange: () => {},
  });
  reporter.setSelf(SELF);
});

describe("the reports of a node", () => {
  it("have a heal once: from its session, and not again from the beacon that shows it", () => {
    feed(beacon("1", OLD, false), session("heal", "1", NEW), beacon("2", NEW));
    expect(kinds()).toEqual(["distress", "healed"]);
    expect(reports[1]).toMatchObject({
      target: BOARD,
      rescuer: SELF,
      proven: true,
      version: "1.1.0",
      blocks: 3,
    });
  });

  it("have the same id from the session of one node and the beacons that another one heard", () => {
    feed(beacon("1", OLD, false), beacon("2", NEW));
    const [, seen] = reports;
    reports = [];
    feed(session("heal", "1", NEW));
    expect(reports).toEqual([]);
    expect(seen).toMatchObject({ kind: "healed", proven: false });
  });

  it("tell an update from a revert to the image before", () => {
    feed(beacon("1", OLD), beacon("2", NEW, true, "1.1.0"), beacon("3", OLD));
    expect(reports.map(({ digest, from, kind }) => [kind, digest, from])).toEqual([
      ["updated", NEW, "1.0.0"],
      ["reverted", OLD, "1.1.0"],
    ]);
  });

  it("count an update by a session once", () => {
    feed(beacon("1", OLD), session("update", "1", NEW), beacon("2", NEW));
    expect(kinds()).toEqual(["updated"]);
  });

  it("name the own board as the target where a neighbour healed it", () => {
    const healed = session("heal", "1", NEW);
    if (healed.event === "healed") feed({ ...healed, target: SELF });
    expect(reports[0]).toMatchObject({ target: SELF, rescuer: BOARD });
  });

  it("have two heals of a board that called under two nonces, and say a distress once", () => {
    feed(beacon("1", OLD, false), beacon("1", OLD, false), session("heal", "1", NEW));
    feed(beacon("2", NEW, false), session("heal", "2", NEW));
    expect(kinds()).toEqual(["distress", "healed", "distress", "healed"]);
  });
});

describe("the state of a site", () => {
  it("has each board with its state and for how long, and images that are held up until they are not", () => {
    feed(beacon("1", OLD, false));
    clock.advanceTo(60_000);
    reporter.noteStop(NEW, 1000);
    expect(reporter.state()).toMatchObject({
      boards: [{ id: BOARD, state: "distress", reason: "hash", forMs: 60_000 }],
      suspects: [NEW],
      clockSure: false,
    });
    clock.advanceTo(61_000);
    expect(reporter.state().suspects).toEqual([]);
  });
});
