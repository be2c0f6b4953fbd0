import * as v from "valibot";
import { ExitCode, MaydayError } from "../base/errors.ts";

/** Longest line of a request, in bytes, without its end. */
export const REQUEST_MAX = 4096;
/** Longest line of a reply, in bytes, without its end. */
export const REPLY_MAX = 262_144;
/** Longest text about what is wrong with a request, in characters: it repeats what the client sent. */
const FAULT_TEXT_MAX = 200;
const LINE_END = 0x0a;

const RequestSchema = v.variant("command", [
  v.strictObject({ command: v.literal("status") }),
  v.strictObject({
    command: v.literal("install"),
    file: v.pipe(v.string(), v.regex(/^\/[^\0]*$/, "not an absolute path")),
  }),
  v.strictObject({ command: v.literal("confirm") }),
]);

/** What a client asks a node for. `file` is the absolute path of an image file, as the node sees it. */
export type ControlRequest =
  | { readonly command: "status" }
  | { readonly command: "install"; readonly file: string }
  | { readonly command: "confirm" };

/** A reply that says no. `code` is the exit code for the client's process. */
export interface ErrorReply {
  readonly ok: false;
  readonly code: ExitCode;
  /** Kebab-case. */
  readonly reason: string;
  /** For people. */
  readonly detail: string;
}

/** Cuts bytes into lines, in memory for one line of `max` bytes. */
export class LineReader {
  readonly #held: Uint8Array;
  #length = 0;

  constructor(max: number) {
    this.#held = new Uint8Array(max);
  }

  /** Whether a line has begun and not ended. */
  get isInsideLine(): boolean {
    return this.#length > 0;
  }

  /**
   * The lines that end with these bytes, without their ends, or "too-long" as the last one, after which the reader is
   * of no use. Drain it before the next call. A line is a view, valid until the next one is asked for.
   */
  *push(bytes: Uint8Array): Generator<Uint8Array | "too-long"> {
    for (let start = 0; start < bytes.length; ) {
      const end = bytes.indexOf(LINE_END, start);
      const part = bytes.subarray(start, end < 0 ? bytes.length : end);
      if (this.#length + part.length > this.#held.length) {
        yield "too-long";
        return;
      }
      this.#held.set(part, this.#length);
      this.#length += part.length;
      if (end < 0) return;
      const line = this.#held.subarray(0, this.#length);
      this.#length = 0;
      yield line;
      start = end + 1;
    }
  }
}

/** The value of a line of JSON; undefined when it is not JSON in UTF-8. */
export function jsonOf(line: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(line));
  } catch {
    return undefined;
  }
}

/** The request in a line, or the reply to a line that is none. */
export function requestOf(line: Uint8Array): ControlRequest | ErrorReply {
  const value = jsonOf(line);
  if (value === undefined) return badRequest("it is not a line of JSON in UTF-8");
  const parsed = v.safeParse(RequestSchema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const where = v.getDotPath(issue);
  return badRequest(`${where === null ? "" : `${where}: `}${issue.message}`);
}

/** The reply to what is not a request. */
export function badRequest(seen: string): ErrorReply {
  const detail = `not a request (${seen.slice(0, FAULT_TEXT_MAX)}); send one JSON object in a line, such as {"command":"status"}`;
  return errorReply(ExitCode.usage, "control-bad-request", detail);
}

export function errorReply(code: ExitCode, reason: string, detail: string): ErrorReply {
  return { ok: false, code, reason, detail };
}

/** The reply to a request that was rejected with this. */
export function replyOfError(error: unknown): ErrorReply {
  if (error instanceof MaydayError) return errorReply(error.exitCode, error.code, error.message);
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && "syscall" in error) {
    return errorReply(ExitCode.failed, "system-error", `the operating system says: ${text}`);
  }
  return errorReply(ExitCode.failed, "internal-error", `internal error of the node: ${text}`);
}

/** A value as a line, with its end. A field without a value is null. Throws for what JSON does not have. */
export function lineOf(value: object): Uint8Array {
  const json = JSON.stringify(value, (_key, field: unknown) => (field === undefined ? null : field));
  return new TextEncoder().encode(`${json}\n`);
}
