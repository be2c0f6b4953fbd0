/** A point in time or a duration in milliseconds; fractions are allowed. Always handed in, never read, in the core. */
export type Millis = number;

/** Bits per byte on a UART at 8N1: start bit, eight data bits, stop bit. */
export const UART_BITS_PER_BYTE = 10;

/**
 * Time that `bytes` take on a line of `baud` bits per second, in milliseconds. `bitsPerByte`: 10 on a UART at 8N1, 11
 * with a parity bit or two stop bits, 12 with both.
 */
export function lineTime(bytes: number, baud: number, bitsPerByte: number = UART_BITS_PER_BYTE): Millis {
  return (bytes * bitsPerByte * 1000) / baud;
}
