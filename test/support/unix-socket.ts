import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const LIMIT_MS = 20_000;
/** Nobody has made the socket yet, or it is made and nobody listens yet. */
const TOO_EARLY = ["ENOENT", "ECONNREFUSED"];

/** Connects to a Unix socket as soon as its program listens; the connection is paused. */
export async function connectWhenListening(path: string): Promise<Socket> {
  for (const start = performance.now(); ; await sleep(5)) {
    const outcome = await tryToConnect(path);
    if (!(outcome instanceof Error)) return outcome;
    const isEarly = "code" in outcome && TOO_EARLY.includes(String(outcome.code));
    if (!isEarly || performance.now() - start > LIMIT_MS) throw outcome;
  }
}

function tryToConnect(path: string): Promise<Socket | Error> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.pause();
    socket.once("error", resolve);
    socket.once("connect", () => {
      socket.off("error", resolve);
      resolve(socket);
    });
  });
}
