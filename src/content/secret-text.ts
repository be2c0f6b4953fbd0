import type { ContentKind } from "./content-kind.ts";
import { KeyKind } from "./key-kinds.ts";

/** What may stand between the label of a key and its body: line ends, quotes, marks of comments and mails, other alphabets. */
const BETWEEN = String.raw`(?:\s|\\[nr]|["'\\+#>*|;]|//|[\x80-\xff])*`;
const HEADERS = String.raw`(?:(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset):[^\n]*\n\s*)*`;
/** Spaces in a label; editors make them unbreakable. */
const SPACE = "[ \\xa0\\xc2]";

/**
 * The label of a private key, and the start of its body, with headers or quotes between: a program that only knows the
 * label holds no key.
 */
const PRIVATE_BODY = new RegExp(
  `BEGIN${SPACE}{1,2}(?:[A-Z0-9 \\xa0\\xc2]{0,32}PRIVATE${SPACE}{1,2}KEY|OpenVPN Static key)[A-Z0-9 ]{0,16}-{0,5}${BETWEEN}${HEADERS}[A-Za-z0-9+/]{16}`,
);
/** The same in small letters, which needs its dashes: the words alone are prose. */
const SMALL_BODY = new RegExp(
  `-{2,5}begin [a-z0-9 ]{0,32}private key-{2,5}${BETWEEN}${HEADERS}[A-Za-z0-9+/]{16}`,
  "i",
);
/** A body whose first line was lost. */
const HEADLESS_BODY = /[A-Za-z0-9+/]{16}={0,2}\s*-{2,5}END [A-Z0-9 ]{0,32}(?:PRIVATE KEY|OpenVPN Static key)/;

/** Whether a text holds the body of a private key in PEM, whatever else it holds and however it was damaged. */
export function holdsPrivatePem(text: string): boolean {
  return PRIVATE_BODY.test(text) || SMALL_BODY.test(text) || HEADLESS_BODY.test(text);
}

/** Private keys in texts that are not PEM. Patterns see no more than the head of a file. */
const FORMS: readonly (readonly [RegExp, ContentKind])[] = [
  [/(?:^|\n)[ \t]*PuTTY-User-Key-File-\d/, KeyKind.putty],
  [/(?:^|\n)[ \t]*AGE-SECRET-KEY-(?:PQ-)?1/, KeyKind.ageSecret],
  [/\((?:\d{1,2}:)?(?:protected-|shadowed-)?private-key\s{0,8}\(/, KeyKind.gpgSecret],
  // WireGuard, DNSSEC, and what people write into YAML, TOML and environments.
  [
    /(?:private|secret)[-_ ]?key["']?\s{0,8}[:=]\s{0,8}["']?(?:[A-Za-z0-9+/_-]{43}|[0-9A-Fa-f]{64})(?![A-Za-z0-9+/_-]{2})/i,
    KeyKind.privateText,
  ],
];

/** Which private key a text holds that is not PEM; undefined if it holds none. */
export function secretTextKind(text: string): ContentKind | undefined {
  const found = FORMS.find(([pattern]) => pattern.test(text))?.[1];
  if (found !== undefined) return found;
  if (text.includes("<RSAKeyValue>") && /<D>\s{0,100}[A-Za-z0-9+/]{4}/.test(text)) return KeyKind.privateText;
  // A JSON Web Key in YAML.
  const isKey = /(?:^|\n)kty: ?\S/.test(text) && /\n[dk]: ?[A-Za-z0-9_-]{40}/.test(text);
  return isKey ? KeyKind.jwkPrivate : undefined;
}
