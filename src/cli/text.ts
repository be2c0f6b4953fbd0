/** Cells of rows, one row per line, in columns as wide as their widest cell; the last cell of a row may be longer. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.slice(0, -1).entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  const padded = (row: readonly string[]): string[] =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)));
  return rows.map((row) => padded(row).join("  ")).join("\n");
}

/** "262,144". Locale functions are avoided: their first call loads tables for 15 to 20 ms, which can delay a handshake. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** "262,144 bytes". */
export function byteText(count: number): string {
  return `${grouped(count)} byte${count === 1 ? "" : "s"}`;
}

/** "88.3 kB/s", from bytes per second. */
export function rateText(bytesPerSecond: number): string {
  return `${(bytesPerSecond / 1000).toFixed(1)} kB/s`;
}

/** "3 s", "2 min 5 s", "1 h 4 min". */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes} min ${whole % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "98 %", from a fraction. */
export function percent(fraction: number): string {
  return `${Math.round(100 * fraction)} %`;
}
