// Names for what a line does to bytes, and what to do about it. Pure; used by uart-loopback.mjs, explained in README.md.
import { compareBytes, editsOf } from "./byte-diff.mjs";

/** Faults by name: what it means and what to do next. README.md, "Faults, and what to do", has a row for each. */
export const FAULTS = {
  silence:
    "nothing came back: no jumper, TX and RX not crossed, no common ground, or another port than you think",
  "one-way": "only one direction works: look at that one wire, and at the level of the side that sends on it",
  echo: "a port hears itself instead of the other one: a jumper was left in, or an RS-485 adapter echoes",
  talker:
    "bytes came before anything was sent: a console, a boot log, a modem manager or another board talks here",
  zeros: "only zeros came: the line is held low; the other side is off, or levels are inverted (RS-232)",
  garbled: "hardly anything came right: another rate on the other side, wrong levels, or no common ground",
  "xon-xoff": "0x11 and 0x13 were eaten: software flow control (XON/XOFF) is on somewhere in between",
  newline: "carriage returns or line feeds were translated: something in between treats the line as text",
  "top-bit": "the top bit was cleared: seven data bits, or a terminal that strips the eighth",
  "ff-doubled": "each 0xFF came twice: the terminal marks parity errors (PARMRK)",
  loss: "bytes were lost: a receiver too slow for this rate; lower it, or use a better adapter",
  "bit-errors":
    "bytes were changed: edges too slow or noise; shorten the wires, join grounds, lower the rate",
  extra: "bytes came that nobody sent: noise on an open wire, or somebody else talks",
  "too-fast": "bytes came faster than the rate allows: the port runs at another rate than it was told",
  "port-failed": "the port could not be opened or went away; the error says why",
};

/** Remarks: the line is usable, but look here. */
export const REMARKS = {
  slow: "well below the line rate: the adapter runs at a lower rate than it was told, or holds bytes back",
};

/** A fault that translates bytes shows in this share of the bytes that it concerns, or it is not named. */
const EXPLAINED_SHARE = 0.9;
/** Where less than this share of what was received is right, single faults are not told apart. */
const RIGHT_SHARE = 0.5;

const CR = 0x0d;
const LF = 0x0a;
const swap = (from, to) => (byte) => (byte === from ? to : [byte]);

/** What terminals and drivers do to bytes on purpose: name, and what becomes of a byte. */
const TRANSLATIONS = [
  ["xon-xoff", (byte) => (byte === 0x11 || byte === 0x13 ? [] : [byte])],
  ["newline", swap(CR, [LF])],
  ["newline", swap(LF, [CR])],
  ["newline", swap(LF, [CR, LF])],
  ["newline", swap(CR, [])],
  ["top-bit", (byte) => [byte & 0x7f]],
  ["ff-doubled", swap(0xff, [0xff, 0xff])],
];

/**
 * Compares and names. Returns the tally of {@link compareBytes} and `faults`: names of {@link FAULTS}, none when
 * everything came as it was sent. Several where several add up.
 */
export function judgeBytes(sent, received) {
  const tally = compareBytes(sent, received);
  return { ...tally, faults: namesOf(sent, received, tally) };
}

function namesOf(sent, received, tally) {
  if (editsOf(tally) === 0) return [];
  if (received.length === 0) return ["silence"];
  if (received.every((byte) => byte === 0)) return ["zeros"];
  const names = new Set();
  let expected = sent;
  let rest = tally;
  for (const [name, translate] of TRANSLATIONS) {
    const pieces = [...expected].map((byte) => ({ byte, into: translate(byte) }));
    const concerned = pieces.filter(({ byte, into }) => into.length !== 1 || into[0] !== byte).length;
    if (concerned === 0) continue;
    const translated = Buffer.from(pieces.flatMap(({ into }) => into));
    const left = compareBytes(translated, received);
    if (editsOf(rest) - editsOf(left) < EXPLAINED_SHARE * concerned) continue;
    names.add(name);
    expected = translated;
    rest = left;
  }
  const right = expected.length - rest.lost - rest.changed;
  if (right < RIGHT_SHARE * received.length) return ["garbled"];
  if (rest.lost > 0) names.add("loss");
  if (rest.changed > 0) names.add("bit-errors");
  if (rest.extra > 0) names.add("extra");
  return [...names];
}
