import { lstat, readlink, stat } from "node:fs/promises";
import { FailedError, UsageError } from "../../base/errors.ts";
import { findOwnProgram } from "../../files/own-way.ts";
import { ownUid } from "../../files/rights.ts";
import { removeIfSame } from "../../files/same-file.ts";
import { buildCableHelper } from "./helper-build.ts";
import type { VirtualCable, VirtualCableOptions } from "./virtual-cable.ts";

/** The command of a helper, and how it shows that both links exist. */
export interface CableHelper {
  readonly kind: VirtualCable["kind"];
  readonly notice: string | undefined;
  /** Why there is no paced helper; empty if this is one. */
  readonly missing: string;
  readonly command: string;
  readonly arguments: readonly string[];
  readonly readyMark: RegExp;
}

/**
 * The program that makes a cable: the one with true rate and faults, compiled if needed, or socat where no C compiler is.
 * {@link UsageError}: socat cannot do what is asked for. {@link FailedError}: neither is there, or something else is at a path.
 */
export async function chooseHelper(options: VirtualCableOptions): Promise<CableHelper> {
  const built = await buildCableHelper();
  if (typeof built === "string") return pacedHelper(built, options);
  const helper = socatHelper(built.missing, options);
  await removeStaleLinks(options);
  return helper;
}

function pacedHelper(command: string, options: VirtualCableOptions): CableHelper {
  const flags: [string, string | number | undefined][] = [
    ["a", options.a],
    ["b", options.b],
    ["baud", options.baud],
    ["ber", options.ber],
    ["drop", options.drop],
    ["latency", options.latencyMs],
    ["burst", options.burst && `${options.burst.every},${options.burst.length}`],
    ["seed", options.seed],
    ...(options.cuts ?? []).map((cut): [string, string] => ["cut", `${cut.atSeconds},${cut.forSeconds}`]),
    ...(options.garbleBaud ?? []).map((baud): [string, number] => ["garble-baud", baud]),
  ];
  const given = flags.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`]));
  if (options.strictBaud === true) given.push("--strict-baud");
  // Standard input closes with this process, even on a kill that it cannot catch.
  given.push("--exit-on-stdin-close");
  return {
    kind: "paced",
    notice: undefined,
    missing: "",
    command,
    arguments: given,
    readyMark: /^ready .*\n/,
  };
}

function socatHelper(missing: string, options: VirtualCableOptions): CableHelper {
  const { ber, drop, latencyMs, burst, cuts, strictBaud } = options;
  if (ber || drop || latencyMs || burst || cuts?.length || strictBaud) {
    throw new UsageError(
      "cable-needs-compiler",
      `A cable with faults, latency or strict rates needs a C compiler: ${missing}. Install gcc and libc6-dev, or leave those options out.`,
    );
  }
  for (const path of [options.a, options.b]) {
    if (/[,!:"'\\]/.test(path)) throw new UsageError("bad-cable-path", `socat cannot take the path ${path}`);
  }
  const command = findOwnProgram("socat");
  if (command === undefined) throw noHelper(`${missing}; socat is not installed`);
  const ends = [options.a, options.b].map((path) => `PTY,link=${path},raw,echo=0`);
  return {
    kind: "socat",
    notice: `No C compiler (${missing}): a plain socat pair takes the cable's place. Its rate is not true and it has no faults; gcc and libc6-dev give the real one.`,
    missing,
    command,
    arguments: ["-d", "-d", ...ends],
    readyMark: /starting data transfer loop/,
  };
}

/** socat replaces whatever is at its paths; the paced helper checks them itself. */
async function removeStaleLinks(options: VirtualCableOptions): Promise<void> {
  for (const path of [options.a, options.b]) {
    const found = await lstat(path, { bigint: true }).catch(() => undefined);
    if (found === undefined) continue;
    const target = await readlink(path).catch(() => undefined);
    const isDangling = (await stat(path).catch(() => undefined)) === undefined;
    const isOurs = Number(found.uid) === ownUid();
    if (target === undefined || !isOurs || !(isDangling || target.startsWith("/dev/pts/"))) {
      throw new FailedError(
        "cable-failed",
        `Cannot make the link ${path}: it exists and is not a link that a cable of yours left behind; remove it, or give another path`,
      );
    }
    removeIfSame(path, found);
  }
}

/** Neither program works. `seen`: why. */
export function noHelper(seen: string, cause?: Error): FailedError {
  const text = `A virtual cable needs a C compiler or socat, and neither works (${seen}): install gcc and libc6-dev, or socat`;
  return new FailedError("no-virtual-cable", text, {}, cause);
}
