import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { concatBytes } from "../../../src/base/bytes.ts";
import { randomBytes, SeededRandom } from "../../../src/base/prng.ts";
import { parseEndpoint, type UartEndpoint } from "../../../src/transport/endpoint.ts";
import { portOptionsOf } from "../../../src/transport/serial/port-handle.ts";
import { findHolders } from "../../../src/transport/serial/port-holder.ts";
import { type UartOptions, UartTransport } from "../../../src/transport/serial/uart.ts";
import { portOpenError } from "../../../src/transport/serial/uart-errors.ts";
import { RawPort } from "../../support/raw-port.ts";
import { codeOf, Recorder, until } from "../../support/recorder.ts";
import { openSocatPair, openSocatSocket, type SocatPair } from "../../support/socat-pair.ts";

function uart(path: string, options: UartOptions = {}, baud = 921_600): UartTransport {
  const endpoint: UartEndpoint = {
    tag: "uart",
    text: path,
    path,
    baud,
    fixedBaud: true,
    baudMax: undefined,
    parity: "none",
    stopBits: 1,
  };
  const transport = new UartTransport(endpoint, options);
  opened.push(transport);
  return transport;
}

let pair: SocatPair;
let opened: UartTransport[] = [];

beforeEach(async () => {
  opened = [];
  pair = await openSocatPair();
});

afterEach(async () => {
  for (const transport of opened) await transport.close();
  await pair.close();
});

describe("UartTransport over a pair of pseudo-terminals", () => {
  it("carries all 256 values both ways at once, in order", async () => {
    const [a, b] = [uart(pair.a), uart(pair.b)];
    const [atA, atB] = [new Recorder(), new Recorder()];
    await a.open(atA);
    await b.open(atB);
    expect(atA.events).toEqual(["up"]);
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    const fromA = concatBytes(all, all.toReversed(), randomBytes(new SeededRandom(1), 30_000));
    const fromB = concatBytes(new Uint8Array(300).fill(0x11), new Uint8Array(300).fill(0x13), all, fromA);
    a.write(fromA);
    b.write(fromB);
    await until(() => atB.byteCount >= fromA.length && atA.byteCount >= fromB.length, "delivery");
    expect(atB.bytes).toEqual(fromA);
    expect(atA.bytes).toEqual(fromB);
    expect(atA.chunks[0]?.constructor).toBe(Uint8Array);
  });

  it("opens again after close, and closes twice", async () => {
    for (let round = 0; round < 2; round++) {
      const a = uart(pair.a);
      await a.open(new Recorder());
      await Promise.all([a.close(), a.close()]);
      await a.close();
      expect(a.write(Uint8Array.of(1))).toBe(true);
    }
  });

  it("closes a port that is still being opened", async () => {
    const a = uart(pair.a);
    const recorder = new Recorder();
    const opening = a.open(recorder);
    await a.close();
    await opening;
    expect(recorder.events).toEqual([]);
    await uart(pair.a).open(new Recorder()); // would be busy if it were still held
  });

  it.each(["dtr", "rts", "esp"] as const)(
    "tolerates a port without modem lines when asked for a reset by %s",
    async (reset) => {
      const recorder = new Recorder();
      await uart(pair.a, { reset }).open(recorder);
      expect(recorder.events).toEqual(["up"]);
    },
  );

  it("sends what was written before close", async () => {
    const [a, b] = [uart(pair.a), uart(pair.b)];
    const atB = new Recorder();
    await a.open(new Recorder());
    await b.open(atB);
    a.write(new Uint8Array(2000).fill(1));
    await a.close();
    await until(() => atB.byteCount === 2000, "the last bytes");
  });
});

/** A transport of a serial endpoint as a user writes it. */
function written(text: string): UartTransport {
  const endpoint = parseEndpoint(text);
  if (endpoint.tag !== "uart") throw new Error(`${text} is not a serial port`);
  const transport = new UartTransport(endpoint);
  opened.push(transport);
  return transport;
}

