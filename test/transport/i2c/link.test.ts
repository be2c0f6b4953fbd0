import { describe, expect, it } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { type ByteFate, i2cFaultAt, i2cFaultFrom } from "../../../src/sim/wires/bus-faults.ts";
import { I2cError } from "../../../src/transport/i2c/bus.ts";
import { frameOf, I2cLink, type I2cLinkOptions } from "../../support/i2c-link.ts";

const LENGTHS = [1, 27, 28, 60, 5, 90];
const DOWN = LENGTHS.map((length, i) => frameOf(i, length));
const UP = LENGTHS.map((length, i) => frameOf(i + 100, length + 1));

/** Sends six frames each way, then a last one each way; what arrived, in hexadecimal. */
async function exchange(options: I2cLinkOptions): Promise<{ link: I2cLink; down: string[]; up: string[] }> {
  const link = new I2cLink(options);
  const peripheral = await link.plug();
  await link.start();
  await link.untilUp();
  for (const frame of DOWN) link.controller.write(frame);
  for (const frame of UP) peripheral.write(frame);
  await link.until(() => link.controller.mailbox.isIdle && peripheral.mailbox.isIdle);
  const down = frameOf(200, 10);
  const up = frameOf(201, 10);
  const has = (chunks: readonly Uint8Array[], mark: Uint8Array): boolean =>
    chunks.some((chunk) => toHex(chunk) === toHex(mark));
  // The last frames are sent again until they arrive: a wrong bit may be in one of them.
  for (let i = 0; i < 20; i++) {
    if (has(link.heardByPeripheral.chunks, down) && has(link.heardByController.chunks, up)) break;
    link.controller.write(down);
    peripheral.write(up);
    await link.pass(i === 0 ? 10 : 200);
  }
  expect(has(link.heardByPeripheral.chunks, down) && has(link.heardByController.chunks, up)).toBe(true);
  const seen = (chunks: readonly Uint8Array[]): string[] =>
    chunks.map(toHex).filter((text) => text.length !== 20);
  const heard = { down: seen(link.heardByPeripheral.chunks), up: seen(link.heardByController.chunks) };
  return { link, ...heard };
}

describe("frames over an I2C link", () => {
  it.each([32, 33, 64, 1024])(
    "arrive whole and in order both ways, transactions of %i bytes",
    async (transactionMax) => {
      const { down, up } = await exchange({ transactionMax });
      expect(down).toEqual(DOWN.map(toHex));
      expect(up).toEqual(UP.map(toHex));
    },
  );

  it("begin with transactions of 32 bytes and go up to what both can", async () => {
    const link = new I2cLink({ transactionMax: 8192 });
    await link.plug({ transactionMax: 200 });
    await link.start();
    expect(link.controller.mailbox.transactionLimit).toBe(32);
    await link.untilUp();
    expect(link.controller.mailbox.transactionLimit).toBe(200);
  });

  it.each(["too-long", "timeout"] as const)(
    "find out that the adapter does only 100 bytes (%s)",
    async (tooLongKind) => {
      const { link, down, up } = await exchange({ transactionMax: 1024, adapterMax: 100, tooLongKind });
      expect(link.controller.mailbox.transactionLimit).toBeLessThanOrEqual(100);
      expect(link.controller.mailbox.transactionLimit).toBeGreaterThanOrEqual(50);
      expect(down).toEqual(DOWN.map(toHex));
      expect(up).toEqual(UP.map(toHex));
      expect(link.heardByController.events.filter((event) => event !== "writable")).toEqual(["up"]);
    },
  );

  it("are held back after two frames or 2 KiB, and asked for again when they left", async () => {
    const link = new I2cLink({ transactionMax: 1024 });
    const peripheral = await link.plug();
    await link.start();
    await link.untilUp();
    for (const [end, heard] of [
      [link.controller, link.heardByController],
      [peripheral, link.heardByPeripheral],
    ] as const) {
      expect(end.write(frameOf(1, 2000))).toBe(true);
      expect(end.write(frameOf(2, 2000))).toBe(false);
      await link.until(() => heard.count("writable") === 1);
    }
  });

  it("are dropped while nobody is there", async () => {
    const link = new I2cLink();
    await link.start();
    expect(link.controller.write(frameOf(1, 20))).toBe(true);
    await link.plug();
    await link.untilUp();
    await link.pass(3000);
    expect(link.heardByPeripheral.chunks).toEqual([]);
  });

  it("that wait when an end is closed go out first", async () => {
    const link = new I2cLink();
    await link.plug();
    await link.start();
    await link.untilUp();
    link.controller.write(frameOf(1, 100));
    const closed = link.controller.close();
    await link.pass(600);
    await closed;
    expect(link.heardByPeripheral.chunks.map(toHex)).toEqual([toHex(frameOf(1, 100))]);
    await link.controller.close();
  });
});

