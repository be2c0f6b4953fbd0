/** A point in time or a duration in milliseconds; fractions are allowed. Always handed in, never read, in the core. */
export type Millis = number;

/** Bits per byte on a UART at 8N1: start bit, eight data bits, stop bit. */
export const UART_BITS_PER_BYTE = 10;

/** Time that `bytes` take on a UART at `baud`, in milliseconds. */
export function lineTime(bytes: number, baud: number): Millis {
  return (bytes * UART_BITS_PER_BYTE * 1000) / baud;
}
