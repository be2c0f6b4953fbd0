import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";

const MOSQUITTO = "/usr/sbin/mosquitto";

/** Waits, in real time, until `check` gives something. */
export async function until<T>(
  what: string,
  check: () => T | undefined | false,
  ms: number = 15_000,
): Promise<T> {
  for (const end = Date.now() + ms; Date.now() < end; ) {
    const found = check();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  throw new Error(`${what}: not within ${ms} ms`);
}

/** A real mosquitto with a folder of its own. */
export class Broker {
  readonly port: number;
  readonly folder: string;
  readonly #lines: readonly string[];
  #process: ChildProcess | undefined;
  log = "";

  /** `lines`: of its configuration, instead of those that let everybody in. */
  constructor(folder: string, port: number, lines: readonly string[] = ["allow_anonymous true"]) {
    if (!existsSync(MOSQUITTO)) throw new Error("mosquitto is missing: apt-get install mosquitto");
    this.folder = folder;
    this.port = port;
    this.#lines = lines;
    mkdirSync(this.#data, { recursive: true });
  }

  get #data(): string {
    return join(this.folder, "broker-data");
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  async start(): Promise<void> {
    const config = join(this.folder, "mosquitto.conf");
    const persistence = [
      "persistence true",
      `persistence_location ${this.#data}/`,
      "autosave_interval 1",
      "autosave_on_changes true",
    ];
    const limits = ["max_queued_messages 0", "max_inflight_messages 100"];
    const text = ["user root", ...persistence, ...limits, `listener ${this.port} 127.0.0.1`, ...this.#lines];
    writeFileSync(config, `${text.join("\n")}\n`);
    const child = spawn(MOSQUITTO, ["-c", config], { stdio: ["ignore", "ignore", "pipe"] });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      this.log += chunk;
    });
    this.#process = child;
    await until("mosquitto listens", () => child.exitCode !== null || isListening(this.log));
    if (child.exitCode !== null) throw new Error(`mosquitto ended: ${this.log}`);
    await connects(this.port);
  }

  /** SIGKILL: what it did not write is lost. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    this.log = "";
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  /** Everything that it knew is gone. */
  wipe(): void {
    rmSync(this.#data, { recursive: true, force: true });
    mkdirSync(this.#data);
  }
}

function isListening(log: string): boolean {
  return log.includes("running");
}

async function connects(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.destroy();
}

/** Types of MQTT packets that tests look for. */
export const Packet = { publish: 3, puback: 4 } as const;

/** A relay between a site and its broker that sees whole MQTT packets and may keep one back, and all after it. */
export class PacketRelay {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();

  private constructor(port: number, server: Server) {
    this.port = port;
    this.#server = server;
  }

  /** `stops`: called for each packet, with its direction; true: it and all that follows is kept back. */
  static async start(
    to: number,
    stops: (packet: number, from: "site" | "broker", bytes: Uint8Array) => boolean,
  ): Promise<PacketRelay> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
    const relay = new PacketRelay(address.port, server);
    server.on("connection", (site) => {
      const broker = connect(to, "127.0.0.1");
      relay.#join(site, broker, (packet, bytes) => stops(packet, "site", bytes));
      relay.#join(broker, site, (packet, bytes) => stops(packet, "broker", bytes));
    });
    return relay;
  }

  #join(from: Socket, to: Socket, stops: (packet: number, bytes: Uint8Array) => boolean): void {
    this.#sockets.add(from);
    let held = Buffer.alloc(0);
    let isStopped = false;
    from.on("data", (chunk) => {
      held = Buffer.concat([held, chunk]);
      for (let length = packetLength(held); length !== undefined; length = packetLength(held)) {
        const packet = held.subarray(0, length);
        held = held.subarray(length);
        isStopped ||= stops((packet[0] ?? 0) >> 4, packet);
        if (!isStopped) to.write(packet);
      }
    });
    from.on("close", () => to.destroy());
    from.on("error", () => to.destroy());
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

/** Bytes of the first packet (MQTT 5.0, 2.1); undefined while it is not whole. */
function packetLength(bytes: Uint8Array): number | undefined {
  let length = 0;
  for (let i = 1; i <= 4; i++) {
    const byte = bytes[i];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) * 128 ** (i - 1);
    if (byte < 0x80) return bytes.length >= 1 + i + length ? 1 + i + length : undefined;
  }
  throw new Error("this is not MQTT");
}

/** Publishes a retained message. */
export async function publishRetained(port: number, topic: string, payload: Uint8Array): Promise<void> {
  const { connectAsync } = await import("mqtt");
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5 });
  await client.publishAsync(topic, Buffer.from(payload), { qos: 1, retain: true });
  await client.endAsync();
}
