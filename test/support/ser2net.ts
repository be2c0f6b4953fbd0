import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A program that serves a serial port over TCP. */
export interface PortServer {
  close(): Promise<void>;
}

/** Starts ser2net with one connection; `accepter` is in front of its port, such as `telnet(rfc2217),tcp`. */
export async function openSer2net(accepter: string, port: number, device: string): Promise<PortServer> {
  const dir = await mkdtemp(join(tmpdir(), "mayday-ser2net-"));
  const config = join(dir, "ser2net.yaml");
  await writeFile(
    config,
    `%YAML 1.1\n---\nconnection: &con\n  accepter: ${accepter},127.0.0.1,${port}\n  connector: serialdev,${device},115200n81,local\n`,
  );
  const child = spawn("/usr/sbin/ser2net", ["-n", "-d", "-c", config, "-P", join(dir, "pid")], {
    stdio: "ignore",
  });
  return served(child, "ser2net", port, () => rm(dir, { recursive: true, force: true }));
}

/** The RFC 2217 server of pyserial, for one client after another. */
const PYSERIAL = `
import sys, socket, threading, serial, serial.rfc2217, select
class Port(serial.Serial):
    # A pseudo-terminal has no modem lines.
    cts = dsr = ri = cd = property(lambda self: False)
    def _update_dtr_state(self): pass
    def _update_rts_state(self): pass
port = Port(sys.argv[2], timeout=0)
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(sys.argv[1])))
listener.listen(1)
class Sender:
    def __init__(self, client): self.client = client
    def write(self, data): self.client.sendall(data)
while True:
    client, _ = listener.accept()
    try:
        manager = serial.rfc2217.PortManager(port, Sender(client))
    except OSError:
        continue
    while True:
        ready, _, _ = select.select([client, port.fileno()], [], [], 1)
        try:
            if client in ready:
                data = client.recv(4096)
                if not data: break
                port.write(b"".join(manager.filter(data)))
            if port.fileno() in ready:
                data = port.read(4096)
                if data: client.sendall(b"".join(manager.escape(data)))
        except OSError:
            break
    client.close()
`;

export function openPyserial(port: number, device: string): Promise<PortServer> {
  const child = spawn("/usr/bin/python3", ["-c", PYSERIAL, String(port), device], { stdio: "ignore" });
  return served(child, "python3-serial", port, async () => {});
}

async function served(
  child: ChildProcess,
  name: string,
  port: number,
  tidy: () => Promise<void>,
): Promise<PortServer> {
  let failure: string | undefined;
  child.once("error", (error) => {
    failure = error.message;
  });
  child.once("exit", (code) => {
    failure = `it ended with ${code}`;
  });
  for (let waited = 0; !(await isListening(port)); waited += 50) {
    if (failure !== undefined || waited > 10_000)
      throw new Error(
        `these tests need ${name}: apt-get install ${name} (${failure ?? "it does not listen"})`,
      );
    await sleep(50);
  }
  const close = async (): Promise<void> => {
    if (failure === undefined) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
    }
    await tidy();
  };
  return { close };
}

/** Whether somebody listens; the connection that shows it is closed at once. */
function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
      .once("connect", () => {
        socket.destroy();
        resolve(true);
      })
      .once("error", () => resolve(false));
  });
}
