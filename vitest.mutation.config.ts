import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/**
 * What a mutation run executes (docs/testing.md, "Mutation testing"): the tests of the folder that is mutated, and those of
 * other folders that reach it.
 */
const folder = process.env["MUTATE"] ?? "{wire,files,image,image-files,flash}";
const more: Readonly<Record<string, readonly string[]>> = {
  wire: ["test/transport/splitter.test.ts"],
  files: ["test/image/**/*.test.ts", "test/image-files/**/*.test.ts"],
  image: ["test/files/**/*.test.ts", "test/image-files/**/*.test.ts"],
  "image-files": ["test/files/**/*.test.ts", "test/image/**/*.test.ts"],
};
const lightProperties = fileURLToPath(new URL("test/support/light-properties.ts", import.meta.url));

export default defineConfig({
  resolve: { alias: { "@fast-check/vitest": lightProperties } },
  test: {
    include: [`test/${folder}/**/*.test.ts`, "test/loading.test.ts", ...(more[folder] ?? [])],
    // Thousands of files for each mutant of the repository.
    exclude: ["test/image-files/directory-repository-limit.test.ts"],
    setupFiles: ["src/crypto/use-node-crypto.ts"],
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
