import type { Command } from "commander";
import { holderText } from "../transport/serial/port-holder.ts";
import type { I2cBusEntry, SerialPortEntry } from "../transport/serial/port-list.ts";
import { addCommand } from "./help.ts";
import { onRun } from "./run.ts";

/** Latency timer of an FTDI adapter from which a hint is given, in milliseconds. */
const SLOW_LATENCY_MS = 2;

/** Registers `mayday ports`. */
export function addPortsCommand(program: Command): void {
  const command = addCommand(program, "ports", {
    does:
      "Lists the serial ports of this machine with their stable names, adapter, latency timer and the processes that " +
      "have them open; and the I2C buses. Opens none of them.",
    examples: ["mayday ports", "mayday ports --json"],
  });
  onRun(command, async ({ output }) => {
    const { listPorts } = await import("../transport/serial/port-list.ts");
    const { serial, i2c } = await listPorts();
    for (const port of serial) output.result(serialText(port), { event: "port", kind: "serial", ...port });
    for (const bus of i2c) output.result(busText(bus), { event: "port", kind: "i2c", ...bus });
    if (serial.length === 0) {
      output.note("no serial port found; without hardware try: mayday cable --a /tmp/a --b /tmp/b");
    }
    for (const { path, latencyTimerMs } of serial) {
      if ((latencyTimerMs ?? 0) < SLOW_LATENCY_MS) continue;
      const file = `/sys/class/tty/${path.slice("/dev/".length)}/device/latency_timer`;
      output.note(`${path} holds bytes back for ${latencyTimerMs} ms; try: echo 1 | sudo tee ${file}`);
    }
    return undefined;
  });
}

function serialText(port: SerialPortEntry): string {
  const ids = port.vendorId === undefined ? undefined : `${port.vendorId}:${port.productId ?? "?"}`;
  const adapter = [port.manufacturer, port.product, ids, port.driver].filter((part) => part !== undefined);
  const lines = [
    `${port.path}  ${adapter.join(" ")}`.trimEnd(),
    ...port.byId.map((name) => `  ${name}`),
    ...(port.serialNumber === undefined ? [] : [`  serial number ${port.serialNumber}`]),
    ...(port.latencyTimerMs === undefined ? [] : [`  latency timer ${port.latencyTimerMs} ms`]),
    ...port.holders.map((holder) => `  open in ${holderText(holder)}`),
  ];
  return lines.join("\n");
}

function busText({ path, name }: I2cBusEntry): string {
  return name === undefined ? path : `${path}  ${name}`;
}
