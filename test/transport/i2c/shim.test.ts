import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { concatBytes, equalBytes, fromHex, toHex } from "../../../src/base/bytes.ts";
import { randomBytes, SeededRandom } from "../../../src/base/prng.ts";
import { I2C_TRANSACTION_MAX } from "../../../src/transport/i2c/bus.ts";
import { listenRaw, NotingPeripheral, read, startMute, write } from "../../support/i2c-peripherals.ts";
import { buildShim, type I2cCall, type I2cRig, openI2cRig } from "../../support/i2c-rig.ts";

let rig: I2cRig;

beforeEach(async () => {
  rig = await openI2cRig();
});

afterEach(() => rig.close());

async function attach(address: number, memory?: Uint8Array, bus = 1): Promise<NotingPeripheral> {
  const peripheral = new NotingPeripheral(memory);
  await rig.attach(bus, address, peripheral);
  return peripheral;
}

const sample = (length: number, seed = length): Uint8Array => randomBytes(new SeededRandom(seed), length);

/** A line of i2cdetect's table. */
const detected = (stdout: string): string[] =>
  stdout
    .split("\n")
    .slice(1)
    .flatMap((line) => line.split(":")[1]?.trim().split(/\s+/) ?? [])
    .filter((cell) => /^[0-9a-f]{2}$/.test(cell));

