import type { Socket } from "node:net";
import type { Clock, Timer } from "../base/clock.ts";
import type { Millis } from "../base/units.ts";
import {
  badRequest,
  type ControlRequest,
  type ErrorReply,
  LineReader,
  lineOf,
  REQUEST_MAX,
  requestOf,
} from "./control-lines.ts";
import { nextTurn } from "./system-edges.ts";

/** Longest time for a client to send its next request, and to take a reply. While the node works there is no limit. */
export const CLIENT_PATIENCE_MS: Millis = 30_000;

/** Answers a request with a line. Never throws. */
export type AnswerRequest = (request: ControlRequest) => Promise<Uint8Array>;

/**
 * Serves one client until it leaves, sends what is not a request, or takes longer than {@link CLIENT_PATIENCE_MS}. Its
 * requests are answered one after another: the next one is not read before the reply has left this process, so that
 * no more than one reply is held. Never rejects; the socket is closed in the end.
 */
export async function serveClient(socket: Socket, clock: Clock, answer: AnswerRequest): Promise<void> {
  const lines = new LineReader(REQUEST_MAX);
  let timer: Timer | undefined;
  const limitTime = (): void => {
    timer?.cancel();
    timer = clock.after(CLIENT_PATIENCE_MS, () => socket.destroy());
  };
  const serveLine = async (line: Uint8Array | "too-long"): Promise<boolean> => {
    const request = line === "too-long" ? badRequest(`more than ${REQUEST_MAX} bytes`) : requestOf(line);
    timer?.cancel();
    const reply = "ok" in request ? lineOf(request) : await answer(request);
    limitTime();
    await written(socket, reply);
    // Others get their turn, also when this client sends many requests at once.
    await nextTurn();
    return !("ok" in request);
  };
  limitTime();
  try {
    // Left open when the client has closed its side: it may still read.
    const incoming = socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
    for await (const bytes of incoming) {
      for (const line of lines.push(bytes)) if (!(await serveLine(line))) return;
    }
    if (lines.isInsideLine) await written(socket, lineOf(badRequest("the line has no end")));
  } catch {
    // The connection broke: there is nobody to tell.
  } finally {
    timer?.cancel();
    socket.destroySoon();
  }
}

/**
 * Tells a client that it is not served, and waits at most `limit` for it to close the connection: closed at once, it
 * could fail to send its request and never read why.
 */
export function turnAway(socket: Socket, clock: Clock, reply: ErrorReply, limit: Millis): void {
  const timer = clock.after(limit, () => socket.destroy());
  socket.once("close", () => timer.cancel());
  socket.resume().end(lineOf(reply));
}

/** Resolves when the bytes are the operating system's, or cannot be any more. */
function written(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    socket.write(bytes, () => resolve());
  });
}
