// The record of the comparison as a picture: goodput against the rate of bit errors, a curve a peer.
const WIDTH = 720;
const HEIGHT = 400;
const PLOT = { left: 56, right: 590, top: 36, bottom: 348 };
/** By place in the record; each can be told from the others by people who see fewer colours. */
const COLOURS = ["#d55e00", "#0072b2", "#009e73", "#cc79a7", "#999933"];
const LABEL_GAP = 20;

const y = (share) => PLOT.bottom - share * (PLOT.bottom - PLOT.top);
const px = (value) => value.toFixed(1);

/** Points with errors by the logarithm of their rate; the clean line stands apart at the left. */
function xScale(rates) {
  const logs = rates.filter((rate) => rate > 0).map(Math.log10);
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  const left = PLOT.left + 70;
  const span = high === low ? 1 : high - low;
  return (rate) =>
    rate === 0 ? PLOT.left + 16 : left + ((Math.log10(rate) - low) / span) * (PLOT.right - left);
}

function grid(rates, x) {
  const across = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<path class="grid" d="M${PLOT.left} ${px(y(share))}H${PLOT.right}"/><text x="${PLOT.left - 8}" y="${px(y(share) + 4)}" text-anchor="end">${share * 100} %</text>`,
  );
  const down = rates.map(
    (rate) =>
      `<path class="grid" d="M${px(x(rate))} ${PLOT.top}V${PLOT.bottom}"/><text x="${px(x(rate))}" y="${PLOT.bottom + 18}" text-anchor="middle">${rate === 0 ? "none" : rate.toExponential()}</text>`,
  );
  const middle = (PLOT.left + PLOT.right) / 2;
  return [
    ...across,
    ...down,
    `<text x="${middle}" y="${PLOT.bottom + 42}" text-anchor="middle">bit errors</text>`,
  ];
}

/** An SVG that is readable on light and on dark; it draws the lines that name a rate of bit errors. */
export function pictureText({ lines, rows }) {
  const points = lines.filter(({ ber }) => ber !== undefined).toSorted((a, b) => a.ber - b.ber);
  const rates = points.map(({ ber }) => ber);
  const x = xScale(rates);
  const curves = [...new Set(rows.map(({ peer }) => peer))].map((peer, i) => {
    const shares = points.flatMap(({ name, ber }) => {
      const row = rows.find((candidate) => candidate.peer === peer && candidate.line === name);
      return row === undefined ? [] : [{ at: x(ber), share: row.byLine.median }];
    });
    return { peer, colour: COLOURS[i % COLOURS.length], shares };
  });
  const drawn = curves.filter(({ shares }) => shares.length > 0);
  const lineOf = ({ colour, shares, peer }) => {
    const path = shares.map(({ at, share }) => `${px(at)} ${px(y(share))}`).join("L");
    const dots = shares.map(
      ({ at, share }) => `<circle cx="${px(at)}" cy="${px(y(share))}" r="3.5" fill="${colour}"/>`,
    );
    const width = peer === "mayday" ? 3 : 1.8;
    return `<path d="M${path}" fill="none" stroke="${colour}" stroke-width="${width}"/>${dots.join("")}`;
  };
  const names = drawn.map(
    ({ peer, colour }, i) =>
      `<text x="${PLOT.right + 12}" y="${PLOT.top + 12 + i * LABEL_GAP}" style="fill:${colour};font-weight:600">${peer}</text>`,
  );
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Goodput against bit errors">`,
    "<style>text{font:13px sans-serif;fill:#57606a}.grid{stroke:#8888;stroke-width:.6;fill:none}@media(prefers-color-scheme:dark){text{fill:#9ba4ae}}</style>",
    `<text x="${PLOT.left}" y="${PLOT.top - 10}">goodput, share of the line rate</text>`,
    ...grid(rates, x),
    ...drawn.map(lineOf).toReversed(),
    ...names,
    "</svg>",
  ].join("\n")}\n`;
}
