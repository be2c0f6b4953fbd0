import { describe, expect, it } from "vitest";
import { EarlyChunks } from "../../../src/session/target/early-chunks.ts";
import { Codec, ObjectKind } from "../../../src/wire/constants.ts";
import type { DataChunk, ObjectChunk } from "../../../src/wire/messages.ts";

const block = (position: number, length = 1024): DataChunk => ({
  ...{ tag: "data", packetNumber: 1, codec: Codec.raw, attempt: 0, position },
  payload: new Uint8Array(length),
});
const run: ObjectChunk = {
  ...{ tag: "object", packetNumber: 2, name: { kind: ObjectKind.run, node: { level: 4, index: 0 } } },
  ...{ offset: 0, total: 512, payload: new Uint8Array(512) },
};

describe("what comes before a manifest is accepted", () => {
  it("is kept when the accept asked for runs and blocks", () => {
    const early = new EarlyChunks(2048);
    for (const chunk of [run, block(0), block(32)]) early.add(chunk);
    expect([early.takeObjects(), early.takeData()]).toEqual([[run], [block(0), block(32)]]);
    expect([early.takeObjects(), early.takeData()]).toEqual([[], []]);
  });

  it("is dropped if it is a block and the accept asked for none: no grant names it", () => {
    const early = new EarlyChunks(0);
    for (const chunk of [block(0), run, block(32, 32)]) early.add(chunk);
    expect([early.takeObjects(), early.takeData()]).toEqual([[run], []]);
  });

  it("is dropped beyond what was asked for", () => {
    const early = new EarlyChunks(1024);
    for (let i = 0; i < 100; i++) early.add(block(32 * i));
    expect(early.takeData()).toHaveLength(3);
  });
});
