import { describe, expect, it } from "vitest";
import { CONNECTIONS_MAX } from "../../src/transport/tcp/connections.ts";
import { healAmong, STRANGERS } from "../support/tcp-crowd.ts";

/** Much longer than a heal takes alone, much shorter than any time limit of the listener. */
const AT_ONCE_S = 5;

describe.each(["target", "rescuer"] as const)(
  "a board is healed at once when the %s listens on TCP, and there is already",
  (listener) => {
    it.each(Object.entries(STRANGERS))("%s", async (_name, strangers) => {
      const { seconds, connectionsMax } = await healAmong(listener, strangers);
      expect(seconds).toBeLessThan(AT_ONCE_S);
      expect(connectionsMax).toBeGreaterThan(0);
      expect(connectionsMax).toBeLessThanOrEqual(CONNECTIONS_MAX);
    });
  },
);
