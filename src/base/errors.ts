/** Exit codes of the command line (README, "Exit codes"). Fixed: add, never change. */
export const ExitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  noNeighbour: 3,
  refused: 4,
  notBootable: 5,
  transport: 6,
  interrupted: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Numbers and names that belong to an error, for machines; the message is for people. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * Base of every error that a user can meet. `code` is stable and in kebab-case (tests match it, never the text);
 * `message` says what was tried, what was seen, and what to do about it.
 */
export abstract class MaydayError extends Error {
  abstract readonly exitCode: ExitCode;
  readonly code: string;
  readonly details: ErrorDetails;

  constructor(code: string, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.details = details;
  }
}

/** The request itself is wrong: a bad flag, an endpoint that cannot be parsed, a missing file. Exit 2. */
export class UsageError extends MaydayError {
  override readonly exitCode: ExitCode = ExitCode.usage;
}

/**
 * Whether waiting heals an error of a link. `final`: somebody has to act on this machine, by plugging an adapter in,
 * ending another process or changing a setting. `transient`: it may pass by itself, or when the other side comes up.
 */
export type Persistence = "final" | "transient";

/** The operating system's side of a link failed: the port is missing, busy or unplugged. Exit 6. */
export class TransportError extends MaydayError {
  override readonly exitCode: ExitCode = ExitCode.transport;
  /** See {@link Persistence}. A transport may retry after a final error too: an adapter can be plugged in again. */
  readonly isFinal: boolean;

  constructor(
    code: string,
    message: string,
    persistence: Persistence,
    details: ErrorDetails = {},
    cause?: unknown,
  ) {
    super(code, message, details, cause);
    this.isFinal = persistence === "final";
  }
}

/** The other side does not answer, or not in time: a server, a neighbour. It may later. Exit 3. */
export class UnreachableError extends MaydayError {
  override readonly exitCode: ExitCode = ExitCode.noNeighbour;
}

/** An image, manifest or signature that policy or format rejects. Exit 4. */
export class RefusedError extends MaydayError {
  override readonly exitCode: ExitCode = ExitCode.refused;
}

/** The board has no image that may boot. Exit 5. */
export class NotBootableError extends MaydayError {
  override readonly exitCode: ExitCode = ExitCode.notBootable;
}

/** Any other failure of what was requested: damaged data, failed I/O. Exit 1. */
export class FailedError extends MaydayError {
  override readonly exitCode: ExitCode = ExitCode.failed;
}
