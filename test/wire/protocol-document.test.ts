import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { equalBytes } from "../../src/base/bytes.ts";
import { ENVELOPE_MAX, ENVELOPE_MIN } from "../../src/image/cose.ts";
import * as constants from "../../src/wire/constants.ts";
import { RUN_MAX } from "../../src/wire/line-code.ts";
import { vectorFile } from "../support/vector-file.ts";
import { bytesOf, HAVE_VECTORS, RATE_VECTORS, FRAME_VECTORS as WIRE_VECTORS } from "./wire-vectors.ts";

const FRAME_VECTORS = [...WIRE_VECTORS, ...RATE_VECTORS.frames, ...HAVE_VECTORS.frames];

const ROOT = new URL("../../", import.meta.url);
const TEXT = readFileSync(new URL("docs/PROTOCOL.md", ROOT), "utf8");

/** The lines of the section with this number, subsections among them. */
function section(number: string): string[] {
  const lines = TEXT.split("\n");
  const start = lines.findIndex((line) => new RegExp(`^#+ ${number} `).test(line));
  if (start < 0) throw new Error(`PROTOCOL.md has no section ${number}`);
  const depth = lines[start]?.indexOf(" ") ?? 0;
  const end = lines.findIndex((line, i) => i > start && /^#+ /.test(line) && line.indexOf(" ") <= depth);
  return lines.slice(start, end < 0 ? undefined : end);
}

/** Rows of the tables in these lines that begin with a name in back quotes: name and the cells after it. */
function namedRows(lines: readonly string[]): [name: string, cells: string[]][] {
  return lines.flatMap((line): [string, string[]][] => {
    const [name, ...cells] = line.split("|").slice(1, -1);
    const match = /^`([A-Za-z_.-]+)`$/.exec(name?.trim() ?? "");
    return match?.[1] === undefined ? [] : [[match[1], cells.map((cell) => cell.trim())]];
  });
}

const headings = new Set([...TEXT.matchAll(/^#+ (\d+(?:\.\d+)?) /gm)].map((match) => match[1]));

/** All numbers of the wire, those of tables as "Table.name". */
function exported(): [string, number][] {
  return Object.entries({ ...constants, RUN_MAX }).flatMap(([name, value]): [string, number][] => {
    if (typeof value === "number") return [[name, value]];
    if (typeof value !== "object") return [];
    return Object.entries(value).map(([key, number]) => [`${name}.${key}`, number]);
  });
}

function sources(folder: string): string[] {
  const url = new URL(`src/${folder}/`, ROOT);
  const names = readdirSync(url, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts"),
  );
  return names.map((name) => readFileSync(new URL(name, url), "utf8"));
}

describe("PROTOCOL.md", () => {
  it("prints every constant of the wire, and no other, with its value (section 11)", () => {
    const rows = namedRows(section("11"));
    const printed = rows.map(([name, cells]): [string, number] => [name, Number(cells[0])]);
    expect(printed.length).toBeGreaterThan(80);
    expect(new Set(printed.map(([name]) => name)).size).toBe(printed.length);
    expect(Object.fromEntries(printed)).toEqual(Object.fromEntries(exported()));
  });

  it("says of a manifest how long its envelope and the object around it may be, each in one place", () => {
    const { CHUNK_UNIT, MANIFEST_MAX } = constants;
    expect(MANIFEST_MAX).toBe(Math.ceil(ENVELOPE_MAX / CHUNK_UNIT) * CHUNK_UNIT);
    const text = TEXT.replace(/\s+/g, " ");
    expect(text).toContain(`An envelope of version 1 has at most ${ENVELOPE_MAX} bytes`);
    expect(text).toContain(`may have up to ${MANIFEST_MAX} (\`MANIFEST_MAX\`)`);
    expect(text).toContain(`An envelope has ${ENVELOPE_MIN} to ${ENVELOPE_MAX} bytes`);
    expect(text).toContain(`bytes of the envelope, ${ENVELOPE_MIN} to ${ENVELOPE_MAX} |`);
  });

  it.each([
    ["the timers and limits of the reference", "6.4", ["link", "session"], 30],
    ["how versions spread", "6.7", ["mesh"], 15],
  ])("prints %s as in the code (section %s)", (_, number, folders, least) => {
    const code = folders.flatMap(sources).join("\n");
    const rows = namedRows(section(number));
    expect(rows.length).toBeGreaterThan(least);
    for (const [name, cells] of rows) {
      const found = new RegExp(`^(?:export )?const ${name}(?:: \\w+)? = ([\\d_. *]+);`, "m").exec(code);
      const factors = found?.[1]?.replaceAll("_", "").split("*").map(Number) ?? [];
      const value = factors.length === 0 ? undefined : factors.reduce((product, factor) => product * factor);
      expect(`${name} = ${value}`).toBe(`${name} = ${cells[0]}`);
    }
  });

  it("cites sections that exist in its tables", () => {
    for (const [name, cells] of [...namedRows(section("11")), ...namedRows(section("6.4"))]) {
      const cited = cells.at(-1) ?? "";
      if (/^[789]/.test(cited)) continue;
      expect(`${name}: ${headings.has(cited) ? "found" : cited}`).toBe(`${name}: found`);
    }
  });

  it("has every section that the code of the wire, the link, the session and the mesh cites", () => {
    const missing = ["wire", "link", "session", "mesh"].flatMap((folder) =>
      sources(folder).flatMap((text) =>
        [...text.matchAll(/PROTOCOL\.md[\s*]+(?:section )?(\d+(?:\.\d+)?)/g)]
          .map((match) => match[1] ?? "")
          .filter((cited) => !/^[789]/.test(cited) && !headings.has(cited)),
      ),
    );
    expect(missing).toEqual([]);
  });

  it("shows only frames that are vectors, and one of each kind but data", () => {
    const { frames: coded } = vectorFile<{ frames: readonly { readonly wireHex: string }[] }>("fec-v1.json");
    const blocks = [...TEXT.matchAll(/```hex\n([^`]*)```/g)].map((match) => match[1]?.trim() ?? "");
    const isCoded = (hex: string): boolean =>
      coded.some(({ wireHex }) => equalBytes(bytesOf(wireHex), bytesOf(hex)));
    expect(blocks.filter(isCoded)).toHaveLength(1);
    const shown = blocks
      .filter((hex) => !isCoded(hex))
      .map((hex) => {
        const bytes = bytesOf(hex);
        const vector = FRAME_VECTORS.find(
          (candidate) =>
            Buffer.compare(candidate.bytes, bytes) === 0 || Buffer.compare(candidate.wire, bytes) === 0,
        );
        return vector?.frame.tag ?? expect.fail(`no vector: ${Buffer.from(bytes).toString("hex")}`);
      });
    const kinds = new Set<string>(FRAME_VECTORS.map(({ frame }) => frame.tag));
    // A beacon is laid out as a distress, which is shown.
    kinds.delete("beacon");
    expect(new Set(shown)).toEqual(kinds);
  });

  it("gives each frame's length as its layout table adds up to", () => {
    // Fixed-size frames only: the last row of the table is the CRC, at the frame's length less 4.
    const fixed: Readonly<Record<string, string>> = {
      query: "5.1",
      distress: "5.2",
      offer: "5.3",
      accept: "5.4",
      standDown: "5.5",
      refuse: "5.7",
      bye: "5.8",
      ack: "4.3",
      probe: "4.4",
      busy: "5.11",
      done: "5.12",
      later: "5.13",
      doneAck: "5.14",
      defer: "5.15",
      none: "5.16",
      rate: "5.17",
      rateOk: "5.18",
    };
    for (const [tag, number] of Object.entries(fixed)) {
      const vector = FRAME_VECTORS.find(({ frame }) => frame.tag === tag) ?? expect.fail(tag);
      const rows = section(number).flatMap((line) => /^\| (\d+) \| (\d+) \| (.*) \|$/.exec(line) ?? []);
      const cells = rows.filter((_, i) => i % 4 !== 0);
      const fields: [number, number][] = [];
      for (let i = 0; i < cells.length; i += 3) fields.push([Number(cells[i]), Number(cells[i + 1])]);
      let at = 0;
      for (const [offset, length] of fields) {
        expect(`${tag}: field at ${offset}`).toBe(`${tag}: field at ${at}`);
        at += length;
      }
      expect(`${tag}: ${at} bytes`).toBe(`${tag}: ${vector.bytes.length} bytes`);
    }
  });
});
