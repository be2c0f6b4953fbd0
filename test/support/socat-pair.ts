import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connectWhenListening } from "./unix-socket.ts";

/** Two joined pseudo-terminals made by socat: no line rate, no loss, and backpressure instead of overruns. */
export interface SocatPair {
  readonly a: string;
  readonly b: string;
  readonly pid: number;
  /** SIGKILL, as if the adapter were pulled out. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** A pseudo-terminal whose other side is a Unix socket, which, unlike a pair, still carries one way while the other is full. */
export interface SocatSocket {
  readonly path: string;
  readonly socket: Socket;
  close(): Promise<void>;
}

/** A program on a pseudo-terminal of its own, as a console has one. */
export interface SocatProgram {
  /** What the program prints, and what is typed. */
  readonly socket: Socket;
  /** Hangs up. */
  close(): Promise<void>;
}

/** Starts socat and waits until both ends exist. A machine without socat fails the test and says what to install. */
export async function openSocatPair(): Promise<SocatPair> {
  const directory = await mkdtemp(join(tmpdir(), "mayday-pty-"));
  const [a, b] = [join(directory, "a"), join(directory, "b")];
  const child = await startSocat([`PTY,link=${a},raw,echo=0`, `PTY,link=${b},raw,echo=0`], [a, b]);
  return { a, b, pid: child.pid ?? 0, kill: () => end(child), close: () => end(child, directory) };
}

export async function openSocatSocket(): Promise<SocatSocket> {
  const directory = await mkdtemp(join(tmpdir(), "mayday-pty-"));
  const [path, listener] = [join(directory, "port"), join(directory, "socket")];
  const child = await startSocat(
    [`UNIX-LISTEN:${listener},sndbuf=8192`, `PTY,link=${path},raw,echo=0`],
    [listener],
  );
  const socket = await connectWhenListening(listener);
  await waitFor([path]);
  const close = async (): Promise<void> => {
    socket.destroy();
    await end(child, directory);
  };
  return { path, socket, close };
}

/**
 * Starts `command` (words without quotes, commas and exclamation marks) in a session of its own, whose terminal is the
 * standard input, output and error of it, with the settings of a new pseudo-terminal: it echoes.
 */
export async function openSocatProgram(command: string): Promise<SocatProgram> {
  const directory = await mkdtemp(join(tmpdir(), "mayday-pty-"));
  const listener = join(directory, "socket");
  const child = await startSocat(
    [`UNIX-LISTEN:${listener}`, `EXEC:${command},pty,setsid,ctty,stderr`],
    [listener],
  );
  const socket = await connectWhenListening(listener);
  const close = async (): Promise<void> => {
    socket.destroy();
    await end(child, directory);
  };
  return { socket, close };
}

async function startSocat(args: readonly string[], made: readonly string[]): Promise<ChildProcess> {
  const child = spawn("socat", args, { stdio: "ignore" });
  const failed = new Promise<never>((_resolve, reject) => {
    child.once("error", (error) => {
      reject(new Error(`these tests need socat: apt-get install socat (${error.message})`));
    });
  });
  await Promise.race([failed, waitFor(made)]);
  return child;
}

async function waitFor(paths: readonly string[]): Promise<void> {
  for (let waited = 0; !paths.every((path) => existsSync(path)); waited += 5) {
    if (waited > 5000) throw new Error("socat made no port within 5 s");
    await sleep(5);
  }
}

/** SIGKILL, as if an adapter were pulled out: socat has no time to tidy up. */
async function end(child: ChildProcess, directory?: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGKILL");
    await ended;
  }
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
}
