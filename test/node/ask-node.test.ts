import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { ExitCode, RefusedError } from "../../src/base/errors.ts";
import { askNode } from "../../src/node/ask-node.ts";
import { REPLY_MAX } from "../../src/node/control-lines.ts";
import { CLIENTS_MAX } from "../../src/node/control-socket.ts";
import { openClient, openControl, openFolder } from "../support/control-client.ts";
import { openDescriptors } from "../support/open-files.ts";

const TIMEOUT_MS = 5000;

/** A program that is not a node listens. */
async function openStranger(onClient: (socket: Socket) => void): Promise<string> {
  const path = join(openFolder(), "node.sock");
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).resume();
    onClient(socket);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return path;
}

/** The error of a request for a status. */
function failure(path: string, options: { timeoutMs?: number; signal?: AbortSignal } = {}): Promise<unknown> {
  return askNode(path, { command: "status" }, { timeoutMs: TIMEOUT_MS, ...options }).catch(
    (error: unknown) => error,
  );
}

describe("asking a node", () => {
  it("gives the fields of its reply", async () => {
    const { path } = await openControl();
    const reply = await askNode(path, { command: "install", file: "/a.mdy" }, { timeoutMs: TIMEOUT_MS });
    expect(reply).toEqual({ request: { command: "install", file: "/a.mdy" } });
  });

  it("fails with the reason and the exit code that the node gives", async () => {
    const onRequest = async (): Promise<never> => {
      throw new RefusedError("hardware", "the image is for acme/other");
    };
    const { path } = await openControl({ onRequest });
    const message = "the image is for acme/other";
    expect(await failure(path)).toMatchObject({ code: "hardware", exitCode: ExitCode.refused, message });
  });

  it("fails with control-busy when the node serves too many clients", async () => {
    const { path } = await openControl();
    for (let i = 0; i < CLIENTS_MAX; i++) {
      const client = await openClient(path);
      client.send('{"command":"status"}\n');
      await client.reply();
    }
    expect(await failure(path)).toMatchObject({ code: "control-busy", exitCode: ExitCode.failed });
  });
});

describe("asking where no node is", () => {
  it("fails with no-node and exit code 3, and says what is there", async () => {
    const dir = openFolder();
    writeFileSync(join(dir, "file"), "");
    mkdirSync(join(dir, "folder"));
    for (const [name, seen] of [
      ["missing", "no such socket"],
      ["missing/node.sock", "no such socket"],
      ["file/node.sock", "no such socket"],
      ["file", "not a socket"],
      ["folder", "not a socket"],
    ] as const) {
      const error = await failure(join(dir, name));
      expect(error, name).toMatchObject({ code: "no-node", exitCode: ExitCode.noNeighbour });
      expect(String(error), name).toContain(seen);
    }
  });

  it("fails when nothing comes in time, and when it is interrupted", async () => {
    const path = await openStranger(() => {});
    expect(await failure(path, { timeoutMs: 50 })).toMatchObject({
      code: "node-timeout",
      exitCode: ExitCode.noNeighbour,
    });
    const stop = new AbortController();
    const asked = failure(path, { signal: stop.signal });
    setImmediate(() => stop.abort());
    const interrupted = { code: "interrupted", exitCode: ExitCode.interrupted };
    expect(await asked).toMatchObject(interrupted);
    expect(await failure(path, { signal: stop.signal })).toMatchObject(interrupted);
  });

  it.each([
    ["no JSON", "hello\n", "node-bad-reply"],
    ["no ok", "{}\n", "node-bad-reply"],
    ["an ok that is no boolean", '{"ok":1}\n', "node-bad-reply"],
    ["an error without a reason", '{"ok":false,"code":4}\n', "node-bad-reply"],
    [
      "a reason that is a sentence",
      '{"ok":false,"code":4,"reason":"go away","detail":""}\n',
      "node-bad-reply",
    ],
    ["an endless line", "x".repeat(REPLY_MAX + 1), "node-bad-reply"],
    ["nothing before it closes the connection", "", "node-gone"],
    ["half a line before it closes the connection", '{"ok":true', "node-gone"],
  ])("fails when the other side sends %s", async (_what, text, code) => {
    const path = await openStranger((socket) => socket.end(text));
    expect(await failure(path)).toMatchObject({ code, exitCode: ExitCode.failed });
  });

  it("never takes an error for success, whatever exit code it has", async () => {
    for (const code of [0, 77, "4", null]) {
      const path = await openStranger((socket) =>
        socket.end(`${JSON.stringify({ ok: false, code, reason: "odd", detail: 7 })}\n`),
      );
      expect(await failure(path)).toMatchObject({ code: "odd", exitCode: ExitCode.failed });
    }
  });

  it("leaves no descriptor open", async () => {
    const path = await openStranger((socket) => socket.end("hello\n"));
    await failure(path);
    const before = openDescriptors();
    for (let i = 0; i < 50; i++) await failure(i % 2 === 0 ? path : `${path}-missing`);
    await expect.poll(openDescriptors).toBeLessThanOrEqual(before);
  });

  it("refuses a path that is no socket's, and a request that no node would read", async () => {
    expect(await failure(`/${"x".repeat(107)}`)).toMatchObject({
      code: "control-path-too-long",
      exitCode: 2,
    });
    const request = { command: "install", file: `/${"x".repeat(4096)}` } as const;
    const asked = askNode("/tmp/x.sock", request, { timeoutMs: TIMEOUT_MS });
    await expect(asked).rejects.toMatchObject({ code: "control-line-too-long", exitCode: 2 });
  });
});
