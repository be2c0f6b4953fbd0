import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import type { I2cPeripheralHandler } from "../../src/transport/i2c/bus.ts";
import type { I2cCall, I2cRig } from "./i2c-rig.ts";

/** Calls of i2c-bus. */
export const write = (address: number, hex: string): I2cCall => ({
  method: "i2cWrite",
  args: [address, hex.length / 2, hex],
});
export const read = (address: number, length: number): I2cCall => ({
  method: "i2cRead",
  args: [address, length, "00".repeat(length)],
});

/** Keeps what is written, and answers reads from `memory`, from its start each time. */
export class NotingPeripheral implements I2cPeripheralHandler {
  readonly writes: Uint8Array[] = [];
  readonly reads: number[] = [];
  memory: Uint8Array;
  isAcknowledging = true;

  constructor(memory: Uint8Array = new Uint8Array(0)) {
    this.memory = memory;
  }

  onWrite(bytes: Uint8Array): boolean {
    this.writes.push(bytes.slice());
    return this.isAcknowledging;
  }

  onRead(length: number): Uint8Array {
    this.reads.push(length);
    return this.memory;
  }

  get written(): string[] {
    return this.writes.map(toHex);
  }
}

/** A peripheral on bus 1 that speaks for itself; gone when the test is over. */
export async function listenRaw(
  rig: I2cRig,
  address: number,
  onConnection: (socket: Socket) => void,
): Promise<void> {
  mkdirSync(rig.bus(1), { recursive: true });
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    onConnection(socket);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(join(rig.bus(1), `0x${address.toString(16)}`));
  await once(server, "listening");
}

/** The peripheral 0x42 on bus 1 in a process of its own: takes everything, never answers, leaves its socket behind. */
export async function startMute(rig: I2cRig): Promise<{ path: string; stop: () => Promise<void> }> {
  mkdirSync(rig.bus(1), { recursive: true });
  const path = join(rig.bus(1), "0x42");
  const program = `require("net").createServer(() => {}).listen(${JSON.stringify(path)}, () => console.log("ready"))`;
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  await once(child.stdout, "data");
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  return { path, stop };
}
