import { connect, type Socket } from "node:net";
import * as v from "valibot";
import type { Clock } from "../base/clock.ts";
import { errnoOf } from "../base/errno.ts";
import { ExitCode, FailedError, MaydayError, UsageError } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import { isSocketFile, tooLong } from "../files/socket-file.ts";
import { fitsSocket } from "../files/unix-socket.ts";
import { type ControlRequest, jsonOf, LineReader, lineOf, REPLY_MAX, REQUEST_MAX } from "./control-lines.ts";
import { edgesOf } from "./system-edges.ts";

/** Longest reason and text of an error reply, in characters. */
const REASON_MAX = 100;
const DETAIL_MAX = 4096;

const FailureCode = v.picklist(Object.values(ExitCode).filter((code) => code !== ExitCode.done));
const ReplySchema = v.variant("ok", [
  v.looseObject({ ok: v.literal(true) }),
  v.object({
    ok: v.literal(false),
    code: v.fallback(FailureCode, ExitCode.failed),
    reason: v.pipe(v.string(), v.regex(/^[a-z0-9-]+$/), v.maxLength(REASON_MAX)),
    detail: v.fallback(v.string(), "the node says no more"),
  }),
]);

/** A node answered no, or nobody answered. The exit code is the one that the node gave; 3 when nobody did. */
export class NodeError extends MaydayError {
  override readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, code: string, message: string, path: string, cause?: unknown) {
    super(code, message, { path }, cause);
    this.exitCode = exitCode;
  }
}

/** How long to wait for a reply, and what ends the wait. */
export interface AskOptions {
  readonly timeoutMs: Millis;
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock;
}

/**
 * Asks the node that listens at `path`; resolves with the fields of its reply. NodeError with the reason and exit code
 * of an error reply, or with `no-node` (3) when nobody listens, `node-timeout` (3), `interrupted` (130); FailedError
 * `node-not-allowed` for another user's socket, `node-bad-reply`, `node-gone` when the connection ended before the
 * reply; UsageError `control-path-too-long`, `control-line-too-long`.
 */
export async function askNode(
  path: string,
  request: ControlRequest,
  options: AskOptions,
): Promise<Readonly<Record<string, unknown>>> {
  if (!fitsSocket(path)) throw tooLong(path);
  const line = lineOf(request);
  if (line.length > REQUEST_MAX + 1) {
    const message = `a request has at most ${REQUEST_MAX} bytes, this one ${line.length - 1}: give a shorter path`;
    throw new UsageError("control-line-too-long", message);
  }
  const { timeoutMs, signal } = options;
  if (signal?.aborted === true) throw interrupted(path);
  const socket = connect({ path });
  const onAbort = (): void => void socket.destroy(interrupted(path));
  const timer = edgesOf(options).clock.after(timeoutMs, () => socket.destroy(timedOut(path, timeoutMs)));
  signal?.addEventListener("abort", onAbort, { once: true });
  socket.on("error", () => {});
  try {
    socket.write(line);
    return await replyFrom(socket, path);
  } catch (error) {
    throw error instanceof MaydayError ? error : connectionError(path, error);
  } finally {
    timer.cancel();
    signal?.removeEventListener("abort", onAbort);
  }
}

/** The first line that comes. The loop closes the socket, however it is left. */
async function replyFrom(socket: Socket, path: string): Promise<Readonly<Record<string, unknown>>> {
  const lines = new LineReader(REPLY_MAX);
  for await (const bytes of socket as AsyncIterable<Uint8Array>) {
    for (const line of lines.push(bytes)) return fieldsOf(line, path);
  }
  throw gone(path);
}

function fieldsOf(line: Uint8Array | "too-long", path: string): Readonly<Record<string, unknown>> {
  const parsed = v.safeParse(ReplySchema, line === "too-long" ? undefined : jsonOf(line));
  if (!parsed.success) {
    const message = `${path}: the reply is not a node's; check which program listens there, and its version`;
    throw new FailedError("node-bad-reply", message, { path });
  }
  const reply = parsed.output;
  if (reply.ok) {
    const { ok: _, ...fields } = reply;
    return fields;
  }
  throw new NodeError(reply.code, reply.reason, reply.detail.slice(0, DETAIL_MAX), path);
}

function connectionError(path: string, error: unknown): MaydayError {
  switch (errnoOf(error)) {
    case "ENOENT":
    case "ENOTDIR":
      return noNode(path, "there is no such socket", error);
    case "ECONNREFUSED":
    case "ENOTSOCK":
      return noNode(path, isSocketFile(path) ? "nobody listens there any more" : "it is not a socket", error);
    case "EACCES":
    case "EPERM": {
      const message = `${path}: only its user may use this socket; run it as the user of the node, or as root`;
      return new FailedError("node-not-allowed", message, { path }, error);
    }
    default:
      return gone(path, error);
  }
}

/** No node answers at `path`; NodeError `no-node`, exit 3. */
export function noNode(path: string, seen: string, cause?: unknown): NodeError {
  const message = `${path}: ${seen}; start the node, or look for the path of its socket in its configuration`;
  return new NodeError(ExitCode.noNeighbour, "no-node", message, path, cause);
}

function gone(path: string, cause?: unknown): FailedError {
  const message = `${path}: the connection ended before the reply: the node ends, or serves too many clients; try again`;
  return new FailedError("node-gone", message, { path }, cause);
}

function interrupted(path: string): NodeError {
  return new NodeError(ExitCode.interrupted, "interrupted", "interrupted", path);
}

function timedOut(path: string, timeoutMs: Millis): NodeError {
  const message = `${path}: no reply within ${timeoutMs / 1000} s; the node is busy or hangs: try again with more time`;
  return new NodeError(ExitCode.noNeighbour, "node-timeout", message, path);
}