describe("an I2C link between a controller and a peripheral that come and go", () => {
  it("comes up, whichever side is first", async () => {
    const late = new I2cLink();
    await late.start();
    await late.pass(30_000);
    expect(late.heardByController.events).toEqual(["waiting i2c-absent"]);
    await late.plug();
    await late.until(() => late.heardByController.count("up") === 1, 1_100);
    const early = new I2cLink();
    await early.plug();
    await early.pass(60_000);
    expect(early.heardByPeripheral.events).toEqual(["waiting i2c-controller-silent"]);
    await early.start();
    await early.until(() => early.heardByPeripheral.count("up") === 1, 100);
  });

  it("continues with a peripheral that was restarted", async () => {
    const link = new I2cLink();
    const first = await link.plug();
    await link.start();
    await link.untilUp();
    await first.close();
    const second = await link.plug();
    await link.until(() => link.heardByPeripheral.count("up") === 1);
    second.write(frameOf(1, 50));
    link.controller.write(frameOf(2, 50));
    await link.until(
      () => link.heardByController.chunks.length === 1 && link.heardByPeripheral.chunks.length === 1,
    );
    expect(link.heardByController.events).toEqual(["up"]);
  });

  it("continues with a controller that was restarted in the middle of a frame", async () => {
    const link = new I2cLink();
    const peripheral = await link.plug();
    await link.start();
    await link.untilUp();
    peripheral.write(frameOf(1, 200));
    await link.pass(3);
    const closed = link.controller.close();
    await link.pass(600);
    await closed;
    expect(link.heardByController.chunks).toEqual([]);
    await link.controller.open(link.heardByController);
    await link.until(() => link.heardByController.chunks.length === 1);
    expect(link.heardByController.chunks.map(toHex)).toEqual([toHex(frameOf(1, 200))]);
  });

  it("waits ten seconds for a peripheral that does not acknowledge, and only then calls it absent", async () => {
    const link = new I2cLink();
    const peripheral = await link.plug();
    await link.start();
    await link.untilUp();
    await peripheral.close();
    await link.pass(9_900);
    expect(link.heardByController.events).toEqual(["up"]);
    await link.pass(2_000);
    expect(link.heardByController.events).toEqual(["up", "down i2c-absent"]);
    await link.plug();
    await link.until(() => link.heardByController.count("up") === 2, 1_100);
  });

  it("opens the bus again when its adapter was unplugged and came back", async () => {
    const link = new I2cLink();
    await link.plug();
    await link.start();
    await link.untilUp();
    const { read, write } = link.bus;
    const gone = async (): Promise<never> => {
      throw new I2cError("gone", "unplugged");
    };
    Object.assign(link.bus, { read: gone, write: gone });
    await link.pass(3_000);
    expect(link.heardByController.events).toEqual(["up", "down i2c-gone"]);
    Object.assign(link.bus, { read, write });
    await link.until(() => link.heardByController.count("up") === 2, 1_100);
    expect(link.opened).toBeGreaterThan(3);
  });

  it("is down for the peripheral when the controller has not looked in for five seconds", async () => {
    const link = new I2cLink();
    await link.plug();
    await link.start();
    await link.untilUp();
    await link.pass(20_000);
    expect(link.heardByPeripheral.events).toEqual(["up"]);
    await link.controller.close();
    await link.pass(6_000);
    expect(link.heardByPeripheral.events).toEqual(["up", "down i2c-controller-silent"]);
  });

  it("writes nothing to a peripheral that says it is busy, and continues when it is not", async () => {
    const link = new I2cLink();
    const peripheral = await link.plug();
    await link.start();
    await link.untilUp();
    peripheral.mailbox.setBusy(true);
    await link.pass(100);
    const { writes } = peripheral.mailbox.counters;
    link.controller.write(frameOf(1, 40));
    await link.pass(30_000);
    expect(peripheral.mailbox.counters.writes).toBeLessThanOrEqual(writes + 1);
    expect(link.heardByController.events).toEqual(["up"]);
    peripheral.mailbox.setBusy(false);
    await link.until(() => link.heardByPeripheral.chunks.length === 1, 2_100);
  });
});

