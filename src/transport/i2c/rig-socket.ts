import { lstat, mkdir } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { assert } from "../../base/assert.ts";
import { concatBytes, EMPTY } from "../../base/bytes.ts";
import { errnoOf } from "../../base/errno.ts";
import { TransportError } from "../../base/errors.ts";
import { ownUid } from "../../files/rights.ts";
import { removeIfSame } from "../../files/same-file.ts";
import { fitsSocket, isAnswered, SOCKET_PATH_MAX } from "../../files/unix-socket.ts";
import { I2C_ADDRESS_MAX, I2C_ADDRESS_MIN } from "../endpoint.ts";
import { asUint8Array } from "../transport.ts";
import { I2C_TRANSACTION_MAX, type I2cPeripheralHandler } from "./bus.ts";

// The exchange with the controller's side is described at the top of hw-loopback/i2c-shim.c.
const VERSION = 1;
const KIND_WRITE = 0;
const KIND_READ = 1;
const STATUS_ACKNOWLEDGED = 0;
const STATUS_NOT_ACKNOWLEDGED = 1;
const HEADER_BYTES = 4;

/**
 * A peripheral on a bus of the I2C test rig: listens on the Unix socket `DIRECTORY/0xADDRESS`. The directory is the
 * bus; several peripherals share it, each in a process of its own, and any number of controllers.
 */
export class I2cSocketServer {
  readonly path: string;
  readonly #directory: string;
  readonly #address: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #closing: Promise<void> | undefined;

  /** `address`: 0x08 to 0x77. */
  constructor(directory: string, address: number) {
    assert(address >= I2C_ADDRESS_MIN && address <= I2C_ADDRESS_MAX, `I2C address ${address}`);
    this.#directory = directory;
    this.#address = address;
    this.path = join(directory, addressName(address));
  }

  /**
   * Starts to answer: the handler is called synchronously, message by message in the order of the bus; with no bytes
   * when a scan only probes the address. What it is given is a view. Where it returns too few bytes for a read, the rest
   * is 0xFF, as on an idle bus; where too many, the rest is dropped.
   *
   * Makes the directory if only that is missing, and replaces the socket of a peripheral of this user's that died.
   * Throws TransportError: `i2c-directory-missing`, `i2c-address-taken`, `i2c-socket-failed`.
   */
  async open(handler: I2cPeripheralHandler): Promise<void> {
    assert(this.#server === undefined && this.#closing === undefined, `${this.path} was opened before`);
    if (!fitsSocket(this.path)) throw this.#failed("its path is too long");
    const server = createServer((socket) => this.#accept(socket, handler));
    this.#server = server;
    try {
      await makeDirectory(this.#directory);
      await listen(server, this.path).catch(async (error: unknown) => {
        const found = await lstat(this.path, { bigint: true });
        const isOurs = found.isSocket() && Number(found.uid) === ownUid();
        if (errnoOf(error) !== "EADDRINUSE" || !isOurs) throw error;
        if (await isAnswered(this.path)) throw this.#taken();
        removeIfSame(this.path, found);
        await listen(server, this.path);
      });
    } catch (error) {
      this.#server = undefined;
      throw this.#openError(error);
    }
    // A failure to accept (out of descriptors) concerns one connection; without a listener it would end the process.
    server.on("error", () => {});
  }

  /** Leaves the bus: the address is not acknowledged any more. Idempotent. The directory stays. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      for (const socket of this.#sockets) socket.destroy();
      if (this.#server === undefined) resolve();
      else this.#server.close(() => resolve());
    });
    return this.#closing;
  }

  #accept(socket: Socket, handler: I2cPeripheralHandler): void {
    let held: Uint8Array = EMPTY;
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("data", (chunk: Buffer) => {
      held = held.length === 0 ? asUint8Array(chunk) : concatBytes(held, chunk);
      for (;;) {
        const length = requestLength(held);
        if (length === "malformed") {
          socket.destroy();
          return;
        }
        if (length === undefined || length > held.length) return;
        socket.write(answer(held.subarray(0, length), handler));
        held = held.subarray(length);
      }
    });
  }

  #taken(): TransportError {
    const message = `Cannot be the peripheral ${addressName(this.#address)} on ${this.#directory}: another process answers there; end it or use another address`;
    return new TransportError("i2c-address-taken", message, "final", { path: this.path });
  }

  #openError(error: unknown): unknown {
    if (error instanceof TransportError) return error;
    switch (errnoOf(error)) {
      case "ENOENT": {
        const message = `Cannot make the I2C bus ${this.#directory}: the directory that it would be in does not exist; create that first`;
        return new TransportError("i2c-directory-missing", message, "final", { path: this.path }, error);
      }
      default:
        return this.#failed(error instanceof Error ? error.message : String(error), error);
    }
  }

  #failed(seen: string, cause?: unknown): TransportError {
    const name = addressName(this.#address);
    const message = `Cannot listen on ${this.path}: ${seen}; the bus must be a directory that you may write to, with nothing but a socket at ${name}, and the whole path at most ${SOCKET_PATH_MAX} bytes`;
    return new TransportError("i2c-socket-failed", message, "final", { path: this.path }, cause);
  }
}

/** Length of the request that `held` begins with, with its header; undefined while that is not known. */
function requestLength(held: Uint8Array): number | "malformed" | undefined {
  const [version = VERSION, kind = KIND_WRITE, low, high] = held;
  if (version !== VERSION || (kind !== KIND_WRITE && kind !== KIND_READ)) return "malformed";
  if (low === undefined || high === undefined) return undefined;
  const length = low | (high << 8);
  if (length > I2C_TRANSACTION_MAX) return "malformed";
  return HEADER_BYTES + (kind === KIND_WRITE ? length : 0);
}

function answer(request: Uint8Array, handler: I2cPeripheralHandler): Uint8Array {
  const [, kind, low = 0, high = 0] = request;
  if (kind === KIND_WRITE) {
    const isAcknowledged = handler.onWrite(request.subarray(HEADER_BYTES));
    return Uint8Array.of(VERSION, isAcknowledged ? STATUS_ACKNOWLEDGED : STATUS_NOT_ACKNOWLEDGED, 0, 0);
  }
  const length = low | (high << 8);
  const out = new Uint8Array(HEADER_BYTES + length).fill(0xff);
  out.set([VERSION, STATUS_ACKNOWLEDGED, low, high]);
  out.set(handler.onRead(length).subarray(0, length), HEADER_BYTES);
  return out;
}

/** A peripheral's socket within its bus; the shim spells it the same way. */
function addressName(address: number): string {
  return `0x${address.toString(16).padStart(2, "0")}`;
}

async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    if (errnoOf(error) !== "EEXIST") throw error;
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