describe("i2c-bus through the shim", () => {
  const SIZES = [1, 2, 31, 32, 33, 255, 256, 1024, 4096, 8191, 8192];

  test("carries writes and reads of every size up to the kernel's limit, exactly", async () => {
    const peripheral = await attach(0x42, sample(I2C_TRANSACTION_MAX));
    const calls = SIZES.flatMap((size) => [write(0x42, toHex(sample(size))), read(0x42, size)]);
    const results = await rig.control(calls);
    expect(peripheral.writes.map((bytes) => bytes.length)).toEqual(SIZES);
    expect(peripheral.reads).toEqual(SIZES);
    for (const [i, size] of SIZES.entries()) {
      expect(equalBytes(peripheral.writes[i] ?? new Uint8Array(0), sample(size))).toBe(true);
      expect(results[2 * i]?.count).toBe(size);
      expect(results[2 * i + 1]).toEqual({ count: size, hex: toHex(peripheral.memory.subarray(0, size)) });
    }
    const transactions = calls.length;
    const bytes = SIZES.reduce((sum, size) => sum + 2 * (1 + size), 0);
    expect(await rig.report()).toEqual({ bytes, transactions, faults: 0 });
  });

  test("cuts at the kernel's limit: a longer write is two transactions, a longer read is short", async () => {
    const sent = sample(8193);
    const peripheral = await attach(0x42, sample(9000));
    const [written, readBack] = await rig.control([write(0x42, toHex(sent)), read(0x42, 8193)]);
    expect(written?.count).toBe(8193);
    expect(peripheral.writes.map((bytes) => bytes.length)).toEqual([8192, 1]);
    expect(equalBytes(concatBytes(...peripheral.writes), sent)).toBe(true);
    expect(readBack?.count).toBe(8192);
  });

  test("carries calls of several threads one at a time", async () => {
    const peripheral = await attach(0x42, new Uint8Array(200).fill(0x99));
    const calls = Array.from({ length: 60 }, (_, i) =>
      i % 2 === 0 ? write(0x42, toHex(new Uint8Array(100 + i).fill(i))) : read(0x42, 100 + i),
    );
    const results = await rig.control([write(0x42, "77"), ...calls], {}, true);
    expect(results.filter(({ error }) => error !== undefined)).toEqual([]);
    const whole = peripheral.writes.filter((bytes) => bytes.every((byte) => byte + 100 === bytes.length));
    expect([peripheral.writes.length, whole.length]).toEqual([31, 30]);
    expect(new Set(peripheral.reads).size).toBe(30);
  });

  test("finds by scanning all peripherals and nothing else", async () => {
    await attach(0x42);
    await attach(0x77);
    await attach(0x08);
    await attach(0x50, undefined, 2);
    const [scan] = await rig.control([{ method: "scan", args: [] }]);
    expect(scan?.value).toEqual([0x08, 0x42, 0x77]);
  });

  test("keeps two peripherals on one bus apart", async () => {
    const one = await attach(0x42, sample(4, 1));
    const other = await attach(0x43, sample(4, 2));
    const results = await rig.control([
      write(0x42, "0a"),
      write(0x43, "0b0b"),
      write(0x42, "0c"),
      read(0x43, 4),
      read(0x42, 4),
    ]);
    expect([one.written, other.written]).toEqual([["0a", "0c"], ["0b0b"]]);
    expect(results.slice(3).map(({ hex }) => hex)).toEqual([toHex(other.memory), toHex(one.memory)]);
  });

  test("reads ones where a peripheral has no more to say, and no more than was asked for", async () => {
    const peripheral = await attach(0x42, fromHex("0102"));
    const [long] = await rig.control([read(0x42, 5)]);
    expect(long?.hex).toBe("0102ffffff");
    peripheral.memory = sample(100);
    const [short] = await rig.control([read(0x42, 3)]);
    expect(short).toEqual({ count: 3, hex: toHex(peripheral.memory.subarray(0, 3)) });
  });

  test("makes SMBus calls of messages", async () => {
    const peripheral = await attach(0x42, fromHex("0310203040"));
    const results = await rig.control([
      { method: "writeQuick", args: [0x42, 0] },
      { method: "sendByte", args: [0x42, 0x11] },
      { method: "writeByte", args: [0x42, 0x11, 0x22] },
      { method: "writeWord", args: [0x42, 0x11, 0x3322] },
      { method: "writeI2cBlock", args: [0x42, 0x11, 3, "aabbcc"] },
      { method: "writeBlock", args: [0x42, 0x11, 3, "aabbcc"] },
      { method: "receiveByte", args: [0x42] },
      { method: "readByte", args: [0x42, 0x11] },
      { method: "readWord", args: [0x42, 0x11] },
      { method: "readI2cBlock", args: [0x42, 0x11, 5, "0000000000"] },
      { method: "readI2cBlock", args: [0x42, 0x11, 32, "00".repeat(32)] },
      { method: "readBlock", args: [0x42, 0x11, "00".repeat(32)] },
    ]);
    expect(results.filter(({ error }) => error !== undefined)).toEqual([]);
    const commands = Array<string>(5).fill("11"); // of the reads but the first
    expect(peripheral.written).toEqual(["", "11", "1122", "112233", "11aabbcc", "1103aabbcc", ...commands]);
    expect(peripheral.reads).toEqual([1, 1, 2, 5, 32, 33]);
    const [byte, byteData, word, block, longBlock, smbusBlock] = results.slice(6);
    expect([byte?.value, byteData?.value, word?.value]).toEqual([3, 3, 0x1003]);
    expect(block).toEqual({ count: 5, hex: "0310203040" });
    expect(longBlock).toEqual({ count: 32, hex: `0310203040${"ff".repeat(27)}` });
    expect(smbusBlock).toEqual({ count: 3, hex: `102030${"00".repeat(29)}` });
  });

  test("says what it can do, as an adapter that only knows I2C", async () => {
    await attach(0x42);
    const [funcs] = await rig.control([{ method: "i2cFuncs", args: [] }]);
    expect(funcs?.value).toMatchObject({ i2c: true, smbusQuick: true, smbusPec: false, tenBitAddr: false });
  });

  test("times: prints what a write and a read together take", async () => {
    await attach(0x42, sample(8192));
    const time = (isSync: boolean, bytes: number, pairs: number): I2cCall => ({
      method: "time",
      args: [isSync, 0x42, bytes, pairs],
    });
    const results = await rig.control([time(true, 32, 500), time(false, 32, 500), time(true, 8192, 200)]);
    const [sync = 0, async = 0, large = 0] = results.map(({ value }) => Number(value));
    const rate = 16_384 / large / 1000;
    process.stdout.write(
      `i2c rig: ${sync.toFixed(2)} ms sync, ${async.toFixed(2)} ms async for 32 + 32 bytes; ${rate.toFixed(1)} MB/s at 8192\n`,
    );
    // Far from what is usual, near enough to tell a wait that is none of the bus's.
    expect(Math.max(sync, async)).toBeLessThan(20);
  });
});

