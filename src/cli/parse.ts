import { UsageError } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import { type Hardware, parseHardware, parseRevisionRange, type RevisionRange } from "../image/hardware.ts";
import type { KeyLimits } from "../image/keys.ts";
import { COUNTER_MAX, type ImageRole } from "../image/manifest.ts";
import { parseVersion, type Version } from "../image/version.ts";
import { BUDGET_MIN } from "../network/byte-budget.ts";
import { BAUD_MAX, BAUD_MIN, type Endpoint, parseEndpoint } from "../transport/endpoint.ts";

/*
 * Parsers of flag values. Each throws a UsageError that says what was given and what is accepted.
 */

const SIZE_UNITS: Readonly<Record<string, number>> = { "": 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };
/** Longest time, in seconds: timers hold 31 bits of milliseconds. */
const SECONDS_MAX = 2_000_000;

/** "64K", "4M", "1G" (powers of two), "1048576", "0x1000"; 1 to 2^48 bytes. `bad-size`. */
export function parseSize(text: string): number {
  const match = /^(?:(0x[0-9a-fA-F]{1,12})|(\d{1,15})([KMG]?)(?:iB|B)?)$/i.exec(text);
  const [, hex, digits, unit = ""] = match ?? [];
  const size =
    hex === undefined ? Number(digits) * (SIZE_UNITS[unit.toUpperCase()] ?? Number.NaN) : Number(hex);
  if (match !== null && size >= 1 && size <= 2 ** 48) return size;
  throw new UsageError(
    "bad-size",
    `"${text}" is not a size: give bytes above 0, such as 1048576, 64K, 4M or 0x1000`,
  );
}

/** A size of at least {@link BUDGET_MIN} bytes, to be received in a day. `bad-size`, `budget-small`. */
export function parseBudget(text: string): number {
  const size = parseSize(text);
  if (size >= BUDGET_MIN) return size;
  const message = `a budget of ${size} bytes a day is too small for an index and a part of an image; give at least ${BUDGET_MIN / 1024}K`;
  throw new UsageError("budget-small", message, { size, limit: BUDGET_MIN });
}

/** Seconds, fractions allowed, above 0; in milliseconds. `bad-seconds`. */
export function parseSeconds(text: string): Millis {
  const seconds = decimal(text);
  if (seconds !== undefined && seconds > 0 && seconds <= SECONDS_MAX) return seconds * 1000;
  throw new UsageError(
    "bad-seconds",
    `"${text}" is not a time: give seconds above 0, at most ${SECONDS_MAX}`,
  );
}

/** A line rate. `bad-baud`. */
export function parseBaud(text: string): number {
  return wholeNumber(text, "bad-baud", "a line rate", BAUD_MIN, BAUD_MAX);
}

/** Makes a parser of whole numbers, decimal or 0x. `bad-number`. */
export function countParser(what: string, min: number, max: number): (text: string) => number {
  return (text) => wholeNumber(text, "bad-number", what, min, max);
}

/** A probability. `bad-probability`. */
export function parseProbability(text: string): number {
  const value = decimal(text);
  if (value !== undefined && value <= 1) return value;
  throw new UsageError(
    "bad-probability",
    `"${text}" is not a probability: give a number from 0 to 1, such as 1e-4`,
  );
}

/** Milliseconds from 0, fractions allowed. `bad-milliseconds`. */
export function parseMillis(text: string): Millis {
  const value = decimal(text);
  if (value !== undefined) return value;
  throw new UsageError("bad-milliseconds", `"${text}" is not a time: give milliseconds, 0 or more`);
}

/** "A,B": two numbers of 0 or more; `meaning` names them in the message. `bad-pair`. */
export function parsePair(text: string, meaning: string): readonly [number, number] {
  const [first, second, ...rest] = text.split(",").map(decimal);
  if (first !== undefined && second !== undefined && rest.length === 0) return [first, second];
  throw new UsageError("bad-pair", `"${text}" is not ${meaning}: give two numbers with a comma between`);
}

/** "1.2.3". `bad-version`. */
export function parseVersionFlag(text: string): Version {
  const version = parseVersion(text);
  if (version !== undefined) return version;
  const message = `"${text}" is not a version: give MAJOR.MINOR.PATCH, each 0 to 65535, such as 1.4.0`;
  throw new UsageError("bad-version", message);
}

/** "[vendor/]class". `bad-hardware`. */
export function parseHardwareFlag(text: string): Hardware {
  const hardware = parseHardware(text);
  if (hardware !== undefined) return hardware;
  const message = `"${text}" is not a hardware id: give [vendor/]class, 1 to 32 bytes each, such as acme/widget`;
  throw new UsageError("bad-hardware", message);
}

