import * as v from "valibot";
import { parseOrigin } from "../locator-flags.ts";
import type { ConfigTable } from "./config-table.ts";
import { expected, listValue, parsedValue } from "./config-values.ts";

/** `[locator]`: where the node's own board may fetch an image that a neighbour only names (docs/node.md). */
export interface LocatorSettings {
  /** Each a scheme, a host and perhaps a port. */
  readonly origins: readonly string[];
}

const ORIGINS_MAX = 16;
const ENTRIES = {
  origins: listValue(
    parsedValue('an origin, such as "https://images.example.org"', parseOrigin),
    ORIGINS_MAX,
  ),
} as const;

export const LOCATOR_TABLE: ConfigTable<LocatorSettings> = {
  keys: Object.keys(ENTRIES),
  schema: v.object(ENTRIES, expected("a table, with origins = in it")),
  absolute: (settings) => settings,
};