describe("i2c-tools through the shim", () => {
  test("i2cdetect shows the peripherals", async () => {
    await attach(0x42);
    await attach(0x50); // asked with a read there, elsewhere with an empty write
    const { code, stdout } = await rig.run("i2cdetect", ["-y", "1"]);
    expect([code, detected(stdout)]).toEqual([0, ["42", "50"]]);
  });

  test("i2ctransfer carries a transaction of several messages", async () => {
    const one = await attach(0x42, fromHex("c0ffee"));
    const other = await attach(0x43, fromHex("77"));
    const args = ["-y", "1", "w2@0x42", "1", "0xfe", "r3", "w1@0x43", "9", "r2"];
    expect(await rig.run("i2ctransfer", args)).toMatchObject({
      code: 0,
      stdout: "0xc0 0xff 0xee\n0x77 0xff\n",
    });
    expect([one.written, other.written]).toEqual([["01fe"], ["09"]]);
    expect(await rig.report()).toMatchObject({ transactions: 1, bytes: 3 + 4 + 2 + 3 });
  });

  test("i2cset and i2cget write and read registers", async () => {
    const peripheral = await attach(0x42, fromHex("5a"));
    expect(await rig.run("i2cset", ["-y", "1", "0x42", "0x10", "0x20"])).toMatchObject({ code: 0 });
    expect(await rig.run("i2cget", ["-y", "1", "0x42", "0x10"])).toMatchObject({ stdout: "0x5a\n" });
    expect(peripheral.written).toEqual(["1020", "10"]);
  });

  test("messages over the kernel's limit are refused", async () => {
    const peripheral = await attach(0x42);
    const atLimit = await rig.run("i2ctransfer", ["-y", "1", "w8192@0x42", "7="]);
    expect([atLimit.code, peripheral.writes[0]?.length]).toEqual([0, 8192]);
    const beyond = await rig.run("i2ctransfer", ["-y", "1", "w8193@0x42", "7="]);
    expect(beyond.stderr).toContain("Invalid argument");
    expect(peripheral.writes.length).toBe(1);
  });

  test("a transaction of one controller is not torn by another", async () => {
    const log: string[] = [];
    await rig.attach(1, 0x42, {
      onWrite: (bytes) => {
        log.push(toHex(bytes));
        return true;
      },
      onRead: () => new Uint8Array(0),
    });
    const pairs = (byte: number): string[] =>
      Array.from({ length: 20 }, () => ["w1@0x42", String(byte)]).flat();
    await Promise.all([1, 2, 3].map((byte) => rig.run("i2ctransfer", ["-y", "1", ...pairs(byte)])));
    expect(log.length).toBe(60);
    const changes = log.filter((byte, i) => i > 0 && byte !== log[i - 1]);
    expect(changes.length).toBe(2);
  });

  test("a tool that is missing fails its test with what to install", async () => {
    await expect(rig.run("i2c-none", [])).rejects.toThrow(/apt-get install i2c-tools/);
  });

  test("programs that use no bus are left alone", async () => {
    const { stdout } = await rig.run("cat", ["/proc/self/comm"]);
    expect(stdout).toBe("cat\n");
    expect(await rig.report()).toEqual({ bytes: 0, transactions: 0, faults: 0 });
  });
});

