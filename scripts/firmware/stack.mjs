// The deepest stack of a call graph, from what gcc writes with -fcallgraph-info=su (files .ci).
import { readFileSync } from "node:fs";

/** What a call by pointer may reach, by the name of the member that is called. Functions of a port have a stack of their own. */
const BY_MEMBER = {
  begin: ["sha256.c:begin"],
  add: ["sha256.c:add"],
  end: ["sha256.c:end"],
};
/** Members that call the integrator's functions, which are not counted here; `verify` is measured by itself. */
const OF_PORT =
  "now_ms tx flash_read flash_erase flash_program verify random watchdog floor_read floor_raise send_frame read".split(
    " ",
  );
/** Helpers of libc and the compiler on Cortex-M3, rounded up; none of them calls further ones. */
const HELPERS = { memcpy: 16, memset: 16, memmove: 16, memcmp: 16, __: 64 };

const nameOf = (title) => title.replace(/^.*\/(?=[^/]+\.c:)/, "");

/** Reads the graphs. @returns {Map<string, { bytes: number, calls: string[] }>} */
export function readGraph(files) {
  const graph = new Map();
  const edges = [];
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    for (const [, title, label] of text.matchAll(/^node: { title: "([^"]*)" label: "([^"]*)"/gm)) {
      const [, bytes, kind] = /(\d+) bytes \((\w+)/.exec(label) ?? [];
      if (bytes === undefined) continue;
      if (kind !== "static") throw new Error(`the stack of ${title} depends on its input: ${label}`);
      graph.set(nameOf(title), { bytes: Number(bytes), calls: [] });
    }
    for (const [, from, to, where] of text.matchAll(
      /^edge: { sourcename: "([^"]*)" targetname: "([^"]*)" label: "([^"]*)"/gm,
    ))
      edges.push({ from: nameOf(from), to: nameOf(to), where });
  }
  for (const { from, to, where } of edges)
    graph.get(from)?.calls.push(...(to === "__indirect_call" ? pointedTo(where) : [to]));
  if (graph.size === 0) throw new Error("the call graph has no function");
  return graph;
}

/** The functions that a call by pointer in this place may reach. */
function pointedTo(where) {
  const [, file, row, column] = /^(.*):(\d+):(\d+)$/.exec(where) ?? [];
  const line = readFileSync(file, "utf8").split("\n")[Number(row) - 1] ?? "";
  const [, member] = /(\w+)\s*\($/.exec(upToParenthesis(line, Number(column) - 1)) ?? [];
  if (member !== undefined && OF_PORT.includes(member)) return [];
  const found = BY_MEMBER[member];
  if (found === undefined)
    throw new Error(`${where}: who is called? Add "${member}" to scripts/firmware/stack.mjs: ${line.trim()}`);
  return found;
}

/** The call that gcc points at: its column is that of the called expression or of a part of it. */
function upToParenthesis(line, column) {
  return line.slice(0, line.indexOf("(", column) + 1);
}

/** The deepest chain from a function. @returns {{ bytes: number, chain: string[] }} */
export function deepest(graph, from) {
  const known = new Map();
  const open = new Set();
  const visit = (name) => {
    const kept = known.get(name);
    if (kept !== undefined) return kept;
    if (open.has(name)) throw new Error(`${name} calls itself: ${[...open].join(" > ")}`);
    const node = graph.get(name);
    if (node === undefined) return outside(name);
    open.add(name);
    let best = { bytes: 0, chain: [] };
    for (const callee of node.calls) {
      const below = visit(callee);
      if (below.bytes > best.bytes) best = below;
    }
    open.delete(name);
    const result = { bytes: node.bytes + best.bytes, chain: [`${name} ${node.bytes}`, ...best.chain] };
    known.set(name, result);
    return result;
  };
  return visit(from);
}

function outside(name) {
  const bytes = HELPERS[name] ?? (name.startsWith("__") ? HELPERS.__ : undefined);
  if (bytes === undefined) throw new Error(`the call graph has no ${name}, and it is no known helper`);
  return { bytes, chain: [`${name} ${bytes}`] };
}

/** The deepest of all functions whose name matches. */
export function deepestOf(graph, pattern = /^mayday_/) {
  const roots = [...graph.keys()].filter((name) => pattern.test(name));
  if (roots.length === 0) throw new Error(`the call graph has no function ${pattern}`);
  const all = roots.map((name) => deepest(graph, name));
  return all.reduce((best, next) => (next.bytes > best.bytes ? next : best));
}
