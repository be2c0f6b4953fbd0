import { existsSync, unlinkSync, writeFileSync } from "node:fs";
import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it, vi } from "vitest";
import { RefusedError } from "../../src/base/errors.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { CLIENT_PATIENCE_MS } from "../../src/node/control-client.ts";
import { type ControlRequest, LineReader, REPLY_MAX, REQUEST_MAX } from "../../src/node/control-lines.ts";
import { CLIENTS_MAX } from "../../src/node/control-socket.ts";
import { openClient, openControl, type RawClient } from "../support/control-client.ts";
import { openDescriptors } from "../support/open-files.ts";

const STATUS = '{"command":"status"}\n';
const INSTALL = '{"command":"install","file":"/images/a.mdy"}\n';
const LEAVING_CLIENTS = 1000;

/** A promise and what settles it. */
function pending<Value>(): { readonly promise: Promise<Value>; settle(value: Value): void } {
  let settle: (value: Value) => void = () => {};
  const promise = new Promise<Value>((resolve) => {
    settle = resolve;
  });
  return { promise, settle: (value) => settle(value) };
}

/** As many clients as are served, each of which was. */
async function fill(path: string): Promise<readonly RawClient[]> {
  const clients: RawClient[] = [];
  while (clients.length < CLIENTS_MAX) clients.push(await served(path));
  return clients;
}

async function served(path: string): Promise<RawClient> {
  const client = await openClient(path);
  client.send(STATUS);
  expect(await client.reply()).toMatchObject({ ok: true });
  return client;
}

describe("the control socket of a node", () => {
  it("answers a status with a line of JSON in which it is ok, and what has no value is null", async () => {
    const { path } = await openControl({
      onRequest: async () => ({ nodeId: "aa", board: undefined, ok: false }),
    });
    const client = await openClient(path);
    client.send(STATUS);
    expect(await client.reply()).toEqual({ ok: true, nodeId: "aa", board: null });
  });

  it("answers requests that are sent at once, and in pieces, in their order", async () => {
    const { path } = await openControl();
    const client = await openClient(path);
    client.send(STATUS + INSTALL + STATUS.slice(0, 7));
    expect(await client.reply()).toMatchObject({ request: { command: "status" } });
    expect(await client.reply()).toMatchObject({ request: { command: "install", file: "/images/a.mdy" } });
    client.send(STATUS.slice(7));
    expect(await client.reply()).toMatchObject({ request: { command: "status" } });
  });

  it("answers a client that has closed its side, then closes the other one", async () => {
    const { path } = await openControl();
    const client = await openClient(path);
    client.socket.end(STATUS);
    expect(await client.reply()).toMatchObject({ ok: true });
    expect(await client.reply()).toBeUndefined();
    await client.closed;
  });

  it("tells a client why its request was rejected, and continues to answer it", async () => {
    const onRequest = vi.fn<() => Promise<Record<string, unknown>>>();
    onRequest.mockRejectedValueOnce(new RefusedError("hardware", "the image is for acme/other"));
    onRequest.mockRejectedValueOnce(new Error("a bug"));
    onRequest.mockRejectedValueOnce(Object.assign(new Error("EIO"), { syscall: "read" }));
    onRequest.mockImplementationOnce(() => {
      throw new Error("at once");
    });
    onRequest.mockResolvedValueOnce({ size: 1n });
    onRequest.mockResolvedValueOnce({});
    const { path } = await openControl({ onRequest });
    const client = await openClient(path);
    client.send(STATUS.repeat(6));
    const detail = "the image is for acme/other";
    expect(await client.reply()).toEqual({ ok: false, code: 4, reason: "hardware", detail });
    expect(await client.reply()).toMatchObject({ ok: false, code: 1, reason: "internal-error" });
    expect(await client.reply()).toMatchObject({ ok: false, code: 1, reason: "system-error" });
    expect(await client.reply()).toMatchObject({ ok: false, code: 1, reason: "internal-error" });
    expect(await client.reply()).toMatchObject({ ok: false, code: 1, reason: "internal-error" });
    expect(await client.reply()).toEqual({ ok: true });
  });

  it("changes nothing unless its configuration allows it, and says how to", async () => {
    const onRequest = vi.fn(async () => ({}));
    const { path } = await openControl({ onRequest, canWrite: false });
    const client = await openClient(path);
    client.send(`${INSTALL}{"command":"confirm"}\n`);
    for (const _ of ["install", "confirm"]) {
      const reply = await client.reply();
      expect(reply).toMatchObject({ ok: false, code: 2, reason: "control-read-only" });
      expect(reply?.["detail"]).toContain('control = "write"');
    }
    expect(onRequest).not.toHaveBeenCalled();
    client.send(STATUS);
    expect(await client.reply()).toEqual({ ok: true });
  });
});

