// A transport of your own: mayday over any pair of Node streams, here those of a program that joins this one to a board, such
// as: node custom-transport.js images ssh pi socat - /dev/ttyAMA0,raw,echo=0,b115200
import { spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import {
  openDirectoryRepository,
  runRescue,
  type Transport,
  type TransportFacts,
  type TransportHandlers,
} from "mayday";

/** Bytes through two streams. They are up from the start, and down for good when the input ends. */
class StreamTransport implements Transport {
  readonly facts: TransportFacts;
  readonly #input: Readable;
  readonly #output: Writable;

  constructor(name: string, input: Readable, output: Writable) {
    this.#input = input;
    this.#output = output;
    // Without a rate of its own nothing is paced. Acknowledgements are waited for at least as long as the way there may take.
    this.facts = {
      ...{ endpoint: name, framing: "stream", baud: undefined, bitsPerByte: 10, rtoFloorMs: 50 },
      ...{ setBaud: undefined, makeSplitter: undefined },
    };
  }

  async open(handlers: TransportHandlers): Promise<void> {
    this.#input.on("data", (bytes: Uint8Array) => handlers.onBytes(new Uint8Array(bytes)));
    this.#input.once("end", () => handlers.onDown(undefined));
    this.#output.on("drain", () => handlers.onWritable());
    this.#output.on("error", () => handlers.onDown(undefined));
    // Handlers are never called from inside open.
    setImmediate(() => handlers.onUp());
  }

  write(bytes: Uint8Array): boolean {
    return this.#output.writable ? this.#output.write(bytes) : true;
  }

  async close(): Promise<void> {
    this.#input.removeAllListeners();
    this.#output.end();
  }
}

const [folder = "images", program = "cat", ...args] = process.argv.slice(2);
const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
const verdict = await runRescue({
  links: [new StreamTransport(program, child.stdout, child.stdin)],
  repository: await openDirectoryRepository(folder),
  allowUnsigned: false,
  once: true,
});
child.kill();
process.stdout.write(`${verdict.reason}${verdict.detail === undefined ? "" : `: ${verdict.detail}`}\n`);
process.exitCode = verdict.code;
