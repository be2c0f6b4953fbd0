#!/usr/bin/env node
// Writes the seeds of firmware-stubs/tests/fuzz/corpus from vectors/, so that the entry points begin with what is right.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, STUBS } from "./sources.mjs";

const vectors = (name) => JSON.parse(readFileSync(join(ROOT, "vectors", `${name}.json`), "utf8"));
const bytesOf = (hex) => Buffer.from(hex.replace(/ /g, ""), "hex");
const CRC_LENGTH = 4;

/** The part of a list that says most in least room: every n-th, `most` at the most. */
function some(list, most) {
  const step = Math.ceil(list.length / most);
  return list.filter((_, i) => i % step === 0);
}

function write(entryPoint, seeds) {
  const folder = join(STUBS, "tests/fuzz/corpus", entryPoint);
  mkdirSync(folder, { recursive: true });
  for (const [i, seed] of seeds.entries())
    writeFileSync(join(folder, `seed-${String(i).padStart(2, "0")}`), seed);
  process.stdout.write(`${entryPoint}: ${seeds.length} seeds\n`);
}

const { frames, faults } = vectors("wire-v1");
write(
  "frame",
  some(frames, 40).map(({ frameHex }) => bytesOf(frameHex).subarray(0, -CRC_LENGTH)),
);
const wires = frames.map(({ wireHex }) => bytesOf(wireHex)).filter((wire) => wire.length < 200);
write(
  "runs",
  some(wires, 8).map((wire) => Buffer.concat([Buffer.from([100, 96, 0]), wire, Buffer.from("login: ")])),
);
write(
  "cobs",
  some(faults, 6)
    .map(({ frameHex }) => bytesOf(frameHex))
    .filter((seed) => seed.length > 0),
);

const fec = vectors("fec-v1");
write(
  "hunter",
  [
    ...fec.streams.map(({ streamHex }) => streamHex),
    ...fec.frames.map(({ received }) => received[1].hex),
  ].map((hex, i) => Buffer.concat([Buffer.from([[0, 1, 2, 0x80, 0x42][i % 5]]), bytesOf(hex)])),
);

const { sessions } = vectors("session-v1");
const envelopes = [
  ...vectors("image-manifest").manifests.flatMap(({ envelope, envelopeHex }) =>
    [envelopeHex ?? envelope].flat().join(""),
  ),
  ...sessions.map(({ image }) => image.envelope),
].map((text) => bytesOf(text.replace(/\w+: /g, "")));
write(
  "envelope",
  envelopes.filter((seed) => seed.length > 200 && seed.length < 700),
);
const { stores } = vectors("trust-store");
write(
  "trust_store",
  stores.map(({ writeSize, partsHex }) =>
    Buffer.concat([Buffer.from([Math.log2(writeSize)]), ...partsHex.map(bytesOf)]),
  ),
);

const { entries, refused } = vectors("boot-record");
const pairs = [...entries, ...some(refused, 6)].map(({ beforeHex = "00".repeat(32), entryHex }) =>
  Buffer.concat([bytesOf(beforeHex), bytesOf(entryHex)]),
);
write(
  "entry",
  some(
    pairs.filter(({ length }) => length === 64),
    20,
  ),
);
const { journals } = vectors("record-v1");
write("record", some(journals, 24).map(recordSeed));

/** Entries as they stand, at their places. */
function recordSeed({ sectors, writeUnit }) {
  const kind = { 1: 0, 8: 4, 16: 8, 64: 12 }[writeUnit] ?? 0;
  const puts = sectors.flatMap((list, sector) =>
    list.map(([place, entry]) => Buffer.concat([Buffer.from([0x80 | sector, place]), bytesOf(entry)])),
  );
  return Buffer.concat([Buffer.from([kind, 7]), ...puts]);
}

const { exchanges, peripheralExchanges } = vectors("mailbox-v1");
write(
  "mailbox",
  some([...exchanges, ...peripheralExchanges], 16).map(({ steps }) => Buffer.concat(steps.map(transaction))),
);

function transaction({ do: what, hex = "" }) {
  const bytes = bytesOf(hex);
  if (what === "write" && bytes.length < 64)
    return Buffer.concat([Buffer.from([transactionOf(bytes.length, 0)]), bytes]);
  if (what === "read" && bytes.length < 64) return Buffer.from([transactionOf(bytes.length, 2)]);
  return Buffer.from([7]);
}

function transactionOf(length, code) {
  return ((length & 31) << 3) | (code + (length >> 5));
}

/** What one side of a session hears, each frame with a header of its own; time passes where a timer fires. `isCoded`: in the second form. */
function heardBy(side, { steps }, isCoded = false) {
  const parts = [Buffer.from([isCoded ? 0xa8 : 0x28])];
  for (const { from, frameHex, heard, by, lost } of steps) {
    if (by !== undefined) parts.push(Buffer.from([0x24]));
    const hex = side === "rescuer" && heard !== undefined ? steps[heard].frameHex : frameHex;
    if (hex === undefined || lost) continue;
    if (side === "target" ? from !== "rescuer" : heard === undefined) continue;
    const body = bytesOf(hex).subarray(0, -CRC_LENGTH);
    parts.push(Buffer.from([isCoded ? 0x41 : 1, body.length & 0xff, body.length >> 8]), body);
  }
  return Buffer.concat(parts);
}
write("target", [
  ...sessions.map((session) => heardBy("target", session)),
  heardBy("target", sessions[1], true),
]);
write("rescuer", [
  ...sessions.map((session) => heardBy("rescuer", session)),
  heardBy("rescuer", sessions[1], true),
]);
