import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const SOURCE = fileURLToPath(new URL("../src", import.meta.url));

/** The layers that others build on. A module whose constants cannot be computed fails here, and not as a whole file. */
describe.each(["base", "wire", "link", "session", "image", "flash"])("src/%s", (layer) => {
  it.each(readdirSync(`${SOURCE}/${layer}`))(
    "%s loads, and shows something or is types only",
    async (name) => {
      const module: unknown = await import(`${SOURCE}/${layer}/${name}`);
      expect(module).toBeTypeOf("object");
    },
  );
});