describe("the limits of a control socket", () => {
  it("serves eight clients, tells a ninth that it is busy, and serves the next when one has left", async () => {
    const { path } = await openControl();
    const [first] = await fill(path);
    const ninth = await openClient(path);
    expect(await ninth.reply()).toMatchObject({ ok: false, code: 1, reason: "control-busy" });
    expect(await ninth.reply()).toBeUndefined();
    await ninth.closed;
    first?.socket.destroy();
    await vi.waitFor(() => served(path));
  });

  it("closes clients without a word when too many are being turned away", async () => {
    const { path } = await openControl();
    await fill(path);
    const told: RawClient[] = [];
    for (let i = 0; i < 2 * CLIENTS_MAX; i++) told.push(await openClient(path));
    const replies = await Promise.all(told.map(({ reply }) => reply()));
    expect(replies.filter((reply) => reply === undefined).length).toBe(CLIENTS_MAX);
  });

  it("takes a line of 4,096 bytes, and refuses one of a byte more", async () => {
    const { path } = await openControl();
    for (const [length, ok] of [
      [REQUEST_MAX, true],
      [REQUEST_MAX + 1, false],
    ] as const) {
      const client = await openClient(path);
      client.send(`${STATUS.trim().padEnd(length)}\n${STATUS}`);
      expect((await client.reply())?.["ok"]).toBe(ok);
      expect(await client.reply()).toEqual(ok ? expect.objectContaining({ ok }) : undefined);
    }
  });

  it("closes a client that sends no whole request for 30 s, however many bytes it sends", async () => {
    const clock = new VirtualClock();
    const { path } = await openControl({ clock });
    const client = await served(path);
    await vi.waitFor(() => expect(clock.runningTimers).toBe(1));
    clock.advanceTo(CLIENT_PATIENCE_MS - 1);
    client.send(STATUS);
    expect(await client.reply()).toMatchObject({ ok: true });
    client.send("{");
    await vi.waitFor(() => expect(clock.runningTimers).toBe(1));
    clock.advanceTo(2 * CLIENT_PATIENCE_MS - 2);
    client.send(" ");
    expect(client.socket.destroyed).toBe(false);
    clock.advanceTo(2 * CLIENT_PATIENCE_MS);
    expect(await client.reply()).toBeUndefined();
    expect(clock.runningTimers).toBe(0);
  });

  it("closes a client that never says anything after 30 s, and forgets one that has left", async () => {
    const clock = new VirtualClock();
    const { path } = await openControl({ clock });
    const [silent, leaving] = [await openClient(path), await openClient(path)];
    await vi.waitFor(() => expect(clock.runningTimers).toBe(2));
    leaving.socket.destroy();
    await vi.waitFor(() => expect(clock.runningTimers).toBe(1));
    clock.advanceTo(CLIENT_PATIENCE_MS);
    expect(await silent.reply()).toBeUndefined();
  });

  it("holds one reply for a client that does not read, and closes it after 30 s", async () => {
    const clock = new VirtualClock();
    const onRequest = vi.fn(async () => ({ text: "x".repeat(REPLY_MAX - 100) }));
    const { path } = await openControl({ clock, onRequest });
    const client = await openClient(path);
    client.send(STATUS.repeat(100));
    let calls = -1;
    await vi.waitFor(
      () => {
        const before = calls;
        calls = onRequest.mock.calls.length;
        expect(calls).toBe(before);
      },
      { interval: 100 },
    );
    expect(calls).toBeGreaterThan(0);
    expect(calls).toBeLessThan(20);
    clock.advanceTo(CLIENT_PATIENCE_MS);
    while ((await client.reply()) !== undefined);
    await client.closed;
    expect(onRequest.mock.calls.length).toBe(calls);
    expect(clock.runningTimers).toBe(0);
  });

  it("has no time limit for the node's work, of which one install runs at a time", async () => {
    const clock = new VirtualClock();
    const first = pending<Record<string, unknown>>();
    const onRequest = vi.fn(async (request: ControlRequest) =>
      request.command === "install" && onRequest.mock.calls.length === 1 ? first.promise : {},
    );
    const { path } = await openControl({ clock, onRequest });
    const [one, other] = [await openClient(path), await openClient(path)];
    one.send(INSTALL);
    await vi.waitFor(() => expect(onRequest).toHaveBeenCalledTimes(1));
    other.send(INSTALL);
    expect(await other.reply()).toMatchObject({ ok: false, code: 1, reason: "install-busy" });
    expect(onRequest).toHaveBeenCalledTimes(1);
    other.socket.destroy();
    clock.advanceTo(20 * CLIENT_PATIENCE_MS);
    first.settle({ version: "1.2.3" });
    expect(await one.reply()).toEqual({ ok: true, version: "1.2.3" });
    one.send(INSTALL);
    expect(await one.reply()).toEqual({ ok: true });
  });

  it("lets an install run when its client has left, and nothing is thrown when it ends", async () => {
    const first = pending<Record<string, unknown>>();
    const onRequest = vi.fn(async () => first.promise);
    const { path } = await openControl({ onRequest });
    const client = await openClient(path);
    client.send(INSTALL);
    await vi.waitFor(() => expect(onRequest).toHaveBeenCalledTimes(1));
    client.socket.destroy();
    await client.closed;
    const other = await openClient(path);
    other.send(INSTALL);
    expect(await other.reply()).toMatchObject({ reason: "install-busy" });
    first.settle({});
    await vi.waitFor(async () => {
      other.send(INSTALL);
      expect(await other.reply()).toMatchObject({ ok: true });
    });
  });

  it("says so when a reply would be too long", async () => {
    const { path } = await openControl({ onRequest: async () => ({ text: "x".repeat(REPLY_MAX) }) });
    const client = await openClient(path);
    client.send(STATUS);
    expect(await client.reply()).toMatchObject({ ok: false, code: 1, reason: "control-reply-too-long" });
  });
});