/** What `stty` says of the terminal behind a path. */
function sttyOf(path: string): string {
  return execFileSync("stty", ["-a", "-F", path], { encoding: "utf8" });
}

describe("UartTransport's rate", () => {
  it("changes on an open port, in the terminal and in the facts, and bytes still pass", async () => {
    const a = written(`serial:${pair.a}?stop=2`);
    await a.open(new Recorder());
    expect(sttyOf(pair.a)).toContain("speed 115200 baud");
    await a.facts.setBaud?.(921_600);
    expect([a.facts.baud, sttyOf(pair.a)]).toEqual([921_600, expect.stringContaining("speed 921600 baud")]);
    expect(sttyOf(pair.a)).toMatch(/ cstopb/);
    const [b, atB] = [uart(pair.b), new Recorder()];
    await b.open(atB);
    a.write(Uint8Array.of(1, 2, 3));
    await until(() => atB.byteCount === 3, "bytes at the new rate");
  });

  it("is the endpoint's again when the port is opened again", async () => {
    const a = written(pair.a);
    await a.open(new Recorder());
    await a.facts.setBaud?.(230_400);
    await a.close();
    const again = written(pair.a);
    await again.open(new Recorder());
    expect([again.facts.baud, sttyOf(pair.a)]).toEqual([
      115_200,
      expect.stringContaining("speed 115200 baud"),
    ]);
  });

  it("cannot be changed while the port is closed: the old one stays", async () => {
    const a = written(pair.a);
    expect(await codeOf(() => a.facts.setBaud?.(921_600))).toBe("port-lost");
    expect(a.facts.baud).toBe(115_200);
  });
});

describe("UartTransport's parity and stop bits", () => {
  // A pseudo terminal keeps CSTOPB and PARODD; the kernel clears PARENB there (drivers/tty/pty.c), so that nobody sees it.
  it.each([
    ["", "-parodd", "-cstopb", 10],
    ["?parity=none&stop=1", "-parodd", "-cstopb", 10],
    ["?stop=2", "-parodd", "cstopb", 11],
    ["?parity=odd", "parodd", "-cstopb", 11],
    ["?parity=even&baud=9600", "-parodd", "-cstopb", 11],
    ["?parity=odd&stop=2", "parodd", "cstopb", 12],
  ])("are those of the endpoint: serial:PATH%s", async (query, parity, stop, bitsPerByte) => {
    // Set the other way before, so that nothing is right by accident.
    execFileSync("stty", ["-F", pair.a, parity === "parodd" ? "-parodd" : "parodd"]);
    execFileSync("stty", ["-F", pair.a, stop === "cstopb" ? "-cstopb" : "cstopb"]);
    const text = `serial:${pair.a}${query}`;
    const [a, b] = [written(text), written(`serial:${pair.b}${query}`)];
    const atB = new Recorder();
    await a.open(new Recorder());
    await b.open(atB);
    const words = sttyOf(pair.a).split(/[\s;]+/);
    // PARODD means nothing without parity, and is left as it was then.
    if (query.includes("odd") || query.includes("even")) expect(words).toContain(parity);
    expect(words).toContain(stop);
    expect(words).toContain("cs8");
    expect(a.facts).toMatchObject({ endpoint: text, bitsPerByte });
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    a.write(all);
    await until(() => atB.byteCount === 256, "all values");
    expect(atB.bytes).toEqual(all);
  });

  it("are among the options of the serial package, with all that makes a port raw and harmless", () => {
    const endpoint = { path: "/dev/x", baud: 9600, parity: "even", stopBits: 2 } as const;
    expect(portOptionsOf(endpoint)).toEqual({
      path: "/dev/x",
      baudRate: 9600,
      dataBits: 8,
      parity: "even",
      stopBits: 2,
      autoOpen: false,
      lock: true,
      hupcl: false,
    });
  });
});

