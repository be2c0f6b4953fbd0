import { describe, expect, it } from "vitest";
import { KINDS, runKind, sharesOf } from "../../lab/firmware/differential.ts";

const scripts = new URL("../../scripts/firmware/", import.meta.url);
const { buildModule } = (await import(new URL("wasm.mjs", scripts).href)) as {
  readonly buildModule: (name: string, defines: readonly string[]) => string;
};
const { macrosOf } = (await import(new URL("configurations.mjs", scripts).href)) as {
  readonly macrosOf: (configuration: string) => readonly string[];
};

/** Inputs: about five seconds of them. */
const COUNT = 3_000;
/** Seeds that scripts/firmware/differential.mjs does not use unless it is told to. */
const FIRST_SEED = 3_000_000;
const TIMEOUT_MS = 120_000;

describe("the C side and the TypeScript side", () => {
  const shares = sharesOf(COUNT);

  it("get sessions as a tenth of the inputs, and some of each kind", () => {
    expect(shares.map(({ kind }) => kind).sort()).toEqual(KINDS.map(({ name }) => name).sort());
    expect(shares.find(({ kind }) => kind === "session")?.inputs).toBe(COUNT / 10);
  });

  it.each(shares)(
    "make the same of inputs of the kind $kind",
    ({ kind, inputs }) => {
      const row = runKind(
        kind,
        FIRST_SEED,
        FIRST_SEED + inputs,
        buildModule("differential", macrosOf("all")),
      );
      expect(row.reported).toEqual([]);
      expect(row.differences).toBe(0);
      // What both sides refuse alone would prove little.
      expect(row.accepted).toBeGreaterThan(inputs / 6);
    },
    TIMEOUT_MS,
  );
});
