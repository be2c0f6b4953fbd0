import { spawn } from "node:child_process";
import { type Clock, systemClock, type Timer } from "../base/clock.ts";
import type { Millis } from "../base/units.ts";
import type { NodeEvent } from "../node/node-event.ts";
import { shortId } from "./event-text.ts";

/** Sends one message of words such as `READY=1` to the service manager at a socket. Rejects if it cannot. */
export type SendNotice = (socket: string, words: readonly string[]) => Promise<void>;

export interface NoticeOptions {
  readonly warn: (text: string) => void;
  /** Aborted when the process is told to end. */
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  readonly send?: SendNotice;
}

type Environment = Record<string, string | undefined>;

/** Messages that wait while one is being sent; of more the oldest are dropped, since the next watchdog message repeats them. */
const WAITING_MAX = 8;
/** Longest that `systemd-notify` may take; it waits for the manager for 5 s. */
const SEND_LIMIT_MS: Millis = 10_000;

/**
 * Tells a service manager (sd_notify(3), units of Type=notify) that the process runs, how many boards it healed, that its event
 * loop is alive (WatchdogSec=), and that it ends. Node has no datagram sockets of the Unix kind, so that `systemd-notify` sends
 * each message, and the unit needs NotifyAccess=all.
 */
export class ServiceNotice {
  readonly #socket: string;
  readonly #options: NoticeOptions;
  readonly #send: SendNotice;
  readonly #clock: Clock;
  /** Time between two watchdog messages; undefined without a watchdog. */
  readonly #watchdogMs: Millis | undefined;
  readonly #waiting: (readonly string[])[] = [];
  #isSending = false;
  #isReady = false;
  #hasFailed = false;
  #timer: Timer | undefined;
  #heals = 0;

  private constructor(socket: string, watchdogMs: Millis | undefined, options: NoticeOptions) {
    this.#socket = socket;
    this.#watchdogMs = watchdogMs;
    this.#options = options;
    this.#send = options.send ?? sendBySystemd;
    this.#clock = options.clock ?? systemClock;
    options.signal.addEventListener("abort", () => this.#stop(), { once: true });
  }

  /** Takes the manager's variables out of an environment, as hooks are not to speak for this process; undefined without any. */
  static take(env: Environment, options: NoticeOptions): ServiceNotice | undefined {
    const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: micros, WATCHDOG_PID: pid } = env;
    for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) delete env[name];
    if (socket === undefined || socket === "") return undefined;
    const isOurs = pid === undefined || pid === "" || Number(pid) === process.pid;
    const limitMs = Number(micros) / 1000;
    const watchdogMs = isOurs && limitMs > 0 ? limitMs / 2 : undefined;
    return new ServiceNotice(socket, watchdogMs, options);
  }

  /** Takes every event of the node: with the first one, which says that a link is up or waited for, the process is ready. */
  handle(event: NodeEvent): void {
    if (!this.#isReady) {
      this.#isReady = true;
      this.#queue(["READY=1", "STATUS=no board healed yet"]);
      this.#scheduleWatchdog();
    }
    if (event.event !== "healed") return;
    this.#heals++;
    const boards = `${this.#heals} healed board${this.#heals === 1 ? "" : "s"}`;
    // A line end would begin another message.
    const where = event.link.replace(/\s+/g, " ");
    this.#queue([`STATUS=${boards}, the last is ${shortId(event.peer)} on ${where}`]);
  }

  #stop(): void {
    this.#timer?.cancel();
    if (this.#isReady) this.#queue(["STOPPING=1"]);
  }

  #scheduleWatchdog(): void {
    if (this.#watchdogMs === undefined || this.#options.signal.aborted) return;
    this.#timer = this.#clock.after(this.#watchdogMs, () => {
      this.#queue(["WATCHDOG=1"]);
      this.#scheduleWatchdog();
    });
  }

  #queue(words: readonly string[]): void {
    this.#waiting.push(words);
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift();
    if (!this.#isSending) void this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    for (let words = this.#waiting.shift(); words !== undefined; words = this.#waiting.shift()) {
      try {
        await this.#send(this.#socket, words);
        this.#hasFailed = false;
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        if (!this.#hasFailed) this.#options.warn(`the service manager was not told ${words[0]}: ${text}`);
        this.#hasFailed = true;
      }
    }
    this.#isSending = false;
  }
}

function sendBySystemd(socket: string, words: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env["PATH"], NOTIFY_SOCKET: socket };
    const child = spawn("systemd-notify", words, { env, stdio: "ignore", timeout: SEND_LIMIT_MS });
    child.once("error", reject);
    child.once("exit", (status, signal) => {
      if (status === 0) resolve();
      else reject(new Error(`systemd-notify ended with ${signal ?? `status ${status}`}`));
    });
  });
}
