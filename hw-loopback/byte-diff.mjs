// What happened to bytes on their way: which were lost, changed or added. Pure; used by uart-loopback.mjs.

/** Bytes that have to agree before two streams count as in step again. */
const SYNC_BYTES = 8;
/** How far around a difference the streams are searched for the place where they are in step again. */
const NEAR = 64;
/** The same for long gaps, which are pure losses or pure additions: a full tty of 4 KiB, several times. */
const FAR = 16_384;
/** Longest agreement that is measured to choose between two ways back into step. */
const AGREEMENT_MAX = 4096;
/** Differences that are kept to be shown. */
const SHOWN_MAX = 8;

/**
 * Compares what was sent with what was received (Buffers). Returns `lost`, `changed`, `extra` (bytes), `bitErrors` (in
 * changed bytes) and the first few differences. Always `received.length - sent.length === extra - lost`. Exact for the
 * differences of a usable line; a best guess where little agrees.
 */
export function compareBytes(sent, received) {
  if (sent.equals(received)) return newTally();
  const aligned = alignStreams(sent, received);
  if (sent.length !== received.length) return aligned;
  const inPlace = newTally();
  for (let i = 0; i < sent.length; i++) if (sent[i] !== received[i]) change(inPlace, i, sent[i], received[i]);
  return editsOf(inPlace) <= editsOf(aligned) ? inPlace : aligned;
}

/** Bytes that differ in any way. */
export function editsOf({ lost, changed, extra }) {
  return lost + changed + extra;
}

function newTally() {
  return { lost: 0, changed: 0, extra: 0, bitErrors: 0, firstDifferences: [] };
}

const hex = (byte) => byte.toString(16).padStart(2, "0");

function show(tally, difference) {
  if (tally.firstDifferences.length < SHOWN_MAX) tally.firstDifferences.push(difference);
}

function lose(tally, at, byte) {
  tally.lost += 1;
  show(tally, { at, sent: hex(byte) });
}

function add(tally, at, byte) {
  tally.extra += 1;
  show(tally, { at, received: hex(byte) });
}

function change(tally, at, byte, into) {
  tally.changed += 1;
  for (let bits = byte ^ into; bits !== 0; bits &= bits - 1) tally.bitErrors += 1;
  show(tally, { at, sent: hex(byte), received: hex(into) });
}

function alignStreams(sent, received) {
  const tally = newTally();
  let i = 0;
  let j = 0;
  while (i < sent.length || j < received.length) {
    if (i < sent.length && j < received.length && sent[i] === received[j]) {
      i += 1;
      j += 1;
      continue;
    }
    const [a, b] = untilInStep(sent, received, i, j);
    tallyWindow(tally, sent.subarray(i, i + a), received.subarray(j, j + b), i);
    i += a;
    j += b;
  }
  return tally;
}

/** How many bytes of each stream to take before both are in step again; at least one of them. */
function untilInStep(sent, received, i, j) {
  const [restSent, restReceived] = [sent.length - i, received.length - j];
  if (restSent === 0 || restReceived === 0) return [restSent, restReceived];
  if (restSent <= NEAR && restReceived <= NEAR) return [restSent, restReceived];
  const near = nearestStep(sent, received, i, j);
  if (near !== undefined) return near;
  const probe = 2 * SYNC_BYTES;
  if (restReceived >= probe) {
    const found = sent.subarray(i, i + FAR).indexOf(received.subarray(j, j + probe));
    if (found > 0) return [found, 0];
  }
  if (restSent >= probe) {
    const found = received.subarray(j, j + FAR).indexOf(sent.subarray(i, i + probe));
    if (found > 0) return [0, found];
  }
  return [Math.min(NEAR, restSent), Math.min(NEAR, restReceived)];
}

/** The smallest skip after which the streams agree; of equal ones that with the longest agreement (runs look alike). */
function nearestStep(sent, received, i, j) {
  for (let size = 1; size <= NEAR; size++) {
    let best;
    let longest = SYNC_BYTES - 1;
    const consider = (a, b) => {
      if (sent[i + a] !== received[j + b]) return;
      const agreement = agreementAt(sent, received, i + a, j + b);
      if (agreement > longest) {
        longest = agreement;
        best = [a, b];
      }
    };
    for (let other = size; other >= 0; other--) {
      consider(size, other);
      if (other < size) consider(other, size);
    }
    if (best !== undefined) return best;
  }
  return undefined;
}

function agreementAt(sent, received, i, j) {
  let length = 0;
  while (length < AGREEMENT_MAX && i + length < sent.length && sent[i + length] === received[j + length])
    length++;
  return length;
}

/** Adds the fewest edits that make one piece of the other (Levenshtein, preferring changes). */
function tallyWindow(tally, sent, received, at) {
  if (sent.length === 0) {
    for (const byte of received) add(tally, at, byte);
    return;
  }
  if (received.length === 0) {
    for (const [k, byte] of sent.entries()) lose(tally, at + k, byte);
    return;
  }
  const costs = editCosts(sent, received);
  const steps = [];
  let [i, j] = [sent.length, received.length];
  while (i > 0 || j > 0) {
    const here = costs[i][j];
    const isSame = i > 0 && j > 0 && sent[i - 1] === received[j - 1];
    if (i > 0 && j > 0 && costs[i - 1][j - 1] + (isSame ? 0 : 1) === here) {
      i -= 1;
      j -= 1;
      if (!isSame) steps.push({ edit: change, bytes: [at + i, sent[i], received[j]] });
    } else if (i > 0 && costs[i - 1][j] + 1 === here) {
      i -= 1;
      steps.push({ edit: lose, bytes: [at + i, sent[i]] });
    } else {
      j -= 1;
      steps.push({ edit: add, bytes: [at + i, received[j]] });
    }
  }
  for (const { edit, bytes } of steps.reverse()) edit(tally, ...bytes);
}

/** `costs[i][j]`: fewest edits from the first i bytes sent to the first j received. */
function editCosts(sent, received) {
  const costs = [Array.from({ length: received.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= sent.length; i++) {
    const above = costs[i - 1];
    const row = [i];
    for (let j = 1; j <= received.length; j++) {
      const isSame = sent[i - 1] === received[j - 1];
      row.push(Math.min(above[j - 1] + (isSame ? 0 : 1), above[j] + 1, row[j - 1] + 1));
    }
    costs.push(row);
  }
  return costs;
}
