import { existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { concatBytes, fromHex, toHex } from "../../../src/base/bytes.ts";
import { I2cSocketServer } from "../../../src/transport/i2c/rig-socket.ts";
import { listenRaw, NotingPeripheral, read, startMute, write } from "../../support/i2c-peripherals.ts";
import { type I2cRig, openI2cRig } from "../../support/i2c-rig.ts";
import { codeOf } from "../../support/recorder.ts";

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

describe("a virtual peripheral", () => {
  test("makes its bus a private directory, leaves it, and may not be opened twice", async () => {
    const server = await rig.attach(1, 0x42, new NotingPeripheral());
    expect(lstatSync(rig.bus(1)).mode & 0o777).toBe(0o700);
    await expect(server.open(new NotingPeripheral())).rejects.toThrow(/opened before/);
    await server.close();
    await server.close();
    expect(readdirSync(rig.bus(1))).toEqual([]);
    expect(await rig.control([read(0x42, 1)])).toEqual([{ error: "ENXIO" }]);
  });

  test("that comes back is found again by a controller that is still there", async () => {
    const [first, second] = [new NotingPeripheral(), new NotingPeripheral()];
    const server = await rig.attach(1, 0x42, first);
    await listenRaw(rig, 0x43, (socket) => {
      // A call of this one lasts until the other one has been replaced.
      socket.on("data", async () => {
        await server.close();
        await rig.attach(1, 0x42, second);
        socket.write(Uint8Array.of(1, 0, 0, 0));
      });
    });
    const results = await rig.control([write(0x42, "01"), write(0x43, "00"), write(0x42, "02")]);
    expect(results.map(({ error }) => error)).toEqual([undefined, undefined, undefined]);
    expect([first.written, second.written]).toEqual([["01"], ["02"]]);
  });

  test("takes the place of one that died, and a dead one does not acknowledge", async () => {
    const { path, stop } = await startMute(rig);
    await stop();
    expect(existsSync(path)).toBe(true);
    expect(await rig.control([write(0x42, "01")])).toEqual([{ error: "ENXIO" }]);
    const peripheral = await attach(0x42);
    await rig.control([write(0x42, "02")]);
    expect(peripheral.written).toEqual(["02"]);
  });

  test("says what is in its way, and removes nothing of it", async () => {
    const open = (directory: string): Promise<unknown> =>
      codeOf(() => new I2cSocketServer(directory, 0x42).open(new NotingPeripheral()));
    const first = await attach(0x42);
    expect(await open(rig.bus(1))).toBe("i2c-address-taken");
    await rig.control([write(0x42, "01")]);
    expect(first.written).toEqual(["01"]);
    expect(await open(join(rig.bus(1), "no", "bus"))).toBe("i2c-directory-missing");
    mkdirSync(rig.bus(2));
    writeFileSync(join(rig.bus(2), "0x42"), "precious");
    expect(await open(rig.bus(2))).toBe("i2c-socket-failed");
    expect(await open(join(rig.bus(2), "0x42"))).toBe("i2c-socket-failed");
    expect(lstatSync(join(rig.bus(2), "0x42")).size).toBe(8);
    expect(await open(join(rig.bus(1), "x".repeat(100)))).toBe("i2c-socket-failed");
  });

  test("is reached on a bus whose path is longer than a socket's name", async () => {
    const long = join(rig.bus(1), "..", "d".repeat(60));
    mkdirSync(long, { recursive: true });
    const peripheral = new NotingPeripheral();
    // Listened on by a short way, called by the long one.
    const server = new I2cSocketServer(join(rig.bus(1), "..", "i2c-7"), 0x42);
    await server.open(peripheral);
    const far = `${long}/${"../".repeat(30)}${long}/..`;
    const { code } = await rig.run("env", [
      `MAYDAY_I2C_DIR=${far}`,
      "i2ctransfer",
      "-y",
      "7",
      "w1@0x42",
      "5",
    ]);
    await server.close();
    expect([code, peripheral.written]).toEqual([0, ["05"]]);
  });

  test("answers requests in whatever pieces they come", async () => {
    const peripheral = await attach(0x42, fromHex("0a0b0c"));
    const stream = fromHex("01 00 02 00 11 22  01 01 02 00  01 00 00 00  01 01 05 00") ?? new Uint8Array(0);
    const expected = "01000000" + "01000200" + "0a0b" + "01000000" + "01000500" + "0a0b0cffff";
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 1, max: stream.length - 1 })), async (cuts) => {
        peripheral.writes.length = 0;
        const edges = [0, ...cuts.sort((a, b) => a - b), stream.length];
        const parts = edges.slice(1).map((end, i) => stream.subarray(edges[i], end));
        expect(toHex(await converse(parts, expected.length / 2))).toBe(expected);
        expect(peripheral.written).toEqual(["1122", ""]);
      }),
      { numRuns: 20 },
    );
  });

  test("hangs up on bytes that are not a request, without an answer", async () => {
    const peripheral = await attach(0x42);
    for (const hex of ["02", "0102", "01000120", "0101ffff"]) {
      expect(toHex(await converse([fromHex(hex) ?? new Uint8Array(0)], 1))).toBe("");
    }
    expect([peripheral.writes, peripheral.reads]).toEqual([[], []]);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 4, maxLength: 40 }), async (bytes) => {
        fc.pre(bytes[0] !== 1);
        expect(await converse([bytes], 1)).toHaveLength(0);
      }),
      { numRuns: 20 },
    );
  });

  /** Sends the parts one by one, and resolves with the answer once it has `length` bytes, or at a hang-up. */
  async function converse(parts: readonly Uint8Array[], length: number): Promise<Uint8Array> {
    const socket = connect(join(rig.bus(1), "0x42"));
    const answers: Uint8Array[] = [];
    let received = 0;
    const done = new Promise<void>((resolve) => {
      socket.on("data", (chunk) => {
        answers.push(chunk);
        received += chunk.length;
        if (received >= length) resolve();
      });
      socket.on("close", () => resolve());
      socket.on("error", () => resolve());
    });
    for (const part of parts) {
      await new Promise<void>((resolve) => socket.write(part, () => resolve()));
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await done;
    socket.destroy();
    return concatBytes(...answers);
  }
});