describe("failures have the drivers' names:", () => {
  test("nobody at the address", async () => {
    await attach(0x42);
    const calls = [write(0x43, "00"), read(0x43, 1), write(0x42, "00")];
    const codes = async (driver?: string): Promise<unknown[]> =>
      (await rig.control(calls, driver === undefined ? {} : { driver })).map(({ error }) => error);
    expect(await codes()).toEqual(["ENXIO", "ENXIO", undefined]);
    expect(await codes("gpio")).toEqual(["ENXIO", "ENXIO", undefined]);
    expect(await codes("bcm2835")).toEqual(["EREMOTEIO", "EREMOTEIO", undefined]);
    expect(await codes("designware")).toEqual(["EREMOTEIO", "EREMOTEIO", undefined]);
  });

  test("data or a call that the peripheral does not acknowledge", async () => {
    (await attach(0x42)).isAcknowledging = false;
    const calls = [write(0x42, "00"), { method: "writeQuick", args: [0x42, 0] }, read(0x42, 1)];
    const codes = (await rig.control(calls)).map(({ error }) => error);
    expect(codes).toEqual(["EREMOTEIO", "ENXIO", undefined]);
    expect((await rig.control(calls, { driver: "gpio" }))[0]?.error).toBe("EIO");
  });

  test("no such bus", async () => {
    await attach(0x42, undefined, 2);
    expect(await rig.control([read(0x42, 1)])).toEqual([{ error: "ENOENT" }]);
  });

  test("a peripheral that holds the clock for too long", async () => {
    await startMute(rig);
    const results = await rig.control([write(0x42, "00"), read(0x42, 1)], { stretchMs: 100 });
    expect(results.map(({ error }) => error)).toEqual(["ETIMEDOUT", "ETIMEDOUT"]);
  });

  test("a peripheral whose answer comes too late, which is not taken for the next one", async () => {
    let connections = 0;
    await listenRaw(rig, 0x42, (socket) => {
      connections += 1;
      const [byte, afterMs] = connections === 1 ? [0xaa, 2000] : [0xbb, 0];
      socket.on("data", () => {
        setTimeout(() => socket.write(Uint8Array.of(1, 0, 1, 0, byte)), afterMs).unref();
      });
    });
    const results = await rig.control([read(0x42, 1), read(0x42, 1)], { stretchMs: 400 });
    expect(results).toEqual([{ error: "ETIMEDOUT" }, { count: 1, hex: "bb" }]);
  });

  test("a peripheral that speaks another version, or dies during a message", async () => {
    await listenRaw(rig, 0x42, (socket) => socket.on("data", () => socket.write(Uint8Array.of(2, 0, 0, 0))));
    await listenRaw(rig, 0x43, (socket) => socket.on("data", () => socket.destroy()));
    const results = await rig.control([write(0x42, "00"), write(0x43, "00")]);
    expect(results.map(({ error }) => error)).toEqual(["EPROTO", "EREMOTEIO"]);
  });

  test("a bus that is stuck for some transactions", async () => {
    const peripheral = await attach(0x42);
    const calls = ["01", "02", "03", "04"].map((hex) => write(0x42, hex));
    const codes = (await rig.control(calls, { faults: "stuck=1:2" })).map(({ error }) => error);
    expect(codes).toEqual([undefined, "EBUSY", "EBUSY", undefined]);
    expect(peripheral.written).toEqual(["01", "04"]);
    const renamed = await rig.control(calls, { faults: "stuck=0:1", driver: "bcm2835" });
    expect(renamed[0]?.error).toBe("ETIMEDOUT");
  });
});

