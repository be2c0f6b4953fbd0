import { readFileSync } from "node:fs";
import { packageRoot } from "../files/package-root.ts";

/** The version in this package's package.json. */
export function packageVersion(): string {
  const text = readFileSync(new URL("package.json", packageRoot()), "utf8");
  const value: unknown = JSON.parse(text);
  const isNamed = typeof value === "object" && value !== null && "version" in value;
  return isNamed ? String(value.version) : "unknown";
}