describe("UartTransport reads", () => {
  /** Data events for 16 KiB that come in 512 pieces, about one each millisecond. */
  async function readsFor(readPauseMs: number): Promise<number> {
    const a = uart(pair.a, { readPauseMs });
    const atA = new Recorder();
    await a.open(atA);
    const far = new RawPort(pair.b);
    for (let i = 0; i < 512; i++) {
      far.write(new Uint8Array(32).fill(i & 0xff));
      await sleep(1);
    }
    await until(() => atA.byteCount === 16_384, "delivery");
    far.close();
    return a.counters.reads;
  }

  it("coalesces bytes that trickle in", async () => {
    const atOnce = await readsFor(0);
    await pair.close();
    pair = await openSocatPair();
    const coalesced = await readsFor(10);
    expect(coalesced).toBeLessThan(atOnce / 2);
  });
});

describe("UartTransport writes", () => {
  const BLOCKING = 200_000;

  async function blocked(options: UartOptions): Promise<{ a: UartTransport; atA: Recorder; far: RawPort }> {
    const far = new RawPort(pair.b);
    const a = uart(pair.a, options);
    const atA = new Recorder();
    await a.open(atA);
    expect(a.write(new Uint8Array(BLOCKING).fill(0x5a))).toBe(false);
    await sleep(50);
    return { a, atA, far };
  }

  async function drain(far: RawPort, atLeast: number): Promise<number> {
    let got = 0;
    await until(() => {
      got += far.read().length;
      return got >= atLeast;
    }, `${atLeast} bytes at the far end`);
    return got;
  }

  it("resumes a blocked write after bytes came in meanwhile", async () => {
    const far = await openSocatSocket();
    const a = uart(far.path);
    const atA = new Recorder();
    await a.open(atA);
    expect(a.write(new Uint8Array(BLOCKING).fill(0x5a))).toBe(false);
    await sleep(50);
    // Wakes the read, which then waits again: the moment at which the write's wait would be forgotten.
    far.socket.write(Uint8Array.of(1));
    await until(() => atA.byteCount === 1, "the byte");
    await sleep(20);
    let got = 0;
    far.socket.on("data", (chunk) => {
      got += chunk.length;
    });
    far.socket.resume();
    await until(() => got === BLOCKING, "all bytes at the far end");
    await until(() => atA.count("writable") === 1, "writable");
    expect(a.write(Uint8Array.of(1))).toBe(true);
    await a.close();
    await far.close();
  });

  it("still receives after a blocked write was resumed", async () => {
    const { atA, far } = await blocked({});
    expect(await drain(far, BLOCKING)).toBe(BLOCKING);
    far.write(Uint8Array.of(1, 2));
    await until(() => atA.byteCount === 2, "the bytes");
    far.close();
  });

  it("closes within a second although a write is blocked", async () => {
    const { a, far } = await blocked({});
    const start = performance.now();
    await a.close();
    expect(performance.now() - start).toBeLessThan(1000);
    far.close();
  });

  it("counts a stalled write once, and stays up while nobody reads the other end of a virtual port", async () => {
    const { a, atA, far } = await blocked({ writeLimitMs: -10_000 });
    await until(() => a.counters.stalls === 1, "a counted stall");
    await sleep(1100);
    expect([a.counters.stalls, atA.events]).toEqual([1, ["up"]]);
    expect(await drain(far, BLOCKING)).toBe(BLOCKING);
    far.close();
  });

  it("drops and counts what is beyond the queue's limit", async () => {
    const { a, far } = await blocked({});
    expect(a.write(new Uint8Array(BLOCKING))).toBe(false);
    expect(a.counters.droppedBytes).toBe(BLOCKING);
    expect(a.write(new Uint8Array())).toBe(false);
    far.close();
  });
});

