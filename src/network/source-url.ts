import { UsageError } from "../base/errors.ts";
import { shownUrl } from "../base/shown-url.ts";

/** Name of the index of a published repository. */
export const INDEX_NAME = "index.json";
/** Longest URL that is taken, in characters. */
const URL_MAX = 2048;
/** So much of a wrong one is shown. */
const SHOWN_MAX = 200;

/**
 * The folder of a published repository, with "/" at its end, from what a person gives: the folder, or the index in it. UsageError
 * `bad-url`: not http or https, or with a name and password, a query or a fragment. A password would stand in logs and in the
 * list of processes; a client certificate takes its place.
 */
export function sourceUrl(text: string): URL {
  const url = httpUrl(text);
  if (url.search !== "" || url.hash !== "") {
    throw badUrl(text, "it has a query or a fragment; give the folder that the index is in");
  }
  if (url.pathname.endsWith(`/${INDEX_NAME}`)) url.pathname = url.pathname.slice(0, -INDEX_NAME.length);
  else if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

/** A URL that may be fetched. UsageError `bad-url`: not http or https, too long, or with a name and password in it. */
export function httpUrl(text: string): URL {
  if (text.length > URL_MAX) throw badUrl(text, `it has more than ${URL_MAX} characters`);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw badUrl(text, "it is no URL of http or https, such as https://images.example.org/acme/");
  }
  if (url.username !== "" || url.password !== "") {
    throw badUrl(text, "it holds a user name or a password; use a client certificate instead");
  }
  return url;
}

function badUrl(text: string, why: string): UsageError {
  const shown = shownUrl(text);
  const short = shown.length > SHOWN_MAX ? `${shown.slice(0, SHOWN_MAX)}...` : shown;
  return new UsageError("bad-url", `"${short}" cannot be fetched from: ${why}`);
}
