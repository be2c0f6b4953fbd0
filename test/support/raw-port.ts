import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";

/** A port opened without any library, which reads only when told: the far end that lets the near one block. */
export class RawPort {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(65_536);

  constructor(path: string) {
    this.#fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  }

  write(bytes: Uint8Array): void {
    writeSync(this.#fd, bytes);
  }

  /** What is there now; nothing if nothing is. */
  read(): Uint8Array {
    try {
      return this.#buffer.slice(0, readSync(this.#fd, this.#buffer));
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EAGAIN") return new Uint8Array();
      throw error;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}
