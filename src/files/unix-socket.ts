import { connect } from "node:net";
import { errnoOf } from "../base/errno.ts";

/** Longest name of a Unix socket on Linux, in bytes. Node silently cuts a longer one and listens somewhere else. */
export const SOCKET_PATH_MAX = 107;

/** Whether the name can be that of a Unix socket. */
export function fitsSocket(path: string): boolean {
  return Buffer.byteLength(path) <= SOCKET_PATH_MAX;
}

/** Whether a process listens on a socket; connecting to the socket of a dead process is refused. */
export function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error) =>
      resolve(errnoOf(error) !== "ECONNREFUSED" && errnoOf(error) !== "ENOENT"),
    );
  });
}
