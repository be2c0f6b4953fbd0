#!/usr/bin/env node
// Writes firmware-stubs/include/mayday/constants.h from the tables of docs/PROTOCOL.md, which tests compare with the
// TypeScript code. With --check it writes nothing, and fails with the first line that differs.
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const PROTOCOL = new URL("../../docs/PROTOCOL.md", import.meta.url);
const HEADER = new URL("../../firmware-stubs/include/mayday/constants.h", import.meta.url);

/** What the C side uses of the reference's own constants (6.4), with its unit; shares are percent. */
const REFERENCE = `
  PAST_SESSIONS_MAX PACKETS_PER_ACK ACK_DELAY_MAX_MS INITIAL_RTO_MS PROBE_INTERVAL_MIN_MS PAUSE_PROBE_MS
  RUN_BYTES_MAX AHEAD_BYTES_MAX AHEAD_MS_MAX ACK_WAIT_MS WINDOW_ALLOWANCE WINDOW_MIN WINDOW_MAX QUEUE_MS
  FRAME_TIME_MAX_MS QUIET_MS ENDLESS_AFTER_MS ENDLESS_INTERVAL_MS MARK_MS TEXT_MS FOREIGN_MS FOREIGN_ACKS
  SILENT_MS ANSWER_INTERVAL_MS KNOCK_INTERVAL_MS KNOCK_SHARE KNOCKING_FOR_MS EARLY_INTERVAL_MS
  EARLY_FOR_MS FIRST_INTERVAL_MS FIRST_FOR_MS INTERVAL_MS SERVED_INTERVAL_MS CALL_SHARE DISTRESS_LINE_MS_MAX AFTER_REFUSAL_MS
  TURN_MIN_MS TURN_BYTES OFFER_INTERVAL_MS OFFER_REPEATED_FOR_MS RETRY_AFTER_MS LATE_CALL_MS REFUSED_FOR_MS DEFERRED_MAX_MS
  NONE_INTERVAL_MS CHANGES_MAX CHANGES_WINDOW_MS ATTEMPTS_MAX LATER_AFTER_MS LATER_EVERY_MS LATER_MS
  LATER_MAX_MS LATER_BUDGET_MS BUSY_MS BUSY_RENEWED_MS BUSY_AFTER_MS LONG_LINE_TIMES LONG_MIN_MS
  BUSY_MAX_MS BUSY_BUDGET_MS HELD_MAX_MS HELD_LINE_TIMES DONE_INTERVAL_MIN_MS DONE_REPEATED_FOR_MS
  RESCUER_QUEUE_BYTES LEASE_MIN_MS LEASE_LINE_TIMES SUPERSEDE_TIMEOUTS FRAME_GROWTH FIRST_PACKET_BYTES
  SILENCE_MAX_MS STRANGER_AFTER_MS WRONG_MAX PICK_MAX_MS CALLS_MAX REPLAY_WINDOW DOUBTFUL_SILENCE_MS
  DOUBTFUL_OFFER_MS
`
  .trim()
  .split(/\s+/);

const text = readFileSync(PROTOCOL, "utf8");

function section(from, to) {
  return text.slice(text.indexOf(from), text.indexOf(to));
}

/** Rows `| \`NAME\` | value | ... | section |` of a part of the text. */
function rowsOf(part) {
  const rows = [...part.matchAll(/^\| `([\w.-]+)` \| (\S+) \|(.*)\|$/gm)];
  return rows.map(([, name, value, rest]) => ({ name, value, section: rest.split("|").at(-1).trim() }));
}

/** "FrameClass.targetControl" becomes MAYDAY_FRAME_CLASS_TARGET_CONTROL. */
function macroOf(name) {
  const words = name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/[.-]/g, "_");
  return `MAYDAY_${words.toUpperCase()}`;
}

function line({ name, value, section: where }) {
  if (name === "ACK_DELAY_UNIT_MS")
    return defined("MAYDAY_ACK_DELAY_UNIT_US", String(Number(value) * 1000), where);
  if (name.endsWith("_SHARE")) return defined(`${macroOf(name)}_PERCENT`, String(Number(value) * 100), where);
  return defined(macroOf(name), value, where);
}

function defined(macro, value, where) {
  return `#define ${macro} ${value}u /* ${where} */`;
}

const wire = rowsOf(section("## 11 Constants", "## 12 "));
const known = new Map(rowsOf(section("### 6.4 ", "### 6.5 ")).map((row) => [row.name, row]));
const missing = REFERENCE.filter((name) => !known.has(name));
if (wire.length === 0 || missing.length > 0)
  throw new Error(`PROTOCOL.md lacks ${missing.join(", ") || "section 11"}`);

const header = `/* Numbers of protocol version 1. Written by scripts/firmware/constants.mjs from docs/PROTOCOL.md: do not edit.
 * The comment behind a number is its section there. Lengths are in bytes, names with MS in milliseconds. */
#ifndef MAYDAY_CONSTANTS_H
#define MAYDAY_CONSTANTS_H

/* On the wire (section 11): frozen. */
${wire.map(line).join("\n")}

/* Choices of the reference (6.4): not on the wire. */
${REFERENCE.map((name) => line(known.get(name))).join("\n")}

#endif
`;

if (!process.argv.includes("--check")) {
  writeFileSync(HEADER, header);
} else {
  const kept = existsSync(HEADER) ? readFileSync(HEADER, "utf8") : "";
  const [is, shouldBe] = [kept.split("\n"), header.split("\n")];
  const at = shouldBe.findIndex((want, i) => want !== is[i]);
  if (kept !== header) {
    process.stderr.write(`constants.h, line ${at + 1}: ${is[at]}\nPROTOCOL.md says:     ${shouldBe[at]}\n`);
    process.exitCode = 1;
  }
}
