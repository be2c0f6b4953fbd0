import { createServer, type Server, type Socket } from "node:net";
import { isAbsolute } from "node:path";
import { unreachable } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { ExitCode, UsageError } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import { type FileId, removeIfSame } from "../files/same-file.ts";
import { listenAt } from "../files/socket-file.ts";
import { serveClient, turnAway } from "./control-client.ts";
import { type ControlRequest, errorReply, lineOf, REPLY_MAX, replyOfError } from "./control-lines.ts";
import { edgesOf } from "./system-edges.ts";

/** Clients that are served at the same time. */
export const CLIENTS_MAX = 8;
/** Further ones that are told so at the same time; beyond, connections are closed without a word. */
const TURNED_AWAY_MAX = 8;
/** How long one of those may stay. */
const TURNED_AWAY_MS: Millis = 1000;

const BUSY = errorReply(
  ExitCode.failed,
  "control-busy",
  `the node serves ${CLIENTS_MAX} clients at a time; try again when one of them has left`,
);
const READ_ONLY = errorReply(
  ExitCode.usage,
  "control-read-only",
  'the socket of this node only tells, and changes nothing; to allow that, set control = "write" in its configuration',
);
const INSTALL_BUSY = errorReply(
  ExitCode.failed,
  "install-busy",
  "the node installs an image already; try again when that has ended",
);
const REPLY_TOO_LONG = errorReply(
  ExitCode.failed,
  "control-reply-too-long",
  `the reply has more than ${REPLY_MAX} bytes`,
);

export interface ControlOptions {
  /** Absolute, at most 107 bytes. */
  readonly path: string;
  /** Whether commands that change something are allowed. */
  readonly canWrite: boolean;
  /**
   * Answers a request; what it rejects with becomes an error reply. At most one `install` runs at a time; it is not
   * ended when its client leaves or the socket is closed.
   */
  onRequest(request: ControlRequest): Promise<Readonly<Record<string, unknown>>>;
  readonly clock?: Clock;
}

/** The socket on which a running node answers commands of this machine. */
export interface ControlSocket {
  readonly path: string;
  /** Leaves all clients and removes the socket, but not what others put in its place. Idempotent. */
  close(): Promise<void>;
}

/**
 * Listens at a path for requests: a line of JSON each way, `{"command":"status"}` and `{"ok":true,…}` or
 * `{"ok":false,"code":…,"reason":…,"detail":…}`, where `code` is the exit code for the client's process. After a line
 * that is not a request the connection is closed. The socket is its user's alone (0600).
 *
 * UsageError `control-path-relative`, `control-path-too-long`, `control-folder-missing`; FailedError `control-in-use`
 * when a process answers there, `control-not-socket`, `control-foreign`, `control-folder-foreign`,
 * `writable-by-others`, `foreign-link`, `control-not-opened`.
 */
export async function openControlSocket(options: ControlOptions): Promise<ControlSocket> {
  const { path } = options;
  if (!isAbsolute(path)) {
    const message = `${path}: the path of a control socket begins at the root; write it with its folders`;
    throw new UsageError("control-path-relative", message, { path });
  }
  const clients = new ControlClients(options);
  const server = createServer({ allowHalfOpen: true }, (socket) => clients.take(socket));
  const file = await listenAt(server, path);
  // A failure to accept (out of descriptors) concerns one connection; without a listener it would end the process.
  server.on("error", () => {});
  let closing: Promise<void> | undefined;
  return {
    path,
    close: () => {
      closing ??= closeServer(server, clients, path, file);
      return closing;
    },
  };
}

function closeServer(server: Server, clients: ControlClients, path: string, file: FileId): Promise<void> {
  // While the server listens, no other file can have its inode.
  removeIfSame(path, file);
  return new Promise((resolve) => {
    server.close(() => resolve());
    clients.close();
  });
}

/** The clients of a socket. */
class ControlClients {
  readonly #options: ControlOptions;
  readonly #clock: Clock;
  readonly #served = new Set<Socket>();
  readonly #turnedAway = new Set<Socket>();
  #isInstalling = false;

  constructor(options: ControlOptions) {
    this.#options = options;
    this.#clock = edgesOf(options).clock;
  }

  take(socket: Socket): void {
    socket.on("error", () => {});
    if (this.#served.size < CLIENTS_MAX) {
      keepIn(this.#served, socket);
      void serveClient(socket, this.#clock, (request) => this.#answer(request));
    } else if (this.#turnedAway.size < TURNED_AWAY_MAX) {
      keepIn(this.#turnedAway, socket);
      turnAway(socket, this.#clock, BUSY, TURNED_AWAY_MS);
    } else socket.destroy();
  }

  /** Closes all connections. */
  close(): void {
    for (const socket of [...this.#served, ...this.#turnedAway]) socket.destroy();
  }

  async #answer(request: ControlRequest): Promise<Uint8Array> {
    try {
      const reply = lineOf(await this.#replyTo(request));
      return reply.length > REPLY_MAX ? lineOf(REPLY_TOO_LONG) : reply;
    } catch (error) {
      return lineOf(replyOfError(error));
    }
  }

  async #replyTo(request: ControlRequest): Promise<object> {
    const { canWrite, onRequest } = this.#options;
    if (changesNode(request) && !canWrite) return READ_ONLY;
    const isInstall = request.command === "install";
    if (isInstall && this.#isInstalling) return INSTALL_BUSY;
    if (isInstall) this.#isInstalling = true;
    try {
      return Object.assign({ ok: true }, await onRequest(request), { ok: true });
    } finally {
      if (isInstall) this.#isInstalling = false;
    }
  }
}

function keepIn(set: Set<Socket>, socket: Socket): void {
  set.add(socket);
  socket.once("close", () => set.delete(socket));
}

function changesNode(request: ControlRequest): boolean {
  switch (request.command) {
    case "status":
      return false;
    case "install":
    case "confirm":
      return true;
    default:
      return unreachable(request);
  }
}
