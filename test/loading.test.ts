import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const layers = ["base", "wire", "link", "session", "files", "image", "image-files", "flash"].map(
  (layer) => `src/${layer}`,
);
const helpers = ["test/wire", "test/image", "test/flash"];

/**
 * The layers that others build on, and what their tests share. A module whose constants cannot be computed fails here
 * as a test; elsewhere only whole files of tests fail to load, which a mutation run does not see.
 */
describe.each([...layers, ...helpers])("%s", (folder) => {
  const names = readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".ts") && !name.endsWith(".test.ts"),
  );
  it.each(names)("%s loads by itself", async (name) => {
    const module: unknown = await import(`${ROOT}${folder}/${name}`);
    expect(module).toBeTypeOf("object");
  });
});