describe("faults", () => {
  /** A write of three bytes and a read of two: bytes 0 to 3 and 4 to 6 of the bus. */
  async function session(faults: string): Promise<{ error: string; written: string[]; reads: number[] }> {
    const server = await rig.attach(1, 0x42, new NotingPeripheral());
    await server.close();
    const peripheral = new NotingPeripheral(fromHex("0102"));
    const next = await rig.attach(1, 0x42, peripheral);
    const args = ["-y", "1", "w3@0x42", "0xa0", "0xb0", "0xc0", "r2"];
    const { stdout, stderr } = await rig.run("i2ctransfer", args, { faults });
    await next.close();
    const error = /failed: (.*)/.exec(stderr)?.[1] ?? stdout.trim();
    return { error, written: peripheral.written, reads: peripheral.reads };
  }

  const all = { error: "0x01 0x02", written: ["a0b0c0"], reads: [2] };

  test("are counted in bytes that a run without them tells", async () => {
    expect(await session("seed=1")).toEqual(all);
    expect(await rig.report()).toEqual({ bytes: 7, transactions: 1, faults: 0 });
  });

  const NACK_AT = [
    { at: 0, error: "No such device or address", written: [], reads: [] },
    { at: 1, error: "Remote I/O error", written: ["a0"], reads: [] },
    { at: 3, error: "Remote I/O error", written: ["a0b0c0"], reads: [] },
    { at: 4, error: "No such device or address", written: ["a0b0c0"], reads: [] },
    { at: 5, ...all }, // the controller's own acknowledge
    { at: 7, ...all }, // beyond the end
  ];
  test.each(NACK_AT)("an acknowledge lost at byte $at", async ({ at, ...expected }) => {
    expect(await session(`at=${at}:nack`)).toEqual(expected);
  });

  const TIMEOUT = "Connection timed out";
  const TIMEOUT_AT = [
    { at: 0, error: TIMEOUT, written: [], reads: [] },
    { at: 3, error: TIMEOUT, written: ["a0b0"], reads: [] },
    { at: 4, error: TIMEOUT, written: ["a0b0c0"], reads: [] },
    { at: 6, error: TIMEOUT, written: ["a0b0c0"], reads: [1] },
  ];
  test.each(TIMEOUT_AT)("a clock held at byte $at", async ({ at, ...expected }) => {
    expect(await session(`at=${at}:timeout`)).toEqual(expected);
  });

  test("a read that is cut short, and a write that cannot be", async () => {
    expect(await session("at=6:short")).toEqual({ ...all, error: "0x01 0xff", reads: [1] });
    expect(await session("at=2:short")).toEqual(all);
    await attach(0x42, fromHex("010203"));
    const [short] = await rig.control([read(0x42, 3)], { faults: "at=3:short" });
    expect(short).toEqual({ count: 2, hex: "0102ff" });
  });

  test("an arbitration that is lost", async () => {
    const error = "Resource temporarily unavailable";
    expect(await session("at=2:lost")).toEqual({ error, written: [], reads: [] });
  });

  test("a byte that is changed in one bit, on its way in either direction", async () => {
    const flips = (a: string, b: string): number =>
      Number.parseInt(a, 16) ^ Number.parseInt(b.replaceAll(/ ?0x/g, ""), 16);
    const there = await session("at=2:corrupt");
    expect(there.error).toBe(all.error);
    expect([0, 1, 2, 3, 4, 5, 6, 7].map((bit) => 256 << bit)).toContain(
      flips("a0b0c0", there.written[0] ?? ""),
    );
    const back = await session("at=6:corrupt");
    expect(back.written).toEqual(all.written);
    expect([0, 1, 2, 3, 4, 5, 6, 7].map((bit) => 1 << bit)).toContain(flips("0102", back.error));
    const address = await session("at=0:corrupt");
    expect(address).toEqual({ error: "No such device or address", written: [], reads: [] });
  });

  test("several can be planned", async () => {
    const { error, written } = await session("at=1:corrupt,at=3:nack");
    expect([error, written.length, written[0]?.startsWith("a0")]).toEqual(["Remote I/O error", 1, false]);
    expect((await rig.report()).faults).toBe(2);
  });

  test("by chance come at their rates, the same for the same seed", async () => {
    const calls = Array.from({ length: 400 }, (_, i) =>
      i % 2 === 0 ? write(0x42, "00".repeat(9)) : read(0x42, 9),
    );
    const run = async (faults: string): Promise<{ codes: unknown[]; written: string[] }> => {
      const peripheral = new NotingPeripheral(new Uint8Array(9));
      const server = await rig.attach(1, 0x42, peripheral);
      const results = await rig.control(calls, { faults });
      await server.close();
      return {
        codes: results.map(({ error, count, hex }) => error ?? `${count} ${hex}`),
        written: peripheral.written,
      };
    };
    const plan = "nack=0.01,corrupt=0.01,timeout=0.05,short=0.1,lost=0.02";
    const first = await run(`seed=7,${plan}`);
    expect(await run(`seed=7,${plan}`)).toEqual(first);
    expect(await run(`seed=8,${plan}`)).not.toEqual(first);
    const count = (code: string): number => first.codes.filter((other) => other === code).length;
    // 400 messages, 4000 bytes; each within five deviations of what is expected.
    expect(count("ETIMEDOUT")).toBeGreaterThan(2);
    expect(count("ETIMEDOUT")).toBeLessThan(40);
    expect(count("EREMOTEIO")).toBeGreaterThan(2);
    expect(count("EREMOTEIO")).toBeLessThan(40);
    expect(count("EAGAIN")).toBeGreaterThan(0);
    expect(first.written.filter((hex) => /[^0]/.test(hex)).length).toBeGreaterThan(2);
    const shorts = first.codes.filter((code) => /^[0-8] /.test(String(code))).length;
    expect(shorts).toBeGreaterThan(3);
    expect(shorts).toBeLessThan(45);
  });

  test.each([
    { faults: "nack" },
    { faults: "nack=2" },
    { faults: "nack=nan" },
    { faults: "nack=0.1x" },
    { faults: "frobnicate=0.1" },
    { faults: "at=7" },
    { faults: "at=7:frobnicate" },
    { faults: "stuck=3" },
    { faults: "seed=" },
    { faults: "seed=1,nack=0.1,," + "at=x:nack" },
    { driver: "frobnicate" },
  ])("a setting that is none ends the program before it starts: %j", async (settings) => {
    const { code, stdout, stderr } = await rig.run("echo", ["ran"], settings);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("is not a setting");
  });
});

test("the shim compiles without a warning", async () => {
  await expect(buildShim(["-Wall", "-Wextra", "-Werror"])).resolves.toMatch(/i2c-shim-/);
});
