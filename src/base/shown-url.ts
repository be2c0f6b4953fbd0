/**
 * A URL that a person gave, right or wrong, as messages and logs may show it: without the name and password before "@", and
 * without its query, in which tokens stand. Text without these stays as it is.
 */
export function shownUrl(text: string): string {
  return (
    text
      // Up to the last "@": a password may hold "/", "?" and "@" itself.
      .replace(/^((?:[A-Za-z][A-Za-z0-9+.-]*:)?\/{0,2}).*@/s, "$1...@")
      .replace(/\?.*$/s, "?...")
  );
}
