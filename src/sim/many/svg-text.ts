/** Text as it stands in XML, in an attribute too. Characters that XML 1.0 does not have become U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd")
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A number with a fixed count of digits after the point, so that a picture is the same on each machine. */
export function fixed(value: number, digits = 1): string {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? (0).toFixed(digits) : text;
}

/** How a text is set; unless given: from the left, 12 pixels, the colour of the picture's text. */
export interface TextStyle {
  readonly anchor?: "start" | "middle" | "end";
  readonly size?: number;
  readonly fill?: string;
  readonly weight?: "bold";
}

/** A text element at a point, escaped. */
export function svgText(x: number, y: number, text: string, style: TextStyle = {}): string {
  const attributes = [
    style.anchor === undefined ? "" : ` text-anchor="${style.anchor}"`,
    style.size === undefined ? "" : ` font-size="${style.size}"`,
    style.fill === undefined ? "" : ` fill="${style.fill}"`,
    style.weight === undefined ? "" : ` font-weight="${style.weight}"`,
  ];
  return `<text x="${fixed(x)}" y="${fixed(y)}"${attributes.join("")}>${escapeXml(text)}</text>\n`;
}
