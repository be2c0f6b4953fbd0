import { describe, expect, it } from "vitest";
import { AssertionError } from "../../src/base/assert.ts";
import { BlockDigester, memoryImage } from "../../src/image/image-source.ts";
import { plainFields, vectorData } from "./support.ts";

describe("an image in memory", () => {
  it("is digested from all of its blocks, each at its full length, or not at all", () => {
    expect(() => new BlockDigester(0, 1024)).toThrow(AssertionError);
    expect(() => new BlockDigester(1, 0)).toThrow(AssertionError);
    const digester = new BlockDigester(1500, 1024);
    expect(() => digester.push(new Uint8Array(1023))).toThrow(AssertionError);
    digester.push(new Uint8Array(1024));
    expect(() => digester.finish()).toThrow(AssertionError);
    expect(() => digester.push(new Uint8Array(1024))).toThrow(AssertionError);
    digester.push(new Uint8Array(476));
    expect(digester.finish().facts).toMatchObject({ size: 1500, leafCount: 2 });
  });

  it("gives its blocks, and no others", () => {
    const image = memoryImage(vectorData(2500), { ...plainFields, blockSize: 1024 });
    expect([0, 1, 2].map((i) => image.readBlockSync(i).length)).toEqual([1024, 1024, 452]);
    expect(() => image.readBlockSync(3)).toThrow(AssertionError);
    expect(() => image.readBlockSync(-1)).toThrow(AssertionError);
    expect(image.isSigned).toBe(false);
  });
});
