import { randomBytes, SeededRandom } from "../src/base/prng.ts";
import { VirtualClock } from "../src/base/virtual-clock.ts";
import { Link } from "../src/link/link.ts";
import { StreamSplitter } from "../src/transport/stream-splitter.ts";
import { RUN_MAX } from "../src/wire/line-code.ts";

/** Cost of bytes that are no frames. */
export interface NoiseRow {
  readonly noise: string;
  readonly mebibytes: number;
  readonly cpuMs: number;
  readonly grownMiB: number;
}

const MIB = 1_048_576;
/** As a tty hands them over. */
const CHUNK = 64;

/** Sends 10 MiB of each kind of noise through splitter and link, and measures this process. */
export function measureNoise(): NoiseRow[] {
  const random = randomBytes(new SeededRandom(1), MIB);
  const kinds: readonly (readonly [string, Uint8Array])[] = [
    ["bytes without a delimiter", random.map((byte) => byte || 1)],
    ["bytes of all values", random],
    ["text", new TextEncoder().encode("[    1.234567] random: crng init done\r\n".repeat(26_887))],
    ["zeros: a line held low", new Uint8Array(MIB)],
    ["ones: erased flash", new Uint8Array(MIB).fill(0xff)],
  ];
  // The first round is for the compiler.
  for (const [noise, bytes] of kinds) measure(noise, bytes, 1);
  return kinds.map(([noise, bytes]) => measure(noise, bytes, 10));
}

function measure(noise: string, bytes: Uint8Array, times: number): NoiseRow {
  const clock = new VirtualClock();
  const link = new Link({ baud: 115_200, rtoFloorMs: 10 });
  const splitter = new StreamSplitter(
    (run) => {
      link.handleRun(clock.now(), run);
      while (link.pollEvent() !== undefined) {
        // drained, as every owner of a link does
      }
    },
    { maxRun: RUN_MAX, clock },
  );
  const memory = process.memoryUsage().rss;
  const start = process.cpuUsage();
  for (let i = 0; i < times; i++) {
    for (let at = 0; at < bytes.length; at += CHUNK) splitter.push(bytes.subarray(at, at + CHUNK));
  }
  const { user, system } = process.cpuUsage(start);
  const grownMiB = Math.max(0, process.memoryUsage().rss - memory) / MIB;
  splitter.close();
  return { noise, mebibytes: (bytes.length * times) / MIB, cpuMs: (user + system) / 1000, grownMiB };
}
