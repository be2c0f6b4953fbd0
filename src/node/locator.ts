import type { ImageSource } from "../image/image-source.ts";
import { LOCATOR_MAX } from "../wire/constants.ts";

/** A network, for images that a rescuer only names (PROTOCOL.md 6.11). */
export interface Locators {
  /** Origins that the owner allows: "https://images.example.org", with a port where it is not the usual one. */
  readonly origins: readonly string[];
  /** Fetches an image file with firmware of `size` bytes, from this origin only, and hashes it. Rejects with MaydayError. */
  fetch(url: URL, size: number, signal: AbortSignal): Promise<ImageSource>;
}

/** A locator that may be used; or why not, in words that hold nothing of what came. */
export type JudgedLocator =
  | { readonly tag: "usable"; readonly url: URL }
  | { readonly tag: "unusable"; readonly detail: string };

const unusable = (detail: string): JudgedLocator => ({ tag: "unusable", detail });

/** Whether a locator, as it came over the wire, may be used: anybody on the wire can have said it. */
export function judgeLocator(locator: Uint8Array, origins: readonly string[]): JudgedLocator {
  const text = utf8(locator);
  if (locator.length === 0 || locator.length > LOCATOR_MAX) return unusable(`it has ${locator.length} bytes`);
  if (text === undefined) return unusable("it is not UTF-8");
  // Control characters, and white space of any kind, which a URL parser cuts out.
  if (/[\p{C}\p{Z}]/u.test(text)) return unusable("it has control characters or white space");
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:"))
    return unusable("it is no URL of https");
  if (url.username !== "" || url.password !== "") return unusable("it holds a user name or a password");
  if (url.hash !== "" || text.includes("#")) return unusable("it has a fragment");
  if (!origins.includes(url.origin)) return unusable("its origin is none of those that are allowed");
  return { tag: "usable", url };
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
