import type { AddressRange } from "./memory-map.ts";

/**
 * Memories beside the flash, where tools put them in one file: first address, address after the last, what it is. They only
 * make messages clearer; whether a piece belongs into an image is decided by its distance.
 */
const MEMORIES: readonly (readonly [number, number, string])[] = [
  // AVR: the tools add 8 MiB and more to the address (avr-libc, section .eeprom and the others).
  [0x0080_0000, 0x0081_0000, "AVR SRAM"],
  [0x0081_0000, 0x0082_0000, "AVR EEPROM"],
  [0x0082_0000, 0x0083_0000, "AVR fuses"],
  [0x0083_0000, 0x0084_0000, "AVR lock bits"],
  [0x0084_0000, 0x0085_0000, "AVR signature"],
  [0x0085_0000, 0x0086_0000, "AVR user signature"],
  [0x00ff_8000, 0x00ff_9000, "nRF53 or nRF91 UICR"],
  [0x1000_1000, 0x1000_2000, "nRF UICR"],
  // STM32: system memory and option bytes of the families.
  [0x1ff0_0000, 0x1ff9_0000, "STM32 option bytes or OTP"],
  [0x1ffe_0000, 0x2000_0000, "STM32 option bytes or OTP"],
  [0x2000_0000, 0x2010_0000, "SRAM"],
  [0x0020_0000, 0x0020_0040, "PIC18 user ID"],
  [0x0030_0000, 0x0030_0010, "PIC18 configuration words"],
  [0x00f0_0000, 0x00f0_1000, "PIC18 EEPROM"],
  [0x0100_a100, 0x0100_a300, "RA option-setting memory"],
  [0x0080_4000, 0x0080_8000, "SAM user row"],
  [0x1fc0_0000, 0x1fd0_0000, "PIC32 boot flash or configuration words"],
];

/** What the memory that a range begins in is known as, if it is. */
export function memoryName({ start }: AddressRange): string | undefined {
  // Some addresses mean two things: SAM's user row lies in what AVR tools call SRAM.
  const all = MEMORIES.filter(([from, to]) => from <= start && start < to);
  return all.length === 0 ? undefined : all.map(([, , name]) => name).join(" or ");
}

/** What an address is known as that firmware does not begin at. RAM is not meant: firmware may be loaded there. */
export function otherMemory(address: number): string | undefined {
  const name = memoryName({ start: address, end: address + 1 });
  return name === undefined || name === "SRAM" ? undefined : name;
}
