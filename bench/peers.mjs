#!/usr/bin/env node
// mayday and what people use today over the same virtual cables with the same images, in turns: share of the line by two
// spans that are the same for all, and how many transfers came whole. See docs/testing.md, "Goodput".
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import {
  BenchUsageError,
  median,
  parseNumbers,
  recordHead,
  round,
  runBench,
  writeRecord,
} from "../hw-loopback/lib.mjs";
import { KERMIT } from "./peers/kermit.mjs";
import { LINES } from "./peers/lines.mjs";
import { MAYDAY } from "./peers/mayday.mjs";
import { pictureText } from "./peers/picture.mjs";
import { reportText } from "./peers/report.mjs";
import { checkPrograms, drainLibrary, transfer } from "./peers/transfer.mjs";
import { XMODEM } from "./peers/xmodem.mjs";
import { YMODEM } from "./peers/ymodem.mjs";
import { ZMODEM } from "./peers/zmodem.mjs";

const PEERS = { mayday: MAYDAY, zmodem: ZMODEM, ymodem: YMODEM, xmodem: XMODEM, kermit: KERMIT };

const peersOf = ({ peers }) => (peers ?? Object.keys(PEERS)).map((name) => PEERS[name]);

const USAGE = `usage: npm run bench -- [options]

Transfers a random image over virtual cables, by each peer in turn, and prints the share of the line rate that each
reached. A peer with several settings tries each once on a line (seed 0, not counted) and takes the best.

  --runs N       counted transfers a line and peer, seeds 1 to N (default 5)
  --only LINE    one line of the table, by its name; repeatable
  --peers LIST   of ${Object.keys(PEERS).join(",")} (default: those of the line, see bench/peers/lines.mjs)
  --kib N        another size of the image than the line's
  --out BASE     writes BASE.json, BASE.md and BASE.svg
  --from FILE    runs nothing: makes the tables and the picture again from such a JSON file
`;

/** A failed transfer ends after four times what the peer needs on a clean line, and not before this. */
const LIMIT_MIN_MS = 30_000;
const LIMIT_FACTOR = 4;
/** A peer that failed as often at the start of a line does not run the rest. */
const FAILURES_MAX = 2;

function options() {
  const { values } = parseArgs({
    options: {
      runs: { type: "string", default: "5" },
      only: { type: "string", multiple: true },
      peers: { type: "string" },
      kib: { type: "string" },
      out: { type: "string" },
      from: { type: "string" },
    },
  });
  const [runs] = parseNumbers("runs", values.runs, 1, 1000);
  const [kib] = values.kib === undefined ? [] : parseNumbers("kib", values.kib, 1, 65_536);
  const peers = values.peers?.split(",").map((name) => {
    if (Object.hasOwn(PEERS, name)) return PEERS[name];
    throw new BenchUsageError(`--peers: there is no ${name}, only ${Object.keys(PEERS).join(", ")}`);
  });
  const lines = (values.only ?? LINES.map(({ name }) => name)).map((name) => {
    const line = LINES.find((known) => known.name === name);
    if (line !== undefined) return kib === undefined ? line : { ...line, size: kib * 1024 };
    throw new BenchUsageError(
      `--only: there is no line "${name}", only ${LINES.map((l) => l.name).join("; ")}`,
    );
  });
  return { runs, peers, lines, out: values.out, from: values.from };
}

/** Random bytes, the same for all peers and each time for a seed: nothing to compress. */
const imageOf = (seed, size) =>
  createHash("shake256", { outputLength: size }).update(`bench ${seed}`).digest();

/** Of the tries of a line the fastest that came whole; the last setting, which is the most careful, if none did. */
function bestOf(settings, tries) {
  const whole = settings.map((setting, i) => ({ ...tries[i], setting })).filter(({ ok }) => ok);
  const [best] = whole.toSorted((a, b) => a.lineSeconds - b.lineSeconds);
  return best?.setting ?? settings.at(-1);
}

const lineMs = ({ size, baud }) => (size * 10_000) / baud;

const tell = (line, seed, peer, { ok, why, lineSeconds, wholeSeconds }) => {
  const how = ok ? `${lineSeconds} s on the line, ${wholeSeconds} s in all` : why;
  process.stderr.write(`${line.name}, seed ${seed}: ${peer} ${how}\n`);
};

