import { chmod, readFile, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { equalBytes } from "../../src/base/bytes.ts";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { hardwareId } from "../../src/image/hardware.ts";
import { tagOf } from "../../src/session/identity.ts";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { ACK_BITMAP_LENGTH } from "../../src/wire/constants.ts";
import { decodeFrame, encodeMessage } from "../../src/wire/frame.ts";
import type { Message, Offer } from "../../src/wire/messages.ts";
import { startCli } from "../support/cli.ts";
import { runToEnd } from "../support/run-to-end.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

test("a flood of calls costs a rescuer neither memory nor descriptors, and real boards are healed, with and without a link key", async () => {
  const args = ["bench/flood.mjs", "--seconds", "3", "--mib", "4", "--links", "2"];
  const { code, output } = await runToEnd(process.execPath, args, { cwd: process.cwd(), limitMs: 80_000 });
  expect(output).toMatch(/\| no \|.*\|\n\| yes \|/);
  expect(code, output).toBe(0);
}, 90_000);

/** Boards that are not there, each of which takes the manifest of its session and says that it is healed. */
class Forger {
  heals = 0;
  readonly #socket: Socket;
  readonly #random = new SeededRandom(3);
  #id: Uint8Array = new Uint8Array(8);
  #tag: number | undefined;
  #offer: Offer | undefined;
  #held: number[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      for (const byte of bytes) {
        if (byte !== 0) this.#held.push(byte);
        else if (this.#held.length > 0) this.#hear(Uint8Array.from(this.#held.splice(0)));
      }
    });
  }

  call(): void {
    this.#id = randomBytes(this.#random, 8);
    this.#tag = undefined;
    const version = { major: 0, minor: 0, patch: 0 };
    const ids = { nodeId: this.#id, bootNonce: this.#id, hardwareId: hardwareId("acme", "widget") };
    const status = { revision: 0, failure: "empty", isProvider: false, version, sequence: 0 } as const;
    const none = { counterFloor: 0, installedDigest: undefined, receivingDigest: undefined };
    this.#send({ tag: "distress", ...ids, ...status, ...none });
  }

  #send(message: Message): void {
    this.#socket.write(encodeDelimited(encodeMessage(message, this.#tag ?? 1)));
  }

  #hear(run: Uint8Array): void {
    const body = decodeCobs(run);
    const frame = body && decodeFrame(body, this.#tag);
    if (frame?.tag === "offer" && equalBytes(frame.targetNonce, this.#id) && this.#tag === undefined) {
      const { targetNonce, rescuerNonce, rescuerId, digest } = frame;
      this.#offer = frame;
      const limits = { payloadMax: 2048, openBlocks: 4, codecs: 1 };
      this.#send({ tag: "accept", targetNonce, rescuerNonce, digest, ...limits });
      this.#tag = tagOf({ targetId: this.#id, targetNonce, rescuerNonce, rescuerId, digest });
    } else if (frame?.tag === "object" && this.#offer !== undefined) {
      const bitmap = new Uint8Array(ACK_BITMAP_LENGTH).fill(0xff);
      this.#send({ tag: "ack", highest: frame.packetNumber & 0xffff, delayMs: 0, bitmap });
      this.#send({ tag: "done", digest: this.#offer.digest });
    } else if (frame?.tag === "doneAck") {
      this.heals++;
      this.call();
    }
  }
}

const LINKS = 4;

/** A server whose first connection talks to a forger. */
async function forgerServer(): Promise<{ link: string; forger: Promise<Forger>; close: () => void }> {
  const server = createServer();
  const forger = new Promise<Forger>((resolve) => {
    server.once("connection", (socket) => resolve(new Forger(socket)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  return { link: `tcp:127.0.0.1:${port}`, forger, close: () => server.close() };
}

test("a thousand heals that boards claim start one command at a time, and are marked as not proven", async () => {
  const servers = await Promise.all(Array.from({ length: LINKS }, () => forgerServer()));
  const [hook, note] = [bench.path("hook.sh"), bench.path("hooks.txt")];
  await writeFile(hook, `#!/bin/sh\necho begin >> ${note}\nsleep 0.3\necho end >> ${note}\n`);
  await chmod(hook, 0o755);
  await writeFile(note, "");
  const links = servers.flatMap(({ link }) => ["--link", link]);
  const flags = [...links, "--image", bench.path("fw.mdy"), "--on-healed", hook, "--json"];
  const rescue = startCli(["rescue", ...flags]);
  const boards = await Promise.all(servers.map(({ forger }) => forger));
  const callAll = (): void => {
    for (const board of boards) board.call();
  };
  callAll();
  const again = setInterval(callAll, 1_000);
  const heals = (): number => boards.reduce((sum, board) => sum + board.heals, 0);
  for (let i = 0; i < 450 && heals() < 1_000; i++) await new Promise((resolve) => setTimeout(resolve, 20));
  clearInterval(again);
  rescue.child.kill("SIGTERM");
  const { events } = await rescue.ended;
  for (const server of servers) server.close();
  const healed = events.filter(({ event }) => event === "healed");
  expect(healed.length).toBeGreaterThanOrEqual(1_000);
  expect(new Set(healed.map(({ proven }) => proven))).toEqual(new Set([false]));
  const lines = (await readFile(note, "utf8")).trim().split("\n");
  expect(lines.length).toBeGreaterThan(2);
  for (const [i, line] of lines.entries()) expect(line).toBe(i % 2 === 0 ? "begin" : "end");
}, 40_000);
