import * as v from "valibot";
import type { Millis } from "../../base/units.ts";
import type { Hardware } from "../../image/hardware.ts";
import { type NetworkRange, parseNetworkRange } from "../../network/address-guard.ts";
import { sourceUrl } from "../../network/source-url.ts";
import { parseBudget, parseHardwareFlag } from "../parse.ts";
import type { ConfigTable } from "./config-table.ts";
import {
  durationValue,
  expected,
  flagValue,
  parsedValue,
  pathValue,
  type ValueSchema,
} from "./config-values.ts";

/** `[network]`: where images come from besides the folder (docs/node.md). */
export interface NetworkSettings {
  /** The folder that the index is in. */
  readonly index: URL;
  /** Public keys; without any, those of the board. */
  readonly trust?: readonly string[];
  readonly "allow-unsigned"?: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly "cert-key"?: string;
  /** Bytes a day. */
  readonly budget?: number;
  readonly poll?: Millis;
  readonly "allow-addresses"?: readonly NetworkRange[];
  readonly hardware?: readonly Hardware[];
}

/** Most entries of a list. */
const LIST_MAX = 64;
/** Shortest time between two looks at the index. */
const POLL_MIN_MS: Millis = 10_000;

const list = <Value>(one: ValueSchema<Value>): ValueSchema<Value[]> =>
  v.pipe(
    v.array(one, expected("a list in brackets")),
    v.maxLength(LIST_MAX, `more than ${LIST_MAX} entries`),
  );
const path = (what: string): v.ExactOptionalSchema<ValueSchema<string>, undefined> =>
  v.exactOptional(pathValue(what));

const ENTRIES = {
  index: parsedValue('the URL of a folder, such as "https://images.example.org/acme/"', sourceUrl),
  trust: v.exactOptional(list(pathValue("a public key"))),
  "allow-unsigned": v.exactOptional(flagValue()),
  ca: path("a file of certificates"),
  cert: path("a certificate"),
  "cert-key": path("the key of the certificate"),
  budget: v.exactOptional(parsedValue('bytes a day, such as "50M"', parseBudget)),
  poll: v.exactOptional(v.pipe(durationValue(), v.minValue(POLL_MIN_MS, 'expected at least "10s"'))),
  "allow-addresses": v.exactOptional(
    list(parsedValue('a range such as "192.168.7.0/24"', parseNetworkRange)),
  ),
  hardware: v.exactOptional(list(parsedValue('hardware such as "acme/widget"', parseHardwareFlag))),
} as const;

export const NETWORK_TABLE: ConfigTable<NetworkSettings> = {
  keys: Object.keys(ENTRIES),
  schema: v.object(ENTRIES, expected("a table, with index = in it")),
  absolute: (settings, absolute) => ({
    ...settings,
    ...(settings.trust === undefined ? {} : { trust: settings.trust.map(absolute) }),
    ...(settings.ca === undefined ? {} : { ca: absolute(settings.ca) }),
    ...(settings.cert === undefined ? {} : { cert: absolute(settings.cert) }),
    ...(settings["cert-key"] === undefined ? {} : { "cert-key": absolute(settings["cert-key"]) }),
  }),
};
