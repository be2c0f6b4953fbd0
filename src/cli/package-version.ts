import { readFileSync } from "node:fs";

/** The version in this package's package.json. */
export function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const value: unknown = JSON.parse(text);
  const isNamed = typeof value === "object" && value !== null && "version" in value;
  return isNamed ? String(value.version) : "unknown";
}