/** A peer on a line, with the setting that suits it; `once` makes a transfer. */
async function cellOf(line, peer, once) {
  const { settings } = peer;
  const tried = [];
  for (const setting of settings.length > 1 ? settings : []) {
    const result = await once(peer, setting, 0);
    tried.push({ setting: setting.name, ...result });
    tell(line, 0, `${peer.name}, ${setting.name},`, result);
  }
  const setting = settings.length > 1 ? bestOf(settings, tried) : settings[0];
  return { peer, setting, tried, results: [], load: round(loadavg()[0]) };
}

/** All peers on one line, in turns within each seed. */
async function runLine(line, peers, runs, limitMs, library) {
  const once = (peer, setting, seed) => {
    const image = imageOf(seed, line.size);
    return transfer(peer, setting, { line, seed, image, limitMs: limitMs(peer, line), library });
  };
  const cells = [];
  for (const peer of peers) cells.push(await cellOf(line, peer, once));
  for (let seed = 1; seed <= runs; seed++) {
    // Each peer begins a round in turn, so that nothing that comes and goes meets the same one each time.
    for (const { peer, setting, results } of cells.map((_, i) => cells[(i + seed) % cells.length])) {
      if (results.length === FAILURES_MAX && results.every(({ ok }) => !ok)) continue;
      results.push(await once(peer, setting, seed));
      tell(line, seed, peer.name, results.at(-1));
    }
  }
  return cells;
}

/** A row of the record. A transfer that failed counts as a goodput of 0 in the medians. */
function rowOf(line, { peer, setting, tried, results, load }) {
  const share = (span) => results.map(({ ok, [span]: seconds }) => (ok ? lineMs(line) / 1000 / seconds : 0));
  const summary = (list) => ({ median: round(median(list)), lowest: round(Math.min(...list)) });
  return {
    line: line.name,
    peer: peer.name,
    setting: setting.name,
    byLine: summary(share("lineSeconds")),
    byWhole: summary(share("wholeSeconds")),
    exact: results.filter(({ ok }) => ok).length,
    runs: results.length,
    load,
    results,
    tried,
  };
}

/** `save` gets the record after each line. */
async function measure({ runs, peers, lines }, save) {
  const those = (line) => peers ?? peersOf(line);
  checkPrograms([...new Set(lines.flatMap(those))]);
  // The commit and the time of the start: the run takes long.
  const head = recordHead("peers", "virtual cable", []);
  const library = await drainLibrary();
  const cleanMs = new Map();
  const key = (peer, { baud, size }) => `${peer.name} ${baud} ${size}`;
  const limitMs = (peer, line) =>
    Math.max(LIMIT_MIN_MS, LIMIT_FACTOR * (cleanMs.get(key(peer, line)) ?? lineMs(line)));
  const rows = [];
  const recordOf = (done) => {
    const ok = rows.filter(({ peer }) => peer === MAYDAY.name).every((row) => row.exact === row.runs);
    return { ...head, ok, seeds: runs, lines: done, rows };
  };
  for (const line of lines) {
    for (const cell of await runLine(line, those(line), runs, limitMs, library)) {
      rows.push(rowOf(line, cell));
      const whole = cell.results.filter(({ ok }) => ok).map(({ wholeSeconds }) => wholeSeconds * 1000);
      // The first line of a rate and size is the clean one.
      if (whole.length > 0 && !cleanMs.has(key(cell.peer, line)))
        cleanMs.set(key(cell.peer, line), median(whole));
    }
    save(recordOf(lines.slice(0, lines.indexOf(line) + 1)));
  }
  return recordOf(lines);
}

await runBench(USAGE, async () => {
  const chosen = options();
  const save = (record) => {
    writeRecord(chosen.out, record, reportText(record));
    if (chosen.out !== undefined) writeFileSync(`${chosen.out}.svg`, pictureText(record));
  };
  const record =
    chosen.from === undefined ? await measure(chosen, save) : JSON.parse(readFileSync(chosen.from, "utf8"));
  process.stdout.write(reportText(record));
  save(record);
  return record.ok;
});
