import { describe, expect, it } from "vitest";
import { equalBytes } from "../../src/base/bytes.ts";
import { nodesOnLevel, rootLevel, runChildren, type TreeNode } from "../../src/base/tree-shape.ts";
import { installFrom, installSteps } from "../../src/board/install.ts";
import type { RunningBoard } from "../../src/board/running-board.ts";
import { type GrowingImage, type ImageSource, runOf } from "../../src/image/image-source.ts";
import { blockLength } from "../../src/image/manifest.ts";
import { board, image, randomData, spoil } from "./support.ts";

/** Twenty blocks of 1 KiB, so that two levels have runs: random but for a block of 0x00 and four of 0x5A. */
const data = randomData(20_000).fill(0, 1024, 2048).fill(0x5a, 4096, 8192);
const original = image(data, { blockSize: 1024 });

function nodesWithRuns({ manifest: { leafCount } }: GrowingImage): TreeNode[] {
  return Array.from({ length: rootLevel(leafCount) }, (_, i) => i + 1).flatMap((level) =>
    Array.from({ length: nodesOnLevel(leafCount, level) }, (_, index) => ({ level, index })),
  );
}

const range = (first: number, end: number): number[] =>
  Array.from({ length: end - first }, (_, i) => first + i);

/** What can be had of an image: blocks, and nodes with runs. Everything that can is what the original has. */
function there(growing: GrowingImage, whole: ImageSource = original): { blocks: number[]; runs: number } {
  const blocks = range(0, whole.manifest.leafCount).filter((index) => {
    const block = growing.readBlockSync(index);
    if (block !== undefined) expect(block).toEqual(whole.readBlockSync(index));
    return block !== undefined;
  });
  const runs = nodesWithRuns(growing).filter((node) => {
    const run = growing.readRun(node);
    if (run?.tag === "hashes") expect(equalBytes(run.hashes, whole.tree.run(node))).toBe(true);
    if (run?.tag === "uniform") expect(whole.uniformByteOf(node)).toBe(run.byte);
    return run !== undefined;
  });
  return { blocks, runs: runs.length };
}

/** A store with an accepted manifest, and its image. */
function receiving(whole: ImageSource = original, made = board()): [RunningBoard, GrowingImage] {
  const store = made.store();
  expect(store.checkManifest(whole.envelope).tag).toBe("accepted");
  const growing = store.receivedImage();
  if (growing === undefined) throw new Error("no image is received");
  return [store, growing];
}

describe("the image that a board receives", () => {
  it("is there as far as it was verified and written, at each step until all of it is", () => {
    const made = board();
    const store = made.store();
    const steps = installSteps(store, original);
    let growing: GrowingImage | undefined;
    const counts: number[] = [];
    for (let step = steps.next(); step.done !== true; step = steps.next()) {
      growing = store.receivedImage() ?? growing;
      if (growing !== undefined) counts.push(there(growing).blocks.length);
    }
    expect(counts[0]).toBe(0);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(new Set(counts).size).toBeGreaterThan(12);
    // After the commit, too.
    expect(growing && there(growing)).toEqual({
      blocks: range(0, 20),
      runs: growing && nodesWithRuns(growing).length,
    });
  });

  it("has the envelope and the digest that were offered, and says whether it is signed", () => {
    const [, growing] = receiving();
    expect(growing.envelope).toEqual(original.envelope);
    expect(growing).toMatchObject({ manifest: original.manifest, digest: original.digest, isSigned: true });
  });

  it("has nothing but its manifest before anything of it came", () => {
    const [store, growing] = receiving();
    store.start();
    expect(there(growing)).toEqual({ blocks: [], runs: 0 });
  });

  it("is not there before a manifest was accepted, and not after the session was left", () => {
    const store = board().store();
    expect(store.receivedImage()).toBeUndefined();
    store.checkManifest(original.envelope);
    expect(store.receivedImage()).toBeDefined();
    store.abandon();
    expect(store.receivedImage()).toBeUndefined();
  });

  it("knows the run of a node whose every block is known by other runs", () => {
    const [store, growing] = receiving();
    store.start();
    const root = { level: 5, index: 0 };
    store.checkRun(root, original.tree.run(root));
    expect(growing.readRun(root)).toBeDefined();
    expect(growing.readRun({ level: 4, index: 0 })).toBeUndefined();
    for (const node of runChildren(20, root)) store.checkRun(node, original.tree.run(node));
    expect(growing.readRun({ level: 1, index: 5 })).toBeDefined();
  });

  it("hands on a range of one byte as that, and not as hashes", () => {
    const [store, growing] = receiving();
    store.start();
    const root = { level: 5, index: 0 };
    store.checkRun(root, original.tree.run(root));
    const first = { level: 4, index: 0 };
    expect(store.checkRun(first, original.tree.run(first)).tag).toBe("good");
    for (let i = 4; i < 8; i++) store.writeBlock(i, original.readBlockSync(i));
    expect(growing.readRun({ level: 2, index: 1 })).toEqual({ tag: "uniform", byte: 0x5a });
    expect(runOf(growing, { level: 2, index: 1 })).toEqual(runOf(original, { level: 2, index: 1 }));
  });

  it("has blocks that the slot held before, until their sector is erased", () => {
    const made = board();
    installFrom(made.store(), original);
    spoil(made, 5 * 1024, Uint8Array.of(1, 2, 3));
    const [store, growing] = receiving(original, made);
    store.start();
    for (const level of [5, 4]) {
      const node = { level, index: 0 };
      store.checkRun(node, original.tree.run(node));
    }
    const others = range(0, 20).filter((i) => i < 4 || i > 7);
    expect(there(growing).blocks.filter((i) => i < 8)).toEqual([0, 1, 2, 3, 4, 6, 7]);
    for (let i = 4; i < 8; i++) {
      store.writeBlock(i, original.readBlockSync(i));
      expect(there(growing).blocks.filter((block) => block < 8)).toEqual([0, 1, 2, 3, ...range(4, i + 1)]);
    }
    expect(there(growing).blocks.filter((i) => i < 4 || i > 7)).toEqual(others);
  });

  it("hands on nothing that changed in flash since it was written", () => {
    const made = board();
    const [store, growing] = receiving(original, made);
    let outcome = store.start();
    const asked = outcome.tag === "good" ? [...outcome.nodes] : [];
    for (let node = asked.shift(); node !== undefined; node = asked.shift()) {
      outcome = store.checkRun(node, original.tree.run(node));
      if (outcome.tag === "good") asked.push(...outcome.nodes);
    }
    store.writeBlock(12, original.readBlockSync(12));
    expect(growing.readBlockSync(12)).toHaveLength(blockLength(original.manifest, 12));
    spoil(made, 12 * 1024 + 3, Uint8Array.of(0));
    expect(growing.readBlockSync(12)).toBeUndefined();
  });
});
