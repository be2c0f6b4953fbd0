import { TransportError } from "../../base/errors.ts";
import type { I2cFaultKind } from "./bus.ts";
import type { StatusFault } from "./mailbox-codec.ts";

/** What can go wrong with one transaction: on the bus, or with what was read. */
export type I2cTroubleKind = I2cFaultKind | StatusFault;

interface Diagnosis {
  readonly code: string;
  readonly seen: string;
  readonly cure: string;
}

const SLOWER_BUS = "a slower bus (dtparam=i2c_arm_baudrate=100000) or the i2c-gpio overlay";

/** Codes are part of the JSON output: add, never rename. */
const DIAGNOSES: Readonly<Record<I2cTroubleKind, Diagnosis>> = {
  nack: {
    code: "i2c-absent",
    seen: "nobody acknowledges this address",
    cure: "check power, wiring and address (`i2cdetect -y N` shows who is there); it is tried on",
  },
  timeout: {
    code: "i2c-timeout",
    seen: "transactions time out: the clock is held low (clock stretching), or the bus hangs",
    cure: `power the peripheral off and on; if it stretches the clock, use ${SLOWER_BUS}`,
  },
  stuck: {
    code: "i2c-stuck-bus",
    seen: "the bus never gets free: the data line is held low",
    cure: "power the peripherals off and on, check for a short and for pull-ups (2.2 to 4.7 kOhm to 3.3 V)",
  },
  zeros: {
    code: "i2c-stuck-bus",
    seen: "only zeros can be read: the data line is held low",
    cure: "power the peripherals off and on, check for a short and for pull-ups (2.2 to 4.7 kOhm to 3.3 V)",
  },
  arbitration: {
    code: "i2c-arbitration-lost",
    seen: "somebody else drives the bus",
    cure: "one controller to a bus: look for a second one, a short, or missing pull-ups",
  },
  foreign: {
    code: "i2c-wrong-device",
    seen: "a device answers that is no mayday peripheral",
    cure: "check the address (`i2cdetect -y N` shows who is there), and that the board runs its recovery image",
  },
  damaged: {
    code: "i2c-address-clash",
    seen: "answers are damaged: two peripherals answer at this address, or the line is bad",
    cure: `give each peripheral an address of its own; if there is only one, shorten the wires or use ${SLOWER_BUS}`,
  },
  "too-long": {
    code: "i2c-too-long",
    seen: "the adapter refuses even transactions of 32 bytes",
    cure: "this adapter does SMBus only; use another bus, or the i2c-gpio overlay",
  },
  short: {
    code: "i2c-short",
    seen: "the adapter moves fewer bytes than it is asked for",
    cure: "update its driver, or use another bus or the i2c-gpio overlay",
  },
  gone: {
    code: "i2c-gone",
    seen: "the bus went away",
    cure: "plug its adapter in again",
  },
  io: {
    code: "i2c-failed",
    seen: "transactions fail",
    cure: `check wiring and pull-ups, try ${SLOWER_BUS}; the system's log may say more`,
  },
};

/** The named error of a kind of trouble. */
export function troubleError(kind: I2cTroubleKind, bus: string, address: number): TransportError {
  const { code, seen, cure } = DIAGNOSES[kind];
  const at = `0x${address.toString(16).padStart(2, "0")}`;
  const persistence = kind === "gone" ? "final" : "transient";
  return new TransportError(code, `I2C peripheral ${at} on ${bus}: ${seen}; ${cure}`, persistence, {
    bus,
    address,
  });
}
