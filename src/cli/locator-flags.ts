import { UsageError } from "../base/errors.ts";
import { shownUrl } from "../base/shown-url.ts";
import { httpUrl } from "../network/source-url.ts";
import type { Locators } from "../node/locator.ts";
import { LOCATOR_MAX } from "../wire/constants.ts";

/** Reads --locator: a URL of http or https, of 640 bytes at most. UsageError `bad-url`. */
export function parseLocator(text: string): string {
  const { href, hash } = httpUrl(text);
  const why =
    hash === ""
      ? new TextEncoder().encode(href).length > LOCATOR_MAX
        ? "it is too long"
        : undefined
      : "it has a fragment";
  if (why !== undefined) throw new UsageError("bad-url", `"${shownUrl(text)}" cannot be a locator: ${why}`);
  return href;
}

/** Reads an origin: scheme, host and port, and nothing behind them. UsageError `bad-url`. */
export function parseOrigin(text: string): string {
  const { origin, pathname, search, hash } = httpUrl(text);
  if (pathname !== "/" || search !== "" || hash !== "") {
    const message = `"${shownUrl(text)}" is more than an origin: give ${origin}`;
    throw new UsageError("bad-url", message);
  }
  return origin;
}

/** Collects --locator-origin, as {@link parseOrigin} reads it. */
export function collectOrigins(text: string, before: readonly string[] = []): string[] {
  return [...before, parseOrigin(text)];
}

/** The network, if some of it is allowed; its code is loaded only then. */
export async function locatorsFor(origins: readonly string[] = []): Promise<Locators | undefined> {
  if (origins.length === 0) return undefined;
  return (await import("../node/locator-fetch.ts")).networkLocators(origins);
}