describe("an I2C link at rest", () => {
  it("takes 0.1 % of the bus for eight addresses: each is looked at once a second", async () => {
    const link = new I2cLink();
    await link.plug();
    await link.start();
    await link.untilUp();
    await link.pass(30_000);
    const { busyMs, transactions } = link.bus.figures;
    await link.pass(60_000);
    expect(link.bus.figures.transactions - transactions).toBeLessThanOrEqual(61);
    expect((8 * (link.bus.figures.busyMs - busyMs)) / 60_000).toBeLessThan(0.001);
  });

  it("hears a frame of the peripheral within a second", async () => {
    const link = new I2cLink();
    const peripheral = await link.plug();
    await link.start();
    await link.untilUp();
    await link.pass(120_000);
    peripheral.write(frameOf(1, 90));
    await link.until(() => link.heardByController.chunks.length === 1, 1_050);
  });
});

describe("one fault, at every byte of an exchange of frames", () => {
  const FATES: readonly ByteFate[] = [
    { tag: "nack" },
    { tag: "timeout" },
    { tag: "arbitration" },
    { tag: "short" },
    { tag: "io" },
    { tag: "stuck", lastsMs: 500 },
  ];
  it.each(FATES)("loses no frame and changes none: %o", async (fate) => {
    const { bytes } = (await exchange({})).link.bus.figures;
    expect(bytes).toBeGreaterThan(500);
    for (let at = 0; at < bytes; at++) {
      const { down, up, link } = await exchange({ faults: i2cFaultAt(at, fate) });
      expect(down, `${fate.tag} at byte ${at}`).toEqual(DOWN.map(toHex));
      expect(up, `${fate.tag} at byte ${at}`).toEqual(UP.map(toHex));
      expect(link.heardByController.count("up")).toBe(1);
      expect(link.heardByController.errors).toEqual([]);
    }
  });

  it("continues after each wrong bit: what comes later arrives, and at most one transaction's frames are lost", async () => {
    const { bytes } = (await exchange({})).link.bus.figures;
    for (let at = 0; at < bytes; at++) {
      const mask = 1 << ((at * 5) & 7);
      const { down, up } = await exchange({ faults: i2cFaultAt(at, { tag: "flip", mask }) });
      const lost = DOWN.filter((frame) => !down.includes(toHex(frame)));
      const missed = UP.filter((frame) => !up.includes(toHex(frame)));
      expect(lost.length + missed.length, `bit ${mask} at byte ${at}`).toBeLessThanOrEqual(3);
    }
  });
});

describe("a fault that stays", () => {
  const CASES: readonly (readonly [ByteFate, string])[] = [
    [{ tag: "nack" }, "i2c-absent"],
    [{ tag: "timeout" }, "i2c-timeout"],
    [{ tag: "arbitration" }, "i2c-arbitration-lost"],
    [{ tag: "stuck", lastsMs: 1e9 }, "i2c-stuck-bus"],
    [{ tag: "short" }, "i2c-short"],
    [{ tag: "io" }, "i2c-failed"],
    [{ tag: "flip", mask: 0x80 }, "i2c-absent"], // the address, too: nobody is called
  ];
  it.each(CASES)("from the start is named: %o is %s", async (fate, code) => {
    const link = new I2cLink({ faults: i2cFaultFrom(0, fate) });
    await link.plug();
    await link.start();
    await link.pass(30_000);
    expect(link.heardByController.events).toEqual([`waiting ${code}`]);
  });

  it.each(CASES)("from the middle on is named within eleven seconds: %o is %s", async (fate, code) => {
    let isBroken = false;
    const link = new I2cLink({ faults: { fateOf: () => (isBroken ? fate : undefined) } });
    await link.plug();
    await link.start();
    await link.untilUp();
    isBroken = true;
    await link.pass(11_000);
    expect(link.heardByController.events).toEqual(["up", `down ${code}`]);
    expect(link.heardByController.errors[0]?.message).toContain("0x42");
  });

  it.each([
    ["a memory chip full of 0xFF", 0xff, "i2c-wrong-device"],
    ["a sensor", 0x5a, "i2c-wrong-device"],
    ["a data line held low", 0x00, "i2c-stuck-bus"],
  ] as const)("%s answers: named, and never written to", async (_what, byte, code) => {
    const link = new I2cLink();
    let writes = 0;
    const onWrite = (): boolean => {
      writes++;
      return true;
    };
    link.bus.attach(0x42, { onWrite, onRead: (length) => new Uint8Array(length).fill(byte) });
    await link.start();
    await link.pass(10_000);
    expect(link.heardByController.events).toEqual([`waiting ${code}`]);
    expect(writes).toBe(0);
  });

  it("two peripherals at one address are named once their answers differ", async () => {
    const link = new I2cLink();
    const one = await link.plug();
    await link.plug();
    await link.start();
    await link.untilUp();
    one.write(frameOf(1, 90));
    await link.pass(5_000);
    expect(link.heardByController.events).toContain("down i2c-address-clash");
  });
});
