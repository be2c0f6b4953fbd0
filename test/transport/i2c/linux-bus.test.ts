import { mkdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { linuxClockHz, openLinuxBus } from "../../../src/transport/i2c/linux-bus.ts";
import { bootedBytes, openWorkbench, type Workbench } from "../../cli/workbench.ts";
import { runCli, startCli, verdictOf } from "../../support/cli.ts";
import { type I2cRig, openI2cRig } from "../../support/i2c-rig.ts";
import { codeOf } from "../../support/recorder.ts";

describe("an I2C bus of Linux that cannot be used", () => {
  it("is reported with its reason: no such name, no such bus", async () => {
    expect(await codeOf(() => openLinuxBus("/dev/ttyUSB0", 0x42))).toBe("i2c-path");
    expect(await codeOf(() => openLinuxBus("/dev/i2c-999999", 0x42))).toBe("i2c-bus-missing");
  });

  it("ends a command with exit 6 and the way to switch the bus on", async () => {
    const link = "i2c:/dev/i2c-999999?address=0x42";
    const result = await runCli(["status", "--link", link, "--json"]);
    expect(verdictOf(result)).toMatchObject({ ok: false, code: 6, reason: "i2c-bus-missing" });
    expect(result.stderr).toContain("dtparam=i2c_arm=on");
  });

  it("has no known clock where there is no device tree", () => {
    expect(linuxClockHz("/dev/i2c-999999")).toBeUndefined();
    expect(linuxClockHz("/dev/ttyUSB0")).toBeUndefined();
  });
});

describe("rescues over the compiled i2c-bus, through the shim", () => {
  let bench: Workbench;
  let rig: I2cRig;

  beforeAll(async () => {
    bench = await openWorkbench();
    rig = await openI2cRig();
  });
  afterAll(async () => {
    await rig.close();
    await bench.close();
  });

  it.each([
    ["rescuer", ""],
    ["target", ""],
    ["rescuer", "seed=7,nack=0.0003,corrupt=2e-4,timeout=0.005,short=0.005"],
    ["target", "seed=8,nack=0.0003,corrupt=2e-4,lost=0.005,stuck=40:5"],
  ] as const)("heal an empty board, byte for byte: controller %s, faults %j", async (controller, faults) => {
    const dir = await bench.board(`i2c-${controller}-${faults.length}`);
    const bus = controller === "rescuer" ? 1 : 2;
    // A bus that does not exist is final: it must be there before the controller, not the peripheral.
    await mkdir(rig.bus(bus), { recursive: true, mode: 0o700 });
    const onBus = `i2c:/dev/i2c-${bus}?address=0x42`;
    const onRig = `i2c-peripheral:${rig.bus(bus)}?address=0x42`;
    const env = rig.env(faults === "" ? {} : { faults, stretchMs: 50 });
    const common = ["--timeout", "14", "--json"];
    const distress = [
      "distress",
      "--board",
      dir,
      "--link",
      controller === "target" ? onBus : onRig,
      ...common,
    ];
    const image = ["--image", bench.path("fw.mdy"), "--once"];
    const rescue = ["rescue", ...image, "--link", controller === "rescuer" ? onBus : onRig, ...common];
    const target = startCli(distress, controller === "target" ? { env } : {});
    const rescuer = startCli(rescue, controller === "rescuer" ? { env } : {});
    const [healed, done] = await Promise.all([target.ended, rescuer.ended]);
    expect(verdictOf(healed), healed.stderr).toMatchObject({ ok: true, code: 0, reason: "healed" });
    expect(verdictOf(done), done.stderr).toMatchObject({ ok: true, code: 0, reason: "healed" });
    expect(bootedBytes(dir)).toEqual(bench.firmware);
    process.stderr.write(`I2C shim ${controller} ${faults}: ${verdictOf(healed)["seconds"]} s\n`);
  });
});
