import { toHex } from "../base/bytes.ts";
import { fromBase64 } from "./base64.ts";
import type { ContentKind } from "./content-kind.ts";
import { DerTag, type DerValue, derList, derOid, readDer } from "./der.ts";
import { KeyKind } from "./key-kinds.ts";
import { writtenBytes } from "./number-text.ts";
import { pemLabels } from "./pem.ts";
import { holdsPrivatePem, secretTextKind } from "./secret-text.ts";
import { isText, latin1 } from "./text-encoding.ts";

/** Longest text whose JSON is parsed to look for a key in it, in characters. */
const JSON_MAX = 65_536;
/** Lengths of the base64 of 32 and of 64 bytes, with and without padding. */
const RAW_BASE64 = [43, 44, 86, 88];
/** Digits of a link key. */
const HEX_DIGITS_MIN = 32;
const HEX_DIGITS_MAX = 2048;
/** What minisign and signify write, decoded: algorithm, key id and key; with salts and checksums; one more layout. */
const MINISIGN_PUBLIC = 42;
const MINISIGN_SECRET = [104, 158];

/** Which kind of key or certificate a text is, with or without other text around it; undefined if it is none. */
export function keyTextKind(text: string): ContentKind | undefined {
  const trimmed = text.trim();
  return namedTextKind(trimmed) ?? bareKind(trimmed) ?? writtenKind(trimmed);
}

/** A text that says what it is. */
function namedTextKind(text: string): ContentKind | undefined {
  return (
    pemKind(text) ??
    minisignKind(text) ??
    jwkKind(text) ??
    secretTextKind(text) ??
    (/^-+ BEGIN SSH2 PUBLIC KEY/.test(text) || isOpensshPublic(text) ? KeyKind.opensshPublic : undefined)
  );
}

/** A file with a private key in it is secret, whatever else it holds and however it was damaged. */
function pemKind(text: string): ContentKind | undefined {
  const labels = pemLabels(text).map((label) => label.toUpperCase());
  if (holdsPrivatePem(text)) return privatePemKind(text, labels);
  const open = labels.filter((label) => !label.includes("PRIVATE KEY"));
  if (open.length === 0) return undefined;
  if (/BEGIN PGP [A-Z]+/.test(text)) return KeyKind.gpgPublic;
  if (open.some((label) => label.includes("CERTIFICATE REQUEST"))) return KeyKind.request;
  if (open.some((label) => label.includes("CERTIFICATE"))) return KeyKind.certificate;
  if (open.some((label) => label === "PKCS7" || label === "CMS")) return KeyKind.certificateBundle;
  return open.some((label) => label.includes("PUBLIC KEY")) ? KeyKind.publicPem : KeyKind.otherPem;
}

function privatePemKind(text: string, labels: readonly string[]): ContentKind {
  if (text.includes("PGP PRIVATE KEY")) return KeyKind.gpgSecret;
  if (labels.includes("OPENSSH PRIVATE KEY")) {
    return isOpensshLocked(text) ? KeyKind.opensshEncrypted : KeyKind.opensshPrivate;
  }
  if (labels.includes("ENCRYPTED PRIVATE KEY") || text.includes("Proc-Type: 4,ENCRYPTED")) {
    return KeyKind.encryptedPem;
  }
  return labels.includes("PRIVATE KEY") ? KeyKind.privatePem : KeyKind.otherPrivatePem;
}

/** After "openssh-key-v1\0" stands the name of the cipher; "none" without a passphrase. */
function isOpensshLocked(text: string): boolean {
  const start = /-----BEGIN OPENSSH PRIVATE KEY-----\s*([A-Za-z0-9+/\s]{40,64})/.exec(text)?.[1] ?? "";
  const packed = start.replace(/\s+/g, "");
  const bytes = fromBase64(packed.slice(0, 4 * Math.floor(packed.length / 4)));
  return bytes !== undefined && toHex(bytes.subarray(15, 23)) !== "000000046e6f6e65";
}

/** One line of a key, with options before it or not; or several. */
function isOpensshPublic(text: string): boolean {
  return /^(?:[^\n]{0,1000}[ \t])?(?:ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-[a-z0-9]+|sk-(?:ssh|ecdsa)[^\s]{0,60})(?:-cert-v\d\d@openssh\.com)? AAAA/.test(
    text,
  );
}

