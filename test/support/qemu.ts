import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../cli/workbench.ts";

const EMULATOR = "/usr/bin/qemu-system-arm";
const LIMIT_MS = 20_000;

/** A machine in QEMU whose first UART is a TCP port, for `tcp:` links. It runs at a low priority, as it never sleeps. */
export class Qemu {
  readonly link: string;
  readonly #port: number;
  readonly #directory: string;
  readonly #child: ChildProcess;
  #stderr = "";

  private constructor(port: number, directory: string, args: readonly string[]) {
    this.link = `tcp:127.0.0.1:${port}`;
    this.#port = port;
    this.#directory = directory;
    const uart = `socket,id=c0,host=127.0.0.1,port=${port},server=on,wait=off,logfile=${join(directory, "log")}`;
    const qmp = `unix:${join(directory, "qmp")},server=on,wait=off`;
    const common = [
      "-display",
      "none",
      "-monitor",
      "none",
      "-chardev",
      uart,
      "-serial",
      "chardev:c0",
      "-qmp",
      qmp,
    ];
    this.#child = spawn("nice", ["-n", "5", EMULATOR, ...args, ...common], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    this.#child.on("error", () => {}); // then it never listens
  }

  /** Switches a machine on. */
  static async start(args: readonly string[]): Promise<Qemu> {
    if (!existsSync(EMULATOR))
      throw new Error(`these tests need ${EMULATOR}: apt-get install qemu-system-arm`);
    const directory = await mkdtemp(join(tmpdir(), "mayday-qemu-"));
    const machine = new Qemu(await freePort(), directory, args);
    await machine.#until(
      () => existsSync(join(directory, "qmp")) && existsSync(join(directory, "log")),
      "QEMU runs",
    );
    return machine;
  }

  /** All that the machine wrote on its UART, frames included. */
  get log(): string {
    const path = join(this.#directory, "log");
    return existsSync(path) ? readFileSync(path, "latin1") : "";
  }

  /** Waits until the UART's output holds `text` behind its first `from` characters. */
  async saw(text: string, from = 0): Promise<void> {
    await this.#until(() => this.log.includes(text, from), `it writes ${JSON.stringify(text)}`);
  }

  /** Writes to the UART. */
  async type(text: string): Promise<void> {
    const socket = await this.#connect({ host: "127.0.0.1", port: this.#port });
    await new Promise<void>((resolve) => socket.write(text, () => resolve()));
    // Closed by hand: what QEMU has not read yet would be lost with a reset.
    socket.end();
    await new Promise<void>((resolve) => socket.resume().once("close", () => resolve()));
  }

  /** A command of QEMU's monitor. */
  async ask(execute: string, args: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const socket = await this.#connect({ path: join(this.#directory, "qmp") });
    const told = new Promise<void>((resolve, reject) => {
      let text = "";
      socket.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
        const answers = text.split("\n").filter((line) => /"(return|error)"/.test(line));
        if (answers.some((line) => line.includes('"error"'))) reject(new Error(`${execute}: ${text}`));
        else if (answers.length >= 2) resolve();
      });
      socket.once("close", () => reject(new Error(`QEMU has left: ${text}`)));
    });
    socket.write(
      `${JSON.stringify({ execute: "qmp_capabilities" })}\n${JSON.stringify({ execute, arguments: args })}\n`,
    );
    try {
      await told;
    } finally {
      socket.destroy();
    }
  }

  /** Bytes of memory, as the processor sees it. */
  async memory(address: number, size: number): Promise<Uint8Array> {
    const filename = join(this.#directory, "memory");
    await this.ask("memsave", { val: address, size, filename });
    return readFileSync(filename);
  }

  /** Cuts the power. */
  async kill(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = new Promise<void>((resolve) => this.#child.once("exit", () => resolve()));
      this.#child.kill("SIGKILL");
      await ended;
    }
  }

  async close(): Promise<void> {
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    for (const start = performance.now(); !holds(); await sleep(10)) {
      if (performance.now() - start < LIMIT_MS && this.#child.exitCode === null) continue;
      throw new Error(
        `not so within ${LIMIT_MS / 1000} s: ${what}\n${this.#stderr}\n${this.log.slice(-500)}`,
      );
    }
  }

  #connect(where: { host: string; port: number } | { path: string }): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = createConnection(where, () => resolve(socket));
      socket.once("error", reject);
    });
  }
}
