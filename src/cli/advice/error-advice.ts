import type { MaydayError } from "../../base/errors.ts";
import { nearestName } from "../nearest-name.ts";

type Details = MaydayError["details"];

const MAKE_LINK_KEY = "make one with: mayday keygen --link-key FILE";
/** After a message that says how to make one without mayday. */
const OR_KEYGEN = "or with: mayday keygen --link-key FILE";
const NEW_PAIR = "make keys with: mayday keygen --out BASE";
const OR_NEW_PAIR = "or make a new pair with: mayday keygen --out BASE";
const MAKE_BOARD = "make the board again with board init";

/** Pieces of firmware that are far apart. Filling helps up to the largest span only. */
function meantAddresses({ meant }: Details): string {
  return `image build --only ${meant} takes one part, --fill 0xff takes all with filling between, and objcopy -R SECTION leaves parts out of the file`;
}

/** What turns a file that is not an image file into one. */
function makeImage({ format, fix, isFirmware, isSecret, isImage }: Details): string | undefined {
  if (isSecret === true || isImage === true) return undefined;
  if (fix !== undefined) return `fix: ${fix}`;
  const isOther = format !== undefined && isFirmware !== true;
  return isOther
    ? undefined
    : `firmware becomes an image with: mayday image build --in FILE --out FILE.mdy ...`;
}

/** Digits of a digest that a name needs. */
const DIGITS_MIN = 4;
/** Names that a hint lists. */
const LISTED_MAX = 4;

/** The image in a repository that was probably meant: its name was cut too short, or has a wrong digit. */
function imageMeant({ image = "", dir, known, begun }: Details): string | undefined {
  const name = String(image);
  const all = String(known ?? "")
    .split(" ")
    .filter((digits) => digits !== "");
  if (all.length === 0) return undefined;
  const alike = String(begun ?? "")
    .split(" ")
    .filter((digits) => digits !== "");
  if (alike.length > 0 && name.length < DIGITS_MIN) {
    const listed = alike.slice(0, LISTED_MAX).join(", ");
    return `give at least ${DIGITS_MIN} digits: ${listed}${alike.length > LISTED_MAX ? ", ..." : ""}`;
  }
  const near = nearestName(name.slice(0, all[0]?.length), all);
  return near === undefined ? `mayday repo list --repo ${dir} shows what it holds` : `did you mean ${near}?`;
}

/** By the error's code: what to try next, as far as its details tell. */
const ADVICE: Readonly<Record<string, (details: Details) => string | undefined>> = {
  "board-missing": () => "make a board with board init",
  // Without a path the file could not be read at all, and may be whole.
  "board-damaged": ({ path }) =>
    path === undefined ? undefined : `restore it from a copy, or ${MAKE_BOARD}`,
  "flash-foreign": () => MAKE_BOARD,
  "flash-not-empty": () => "with --overwrite its content is lost",
  "flash-sector": ({ eraseSize, writeSize }) =>
    eraseSize === undefined ? `try: --write-size ${writeSize}` : `try: --sector ${eraseSize}`,
  "flash-size": () => MAKE_BOARD,
  "elf-span": meantAddresses,
  "hex-span": meantAddresses,
  "srec-span": meantAddresses,
  "uf2-span": meantAddresses,
  "image-foreign": makeImage,
  "image-not-raw": () => "rescue takes it without --hardware and --version",
  "input-format": () => "image build --format raw takes its bytes as they are",
  "input-is-key": ({ form }) =>
    form === "raw-key" ? "if it is firmware all the same: image build --format raw" : undefined,
  "input-no-addresses": () => "omit --only and --fill",
  "key-not-ed25519": () => NEW_PAIR,
  "key-not-pem": ({ isPem, form }) =>
    isPem === false ? NEW_PAIR : form === undefined ? undefined : OR_NEW_PAIR,

  "link-key-is-pem": () => OR_KEYGEN,
  "link-key-foreign": () => OR_KEYGEN,
  "link-key-length": () => OR_KEYGEN,
  "link-key-pattern": () => OR_KEYGEN,
  "link-key-text": () => OR_KEYGEN,
  "link-key-missing": () => MAKE_LINK_KEY,
  "link-key-not-file": () => MAKE_LINK_KEY,
  "repo-no-such-image": imageMeant,
  "repo-missing": ({ dir }) => `make it with: mayday repo add FILE.mdy --repo ${dir}`,
};

/** An error's message, with what to try next in the words of the command line. */
export function errorText({ code, message, details }: MaydayError): string {
  const next = ADVICE[code]?.(details);
  return next === undefined ? message : `${message}; ${next}`;
}
