import { connect, type Socket } from "node:net";
import { describe, expect, it, test } from "vitest";
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

test.each(["target", "rescuer"] as const)(
  "a stranger beside the session of a %s that listens on TCP gets next to nothing of the firmware",
  async (listener) => {
    const strangers: Socket[] = [];
    await healAmong(listener, (port) => {
      strangers.push(connect(port, "127.0.0.1").resume());
      return () => strangers[0]?.destroy();
    });
    // The calls, offers and the beginning of the session, before its first frame came back; the firmware has 64 KiB.
    expect(strangers[0]?.bytesRead).toBeGreaterThan(0);
    expect(strangers[0]?.bytesRead).toBeLessThan(4096);
  },
);
