/**
 * Whether `a` comes after `b`, in serial numbers of 16 bits that wrap (RFC 1982). False for equal ones, and for numbers
 * half the circle apart, whose order is undefined.
 */
export function isAfter(a: number, b: number): boolean {
  const distance = (a - b) & 0xffff;
  return distance !== 0 && distance < 0x8000;
}

/** The same for serial numbers of 32 bits. */
export function isAfter32(a: number, b: number): boolean {
  // Half the circle is -2^31 here.
  return ((a - b) | 0) > 0;
}
