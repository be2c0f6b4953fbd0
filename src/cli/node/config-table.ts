import type { ValueSchema } from "./config-values.ts";

/** A table of the configuration that stands once, such as `[network]`. Its settings are kept as they were checked. */
export interface ConfigTable<Settings extends object> {
  /** All of its keys. */
  readonly keys: readonly string[];
  readonly schema: ValueSchema<Settings>;
  /** The settings with absolute paths. */
  absolute(settings: Settings, absolute: (path: string) => string): Settings;
}