describe("what a client of a control socket may do wrong", () => {
  it.each([
    ["no JSON", "status\n"],
    ["an empty line", "\n"],
    ["bytes that are not UTF-8", Uint8Array.of(0x22, 0xff, 0x22, 0x0a)],
    ["a list", "[]\n"],
    ["nested lists", `${"[".repeat(2000)}${"]".repeat(2000)}\n`],
    ["null", "null\n"],
    ["no command", "{}\n"],
    ["an unknown command", '{"command":"reboot"}\n'],
    ["an inherited name as a command", '{"command":"toString"}\n'],
    ["a field too many", '{"command":"status","file":"/a"}\n'],
    ["an install without a file", '{"command":"install"}\n'],
    ["a file that is a number", '{"command":"install","file":7}\n'],
    ["a long unknown command", `{"command":"${"x".repeat(3000)}"}\n`],
    ["a path that is not UTF-8", Buffer.from('{"command":"install","file":"/\u00ff"}\n', "latin1")],
    ["a relative path", '{"command":"install","file":"a.mdy"}\n'],
    ["a NUL in a path", '{"command":"install","file":"/a\\u0000b"}\n'],
  ])("%s gets an error with exit code 2, and the connection is closed", async (_what, line) => {
    const onRequest = vi.fn(async () => ({}));
    const { path } = await openControl({ onRequest });
    const client = await openClient(path);
    client.send(line);
    client.send(STATUS);
    const reply = await client.reply();
    expect(reply).toMatchObject({ ok: false, code: 2, reason: "control-bad-request" });
    expect(String(reply?.["detail"]).length).toBeLessThan(400);
    expect(await client.reply()).toBeUndefined();
    expect(onRequest).not.toHaveBeenCalled();
  });

  it("a line without an end gets an error when the client has closed its side", async () => {
    const { path } = await openControl();
    const client = await openClient(path);
    client.socket.end(STATUS.trim());
    expect(await client.reply()).toMatchObject({ ok: false, reason: "control-bad-request" });
    await client.closed;
  });

  it("an endless line is not read to its end", async () => {
    const { path } = await openControl();
    const client = await openClient(path);
    let sent = 0;
    const pump = (): void => {
      if (client.socket.destroyed) return;
      sent += 65_536;
      client.socket.write(Buffer.alloc(65_536, 0x20), () => setImmediate(pump));
    };
    pump();
    await client.closed;
    expect(sent).toBeLessThan(4_000_000);
    await served(path);
  });

  it(`${LEAVING_CLIENTS} clients that connect and leave, in any state, leave no descriptor open`, async () => {
    const { path } = await openControl();
    await served(path).then(({ socket, closed }) => {
      socket.destroy();
      return closed;
    });
    const settled = (): Promise<unknown> =>
      vi.waitFor(async () => {
        const before = openDescriptors();
        await new Promise((resolve) => setTimeout(resolve, 50));
        expect(openDescriptors()).toBe(before);
      });
    await settled();
    const before = openDescriptors();
    const talks = ["", STATUS, STATUS.repeat(50), "garbage\n", "{", INSTALL];
    for (let i = 0; i < LEAVING_CLIENTS; i++) {
      const client = await openClient(path);
      client.send(talks[i % talks.length] ?? "");
      if (i % 2 === 0) client.socket.destroy();
      else client.socket.end().resume();
      await client.closed;
    }
    await vi.waitFor(() => expect(openDescriptors()).toBe(before), { timeout: 10_000 });
    await served(path);
  });
});

