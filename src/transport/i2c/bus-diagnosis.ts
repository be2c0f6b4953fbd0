import { TransportError } from "../../base/errors.ts";
import type { I2cFaultKind } from "./bus.ts";
import type { StatusFault } from "./mailbox-codec.ts";

/** What can go wrong with one transaction: on the bus, or in the bytes read. */
export type I2cTroubleKind = I2cFaultKind | StatusFault;

interface Diagnosis {
  readonly code: string;
  readonly seen: string;
  readonly fix: string;
}

const SLOWER_BUS = "a slower bus (dtparam=i2c_arm_baudrate=100000) or the i2c-gpio overlay";

/** Codes are part of the JSON output: add, never rename. */
const DIAGNOSES: Readonly<Record<I2cTroubleKind, Diagnosis>> = {
  nack: {
    code: "i2c-absent",
    seen: "no device acknowledges this address",
    fix: "check power, wiring and address (`i2cdetect -y N` shows which addresses answer); mayday keeps trying",
  },
  timeout: {
    code: "i2c-timeout",
    seen: "transactions time out: the clock is held low (clock stretching), or the bus hangs",
    fix: `power the peripheral off and on; if it stretches the clock, use ${SLOWER_BUS}`,
  },
  stuck: {
    code: "i2c-stuck-bus",
    seen: "the bus is never free: the data line is held low",
    fix: "power the peripherals off and on, check for a short and for pull-ups (2.2 to 4.7 kOhm to 3.3 V)",
  },
  zeros: {
    code: "i2c-stuck-bus",
    seen: "only zeros can be read: the data line is held low",
    fix: "power the peripherals off and on, check for a short and for pull-ups (2.2 to 4.7 kOhm to 3.3 V)",
  },
  arbitration: {
    code: "i2c-arbitration-lost",
    seen: "another device drives the bus",
    fix: "a bus has one controller: look for a second one, a short, or missing pull-ups",
  },
  foreign: {
    code: "i2c-wrong-device",
    seen: "the device that answers is not a mayday peripheral",
    fix: "check the address (`i2cdetect -y N` shows which addresses answer), and that the board runs its recovery image",
  },
  damaged: {
    code: "i2c-address-clash",
    seen: "answers are damaged: two peripherals answer at this address, or the line is bad",
    fix: `give each peripheral an address of its own; if there is only one, shorten the wires or use ${SLOWER_BUS}`,
  },
  "too-long": {
    code: "i2c-too-long",
    seen: "the adapter refuses even transactions of 32 bytes",
    fix: "this adapter does SMBus only; use another bus, or the i2c-gpio overlay",
  },
  short: {
    code: "i2c-short",
    seen: "the adapter moves fewer bytes than requested",
    fix: "update its driver, or use another bus or the i2c-gpio overlay",
  },
  gone: {
    code: "i2c-gone",
    seen: "the bus went away",
    fix: "plug its adapter in again",
  },
  io: {
    code: "i2c-failed",
    seen: "transactions fail",
    fix: `check wiring and pull-ups, try ${SLOWER_BUS}; the kernel's log may say more`,
  },
};

/** The error that a kind of trouble is reported as. */
export function troubleError(kind: I2cTroubleKind, bus: string, address: number): TransportError {
  const { code, seen, fix } = DIAGNOSES[kind];
  const at = `0x${address.toString(16).padStart(2, "0")}`;
  const persistence = kind === "gone" ? "final" : "transient";
  return new TransportError(code, `I2C peripheral ${at} on ${bus}: ${seen}; ${fix}`, persistence, {
    bus,
    address,
  });
}
