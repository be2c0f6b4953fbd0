import { TransportError } from "../base/errors.ts";

/** Most characters of a loader's message that are quoted. */
const QUOTE_MAX = 160;

/**
 * The TransportError for a package with a native addon that could not be loaded: not installed, not compiled, or compiled
 * for another Node.js. `code` is `i2c-package-missing` or `serial-package-missing`.
 */
export function addonError(code: string, name: string, cause: unknown): TransportError {
  const text = cause instanceof Error ? cause.message : String(cause);
  // Node says in three lines that an addon is for another version; how it came to load one helps nobody.
  const [said = ""] = text.split(/\n(?:Require stack|\s+at )/, 1);
  const seen = said.trim().replace(/\s+/g, " ").slice(0, QUOTE_MAX);
  const message =
    `the package ${name} could not be loaded (${seen}): it is missing, or its native addon was not compiled for ` +
    `this Node.js (${process.version}); run \`npm rebuild ${name}\`, allow its install script, and have a C++ compiler ` +
    "(apt-get install g++ make python3) and the headers of Node.js (where npm cannot fetch them: npm_config_nodedir=/usr)";
  return new TransportError(code, message, "final", { package: name }, cause);
}
