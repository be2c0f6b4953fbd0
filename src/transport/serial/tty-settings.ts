import { spawn } from "node:child_process";
import type { Clock } from "../../base/clock.ts";
import type { Millis } from "../../base/units.ts";

/** How often they are looked at, at most. */
const LOOK_EVERY_MS: Millis = 30_000;
/** A port that is new is left alone for so long: its settings are ours. */
const FIRST_LOOK_MS: Millis = 5000;
/** A program that has not answered by then is left out. */
const LIMIT_MS: Millis = 2000;
/** Most characters of an answer. */
const ANSWER_MAX = 4096;

/** What a tty does to bytes when these are set. None of them is, when a port was opened for a link. */
const CHANGING = {
  icanon: "holds bytes until a line ends",
  echo: "sends back what it receives",
  isig: "takes out control characters",
  icrnl: "makes LF of CR",
  inlcr: "makes CR of LF",
  igncr: "takes out CR",
  istrip: "clears bit 7",
  parmrk: "doubles FF",
  ixon: "takes out XON and XOFF",
  opost: "translates line ends",
} as const;

/**
 * Finds out whether another program (a getty, a shell, stty) has set the tty of an open port to something else since it was
 * opened: the settings are the device's, for all who have it open, and a tty in the mode for typing swallows frames.
 */
export class TtySettings {
  readonly #clock: Clock;
  #lookedAt: Millis;
  #told = "";

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lookedAt = clock.now() + FIRST_LOOK_MS - LOOK_EVERY_MS;
  }

  /**
   * Looks at the port of an open descriptor, unless it did lately; `baudOf` gives the rate that it should have, in bit/s.
   * `tell` gets a sentence when something else is found than the last time. Never rejects: without stty nothing is found.
   */
  async look(fd: number, baudOf: () => number, tell: (detail: string) => void): Promise<void> {
    const now = this.#clock.now();
    if (now - this.#lookedAt < LOOK_EVERY_MS) return;
    this.#lookedAt = now;
    const baud = baudOf();
    const answer = await settingsOf(fd);
    // While it changes nothing can be said of the rate.
    const found = answer === undefined || baudOf() !== baud ? "" : faultsIn(answer, baud).join(", ");
    if (found !== "" && found !== this.#told)
      tell(
        `another program has changed the port: ${found}; end it, or set the port back with: stty raw -echo`,
      );
    this.#told = found;
  }
}

/** What `stty -a` says of the tty; undefined when it cannot be had. */
function settingsOf(fd: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    // Not as its standard input: what a child gets as one of its first three descriptors, libuv makes blocking, for us as well.
    const child = spawn("sh", ["-c", "exec stty -a <&3"], {
      stdio: ["ignore", "pipe", "ignore", fd],
      timeout: LIMIT_MS,
    });
    let answer = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      if (answer.length < ANSWER_MAX) answer += text;
    });
    child.once("error", () => resolve(undefined));
    child.once("close", (code) => resolve(code === 0 ? answer : undefined));
  });
}

/** What is not as a link needs it, for people. */
function faultsIn(answer: string, baud: number): string[] {
  const words = new Set(answer.split(/[\s;]+/));
  const set = Object.entries(CHANGING).flatMap(([name, does]) =>
    words.has(name) ? [`${name} (${does})`] : [],
  );
  const speed = Number(/\bspeed (\d+) baud\b/.exec(answer)?.[1] ?? 0);
  return speed === 0 || speed === baud ? set : [`${speed} instead of ${baud} baud`, ...set];
}
