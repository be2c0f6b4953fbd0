import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type ControlOptions, type ControlSocket, openControlSocket } from "../../src/node/control-socket.ts";

/** A folder that is gone after the test. */
export function openFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), "mayday-control-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Opens a control socket that answers each request with the request, unless told otherwise. */
export async function openControl(options: Partial<ControlOptions> = {}): Promise<ControlSocket> {
  const path = options.path ?? join(openFolder(), "node.sock");
  const onRequest: ControlOptions["onRequest"] = async (request) => ({ request });
  const control = await openControlSocket({ canWrite: true, onRequest, ...options, path });
  onTestFinished(() => control.close());
  return control;
}

/** A client that sends what it likes. */
export interface RawClient {
  readonly socket: Socket;
  send(text: string | Uint8Array): void;
  /** The next reply; undefined when the connection has ended. */
  reply(): Promise<Readonly<Record<string, unknown>> | undefined>;
  /** Resolves when the connection is closed. */
  readonly closed: Promise<void>;
}

/** Connects; the client reads only when asked for a reply. */
export async function openClient(path: string): Promise<RawClient> {
  const socket = connect({ path, allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  const chunks = linesOf(socket);
  return {
    socket,
    send: (text) => void socket.write(text),
    reply: async () => {
      const { value } = await chunks.next();
      return typeof value === "string" ? (JSON.parse(value) as Record<string, unknown>) : undefined;
    },
    closed,
  };
}

async function* linesOf(socket: Socket): AsyncGenerator<string, undefined> {
  let held = "";
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      held += chunk.toString("utf8");
      const lines = held.split("\n");
      held = lines.pop() ?? "";
      yield* lines;
    }
  } catch {
    // The other side has closed it.
  }
  socket.end();
  return undefined;
}