function minisignKind(text: string): ContentKind | undefined {
  const lines = text.split(/\r\n|\r|\n/, 3);
  const [first = "", second = ""] = lines;
  const isNamed = first.startsWith("untrusted comment:");
  if (/^untrusted comment: (?:signature from|verify with)/.test(first)) return KeyKind.minisignSignature;
  const line = isNamed ? second : first;
  if (!isNamed && lines.length > 1) return undefined;
  const bytes = /^RW[A-Za-z0-9+/]{40,}={0,2}\s*$/.test(line) ? fromBase64(line) : undefined;
  if (bytes === undefined)
    return isNamed && /secret|private/.test(first) ? KeyKind.minisignSecret : undefined;
  if (bytes.length === MINISIGN_PUBLIC) return KeyKind.minisignPublic;
  return isNamed || MINISIGN_SECRET.includes(bytes.length) ? KeyKind.minisignSecret : undefined;
}

function jwkKind(text: string): ContentKind | undefined {
  if (!/^[[{]/.test(text) || !/"kty"\s*:/.test(text)) return undefined;
  // What is too long to parse, or damaged, counts as private if it may be.
  const isPrivate = /"(?:d|k)"\s*:/.test(text) && (text.length > JSON_MAX || hasPrivateMember(text));
  return isPrivate ? KeyKind.jwkPrivate : KeyKind.jwkPublic;
}

function hasPrivateMember(text: string): boolean {
  try {
    let isPrivate = false;
    JSON.parse(text, (name, value: unknown) => {
      if ((name === "d" || name === "k") && typeof value === "string") isPrivate = true;
      return value;
    });
    return isPrivate;
  } catch {
    return true;
  }
}

/** A key without anything around it. */
function bareKind(text: string): ContentKind | undefined {
  if (/^[0-9a-fA-F]+$/.test(text) && text.length % 2 === 0) {
    return text.length >= HEX_DIGITS_MIN && text.length <= HEX_DIGITS_MAX ? KeyKind.hexKey : undefined;
  }
  if (!/^[A-Za-z0-9+/_\s-]+={0,2}$/.test(text) || text.length > JSON_MAX) return undefined;
  const bytes = fromBase64(text);
  if (bytes === undefined) return undefined;
  if (RAW_BASE64.includes(text.length) && (bytes.length === 32 || bytes.length === 64) && isVaried(bytes)) {
    return KeyKind.base64Key;
  }
  const kind = decodedKind(bytes);
  if (kind === KeyKind.rawKey || kind === undefined) return undefined;
  return kind.isSecret === true ? KeyKind.privateBody : KeyKind.publicBody;
}

/** A key whose bytes stand as numbers in a text: with separators, or as a list of a program. */
function writtenKind(text: string): ContentKind | undefined {
  return writtenBytes(text).some((bytes) => decodedKind(bytes)?.isSecret === true)
    ? KeyKind.hexKey
    : undefined;
}

/** Which key bytes are that a text stands for: text again, or not. */
function decodedKind(bytes: Uint8Array): ContentKind | undefined {
  return isText(bytes) ? namedTextKind(latin1(bytes).trim()) : keyBytesKind(bytes, bytes.length);
}

/** Binary files of keys by their first bytes, in hexadecimal. */
const MAGICS: readonly (readonly [string, ContentKind])[] = [
  ["6f70656e7373682d6b65792d763100", KeyKind.opensshPrivate],
  // "SSH PRIVATE KEY FILE", of the first protocol.
  ["5353482050524956415445204b45592046494c45", KeyKind.opensshPrivate],
  ["feedfeed0000000", KeyKind.javaStore],
  ["cececece0000000", KeyKind.javaStore],
  // BouncyCastle's: version 1 or 2, then a salt of 20 bytes.
  ["0000000100000014", KeyKind.javaStore],
  ["0000000200000014", KeyKind.javaStore],
  // KeePass, of both versions.
  ["03d9a29a", KeyKind.passwordStore],
  // "== ed25519v1-secret".
  ["3d3d206564323535313976312d736563726574", KeyKind.torSecret],
];

/** Which kind of key or certificate a binary file of `size` bytes is, from its first ones; undefined if it is none. */
export function keyBytesKind(head: Uint8Array, size: number): ContentKind | undefined {
  const start = toHex(head.subarray(0, 32));
  const named = MAGICS.find(([magic]) => start.startsWith(magic));
  if (named !== undefined) return named[1];
  const found = gpgKind(head) ?? derKind(head, size);
  if (found !== undefined) return found;
  return (size === 32 || size === 64) && isVaried(head) ? KeyKind.rawKey : undefined;
}

/** Whether bytes of a raw key's length look random: of 32 random bytes some 30 differ, of 64 some 57. */
function isVaried(bytes: Uint8Array): boolean {
  return new Set(bytes).size >= (bytes.length === 32 ? 24 : 44);
}

/** A packet with a key (RFC 4880, 4.2 and 5.5): tag, length, version, time, and an algorithm that exists. */
function gpgKind(head: Uint8Array): ContentKind | undefined {
  const first = head[0] ?? 0;
  const isNew = (first & 0xc0) === 0xc0;
  const tag = isNew ? first & 0x3f : (first >>> 2) & 0x0f;
  if ((first & 0x80) === 0 || (tag !== 5 && tag !== 6)) return undefined;
  const second = head[1] ?? 0;
  const oldWidth = [1, 2, 4, 0][first & 3] ?? 0;
  const newWidth = second < 192 ? 1 : second < 224 ? 2 : second === 255 ? 5 : 0;
  const width = isNew ? newWidth : oldWidth;
  if (width === 0) return undefined;
  const body = head.subarray(1 + width);
  const isKnown = [1, 2, 3, 16, 17, 18, 19, 22, 25, 26, 27, 28].includes(body[5] ?? 0);
  if (![3, 4, 5, 6].includes(body[0] ?? 0) || !isKnown || body.length < 16) return undefined;
  return tag === 5 ? KeyKind.gpgSecret : KeyKind.gpgPublic;
}

/** Object identifiers by their first bytes: RSA and its password-based ciphers, EC, Edwards curves, DSA, DH. */
const KEY_ALGORITHM =
  /^(?:2a864886f70d01(?:01|03|05|0c)|2a8648ce3d0201|2a8648ce38|2a8648ce3e|2b656[e-f]|2b657[01])/;
const PKCS7_OID = "2a864886f70d0107";
/** Bytes that an editor or a copy adds. */
const NEWLINE_MAX = 2;
/** Bytes of the shortest private key in DER: fewer may be firmware by chance. */
const KEY_MIN = 40;

/**
 * A private key at the start is one whatever follows it: padding, a newline, another key. Other kinds must fill their file but for
 * a newline that an editor added.
 */
function derKind(head: Uint8Array, size: number): ContentKind | undefined {
  const whole = readDer(head);
  if (whole?.tag !== DerTag.sequence) return undefined;
  const kind = sequenceKind(derList(whole.content));
  const isAlone = whole.rest.length + (size - head.length) <= NEWLINE_MAX;
  return isAlone || (kind?.isSecret === true && whole.content.length >= KEY_MIN) ? kind : undefined;
}

function sequenceKind(parts: readonly DerValue[] | undefined): ContentKind | undefined {
  const [first, second, third] = parts ?? [];
  if (first === undefined || second === undefined) return undefined;
  if (first.tag === DerTag.oid && (derOid(first) ?? "").startsWith(PKCS7_OID))
    return KeyKind.certificateBundle;
  const isNumber = first.tag === DerTag.integer;
  if (isNumber) return numberedKind(first, second, third, parts?.length ?? 0);
  if (first.tag !== DerTag.sequence) return undefined;
  const algorithm = derOid(first) ?? "";
  if (KEY_ALGORITHM.test(algorithm) && second.tag === DerTag.bits) return KeyKind.publicDer;
  if (KEY_ALGORITHM.test(algorithm) && second.tag === DerTag.bytes) return KeyKind.encryptedDer;
  const inner = derList(first.content) ?? [];
  const isSigned =
    second.tag === DerTag.sequence && third?.tag === DerTag.bits && derOid(second) !== undefined;
  return isSigned && inner.length >= 3 ? KeyKind.certificateDer : undefined;
}

/** Sequences that begin with a number: PKCS#8, SEC 1, PKCS#12, PKCS#1. */
function numberedKind(
  first: DerValue,
  second: DerValue,
  third: DerValue | undefined,
  count: number,
): ContentKind | undefined {
  const isAlgorithm = second.tag === DerTag.sequence && derOid(second) !== undefined;
  if (isAlgorithm && (derOid(second) ?? "").startsWith(PKCS7_OID)) return KeyKind.pkcs12;
  if (isAlgorithm && third?.tag === DerTag.bytes) return KeyKind.privateDer;
  if (second.tag === DerTag.bytes && first.content.length === 1) return KeyKind.privateDer;
  if (second.tag !== DerTag.integer) return undefined;
  if (count >= 6 && first.content.length === 1) return KeyKind.privateDer;
  return count === 2 && first.content.length >= 64 ? KeyKind.publicDer : undefined;
}
