import { describe, expect, it } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { hardwareId } from "../../src/image/hardware.ts";
import { hardwareAmong } from "../../src/image/repository.ts";
import { BoardNames } from "../../src/node/board-names.ts";
import type { NodeEvent } from "../../src/node/node-event.ts";
import type { Beacon } from "../../src/wire/messages.ts";

const KNOWN = hardwareId("acme", "pump");
const entries = [{ manifest: { vendor: "acme", hardwareClass: "pump" } }] as unknown as Parameters<
  typeof hardwareAmong
>[0];

function beacon(node: number, id: Uint8Array, isProvider = false): Beacon {
  return { nodeId: new Uint8Array(8).fill(node), hardwareId: id, isProvider } as Beacon;
}

function lost(node: number): NodeEvent {
  return { event: "lost", link: "L", peer: toHex(new Uint8Array(8).fill(node)), why: "bye" };
}

describe("names of boards in events", () => {
  const names = new BoardNames({ hardwareOf: (id) => hardwareAmong(entries, id) });

  it("are those of the images that are here, for a board whose beacon has their id", () => {
    names.note(beacon(1, KNOWN));
    expect(names.named(lost(1))).toEqual({ ...lost(1), hardware: "acme/pump" });
  });

  it("are left out for hardware without an image, for rescuers, and for boards that were not heard", () => {
    names.note(beacon(2, hardwareId("acme", "valve")));
    names.note(beacon(3, KNOWN, true));
    for (const node of [2, 3, 4]) expect(names.named(lost(node))).not.toHaveProperty("hardware");
    expect(names.named({ event: "ready", link: "L" })).toEqual({ event: "ready", link: "L" });
  });

  it("are forgotten for the boards heard longest ago, so that invented ids take no memory", () => {
    for (let node = 0; node < 300; node++) {
      const nodeId = new Uint8Array(8);
      new DataView(nodeId.buffer).setUint32(0, 1000 + node);
      names.note({ ...beacon(0, KNOWN), nodeId });
    }
    expect(names.named(lost(1))).not.toHaveProperty("hardware");
  });

  it("take no beacon's bytes with them that are written over later", () => {
    const id = KNOWN.slice();
    names.note(beacon(5, id));
    id.fill(0);
    expect(names.named(lost(5))).toMatchObject({ hardware: "acme/pump" });
  });
});