describe("closing a control socket", () => {
  it("ends its clients, removes the socket, and may be done twice", async () => {
    const work = pending<Record<string, unknown>>();
    const onRequest = vi.fn(async (request: ControlRequest) =>
      request.command === "install" ? work.promise : {},
    );
    const control = await openControl({ onRequest });
    const [idle, waiting] = [await served(control.path), await openClient(control.path)];
    waiting.send(INSTALL);
    await vi.waitFor(() => expect(onRequest).toHaveBeenCalledTimes(2));
    await Promise.all([control.close(), control.close()]);
    expect(existsSync(control.path)).toBe(false);
    expect(await idle.reply()).toBeUndefined();
    expect(await waiting.reply()).toBeUndefined();
    work.settle({});
    await control.close();
  });

  it("leaves what others put in its place", async () => {
    const control = await openControl();
    unlinkSync(control.path);
    writeFileSync(control.path, "theirs");
    await control.close();
    expect(existsSync(control.path)).toBe(true);
  });
});

describe("lines", () => {
  property.prop([fc.array(fc.string({ unit: "grapheme-ascii", maxLength: 20 })), fc.array(fc.nat(400))], {
    seed: 31,
  })("are the same however their bytes are cut", (texts, cuts) => {
    const lines = texts.map((text) => text.replaceAll("\n", ""));
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
    const places = [0, ...cuts.filter((cut) => cut < bytes.length), bytes.length].sort((a, b) => a - b);
    const reader = new LineReader(20);
    const read = places.flatMap((place, i) =>
      // A line is a view, and is copied before the next one is asked for.
      Array.from(reader.push(bytes.subarray(place, places[i + 1] ?? place)), String),
    );
    const asText = lines.map((line) => String(new Uint8Array(Buffer.from(line))));
    expect(read).toEqual(asText);
  });
});