/** "A-B" or "A". `bad-revision`. */
export function parseRevisionsFlag(text: string): RevisionRange {
  const range = parseRevisionRange(text);
  if (range !== undefined) return range;
  const message = `"${text}" is not a range of hardware revisions: give A-B with A up to B, each 0 to 65535`;
  throw new UsageError("bad-revision", message);
}

/** Slot of a board: 0 or 1, a or b. `bad-slot`. */
export function parseSlot(text: string): number {
  const index = ["0", "1", "a", "b"].indexOf(text.toLowerCase());
  if (index >= 0) return index % 2;
  throw new UsageError("bad-slot", `"${text}" is not a slot: give 0 or 1 (a or b)`);
}

/** A public key file, what its key may sign, and its limits. */
export interface TrustFlag extends KeyLimits {
  readonly path: string;
  readonly roles: readonly ImageRole[];
}

/** What a key is limited to: `--max-counter` and `--max-step`, and their forms behind `--trust PUB`. */
export const parseMaxCounter: (text: string) => number = countParser(
  "a largest security counter (max-counter)",
  0,
  COUNTER_MAX,
);
export const parseMaxStep: (text: string) => number = countParser(
  "a largest step of the counter floor (max-step)",
  0,
  COUNTER_MAX,
);

/**
 * "PUB", trusted for all roles, with any of ":app", ":recovery", ":max-counter=N" and ":max-step=N" behind it. The flag
 * may be repeated; for the same file roles add up, and of its limits the lowest count. `trust-limit`, `bad-number`.
 */
export function collectTrust(text: string, earlier: readonly TrustFlag[] = []): readonly TrustFlag[] {
  const { path, roles, limits } = trustParts(text);
  if (path === "") throw new UsageError("key-missing", `--trust "${text}" names no public key file`);
  const same = earlier.find((other) => other.path === path);
  const added: readonly ImageRole[] = roles.length === 0 ? ["app", "recovery"] : roles;
  return [
    ...earlier.filter((other) => other !== same),
    {
      path,
      roles: [...new Set([...(same?.roles ?? []), ...added])],
      ...lowest("maxCounter", same, limits),
      ...lowest("maxStep", same, limits),
    },
  ];
}

/** A public key file with what was given behind it; no roles when none was. A path may hold colons. */
export function trustParts(text: string): {
  readonly path: string;
  readonly roles: readonly ImageRole[];
  readonly limits: KeyLimits;
} {
  const roles: ImageRole[] = [];
  let limits: KeyLimits = {};
  let path = text;
  for (;;) {
    const match = /^(.*):(?:(app|recovery)|(max-counter|max-step)=([^:]*))$/s.exec(path);
    if (match === null) return { path, roles, limits };
    const [, rest = "", role, limit, number = ""] = match;
    path = rest;
    if (role === "app" || role === "recovery") {
      roles.unshift(role);
      continue;
    }
    const name = limit === "max-counter" ? "maxCounter" : "maxStep";
    if (limits[name] !== undefined) {
      throw new UsageError("trust-limit", `--trust "${text}" gives ${limit} twice; give it once`);
    }
    const value = name === "maxCounter" ? parseMaxCounter(number) : parseMaxStep(number);
    limits = { ...limits, [name]: value };
  }
}

function lowest(name: keyof KeyLimits, ...of: readonly (KeyLimits | undefined)[]): KeyLimits {
  const given = of.flatMap((limits) => limits?.[name] ?? []);
  return given.length === 0 ? {} : { [name]: Math.min(...given) };
}

/** Endpoints of a repeated `--link`. Besides the codes of `parseEndpoint`: `link-twice`. */
export function collectLinks(text: string, earlier: readonly Endpoint[] = []): readonly Endpoint[] {
  const endpoint = parseEndpoint(text);
  if (earlier.some((other) => other.text === text)) {
    throw new UsageError("link-twice", `--link ${text} is given twice; each link takes one`);
  }
  return [...earlier, endpoint];
}

/** A number without sign; fraction and exponent are allowed. */
function decimal(text: string): number | undefined {
  return /^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i.test(text) ? Number(text) : undefined;
}

function wholeNumber(text: string, code: string, what: string, min: number, max: number): number {
  const value = /^(?:0x[0-9a-fA-F]{1,13}|\d{1,16})$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(code, `"${text}" is not ${what}: give a whole number from ${min} to ${max}`);
}
