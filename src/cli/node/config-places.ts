import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import { shownUrl } from "../../base/shown-url.ts";

/** Path of a value in a configuration: names of keys, and indexes of arrays from 0. */
export type ConfigPath = readonly (string | number)[];

/** A place in a file. Line and column count from 1. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

/** Why text is not TOML. `path` is what stands at the place, as far as that is known. */
export interface TomlFault {
  readonly tag: "fault";
  readonly place: TextPlace;
  readonly path: ConfigPath;
  readonly message: string;
}

/** A table, without a prototype; or an array of tables. */
type Table = Record<string | number, unknown>;

/** Longest paths whose places are kept: `link[1].endpoint` has three parts, and nothing is deeper. */
const DEPTH_MAX = 3;
/** What the parser says where a key or a table stands twice; its errors have no codes. */
const GIVEN_TWICE = "Defining a key multiple times is invalid";
/** Other versions of TOML accept more, which other programs may not read. */
const TOML_VERSION = "1.0";
const START: TextPlace = { line: 1, column: 1 };

/** Reads TOML 1.0, with the places of its keys and values. */
export function parseConfig(text: string): ConfigDocument | TomlFault {
  try {
    const program = parseTOML(text, { tomlVersion: TOML_VERSION });
    return new ConfigDocument(program);
  } catch (error) {
    if (error instanceof ParseError) return faultOf(text, error);
    if (!(error instanceof RangeError)) throw error;
    return { tag: "fault", place: START, path: [], message: "arrays are nested too deeply" };
  }
}

/** "link[1].endpoint". */
export function fieldText(path: ConfigPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    const name = /^[\w-]+$/.test(part) ? part : JSON.stringify(part);
    return text === "" ? name : `${text}.${name}`;
  }, "");
}

/** A parsed configuration. */
export class ConfigDocument {
  readonly tag = "document";
  readonly value: Readonly<Record<string, unknown>>;
  readonly #keys: Map<string, TextPlace> = new Map();
  readonly #values: Map<string, TextPlace> = new Map();

  constructor(program: AST.TOMLProgram) {
    const root = emptyTable();
    for (const node of program.body[0].body) {
      if (node.type === "TOMLTable") {
        this.#addTable(node);
        fillTable(innerTable(root, node.resolvedKey), node.body);
      } else {
        this.#addPair([], node);
        fillTable(root, [node]);
      }
    }
    this.value = root;
  }

  /** Paths of all keys, the outer ones first; those deeper than the deepest known key are left out. */
  keys(): ConfigPath[] {
    return [...this.#keys.keys()].map((text) => JSON.parse(text) as ConfigPath);
  }

  /** Where a key stands; for one that is missing, where the table stands that it belongs in. */
  placeOfKey(path: ConfigPath): TextPlace {
    return this.#keys.get(JSON.stringify(path)) ?? this.placeOfValue(path);
  }

  /** Where a value stands; for one that is missing, where the array or table stands that it belongs in. */
  placeOfValue(path: ConfigPath): TextPlace {
    const found = this.#values.get(JSON.stringify(path));
    if (found !== undefined || path.length === 0) return found ?? START;
    return this.placeOfValue(path.slice(0, -1));
  }

  #addTable({ resolvedKey, key, body }: AST.TOMLTable): void {
    const place = startOf(key);
    for (const [i, part] of resolvedKey.entries()) {
      const path = resolvedKey.slice(0, i + 1);
      if (typeof part === "string") this.#add(this.#keys, path, place);
      this.#add(this.#values, path, place);
    }
    for (const pair of body) this.#addPair(resolvedKey, pair);
  }

  #addPair(table: ConfigPath, { key, value }: AST.TOMLKeyValue): void {
    let path = table;
    for (const part of key.keys) {
      path = [...path, nameOf(part)];
      this.#add(this.#keys, path, startOf(part));
      if (part !== key.keys.at(-1)) this.#add(this.#values, path, startOf(part));
    }
    this.#addValue(path, value);
  }

  #addValue(path: ConfigPath, value: AST.TOMLContentNode): void {
    if (path.length > DEPTH_MAX) return;
    this.#add(this.#values, path, startOf(value));
    if (value.type === "TOMLArray") {
      for (const [i, element] of value.elements.entries()) this.#addValue([...path, i], element);
    } else if (value.type === "TOMLInlineTable") {
      for (const pair of value.body) this.#addPair(path, pair);
    }
  }

  /** The first place counts: a table may be opened, and then be named by the headers of others. */
  #add(places: Map<string, TextPlace>, path: ConfigPath, place: TextPlace): void {
    if (path.length > DEPTH_MAX) return;
    const text = JSON.stringify(path);
    if (!places.has(text)) places.set(text, place);
  }
}

