#!/usr/bin/env node
// Wycheproof's Ed25519 vectors against the signature check of the C side (firmware-stubs/hooks/ed25519). scripts/wycheproof.mjs
// is the same for the TypeScript side.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const USAGE = `usage: node scripts/firmware/wycheproof.mjs FILE PROGRAM

FILE is testvectors_v1/ed25519_test.json of https://github.com/C2SP/wycheproof, which is no part of this repository.
PROGRAM is firmware-stubs/tests/judge_ed25519.c with the hook. Exit 0: it judges each vector as FILE says; 1: it does not; 2:
usage.
`;

/** The vectors of the curve, each with its key. */
function readVectors(file) {
  const { algorithm, testGroups } = JSON.parse(readFileSync(file, "utf8"));
  if (algorithm !== "EDDSA") throw new Error(`${file} has the algorithm ${algorithm}, EDDSA is needed`);
  const groups = testGroups.filter(({ publicKey }) => publicKey.curve === "edwards25519");
  return groups.flatMap(({ publicKey, tests }) => tests.map((vector) => ({ ...vector, key: publicKey.pk })));
}

function judge(program, vectors) {
  const input = vectors
    .map(({ key, sig, msg }) => [key, sig, msg].map((hex) => hex || "-").join(" "))
    .join("\n");
  const { status, stdout, error } = spawnSync(program, { input: `${input}\n`, encoding: "utf8" });
  if (error !== undefined) throw error;
  const verdicts = stdout.trim().split("\n");
  if (status !== 0 || verdicts.length !== vectors.length)
    throw new Error(`${program} judged ${verdicts.length} of them`);
  return verdicts;
}

function main([file, program, ...rest]) {
  if (program === undefined || rest.length > 0) {
    process.stderr.write(USAGE);
    return 2;
  }
  const vectors = readVectors(file);
  const verdicts = judge(program, vectors);
  const differences = vectors.filter(({ result }, i) => (verdicts[i] === "right") !== (result === "valid"));
  for (const { tcId, flags, comment, result } of differences) {
    process.stdout.write(`${tcId} (${flags.join(" ")}): ${result}, judged otherwise: ${comment}\n`);
  }
  const count = (word) => verdicts.filter((verdict) => verdict === word).length;
  process.stdout.write(
    `${vectors.length} vectors: ${count("right")} right, ${count("wrong")} wrong, ${count("length")} of another length; ` +
      `${differences.length} differences\n`,
  );
  return vectors.length > 0 && differences.length === 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
