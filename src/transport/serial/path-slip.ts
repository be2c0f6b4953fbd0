/** A rate behind a path, joined by what other programs join it with. */
const WITH_RATE = /^(.+?)[&,:;@ ](?:baud=?|b)?(\d{3,8})$/i;

/** How the name of a port that does not exist was probably meant; undefined if nothing is odd about it. */
export function pathSlip(path: string): string | undefined {
  if (path.trim() !== path) return `its name begins or ends with a space: write "${path.trim()}"`;
  const [, port, rate] = WITH_RATE.exec(path) ?? [];
  if (port !== undefined) return `for a rate write serial:${port}?baud=${rate}`;
  if (/^COM\d{1,3}$/i.test(path))
    return "ports have paths here, such as /dev/ttyUSB0; `mayday ports` lists them";
  return /^(?:tty|cu\.|rfcomm|serial\d)[^/]*$/.test(path) ? `write /dev/${path}` : undefined;
}
