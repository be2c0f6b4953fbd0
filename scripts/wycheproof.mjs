#!/usr/bin/env node
// Wycheproof's Ed25519 vectors against the strict check of images' signatures (src/image/ed25519.ts), with Node's crypto
// and with the portable one.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  BenchUsageError,
  fromDist,
  headLines,
  recordHead,
  runBench,
  tableText,
  writeRecord,
} from "../hw-loopback/lib.mjs";

const USAGE = `usage: npm run evidence:wycheproof -- FILE [--out docs/evidence/wycheproof]

FILE is testvectors_v1/ed25519_test.json of https://github.com/C2SP/wycheproof, which is no part of this repository.
Exit 0: both implementations of the cryptography judge each vector alike and as FILE says, for a cause that
scripts/wycheproof-expected.json has for its class, or refuse it more strictly for a reason that stands there. 1: a
difference that nothing explains. 2: usage.
`;
const PRIME = 2n ** 255n - 19n;
const EXPECTED = JSON.parse(readFileSync(new URL("wycheproof-expected.json", import.meta.url), "utf8"));

/** What the vectors have no case for, and where it is tested. */
const REMARKS = [
  "`length`, `key`, `nonce`, `scalar` and `equation` are the faults of `checkSignature`, in the order in which they are",
  "looked for. Beyond RFC 8032, refused are keys and R of small order. Section 5.1.3 already refuses other encodings of",
  "a point, and section 5.1.7 S that is not below the group order; both are checked here before OpenSSL is asked. The",
  "file has no key of small order, none in another encoding, and none of mixed order: `test/image/ed25519.test.ts` makes",
  "its own, all eight points and each of their encodings, as key and as R, and `vectors/ed25519-strict.json` has 466 of all",
  "these classes.",
];

const mod = (value) => ((value % PRIME) + PRIME) % PRIME;

function power(base, exponent) {
  let result = 1n;
  for (let b = base, e = exponent; e > 0n; e >>= 1n, b = mod(b * b)) if (e & 1n) result = mod(result * b);
  return result;
}

const inverse = (value) => power(mod(value), PRIME - 2n);
const D = mod(-121665n * inverse(121666n));
const bytesOf = (text) => Uint8Array.from(Buffer.from(text, "hex"));

/**
 * Whether an encoding is of small order, from the curve's equations (RFC 8032 section 5.1) and not from the table of
 * the code that is judged: three doublings end at (0, 1). The square of x follows from y.
 */
function isSmallOrder(bytes) {
  let y = bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n) & (2n ** 255n - 1n);
  if (y >= PRIME) return false;
  for (let doubling = 0; doubling < 3; doubling++) {
    const xx = mod((y * y - 1n) * inverse(D * y * y + 1n));
    y = mod((y * y + xx) * inverse(1n - D * xx * mod(y * y)));
  }
  return y === 1n;
}

/** The vector's class and what became of it; `why` explains a difference, and its lack is a failure. */
function judge({ tcId, flags, result, comment }, cause, key, nonce) {
  const outcome = cause ?? "holds";
  const row = { tcId, name: flags.join(" "), result, outcome, comment };
  if (result === "valid" && cause !== undefined) {
    const isStricter = isSmallOrder(cause === "key" ? key : nonce);
    return { ...row, isDifference: true, why: isStricter ? EXPECTED.stricter[cause] : undefined };
  }
  // "acceptable" leaves it to the implementation: either answer agrees.
  const causes = flags.flatMap((flag) => EXPECTED.causes[flag] ?? []);
  const isRight = result !== "invalid" || causes.includes(outcome);
  return { ...row, isDifference: !isRight };
}

function readVectors(file) {
  try {
    const bytes = readFileSync(file);
    const { algorithm, testGroups } = JSON.parse(bytes.toString());
    if (algorithm !== "EDDSA") throw new Error(`its algorithm is ${algorithm}, EDDSA is needed`);
    const groups = testGroups.filter(({ publicKey }) => publicKey.curve === "edwards25519");
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return { sha256, vectors: groups.flatMap(({ publicKey, tests }) => tests.map((t) => [publicKey.pk, t])) };
  } catch (error) {
    throw new BenchUsageError(`${file} cannot be read as Wycheproof's EdDSA vectors: ${error.message}`);
  }
}

async function main() {
  const { values, positionals } = parseArgs({ options: { out: { type: "string" } }, allowPositionals: true });
  const [file] = positionals;
  if (file === undefined || positionals.length > 1) throw new BenchUsageError("name one file of vectors");
  const { sha256, vectors } = readVectors(file);
  const { checkSignature } = await fromDist("image/ed25519.js");
  const { setCryptoPort } = await fromDist("base/crypto-port.js");
  const { nodeCrypto } = await fromDist("crypto/node-crypto.js");
  const { portableCrypto } = await fromDist("crypto/portable-crypto.js");
  const judgeAll = (port) => {
    setCryptoPort(port);
    return vectors.map(([pk, vector]) => {
      const [key, message, signature] = [pk, vector.msg, vector.sig].map(bytesOf);
      return judge(vector, checkSignature(key, message, signature), key, signature.subarray(0, 32));
    });
  };
  const rows = judgeAll(nodeCrypto);
  const apart = judgeAll(portableCrypto).filter(({ outcome }, i) => outcome !== rows[i].outcome);

  const count = (test) => rows.filter(test).length;
  const valid = count(({ result }) => result === "valid");
  const invalid = count(({ result }) => result === "invalid");
  const differences = rows.filter(({ isDifference }) => isDifference);
  const open = differences.filter(({ why }) => why === undefined);
  const names = [...new Set(rows.map(({ name, result, outcome }) => [name, result, outcome].join("\t")))];
  const table = names.map((name) => {
    const same = rows.filter((row) => [row.name, row.result, row.outcome].join("\t") === name);
    return [...name.split("\t"), same.length, same.filter(({ isDifference }) => !isDifference).length];
  });
  const head = recordHead("wycheproof", `file of SHA-256 ${sha256}`, []);
  const markdown = [
    "# Wycheproof: strict Ed25519",
    "",
    "Again: `npm run evidence:wycheproof -- FILE`, with `testvectors_v1/ed25519_test.json` of",
    "<https://github.com/C2SP/wycheproof>, which is no part of this repository.",
    "",
    ...headLines(head),
    "",
    `${rows.length} vectors, ${valid} valid and ${invalid} invalid: ${rows.length - differences.length} agreed, ` +
      `${differences.length} differences, ${open.length} of them without explanation.`,
    `The portable implementation answers otherwise than Node's on ${apart.length} of the ${rows.length}.`,
    "",
    ...apart.map(({ tcId, name, outcome }) => `- ${tcId} (${name}): portable says ${outcome}`),
    ...(apart.length === 0 ? [] : [""]),
    ...tableText(["class", "file says", "we say", "vectors", "agreed"], table),
    "",
    ...(differences.length === 0 ? ["No difference: nothing to explain.", ""] : []),
    ...differences.map(
      ({ tcId, name, result, outcome, why = "NOT EXPLAINED" }) =>
        `- ${tcId} (${name}): ${result}, we say ${outcome}: ${why}`,
    ),
    ...(differences.length === 0 ? [] : [""]),
    ...REMARKS,
  ].join("\n");
  process.stdout.write(`${markdown}\n`);
  const record = {
    ...head,
    sha256,
    vectors: rows.length,
    valid,
    invalid,
    differences,
    apart,
    classes: table,
  };
  writeRecord(values.out, record, `${markdown}\n`);
  return rows.length > 0 && open.length === 0 && apart.length === 0;
}

await runBench(USAGE, main);