describe("UartTransport when the port goes away", () => {
  it.each([
    ["idle", 0, 0],
    ["writing", 100_000, 0],
    ["receiving", 0, 100_000],
    ["doing both", 100_000, 100_000],
  ])("says so once while %s, drops writes, closes, and opens again", async (_name, fromA, toA) => {
    const [a, b] = [uart(pair.a), uart(pair.b)];
    const atA = new Recorder();
    await a.open(atA);
    await b.open(new Recorder());
    a.write(new Uint8Array(fromA));
    b.write(new Uint8Array(toA));
    await sleep(3);
    await pair.kill();
    await until(() => atA.events.length > 1, "news of the loss");
    await sleep(100);
    expect(atA.events.filter((event) => event !== "writable")).toEqual(["up", "down port-lost"]);
    expect(a.write(Uint8Array.of(1))).toBe(true);
    await pair.close();
    expect(await codeOf(() => a.open(new Recorder()))).toBe("port-missing");
    await a.close();
  });
});

describe("UartTransport refuses to open", () => {
  it("a port that is open already, and names who has it", async () => {
    await uart(pair.a).open(new Recorder());
    await expect(uart(pair.a).open(new Recorder())).rejects.toMatchObject({
      code: "port-busy",
      exitCode: 6,
      details: { path: pair.a, pids: expect.stringContaining(`${process.pid}`) },
    });
  });

  it.each([
    ["a path where nothing is", "/dev/mayday-none", "port-missing"],
    ["a directory", "/tmp", "port-not-tty"],
    ["a device of another kind than a serial port", "/dev/null", "port-not-tty"],
  ])("%s", async (_name, path, code) => {
    const recorder = new Recorder();
    expect(await codeOf(() => uart(path).open(recorder))).toBe(code);
    expect(recorder.events).toEqual([]);
  });

  it("a regular file, and a link to nowhere", async () => {
    const directory = await mkdtemp(join(tmpdir(), "mayday-uart-"));
    await writeFile(join(directory, "file"), "text");
    await symlink("/dev/mayday-none", join(directory, "link"));
    expect(await codeOf(() => uart(join(directory, "file")).open(new Recorder()))).toBe("port-not-tty");
    await expect(uart(join(directory, "link")).open(new Recorder())).rejects.toMatchObject({
      code: "port-missing",
      details: { target: "/dev/mayday-none" },
    });
    await rm(directory, { recursive: true });
  });

  // Texts of serialport 13 on Linux; there are no codes to go by.
  it.each([
    ["Error: Permission denied, cannot open /dev/x", "port-permission"],
    ["Error Resource temporarily unavailable Cannot lock port", "port-busy"],
    ["Error: Device or resource busy, cannot open /dev/x", "port-busy"],
    ["Error: No such file or directory, cannot open /dev/x", "port-missing"],
    ["Error: No such device, cannot open /dev/x", "port-missing"],
    ["Error: Inappropriate ioctl for device setting custom baud rate of 115200", "port-not-tty"],
    ["Error: Invalid argument setting custom baud rate of 123", "baud-unsupported"],
    ["Error: Input/output error, cannot open /dev/x", "port-failed"],
  ])("tells '%s' apart as %s", async (text, code) => {
    expect((await portOpenError("/dev/x", 123, new Error(text))).code).toBe(code);
  });

  it("finds the process that holds a port", async () => {
    const holder = spawn("sh", ["-c", `exec sleep 60 < ${pair.b}`], { stdio: "ignore" });
    try {
      const expected = { pid: holder.pid, command: "sleep", commandLine: "sleep 60", isMaker: false };
      let found: unknown[] = [];
      for (
        let i = 0;
        i < 100 && !found.some((one) => JSON.stringify(one) === JSON.stringify(expected));
        i++
      ) {
        await sleep(10);
        found = (await findHolders([pair.b])).get(pair.b) ?? [];
      }
      expect(found).toContainEqual(expected);
    } finally {
      holder.kill("SIGKILL");
    }
  });
});
