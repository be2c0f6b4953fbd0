/** A point in time or a duration in milliseconds; fractions are allowed. Always handed in, never read, in the core. */
export type Millis = number;

/** Bits per octet on a UART at 8N1: start bit, eight data bits, stop bit. */
export const UART_BITS_PER_OCTET = 10;

/** Time that `octets` take on a UART at `baud`, in milliseconds. */
export function lineTime(octets: number, baud: number): Millis {
  return (octets * UART_BITS_PER_OCTET * 1000) / baud;
}