/**
 * The parser's own conversion assigns to objects with a prototype, so that a table `[__proto__]` would change that of
 * all objects of the process.
 */
function emptyTable(): Table {
  return Object.create(null) as Table;
}

function fillTable(table: Table, pairs: readonly AST.TOMLKeyValue[]): void {
  for (const { key, value } of pairs) {
    const names = key.keys.map(nameOf);
    innerTable(table, names.slice(0, -1))[names.at(-1) ?? ""] = plainValue(value);
  }
}

/** The table at a path, which is made where it is missing. The parser has refused paths through other values. */
function innerTable(table: Table, path: ConfigPath): Table {
  let at = table;
  for (const [i, part] of path.entries()) {
    at[part] ??= typeof path[i + 1] === "number" ? [] : emptyTable();
    at = at[part] as Table;
  }
  return at;
}

function plainValue(node: AST.TOMLContentNode): unknown {
  if (node.type === "TOMLArray") return node.elements.map(plainValue);
  if (node.type === "TOMLValue") return node.value;
  const table = emptyTable();
  fillTable(table, node.body);
  return table;
}

function nameOf(part: AST.TOMLBare | AST.TOMLQuoted): string {
  return part.type === "TOMLBare" ? part.name : part.value;
}

function startOf({ loc }: AST.TOMLNode): TextPlace {
  return { line: loc.start.line, column: loc.start.column + 1 };
}

function faultOf(text: string, error: ParseError): TomlFault {
  const { message } = error;
  const index = indexOf(text, error);
  const path = pathAt(text, index);
  const above = text.slice(0, index).split("\n");
  return {
    tag: "fault",
    place: { line: above.length, column: (above.at(-1)?.length ?? 0) + 1 },
    path,
    message:
      message === GIVEN_TWICE ? twiceText(path) : `not TOML: ${message}${quotesHint(lineAt(text, index))}`,
  };
}

/** The parser looks for a missing value on the lines that follow; the one that lacks it is meant. */
function indexOf(text: string, { index }: ParseError): number {
  const above = text.slice(0, index).trimEnd();
  return above.endsWith("=") && text.slice(above.length, index).includes("\n") ? above.length : index;
}

function twiceText(path: ConfigPath): string {
  const isLink = path.length === 1 && path[0] === "link";
  return `given twice; ${isLink ? "write [[link]] above each link" : "give it once"}`;
}

/** The key on the line of an index, below the table that the line is in. */
function pathAt(text: string, index: number): ConfigPath {
  const line = lineAt(text, index);
  const key = /^\s*(?:\[\s*){0,2}([\w.-]+)/.exec(line)?.[1]?.split(".") ?? [];
  if (line.trimStart().startsWith("[")) return key;
  try {
    const above = parseTOML(text.slice(0, lineStart(text, index)), { tomlVersion: TOML_VERSION });
    const table = above.body[0].body.findLast((node) => node.type === "TOMLTable");
    return [...(table?.resolvedKey ?? []), ...key];
  } catch {
    return key;
  }
}

/** Help for the most frequent mistake: `soak = 10m`. */
function quotesHint(line: string): string {
  const [, key, value = ""] = /^\s*([\w-]+)\s*=\s*([^\s"'[{#][^"'#]*?)\s*(?:#.*)?$/.exec(line) ?? [];
  return /[A-Za-z/]/.test(value)
    ? `; text stands in quotes: ${key} = ${JSON.stringify(shownUrl(value))}`
    : "";
}

function lineStart(text: string, index: number): number {
  return index === 0 ? 0 : text.lastIndexOf("\n", index - 1) + 1;
}

function lineAt(text: string, index: number): string {
  return /^[^\r\n]*/.exec(text.slice(lineStart(text, index)))?.[0] ?? "";
}
