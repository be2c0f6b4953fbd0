import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { nodeStatusText } from "../../src/cli/node-status-text.ts";
import { runCli, verdictOf } from "../support/cli.ts";
import { openControl, openFolder } from "../support/control-client.ts";

const PI = "serial:/dev/ttyUSB0";
const REPLY = {
  nodeId: "0123456789abcdef",
  uptimeSeconds: 3725,
  board: {
    path: "/srv/board",
    isBootable: true,
    version: "1.1.0",
    digest: "aabbccddeeff0011",
    isTrial: true,
    failure: null,
    layout: "ab",
  },
  links: [
    { link: PI, role: "rescuer", isUp: true, trouble: null, rttMs: 3.21, counters: { bytesSent: 7 } },
    { link: "i2c:/dev/i2c-1?address=0x42", role: "down", isUp: false, trouble: "no such bus", rttMs: null },
  ],
  neighbours: [
    {
      link: PI,
      peer: "fedcba9876543210",
      isBootable: false,
      version: "1.0.0",
      digest: "1122334455667788",
      heardSecondsAgo: 3.1,
      firstHeardSecondsAgo: 60.2,
    },
  ],
  waiting: [
    { link: PI, peer: "fedcba9876543210", what: "heal", why: "budget", sinceSeconds: 12 },
    {
      link: "tcp:pi:5000",
      peer: "aaaabbbbccccdddd",
      what: "update",
      why: "a-later-reason",
      sinceSeconds: 130,
    },
  ],
  healed: [{ peer: "00112233445566", link: PI, version: "1.1.0", secondsAgo: 5 }],
};

const TEXT = `\
node    0123456789abcdef
up for  1 h 2 min
board   /srv/board
boots   1.1.0 (aabbccdd), on trial
layout  ab
links:
  serial:/dev/ttyUSB0          up    rescuer  rtt 3.2 ms  no trouble
  i2c:/dev/i2c-1?address=0x42  down  down     rtt -       no such bus
heard:
  serial:/dev/ttyUSB0  fedcba98  in distress  1.0.0 (11223344)  heard 3 s ago  first 1 min 0 s ago
waiting:
  serial:/dev/ttyUSB0  fedcba98  for heal    since 12 s        too much was sent to boards that were not healed
  tcp:pi:5000          aaaabbbb  for update  since 2 min 10 s  a-later-reason
healed:
  serial:/dev/ttyUSB0  00112233  1.1.0  5 s ago`;

/** The path of a socket whose node answers with this. */
async function openNode(reply: Readonly<Record<string, unknown>>, path?: string): Promise<string> {
  const onRequest = async (): Promise<typeof reply> => reply;
  return (await openControl({ onRequest, ...(path === undefined ? {} : { path }) })).path;
}

describe("status --node", () => {
  test("shows people the node, its links, who was heard and who waits for what since when", async () => {
    const { code, stdout } = await runCli(["status", "--node", await openNode(REPLY)]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${TEXT}\n` });
  });

  test("prints the reply as one line with --json", async () => {
    const path = await openNode({ ...REPLY, event: "verdict" });
    const result = await runCli(["status", "--node", path, "--json"]);
    expect(verdictOf(result)).toMatchObject({ ok: true, code: 0 });
    expect(result.events[0]).toEqual({ event: "status", ...REPLY });
    expect(result.events).toHaveLength(2);
  });

  test("finds a name without a slash where sockets are unless told otherwise, with and without .sock", async () => {
    const base = openFolder();
    mkdirSync(join(base, "mayday"), { mode: 0o700 });
    await openNode(REPLY, join(base, "mayday/0123456789abcdef.sock"));
    const env = { XDG_RUNTIME_DIR: base };
    for (const name of ["0123456789abcdef", "0123456789abcdef.sock"]) {
      expect((await runCli(["status", "--node", name], { env, cwd: base })).code).toBe(0);
    }
    // What is in the folder where the command runs comes first.
    writeFileSync(join(base, "0123456789abcdef"), "");
    const result = await runCli(["status", "--node", "0123456789abcdef", "--json"], { env, cwd: base });
    expect(verdictOf(result)).toMatchObject({ code: 3, reason: "no-node" });
  });

  test("exits with 3 where nobody listens, and says what was tried", async () => {
    const dir = openFolder();
    const env = { XDG_RUNTIME_DIR: dir };
    const missing = await runCli(["status", "--node", "there", "--json"], { env, cwd: dir });
    expect(verdictOf(missing)).toMatchObject({ ok: false, code: 3, reason: "no-node" });
    for (const path of [
      join(dir, "mayday/there"),
      join(dir, "mayday/there.sock"),
      "/run/mayday/there.sock",
    ]) {
      expect(missing.stderr).toContain(path);
    }
    const server = createServer();
    const [path, dead] = [join(dir, "node.sock"), join(dir, "dead.sock")];
    await new Promise<void>((resolve) => server.listen(path, resolve));
    onTestFinished(() => void server.close());
    renameSync(path, dead);
    await new Promise((resolve) => server.close(resolve));
    const silent = await runCli(["status", "--node", dead]);
    expect(silent).toMatchObject({ code: 3, stdout: "" });
    expect(silent.stderr).toContain(`${dead}: nobody listens`);
  });

  test("exits with the code of the node's error reply", async () => {
    const onRequest = async (): Promise<never> => {
      throw new Error("a bug");
    };
    const { path } = await openControl({ onRequest });
    const result = await runCli(["status", "--node", path, "--json"]);
    expect(verdictOf(result)).toMatchObject({ ok: false, code: 1, reason: "internal-error" });
  });

  test("needs exactly one of --link and --node, and no --ask", async () => {
    for (const [args, reason] of [
      [[], "missing-mandatory-option-value"],
      [["--link", "tcp:h:1", "--node", "s"], "conflicting-option"],
      [["--ask", "--node", "s"], "conflicting-option"],
    ] as const) {
      const { code, stderr } = await runCli(["status", ...args]);
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("mayday status --help") });
      expect(verdictOf(await runCli(["status", ...args, "--json"]))).toMatchObject({ code: 2, reason });
    }
  });
});

describe("the status of a node as text", () => {
  test("stands when all or some of it is missing, or of another type", () => {
    const empty =
      "node    -\nup for  -\nboard   none: it only provides images\nlinks: none\nheard: nobody\nwaiting: nobody";
    expect(nodeStatusText({})).toBe(empty);
    expect(
      nodeStatusText({ nodeId: 7, board: 3, links: {}, neighbours: null, waiting: [3], healed: "x" }),
    ).toBe(empty);
    const some = nodeStatusText({
      links: [{}],
      neighbours: [{ peer: 9 }],
      waiting: [{}],
      healed: [{}],
      board: {},
    });
    expect(some).toContain("links:\n  -  -  -  rtt -  no trouble\n");
    expect(some).toContain("waiting:\n  -  -  for -  since -  -\n");
  });

  test("says what an unbootable board had, and why it does not boot", () => {
    const board = { ...REPLY.board, isBootable: false, failure: "digest" };
    expect(nodeStatusText({ board })).toContain("boots   nothing (digest), had 1.1.0 (aabbccdd)");
  });

  test("has no line that a neighbour made up", () => {
    const neighbours = [{ link: PI, peer: "a\nwaiting: nobody", version: "1\n2" }];
    expect(nodeStatusText({ neighbours }).split("\n")).toHaveLength(7);
  });
});
