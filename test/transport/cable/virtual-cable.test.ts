import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { SerialPort } from "serialport";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { equalBytes } from "../../../src/base/bytes.ts";
import { randomBytes, SeededRandom } from "../../../src/base/prng.ts";
import { lineTime } from "../../../src/base/units.ts";
import { buildCableHelper } from "../../../src/transport/cable/helper-build.ts";
import {
  startVirtualCable,
  type VirtualCable,
  type VirtualCableCounters,
  type VirtualCableOptions,
} from "../../../src/transport/cable/virtual-cable.ts";

const helper = await buildCableHelper();
const hasSocat = spawnSync("socat", ["-V"]).status === 0;
/** Long enough that a loaded machine passes, short enough that a hang is told. */
const PATIENCE_MS = 8000;

let directory: string;
let cables: VirtualCable[];
let ends: RawEnd[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "mayday-cable-"));
  cables = [];
  ends = [];
});

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const end of ends) end.close();
  for (const cable of cables) await cable.close();
  rmSync(directory, { recursive: true, force: true });
});

/** One end of a cable, never blocking. The cable has already set it raw. */
class RawEnd {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(65536);

  constructor(path: string) {
    this.#fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    ends.push(this);
  }

  /** How many bytes the tty took. */
  write(bytes: Uint8Array): number {
    return whenNotBlocked(() => writeSync(this.#fd, bytes)) ?? 0;
  }

  /** What the tty holds. */
  read(): Uint8Array {
    const length = whenNotBlocked(() => readSync(this.#fd, this.#buffer)) ?? 0;
    return this.#buffer.slice(0, length);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function whenNotBlocked<T>(operation: () => T): T | undefined {
  try {
    return operation();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return undefined;
    throw error;
  }
}

async function start(options: Partial<VirtualCableOptions> = {}): Promise<VirtualCable> {
  const cable = await startVirtualCable({ a: join(directory, "a"), b: join(directory, "b"), ...options });
  cables.push(cable);
  return cable;
}

interface Passage {
  readonly received: Uint8Array;
  /** From the first write to the last byte received. */
  readonly elapsedMs: number;
}

/**
 * Writes `bytes` into `from` as fast as it takes them, in writes of `writeBytes`, and reads `to` until all came, or
 * until nothing has come for `quietMs` after the last write.
 */
async function pass(
  from: RawEnd,
  to: RawEnd,
  bytes: Uint8Array,
  { writeBytes = 4096, quietMs = 150 } = {},
): Promise<Passage> {
  const parts: Uint8Array[] = [];
  const begun = performance.now();
  let last = begun;
  let sent = 0;
  let received = 0;
  while (received < bytes.length) {
    for (;;) {
      const taken = from.write(bytes.subarray(sent, sent + writeBytes));
      sent += taken;
      if (taken === 0 || sent === bytes.length) break;
    }
    const part = to.read();
    received += part.length;
    parts.push(part);
    const now = performance.now();
    if (part.length > 0) last = now;
    if (sent === bytes.length && now - last > quietMs) break;
    if (now - begun > PATIENCE_MS) throw new Error(`stuck: ${sent} sent, ${received} received`);
    await delay(1);
  }
  return { received: Buffer.concat(parts), elapsedMs: last - begun };
}

/** Carries `bytes` from a to b over a cable of its own. */
async function carry(
  bytes: Uint8Array,
  options: Partial<VirtualCableOptions>,
  how: { writeBytes?: number; quietMs?: number } = {},
): Promise<Passage & { readonly counters: VirtualCableCounters }> {
  const cable = await start({ baud: 3_000_000, ...options });
  const passage = await pass(new RawEnd(cable.a), new RawEnd(cable.b), bytes, how);
  const counters = await cable.close();
  if (counters === undefined) throw new Error("no counters");
  return { ...passage, counters };
}

/** Spans of the groups of wrong bytes that more than `apart` right ones separate. */
function wrongSpans(received: Uint8Array, sent: Uint8Array, apart: number): number[] {
  const spans: number[] = [];
  let first = -1;
  let last = -1;
  for (let i = 0; i <= received.length + apart; i++) {
    if (first >= 0 && i - last > apart) {
      spans.push(last - first + 1);
      first = -1;
    }
    if (received[i] === sent[i]) continue;
    last = i;
    if (first < 0) first = i;
  }
  return spans;
}

function differingBits(a: Uint8Array, b: Uint8Array): number {
  let bits = 0;
  a.forEach((value, i) => {
    for (let x = value ^ (b[i] ?? 0); x !== 0; x &= x - 1) bits++;
  });
  return bits;
}

/** Within five standard deviations of a binomial count. */
function expectBinomial(count: number, trials: number, probability: number): void {
  const mean = trials * probability;
  const deviation = Math.sqrt(mean * (1 - probability));
  expect(Math.abs(count - mean)).toBeLessThan(5 * deviation);
}

const sample = (length: number): Uint8Array => randomBytes(new SeededRandom(20221), length);

describe.skipIf(typeof helper !== "string")("the virtual cable carries", () => {
  test("all 256 values both ways between two opened serial ports", async () => {
    const cable = await start();
    expect(cable).toMatchObject({ kind: "paced", notice: undefined });
    const values = Uint8Array.from({ length: 256 }, (_, i) => i);
    const open = async (path: string): Promise<{ port: SerialPort; got: Buffer[] }> => {
      const port = new SerialPort({ path, baudRate: 115200, autoOpen: false });
      await new Promise<void>((resolve, reject) => port.open((fault) => (fault ? reject(fault) : resolve())));
      const got: Buffer[] = [];
      port.on("data", (part: Buffer) => got.push(part));
      return { port, got };
    };
    const a = await open(cable.a);
    const b = await open(cable.b);
    a.port.write(values);
    b.port.write(values.toReversed());
    await vi.waitFor(() => {
      expect([...Buffer.concat(b.got)]).toEqual([...values]);
      expect([...Buffer.concat(a.got)]).toEqual([...values.toReversed()]);
    });
    for (const { port } of [a, b]) await new Promise<void>((resolve) => port.close(() => resolve()));
    expect(await cable.close()).toMatchObject({ aToB: { octets: 256 }, bToA: { octets: 256 } });
  });

  test.each([
    { baud: 115_200, size: 8192 },
    { baud: 921_600, size: 65_536 },
  ])("$bytes bytes each way at once at the true rate of $baud baud", { retry: 2 }, async (row) => {
    const cable = await start({ baud: row.baud });
    const a = new RawEnd(cable.a);
    const b = new RawEnd(cable.b);
    const bytes = sample(row.size);
    const [there, back] = await Promise.all([pass(a, b, bytes), pass(b, a, bytes)]);
    for (const { received, elapsedMs } of [there, back]) {
      expect(equalBytes(received, bytes)).toBe(true);
      expect(elapsedMs / lineTime(row.size, row.baud)).toBeGreaterThan(0.98);
      expect(elapsedMs / lineTime(row.size, row.baud)).toBeLessThan(1.02);
    }
  });

  test.each([
    { name: "keeps the rate", baud: 115_200, size: 8192, slowest: 1.02 },
    // More falls due meanwhile than the receiver's tty holds, and than the sender's tty had to give.
    { name: "loses nothing", baud: 3_000_000, size: 60_000, slowest: 2 },
  ])("on after a stall, and $name", { retry: 2 }, async ({ baud, size, slowest }) => {
    const cable = await start({ baud });
    const bytes = sample(size);
    const passage = pass(new RawEnd(cable.a), new RawEnd(cable.b), bytes, { quietMs: 400 });
    await delay(80);
    process.kill(cable.pid, "SIGSTOP");
    await delay(120);
    process.kill(cable.pid, "SIGCONT");
    const { received, elapsedMs } = await passage;
    expect(equalBytes(received, bytes)).toBe(true);
    expect(elapsedMs).toBeGreaterThan(0.98 * lineTime(size, baud));
    expect(elapsedMs).toBeLessThan(slowest * lineTime(size, baud));
  });

  test("each byte at the end of its own bit times plus the latency", { retry: 2 }, async () => {
    const { elapsedMs } = await carry(sample(48), { baud: 9600, latencyMs: 62.5 });
    expect(elapsedMs).toBeGreaterThanOrEqual(lineTime(48, 9600) + 62.5);
    expect(elapsedMs).toBeLessThan(lineTime(48, 9600) + 62.5 + 6);
  });

  test("first and last byte of each direction at the times that it tells", { retry: 2 }, async () => {
    const cable = await start({ baud: 9600, latencyMs: 20 });
    const a = new RawEnd(cable.a);
    const b = new RawEnd(cable.b);
    await delay(30);
    const begun = performance.now();
    await pass(a, b, sample(48));
    const answered = performance.now() - begun;
    await pass(b, a, sample(1));
    const counters = await cable.close();
    const [there, back] = [counters?.aToB, counters?.bToA];
    const [first, last] = [there?.firstByteMs ?? Number.NaN, there?.lastByteMs ?? Number.NaN];
    expect(first).toBeGreaterThanOrEqual(30);
    expect(last - first).toBeCloseTo(lineTime(48, 9600), 2);
    // One clock for both: the answer began after the 20 ms that the last byte was under way.
    const answer = (back?.firstByteMs ?? Number.NaN) - first;
    expect(answer).toBeGreaterThanOrEqual(lineTime(48, 9600) + 20);
    expect(Math.abs(answer - answered)).toBeLessThan(6);
    expect((back?.lastByteMs ?? 0) - (back?.firstByteMs ?? 0)).toBeCloseTo(lineTime(1, 9600), 2);
  });

  test("nothing, and tells no times then", async () => {
    const cable = await start();
    expect(await cable.close()).toMatchObject({
      aToB: { octets: 0, firstByteMs: null, lastByteMs: null },
      bToA: { octets: 0, firstByteMs: null, lastByteMs: null },
    });
  });

  test("lost bytes too: their times count", async () => {
    const { counters } = await carry(sample(1000), { drop: 1 });
    const { firstByteMs, lastByteMs } = counters.aToB;
    expect((lastByteMs ?? 0) - (firstByteMs ?? 0)).toBeGreaterThan(0.98 * lineTime(1000, 3_000_000));
  });

  test("no more than the kernel's tty queue ahead of the line", async () => {
    const cable = await start({ baud: 300 });
    const a = new RawEnd(cable.a);
    const bytes = sample(4096);
    const begun = performance.now();
    let taken = 0;
    for (let attempt = 0; attempt < 100; attempt++) {
      taken += a.write(bytes);
      await delay(1);
    }
    expect(taken).toBeGreaterThanOrEqual(4096);
    expect(taken).toBeLessThan(24 * 1024);
    const counters = await cable.close();
    // The line's 16 bytes of look-ahead, and what has passed.
    const passed = (performance.now() - begun) / lineTime(1, 300);
    expect(counters?.aToB.octets).toBeLessThanOrEqual(17 + passed);
  });

  test("nothing, and sleeps, while the line is at rest", async () => {
    const cable = await start();
    const wakeUps = (): number =>
      Number(/voluntary_ctxt_switches:\s+(\d+)/.exec(readFileSync(`/proc/${cable.pid}/status`, "utf8"))?.[1]);
    await pass(new RawEnd(cable.a), new RawEnd(cable.b), sample(16));
    await delay(30);
    const before = wakeUps();
    await delay(200);
    expect(wakeUps() - before).toBe(0);
  });
});

describe.skipIf(typeof helper !== "string")("the virtual cable's faults", () => {
  const BYTES = 150_000;
  const bytes = sample(BYTES);

  test("flip each data bit with the given probability, the same ones for the same seed", async () => {
    const first = await carry(bytes, { ber: 1e-3, seed: 7 });
    expect(first.received.length).toBe(BYTES);
    const flipped = differingBits(first.received, bytes);
    expect(flipped).toBe(first.counters.aToB.flippedBits);
    expectBinomial(flipped, 8 * BYTES, 1e-3);
    // Other write sizes too: what happens to byte i is a matter of seed and i, not of time.
    const again = await carry(bytes, { ber: 1e-3, seed: 7 }, { writeBytes: 700 });
    expect(equalBytes(again.received, first.received)).toBe(true);
    const other = await carry(bytes, { ber: 1e-3, seed: 8 });
    expect(equalBytes(other.received, first.received)).toBe(false);
  });

  test("drop each byte with the given probability; its line time passes all the same", async () => {
    const { received, counters, elapsedMs } = await carry(bytes, { drop: 0.02 });
    expect(counters.aToB.dropped).toBe(BYTES - received.length);
    expectBinomial(counters.aToB.dropped, BYTES, 0.02);
    expect(elapsedMs).toBeGreaterThan(0.98 * lineTime(BYTES, 3_000_000));
  });

  test("lose every byte at a drop of 1, and flip every bit at a bit error rate of 1", async () => {
    const lost = await carry(sample(1000), { drop: 1 });
    expect(lost.received.length).toBe(0);
    const inverted = await carry(sample(1000), { ber: 1 });
    expect(
      equalBytes(
        inverted.received,
        sample(1000).map((value) => ~value),
      ),
    ).toBe(true);
  });

  test("replace about one run of the given length in the given number of bytes", async () => {
    const every = 1000;
    const length = 50;
    const { received, counters } = await carry(bytes, { burst: { every, length } });
    expect(received.length).toBe(BYTES);
    const bursts = counters.aToB.burst / length;
    expectBinomial(bursts, BYTES, 1 / every);
    // Some bursts touch, and a random byte is the right one with a probability of 1/256.
    const spans = wrongSpans(received, bytes, length);
    expect(spans.filter((span) => span === length).length).toBeGreaterThan(0.8 * bursts);
    expect(counters.bToA).toMatchObject({ octets: 0, burst: 0 });
  });

  test("both ways are independent of one another", async () => {
    const cable = await start({ baud: 3_000_000, ber: 1e-2 });
    const a = new RawEnd(cable.a);
    const b = new RawEnd(cable.b);
    const there = await pass(a, b, bytes.subarray(0, 20_000));
    const back = await pass(b, a, bytes.subarray(0, 20_000));
    expect(equalBytes(there.received, back.received)).toBe(false);
  });

  test("a cut loses just the bytes on the line meanwhile, counted from the first one", {
    retry: 2,
  }, async () => {
    const baud = 921_600;
    const sent = sample(36_864); // 0.4 s
    /** When half of byte `index` is on the line. */
    const middleOf = (index: number): number => ((index + 0.5) * 10) / baud;
    const cut = (first: number, last: number): { atSeconds: number; forSeconds: number } => ({
      atSeconds: middleOf(first),
      forSeconds: middleOf(last) - middleOf(first),
    });
    const { received, counters } = await carry(sent, {
      baud,
      cuts: [cut(9000, 20_999), cut(28_000, 31_999)],
    });
    const left = [sent.subarray(0, 9000), sent.subarray(21_000, 28_000), sent.subarray(32_000)];
    expect(counters.aToB.cut).toBe(sent.length - received.length);
    expect(equalBytes(received, Buffer.concat(left))).toBe(true);
  });

  test("bytes are lost when the receiver does not read", async () => {
    const cable = await start({ baud: 3_000_000 });
    const a = new RawEnd(cable.a);
    const b = new RawEnd(cable.b);
    const sent = sample(60_000);
    let taken = 0;
    while (taken < sent.length) {
      taken += a.write(sent.subarray(taken));
      await delay(1);
    }
    await delay(100);
    let kept = 0;
    for (;;) {
      const part = b.read();
      if (part.length === 0) break;
      kept += part.length;
      await delay(5); // the kernel moves up what it has queued below
    }
    const counters = await cable.close();
    expect(counters?.aToB).toMatchObject({ octets: sent.length, overrun: sent.length - kept });
    expect(kept).toBeLessThan(sent.length);
  });

  test("with strict rates bytes are garbled unless both ends are set to the line's", async () => {
    const cable = await start({ baud: 230_400, strictBaud: true });
    const values = sample(256);
    const attempt = async (baudA: number, baudB: number): Promise<Uint8Array> => {
      for (const [path, baud] of [[cable.a, baudA] as const, [cable.b, baudB] as const]) {
        spawnSync("stty", ["-F", path, "raw", "-echo", String(baud)]);
      }
      return (await pass(new RawEnd(cable.a), new RawEnd(cable.b), values)).received;
    };
    expect(equalBytes(await attempt(230_400, 230_400), values)).toBe(true);
    for (const [a, b] of [[230_400, 9600] as const, [9600, 230_400] as const, [9600, 9600] as const]) {
      const received = await attempt(a, b);
      expect(received.length).toBe(256);
      expect(differingBits(received, values)).toBeGreaterThan(800);
    }
    const counters = await cable.close();
    expect(counters?.aToB).toMatchObject({ octets: 4 * 256, garbled: 3 * 256 });
  });

  /** Sets both ends, and passes bytes from a to b. */
  async function passAt(cable: VirtualCable, a: number, b: number, values: Uint8Array): Promise<Passage> {
    for (const [path, baud] of [[cable.a, a] as const, [cable.b, b] as const])
      spawnSync("stty", ["-F", path, "raw", "-echo", String(baud)]);
    return pass(new RawEnd(cable.a), new RawEnd(cable.b), values);
  }

  test("with strict rates and none of its own it runs at that of its ends, and garbles where they differ", async () => {
    const cable = await start({ strictBaud: true });
    const values = sample(4608);
    for (const baud of [230_400, 921_600, 3_000_000]) {
      const { received, elapsedMs } = await passAt(cable, baud, baud, values);
      expect(equalBytes(received, values)).toBe(true);
      expect(elapsedMs).toBeGreaterThan(0.95 * lineTime(values.length, baud));
    }
    const { received } = await passAt(cable, 230_400, 115_200, values);
    expect(received.length).toBe(values.length);
    expect(differingBits(received, values)).toBeGreaterThan(3 * values.length);
    const { aToB } = (await cable.close()) ?? expect.fail("no counters");
    expect(aToB).toMatchObject({ octets: 4 * values.length, garbled: values.length, flippedBits: 0 });
  });

  test("garbles the rates that it is told to, and no others", async () => {
    const cable = await start({ strictBaud: true, garbleBaud: [460_800, 1_500_000] });
    const values = sample(4608);
    expect(equalBytes((await passAt(cable, 921_600, 921_600, values)).received, values)).toBe(true);
    for (const baud of [460_800, 1_500_000])
      expect(equalBytes((await passAt(cable, baud, baud, values)).received, values)).toBe(false);
    expect(equalBytes((await passAt(cable, 2_000_000, 2_000_000, values)).received, values)).toBe(true);
    const counters = await cable.close();
    expect(counters?.aToB.garbled).toBe(2 * values.length);
  });
});

describe.skipIf(typeof helper !== "string")("the virtual cable's links", () => {
  test("are gone after close, which may be called again", async () => {
    const cable = await start();
    expect(lstatSync(cable.a).isSymbolicLink()).toBe(true);
    expect(cable.counters()).toBeUndefined();
    const counters = await cable.close();
    expect(existsSync(cable.a) || existsSync(cable.b)).toBe(false);
    expect(await cable.close()).toEqual(counters);
    expect(cable.counters()).toEqual(counters);
    expect(await cable.closed).toMatchObject({ counters, error: undefined });
  });

  test("are gone after a SIGTERM, which is reported as an unexpected end", async () => {
    const cable = await start();
    process.kill(cable.pid, "SIGTERM");
    const end = await cable.closed;
    expect(end.error?.code).toBe("cable-failed");
    expect(end.counters?.aToB.octets).toBe(0);
    expect(readdirSync(directory)).toEqual([]);
  });

  test.each([
    [
      "a file that is there",
      "taken",
      "File exists: it is not a link that a cable left behind; remove it, or give another path",
    ],
    ["a folder that is not there", "none/a", "No such file or directory: make its folder"],
  ])("are not made in the place of %s, with what to do", async (_what, name, message) => {
    writeFileSync(join(directory, "taken"), "mine");
    const a = join(directory, name);
    const failed = startVirtualCable({ a, b: join(directory, "other") });
    await expect(failed).rejects.toThrow(`cannot make the link ${a}: ${message}`);
    expect(readdirSync(directory)).toEqual(["taken"]);
    expect(readFileSync(join(directory, "taken"), "utf8")).toBe("mine");
  });

  test("stay after a SIGINT, which a terminal sends to the owner too", async () => {
    const cable = await start();
    process.kill(cable.pid, "SIGINT");
    await delay(20);
    expect(existsSync(cable.a)).toBe(true);
    expect(cable.counters()).toBeUndefined();
  });

  test.each(["SIGINT", "SIGHUP", "SIGTERM"] as const)(
    "are gone after a %s without an owner",
    async (signal) => {
      const child = spawn(String(helper), ["--a", join(directory, "a"), "--b", join(directory, "b")]);
      onTestFinished(() => {
        child.kill("SIGKILL");
      });
      await once(child.stdout, "data");
      child.kill(signal);
      expect(await once(child, "exit", { signal: AbortSignal.timeout(PATIENCE_MS) })).toEqual([0, null]);
      expect(readdirSync(directory)).toEqual([]);
    },
  );

  test("are gone when the owner's end of standard input closes", async () => {
    const paths = ["--a", join(directory, "a"), "--b", join(directory, "b")];
    const child = spawn(String(helper), [...paths, "--exit-on-stdin-close"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    onTestFinished(() => {
      child.kill("SIGKILL");
    });
    await once(child.stdout, "data");
    expect(readdirSync(directory)).toEqual(["a", "b"]);
    child.stdin.end();
    expect(await once(child, "exit", { signal: AbortSignal.timeout(PATIENCE_MS) })).toEqual([0, null]);
    expect(readdirSync(directory)).toEqual([]);
  });

  test("are in the care of a helper that ends with this process", async () => {
    const cable = await start();
    expect(readFileSync(`/proc/${cable.pid}/cmdline`, "utf8")).toContain("--exit-on-stdin-close");
  });

  test("replace a link that a killed cable left behind", async () => {
    const cable = await start();
    process.kill(cable.pid, "SIGKILL");
    await cable.closed;
    expect(readdirSync(directory)).toEqual(["a", "b"]);
    const next = await start();
    expect(existsSync(next.a)).toBe(true);
  });

  test("never replace a file, a directory or a link to either", async () => {
    writeFileSync(join(directory, "file"), "precious");
    symlinkSync(join(directory, "file"), join(directory, "link"));
    for (const path of [join(directory, "file"), join(directory, "link"), directory]) {
      await expect(start({ b: path })).rejects.toMatchObject({ code: "cable-failed", exitCode: 1 });
    }
    expect(readFileSync(join(directory, "file"), "utf8")).toBe("precious");
    expect(readdirSync(directory).sort()).toEqual(["file", "link"]);
  });

  test("of another cable on the same path are not removed", async () => {
    const first = await start();
    const second = await start();
    await first.close();
    expect(existsSync(second.a) && existsSync(second.b)).toBe(true);
  });
});

describe.skipIf(typeof helper !== "string")("the helper program", () => {
  test.each([
    "--baud x",
    "--baud 49",
    "--baud 4000001",
    "--baud 9600.5",
    "--baud=",
    "--ber 1.01",
    "--ber nan",
    "--ber -1",
    "--ber 1e-",
    "--ber 0x1",
    "--drop +0.5",
    "--latency 5001",
    "--burst 10",
    "--burst 10,10",
    "--burst 10,0",
    "--burst 10,2,3",
    "--cut 1",
    "--cut 1,-1",
    "--cut 1,2,3",
    "--seed -1",
    "--seed 9007199254740992",
    "--seed",
    "--frobnicate",
    "stray",
  ])("refuses %s with exit code 2", (flags) => {
    const paths = ["--a", join(directory, "a"), "--b", join(directory, "b")];
    const { status, stderr } = spawnSync(String(helper), [...paths, ...flags.split(" ")], {
      encoding: "utf8",
      timeout: 2000,
    });
    expect(status).toBe(2);
    expect(stderr).toContain("usage: ");
    expect(readdirSync(directory)).toEqual([]);
  });

  test.each([{ paths: [] }, { paths: ["--a", "x"] }, { paths: ["--a", "x", "--b", "x"] }])(
    "refuses to start with $paths",
    ({ paths }) => {
      expect(spawnSync(String(helper), paths, { timeout: 2000 }).status).toBe(2);
    },
  );

  test("refuses a 65th cut", () => {
    const cuts = Array.from({ length: 65 }, () => ({ atSeconds: 1, forSeconds: 1 }));
    return expect(start({ cuts })).rejects.toMatchObject({ code: "bad-cable-option" });
  });

  test("turns its usage errors into ours", async () => {
    await expect(start({ ber: 2 })).rejects.toMatchObject({ code: "bad-cable-option", exitCode: 2 });
    await expect(start({ baud: Number.NaN })).rejects.toMatchObject({ code: "bad-cable-option" });
  });

  test("compiles without a warning", () => {
    const warnings = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wsign-conversion"];
    const source = new URL("../../../hw-loopback/virtual-cable.c", import.meta.url).pathname;
    const flags = ["-std=c99", "-O2", ...warnings, "-o", join(directory, "helper"), source, "-lm"];
    expect(spawnSync("cc", flags, { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  });

  test("is compiled once into the cache, also by two at the same time", async () => {
    vi.stubEnv("XDG_CACHE_HOME", directory);
    const [one, two] = await Promise.all([buildCableHelper(), buildCableHelper()]);
    expect(one).toBe(two);
    expect(readdirSync(join(directory, "mayday"))).toHaveLength(1);
    const { ino, mtimeMs } = lstatSync(String(one));
    expect(await buildCableHelper()).toBe(one);
    expect(lstatSync(String(one))).toMatchObject({ ino, mtimeMs });
  });

  test("is not taken from a cache that others can write to", async () => {
    vi.stubEnv("XDG_CACHE_HOME", directory);
    const built = String(await buildCableHelper());
    spawnSync("chmod", ["0777", built]);
    const { ino } = lstatSync(built);
    expect(await buildCableHelper()).toBe(built);
    expect(lstatSync(built).ino).not.toBe(ino);
  });
});

describe("without a C compiler", () => {
  beforeEach(() => {
    vi.stubEnv("XDG_CACHE_HOME", join(directory, "cache"));
    vi.stubEnv("CC", undefined);
    vi.stubEnv("TMPDIR", directory);
    const found = (process.env["PATH"] ?? "")
      .split(delimiter)
      .map((path) => join(path, "socat"))
      .find(existsSync);
    if (found !== undefined) symlinkSync(found, join(directory, "socat"));
    vi.stubEnv("PATH", directory);
  });

  test.skipIf(!hasSocat)("a plain pair takes its place and says so", async () => {
    const stale = join(directory, "a");
    symlinkSync("/dev/pts/none", stale);
    const cable = await start();
    expect(cable.kind).toBe("socat");
    expect(cable.notice).toMatch(/rate is not true/);
    const bytes = sample(1000);
    const { received } = await pass(new RawEnd(cable.a), new RawEnd(cable.b), bytes);
    expect(equalBytes(received, bytes)).toBe(true);
    expect(await cable.close()).toBeUndefined();
    expect(existsSync(cable.a) || existsSync(cable.b)).toBe(false);
  });

  test("faults are refused", async () => {
    await expect(start({ ber: 1e-4 })).rejects.toMatchObject({ code: "cable-needs-compiler", exitCode: 2 });
  });

  test.skipIf(!hasSocat)("a plain pair does not replace a file either", async () => {
    writeFileSync(join(directory, "b"), "precious");
    await expect(start()).rejects.toMatchObject({ code: "cable-failed" });
    expect(readFileSync(join(directory, "b"), "utf8")).toBe("precious");
  });

  test("and without socat the error names both and what to install", async () => {
    rmSync(join(directory, "socat"), { force: true });
    await expect(start()).rejects.toMatchObject({
      code: "no-virtual-cable",
      message: expect.stringMatching(/gcc and libc6-dev, or socat/),
    });
  });
});
