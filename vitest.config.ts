import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/build-once.ts"],
    setupFiles: ["src/crypto/use-node-crypto.ts"],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // Virtual-time simulations keep a core busy: two workers on the reference machine of two cores.
    maxWorkers: 2,
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      reporter: ["text-summary", "json-summary"],
    },
  },
});
