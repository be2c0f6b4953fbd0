import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

/** The user "nobody" of Debian: the attacker. */
export const NOBODY = 65_534;
/** Whether this process may act as another user. */
export const IS_ROOT: boolean = process.geteuid?.() === 0;
/** Fewest exchanges that count as an attack. */
export const SWAPS_MIN = 200;
/** Files in the folder that nobody wants to harm: enough that a removal is caught in the middle. */
const VICTIM_FILES = 40;
/** Most characters of its output that are kept. */
const SAID_MAX = 100;
const SOURCE = fileURLToPath(new URL("swap.c", import.meta.url));

/** A folder that everybody can reach, with what the two users have in it. */
export interface Ground {
  readonly dir: string;
  path(name: string): string;
  /** Whether root's folder `victim` is exactly as it was. */
  victimState(): string;
  /** Runs a program as the other user, to its end. */
  asNobody(command: string, ...args: readonly string[]): string;
}

/** Makes `shared` (mode 1777, or as given), root's folder `victim`, and `home` of the other user. */
export function openGround(sharedMode = 0o1777): Ground {
  const dir = mkdtempSync(join(tmpdir(), "mayday-two-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const path = (name: string): string => join(dir, name);
  chmodSync(dir, 0o755);
  for (const [name, mode] of [
    ["shared", sharedMode],
    ["victim", 0o755],
    ["home", 0o755],
  ] as const) {
    mkdirSync(path(name));
    chmodSync(path(name), mode);
  }
  execFileSync("chown", [`${NOBODY}:${NOBODY}`, path("home")]);
  for (let i = 1; i <= VICTIM_FILES; i++) writeFileSync(path(`victim/f${i}`), `root's ${i}`, { mode: 0o644 });
  writeFileSync(path("victim/r.mdy"), "root's own", { mode: 0o644 });
  writeFileSync(path("victim/empty"), "", { mode: 0o644 });
  const asNobody: Ground["asNobody"] = (command, ...args) =>
    execFileSync("setpriv", [...DROP, command, ...args], { encoding: "utf8", cwd: dir });
  return { dir, path, victimState: () => stateOf(path("victim")), asNobody };
}

const DROP = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];

/** The other user at work, who exchanges two names all the time. */
export interface Swapper {
  /** How often it has exchanged them, at least. */
  count(): number;
  stop(): Promise<void>;
}

/** Starts to exchange two names as the other user. */
export async function startSwapper(ground: Ground, one: string, other: string): Promise<Swapper> {
  const program = ground.path("swap");
  execFileSync("gcc", ["-O2", "-o", program, SOURCE]);
  chmodSync(program, 0o755);
  const child = spawn("setpriv", [...DROP, program, one, other]);
  let said = "";
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-SAID_MAX);
  });
  await whenReady(child);
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await ended;
  };
  onTestFinished(stop);
  return { count: () => Number(/(\d+)\n$/.exec(said)?.[1] ?? 0), stop };
}

function whenReady(child: ChildProcessWithoutNullStreams): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout.once("data", () => resolve());
    child.once("error", reject);
    child.once("close", () => reject(new Error("the attacker ended")));
  });
}

/** Names, owners, modes, lengths and content of a folder's files, as one text. */
function stateOf(folder: string): string {
  const lines = readdirSync(folder).map((name) => {
    const { uid, mode, size, ino } = lstatSync(join(folder, name));
    return `${name} ${uid} ${mode} ${size} ${ino} ${readFileSync(join(folder, name), "latin1")}`;
  });
  return lines.sort().join("\n");
}
