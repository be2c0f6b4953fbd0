import type { Millis } from "../base/units.ts";
import type { ResetLine } from "./endpoint.ts";

const RESET_PULSE_MS: Millis = 100;
/** How long IO0 stays low after reset has ended, as in esptool. */
const BOOT_PIN_MS: Millis = 50;

/** The levels of both modem lines (true: asserted, low on a TTL adapter), each held for a time. */
export interface ResetStep {
  readonly dtr: boolean;
  readonly rts: boolean;
  readonly forMs: Millis;
}

/**
 * What is done to the modem lines. `dtr` ends with DTR's falling edge (Arduino resets on it), `rts` with RTS released (ESP32
 * is in reset while it is asserted). `esp` is the classic sequence of esptool: reset with IO0 high, IO0 low when reset ends,
 * then both lines free.
 */
export const RESET_STEPS: Readonly<Record<ResetLine, readonly ResetStep[]>> = {
  dtr: [
    { dtr: false, rts: true, forMs: RESET_PULSE_MS },
    { dtr: true, rts: true, forMs: 0 },
  ],
  rts: [
    { dtr: false, rts: true, forMs: RESET_PULSE_MS },
    { dtr: false, rts: false, forMs: 0 },
  ],
  esp: [
    { dtr: false, rts: true, forMs: RESET_PULSE_MS },
    { dtr: true, rts: false, forMs: BOOT_PIN_MS },
    { dtr: false, rts: false, forMs: 0 },
  ],
};
