import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { storySvg } from "../../../src/sim/many/story-svg.ts";
import { escapeXml, fixed } from "../../../src/sim/many/svg-text.ts";
import { TIME_COLOURS, timeStep } from "../../../src/sim/many/time-colours.ts";
import { TOPOLOGY_KINDS } from "../../../src/sim/many/topologies.ts";
import { lineStory, spreadTo, waveStory } from "./story-fixtures.ts";

const TAG = /^<(\/?)([a-zA-Z]+)((?: [a-zA-Z][a-zA-Z0-9:-]*="[^"<&]*(?:&#\d+;[^"<&]*)*")*)(\/?)>/;
const TEXT = /^(?:[^<>&]|&#\d+;)+/;

/** Names of all elements, in order; throws where the text is not XML of balanced elements with one root. */
function elementsOf(xml: string): string[] {
  const names: string[] = [];
  const open: string[] = [];
  for (let rest = xml.trimEnd(); rest !== ""; ) {
    const [all = "", closes, name = "", attributes = "", isEmpty] = TAG.exec(rest) ?? TEXT.exec(rest) ?? [];
    if (all === "") throw new Error(`not XML: ${rest.slice(0, 60)}`);
    if (name === "" && open.length === 0) throw new Error(`text outside of the root: ${all.slice(0, 60)}`);
    const keys = [...attributes.matchAll(/ ([^ =]+)="/g)].map(([, key]) => key);
    if (new Set(keys).size !== keys.length) throw new Error(`an attribute twice: ${all}`);
    if (closes === "/" && open.pop() !== name) throw new Error(`closes what is not open: ${all}`);
    if (name !== "" && closes === "") {
      if (open.length === 0 && names.length > 0) throw new Error(`a second root: ${all}`);
      names.push(name);
      if (isEmpty === "") open.push(name);
    }
    rest = rest.slice(all.length);
  }
  if (open.length > 0) throw new Error(`left open: ${open}`);
  return names;
}

function count(svg: string, name: string): number {
  return elementsOf(svg).filter((element) => element === name).length;
}

describe("the check for XML", () => {
  it.each([
    "<a><b></a></b>",
    "<a>",
    "<a/><b/>",
    "<a>&</a>",
    "<a>1 < 2</a>",
    '<a b="1" b="2"/>',
    "x<a/>",
    "<a b=1/>",
  ])("refuses %s", (xml) => {
    expect(() => elementsOf(xml)).toThrow();
  });
});

describe("the picture of a story", () => {
  it.each(TOPOLOGY_KINDS)(
    "of the kind %s is well-formed, with a circle and a title for each board",
    (kind) => {
      const svg = storySvg(waveStory(kind, 31));
      expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 800 \d+" /);
      expect(svg.match(/<circle [^>]*><title>/g)).toHaveLength(31);
      expect(count(svg, "title")).toBe(32);
      expect(svg).toMatch(/>31 boards, 30 of them unbootable, healed in [\d.]+ s by one neighbour<\/text>/);
    },
  );

  it("draws an arrow in the colour of its time, from one board to the other", () => {
    const svg = storySvg(lineStory({ spreads: [spreadTo(2, 1, 10), spreadTo(1, 0, 0.1)] }));
    const arrows = [...svg.matchAll(/<path stroke="(#\w+)" fill="#\w+" stroke-width="[\d.]+" d="([^"]*)"/g)];
    expect(arrows.map(([, colour]) => colour)).toEqual([TIME_COLOURS[0], TIME_COLOURS.at(-1)]);
    const xs = arrows.map(([, , d = ""]) => [...d.matchAll(/[ML]([\d.]+) /g)].map(([, x]) => Number(x)));
    const [first = [], second = []] = xs;
    expect(first[0]).toBeLessThan(Math.max(...first));
    expect(second[0]).toBeGreaterThan(Math.max(...first));
  });

  it("draws a ring around boards that were broken, and fills the source in a colour of its own", () => {
    const svg = storySvg(lineStory({ spreads: [spreadTo(1, 0, 1)] }));
    const boards = svg.match(/<circle [^>]*><title>[^<]*/g) ?? [];
    expect(boards.map((board) => / stroke="#c92a2a"/.test(board))).toEqual([false, true, true, true]);
    expect(boards.map((board) => /fill="([^"]*)"/.exec(board)?.[1])).toEqual([
      "#f76707",
      TIME_COLOURS.at(-1),
      "#ffffff",
      "#ffffff",
    ]);
    expect(svg).toContain(">not healed</text>");
    expect(storySvg(lineStory())).not.toContain(">not healed</text>");
  });

  it("tells boards that were not updated from the one that had the version", () => {
    const spreads = [spreadTo(1, 0, 1, "update")];
    const svg = storySvg(lineStory({ brokenAtStart: [], spreads }));
    expect(svg).toContain("<title>board 0, bootable from the start</title>");
    expect(svg).toContain("<title>board 3, not updated</title>");
    expect(svg).toContain(">share of boards updated</text>");
  });

  it("shows the command that gives it again, without flags that are off", () => {
    const svg = storySvg(lineStory({ options: { size: "64K", update: false, faults: true, loss: 0.05 } }));
    expect(svg).toContain(
      ">mayday sim --topology line --nodes 4 --seed 7 --size 64K --faults --loss 0.05</text>",
    );
  });

  it("needs nothing from elsewhere and runs nothing", () => {
    const svg = storySvg(waveStory("random", 60));
    expect(svg).not.toMatch(/<(script|style|image|use|a|foreignObject)\b|href|@import|url\((?!#)| on\w+=/);
    expect(svg.match(/https?:[^"]*/g)).toEqual(["http://www.w3.org/2000/svg"]);
    expect(svg).toContain('font-family="system-ui, sans-serif"');
  });

  it("stands on a ground of its own with round corners", () => {
    const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(storySvg(lineStory())) ?? [];
    expect(storySvg(lineStory())).toContain(
      `<rect x="0.5" y="0.5" width="${Number(width) - 1}" height="${Number(height) - 1}" rx="12"`,
    );
  });

  it("is the same byte for byte, in whichever order the spreads are given", () => {
    const story = waveStory("random", 60);
    expect(storySvg({ ...story, spreads: story.spreads.toReversed() })).toBe(
      storySvg(waveStory("random", 60)),
    );
  });

  it.each([60, 2001])("has numbers of few digits only, at %i boards", (nodes) => {
    const svg = storySvg(waveStory("random", nodes));
    expect(svg).not.toMatch(/\d\.\d{4,}|NaN|Infinity|undefined|-0(\.0+)?[^\d.]|e-\d/);
  });

  it.each([
    ["without spreads", lineStory({ spreads: [] })],
    ["of one board", waveStory("line", 1)],
    ["of nothing at no time", lineStory({ spreads: [], brokenAtStart: [], endedAt: 0 })],
    ["of a spread at the start", lineStory({ spreads: [spreadTo(1, 0, 0)] })],
    ["of both causes", lineStory({ spreads: [spreadTo(1, 0, 1), spreadTo(1, 0, 2, "update")] })],
  ])("is well-formed %s", (_, story) => {
    const svg = storySvg(story);
    elementsOf(svg);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  it("stays below 2 MB at 10,000 boards, as one dot for each and no links", () => {
    for (const kind of TOPOLOGY_KINDS) {
      const svg = storySvg(waveStory(kind, 10_000));
      expect(svg.length).toBeLessThan(2_000_000);
      expect(svg.match(/M[\d.]+ [\d.]+h0/g)).toHaveLength(10_000);
      expect(count(svg, "circle")).toBeLessThan(5);
    }
  });

  it("draws links up to 2,000 boards", () => {
    expect(storySvg(waveStory("grid", 2000)).match(/<circle [^>]*><title>/g)).toHaveLength(2000);
    expect(storySvg(waveStory("grid", 2001))).not.toMatch(/<circle [^>]*><title>/);
  });

  property.prop([fc.string({ unit: "binary" }), fc.string({ unit: "binary" })], { seed: 1, numRuns: 30 })(
    "is well-formed whatever its options and broken rules say",
    (value, violation) => {
      elementsOf(storySvg(lineStory({ options: { "<size>": value }, violations: [violation] })));
    },
  );
});

describe("text in XML", () => {
  it("has no character with a meaning in XML, and none that XML does not have", () => {
    expect(escapeXml(`a <b> & "c" 'd'`)).toBe("a &#60;b&#62; &#38; &#34;c&#34; &#39;d&#39;");
    expect(escapeXml("a\u0000b\u001bc\ud800d\uffffe")).toBe("a\ufffdb\ufffdc\ufffdd\ufffde");
    expect(escapeXml("tab\tß 板 🛟")).toBe("tab\tß 板 🛟");
  });

  it("writes zero without a sign", () => {
    expect([fixed(-0.04), fixed(-0.06), fixed(1 / 3, 2), fixed(12)]).toEqual(["0.0", "-0.1", "0.33", "12.0"]);
  });
});

describe("the colours of time", () => {
  /** Lightness in OKLab (Ottosson 2020). */
  function lightness(colour: string): number {
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
      const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return 0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s;
  }

  it("become darker in even steps", () => {
    const all = TIME_COLOURS.map(lightness);
    const steps = all.slice(1).map((value, i) => (all[i] ?? 0) - value);
    expect(Math.min(...steps)).toBeGreaterThan(0.035);
    expect(Math.max(...steps)).toBeLessThan(0.041);
  });

  it("cover the time from 0 to the last", () => {
    expect([0, 0.99, 1, 15.9, 16, 99, -1].map((at) => timeStep(at, 16))).toEqual([0, 0, 1, 15, 15, 15, 0]);
    expect(timeStep(0, 0)).toBe(15);
  });
});
