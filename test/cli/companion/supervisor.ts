import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "../../support/recorder.ts";
import { environmentOf, settingOf, unitSettings } from "./unit-file.ts";

const MAIN = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));
const RECEIVER = fileURLToPath(new URL("../../support/notify-receiver.py", import.meta.url));
/** In place of the unit's two minutes. */
const WATCHDOG_USEC = 2_000_000;
const START_LIMIT_MS = 20_000;

/** A line of the rescuer's log. */
export type LogLine = { readonly event: string } & Readonly<Record<string, unknown>>;

/** The rescuer's unit, run as a service manager does: its command, its environment, its limits on the process, its socket. */
export class SupervisedRescuer {
  readonly #receiver: ChildProcess;
  readonly #service: ChildProcess;
  readonly #log: string;
  readonly #messages: string[] = [];
  readonly ended: Promise<number | null>;

  private constructor(dir: string, receiver: ChildProcess, socket: string, link: string) {
    this.#receiver = receiver;
    receiver.stdout?.setEncoding("utf8").on("data", (text: string) => {
      for (const line of text.trim().split("\n")) this.#messages.push(line);
    });
    this.#log = join(dir, "rescue.log");
    const settings = unitSettings("mayday-rescue.service");
    const [, ...args] = settingOf(settings, "ExecStart").split(" ");
    const env = {
      PATH: process.env["PATH"],
      ...environmentOf("rescue.env"),
      MAYDAY_LINK: link,
      MAYDAY_REPO: join(dir, "images"),
      MAYDAY_LOG: this.#log,
      MAYDAY_CONSOLE: join(dir, "console.log"),
      NOTIFY_SOCKET: socket,
      WATCHDOG_USEC: String(WATCHDOG_USEC),
    };
    const start = `umask ${settingOf(settings, "UMask")}; WATCHDOG_PID=$$ exec "$@"`;
    const words = ["--no-new-privs", "--", "sh", "-c", start, "sh", process.execPath, MAIN, ...args];
    this.#service = spawn("setpriv", words, { cwd: dir, env, stdio: "ignore" });
    this.ended = new Promise((resolve, reject) => {
      this.#service.once("error", reject);
      this.#service.once("exit", (code) => resolve(code));
    });
  }

  /** Starts it in a folder with `images`, with a link to a port that need not be there. */
  static async start(dir: string, link: string): Promise<SupervisedRescuer> {
    const socket = join(dir, "notify");
    const receiver = spawn("python3", [RECEIVER, socket], { stdio: ["ignore", "pipe", "inherit"] });
    await until(() => existsSync(socket), "the socket of the service manager", START_LIMIT_MS);
    return new SupervisedRescuer(dir, receiver, socket, link);
  }

  kill(signal: NodeJS.Signals): void {
    this.#service.kill(signal);
  }

  /** How many messages to the manager held this assignment. */
  told(words: string): number {
    return this.#messages.filter((message) => message.includes(words)).length;
  }

  /** The lines of its log, also of the one that was put aside. */
  log(): LogLine[] {
    const paths = [`${this.#log}.1`, this.#log].filter((path) => existsSync(path));
    const lines = paths.flatMap((path) => readFileSync(path, "utf8").split("\n"));
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as LogLine);
  }

  get logPath(): string {
    return this.#log;
  }

  /** Ends what still runs. */
  close(): void {
    this.#service.kill("SIGKILL");
    this.#receiver.kill("SIGKILL");
  }
}
