const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/**
 * The bytes of base64 text, white space ignored, padding optional, "-" and "_" for "+" and "/" accepted; undefined for
 * other characters, for bits that are left over, and for padding in the wrong place.
 */
export function fromBase64(text: string): Uint8Array | undefined {
  const packed = text.replace(/\s+/g, "").replaceAll("-", "+").replaceAll("_", "/");
  const match = /^([A-Za-z0-9+/]*)(={0,2})$/.exec(packed);
  if (match === null || (match[2] !== "" && packed.length % 4 !== 0)) return undefined;
  const digits = match[1] ?? "";
  if (digits.length % 4 === 1) return undefined;
  const out = new Uint8Array(Math.floor((digits.length * 3) / 4));
  let bits = 0;
  let value = 0;
  let at = 0;
  for (const digit of digits) {
    value = ((value << 6) | ALPHABET.indexOf(digit)) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out[at++] = (value >>> bits) & 0xff;
  }
  return (value & ((1 << bits) - 1)) === 0 ? out : undefined;
}

/** Base64 text of some bytes, padded, on one line. */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(at, at + 3);
    const word = a * 0x1_0000 + b * 0x100 + c;
    const digits = [18, 12, 6, 0].map((shift) => ALPHABET[(word >>> shift) & 0x3f]).join("");
    text += digits.slice(0, Math.min(4, bytes.length - at + 1)).padEnd(4, "=");
  }
  return text;
}
