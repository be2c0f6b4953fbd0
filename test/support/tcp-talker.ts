import { createServer, type Socket } from "node:net";

/** Longer than the silence that ends a run of a stream (`silenceAt`). */
const INTERVAL_MS = 80;

/** Listens on TCP and sends `bytes` to every client repeatedly, until `run` has ended. `link` is its endpoint. */
export async function withTcpTalker(
  bytes: string | Uint8Array,
  run: (link: string) => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    const timer = setInterval(() => socket.write(bytes), INTERVAL_MS);
    socket.once("close", () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  try {
    if (address === null || typeof address === "string") throw new Error("no port");
    await run(`tcp:127.0.0.1:${address.port}`);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}
