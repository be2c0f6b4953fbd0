import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "./recorder.ts";
import { connectWhenListening } from "./unix-socket.ts";

const EMULATOR = "/usr/bin/qemu-system-arm";
const FIRMWARE = "/usr/lib/u-boot/qemu_arm/u-boot.bin";
/** The machine has no network, disk or USB: after its countdown U-Boot finds nothing to boot, and is at its prompt at once. */
const MACHINE =
  `-M virt -cpu cortex-a15 -m 128 -bios ${FIRMWARE} -nic none -display none -monitor none`.split(" ");
const MADE_LIMIT_MS = 20_000;
/** The countdown takes 2 s and all else 0.2 s, where the emulator has a core for itself. */
const WROTE_LIMIT_MS = 20_000;

/** What U-Boot writes when its countdown begins, a second later, and when nobody has stopped it. */
export const COUNTDOWN = { begins: "Hit any key to stop autoboot: ", atOne: "\b 1 ", over: "\b 0 " } as const;
/** How U-Boot's output ends when it waits for a command. */
export const PROMPT = "\r\n=> ";

/**
 * A board in QEMU with Debian's U-Boot, whose console is its only UART. It is made switched off. Its processor never
 * sleeps, not at the prompt either: it runs at the lowest priority, and is to be closed when it has been seen.
 */
export class UBoot {
  readonly #directory: string;
  readonly #child: ChildProcess;
  #socket: Socket | undefined;

  private constructor(directory: string, child: ChildProcess) {
    this.#directory = directory;
    this.#child = child;
  }

  /** A machine without QEMU or U-Boot fails the test and says what to install. */
  static async make(): Promise<UBoot> {
    for (const [path, name] of [
      [EMULATOR, "qemu-system-arm"],
      [FIRMWARE, "u-boot-qemu"],
    ] as const) {
      if (!existsSync(path)) throw new Error(`these tests need ${path}: apt-get install ${name}`);
    }
    const directory = await mkdtemp(join(tmpdir(), "mayday-u-boot-"));
    const [console, log] = [join(directory, "console"), join(directory, "log")];
    const uart = `socket,id=c0,path=${console},server=on,wait=on,logfile=${log}`;
    const args = [...MACHINE, "-chardev", uart, "-serial", "chardev:c0"];
    const child = spawn("nice", ["-n", "19", EMULATOR, ...args], { stdio: "ignore" });
    child.on("error", () => {}); // then no console appears
    await until(() => existsSync(console), "console of QEMU", MADE_LIMIT_MS);
    return new UBoot(directory, child);
  }

  /** Switches it on; what comes on the socket is what it writes, and what is written there it can read. */
  async powerOn(): Promise<Socket> {
    const socket = await connectWhenListening(join(this.#directory, "console"));
    this.#socket = socket;
    return socket;
  }

  /** All that it has written, from QEMU's own log. */
  get log(): string {
    const path = join(this.#directory, "log");
    return existsSync(path) ? readFileSync(path, "latin1") : "";
  }

  /** Whether its output holds `text` within `limitMs`. */
  async wrote(text: string, limitMs = WROTE_LIMIT_MS): Promise<boolean> {
    for (const start = performance.now(); !this.log.includes(text); ) {
      if (performance.now() - start > limitMs) return false;
      await sleep(10);
    }
    return true;
  }

  async close(): Promise<void> {
    this.#socket?.destroy();
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = new Promise<void>((resolve) => this.#child.once("exit", () => resolve()));
      this.#child.kill("SIGKILL");
      await ended;
    }
    await rm(this.#directory, { recursive: true, force: true });
  }
}
