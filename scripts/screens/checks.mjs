// What is wrong with a screen: rubbish, bars that are cut, left over or in the wrong place, and names that do not belong there.

/** A bar from its label to its end, as one line. */
const BAR = /^(\S{1,16}) \[(?:[=-]{4}|[=-]{16})\] (\d{1,3})% (\d+)\/(\d+) blocks(?:, [\w.% /]+)*$/;
/** Something of a bar. */
const PIECE = /[=-]{4,}\]|\[[=-]{4,}|\d% \d+\/|\d+\/\d+ blocks/;
/** Controls that a terminal would show as they are, and pieces of escape sequences. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are looked for.
const RUBBISH = /[\u0000-\u001f\u007f-\u009f\u00b7\ufffd]|\[\d+(?:;\d+)*[A-Za-z]|\[\?\d+[hl]/;
/** An id or a digest, as people see them. */
const ID = /\b(?=[0-9a-f]*\d)[0-9a-f]{8}\b/g;

/** The bars of a screen: label and percentage. */
export function barsOf({ lines }) {
  return lines.flatMap((line) => {
    const bar = BAR.exec(line);
    return bar === null ? [] : [{ label: bar[1], percent: Number(bar[2]) }];
  });
}

function barFaults({ lines, columns }, isOver) {
  const faults = [];
  const labels = new Set();
  const bars = barsOf({ lines });
  for (const [i, line] of lines.entries()) {
    if (!PIECE.test(line)) continue;
    const bar = BAR.exec(line);
    if (bar === null) faults.push(`a piece of a bar: ${line}`);
    else if (line.length > columns) faults.push(`a bar wider than the terminal: ${line}`);
    else if (Number(bar[2]) === 100) continue;
    else if (isOver) faults.push(`a bar that was left: ${line}`);
    else if (labels.has(bar[1])) faults.push(`a second bar of ${bar[1]}: ${line}`);
    else if (lines.slice(i + 1).some((below) => below !== "" && !BAR.test(below)))
      faults.push(`text below a bar: ${line}`);
    if (bar !== null) labels.add(bar[1]);
  }
  return bars.length > 4 ? [...faults, `${bars.length} bars`] : faults;
}

/**
 * What is wrong with a screen. `isOver`: no transfer runs. `code`: how the last command
 * ended. `shows`: texts that have to be there, as written. `ids`: those that may be
 * on the screen; an object: by what a line begins with.
 */
export function faultsOf(screen, { isOver = true, code, shows = [], ids = [] }) {
  const { rows, lines } = screen;
  const text = lines.join("\n");
  const allowed = (line) =>
    Array.isArray(ids)
      ? ids
      : Object.entries(ids).flatMap(([head, list]) => (line.startsWith(head) ? list : []));
  return [
    ...rows.filter((row) => RUBBISH.test(row)).map((row) => `rubbish: ${JSON.stringify(row)}`),
    ...(code === undefined || code === screen.code ? [] : [`exit ${screen.code} instead of ${code}`]),
    ...barFaults(screen, isOver),
    ...shows.filter((shown) => !text.includes(shown)).map((shown) => `not there: ${shown}`),
    ...lines.flatMap((line) =>
      (line.match(ID) ?? [])
        .filter((id) => !allowed(line).includes(id))
        .map((id) => `unknown ${id}: ${line}`),
    ),
  ];
}
