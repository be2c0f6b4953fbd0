// A plugin for StrykerJS: leaves out text for people. Tests match codes and never messages (CONTRIBUTING.md, "Rules"), so
// a changed message must survive. Codes, tags and names of reasons are mutated like everything else: they stand at other
// places, and none has a space in it.
const MESSAGE_CALLS = new Set(["assert", "fault", "fail", "refuse", "manifestFault", "#fail"]);
const MESSAGE_NAMES = new Set(["message", "detail"]);

/** Name of what is called: `f(...)`, `x.f(...)`, `this.#f(...)`. */
function calleeName({ callee }) {
  if (callee.type === "Identifier") return callee.name;
  if (callee.type !== "MemberExpression") return "";
  return callee.property.type === "PrivateName" ? `#${callee.property.id.name}` : callee.property.name;
}

/** The text of a literal, with nothing for what a template puts in. */
const textOf = (node) =>
  node.type === "StringLiteral" ? node.value : node.quasis.map(({ value }) => value.cooked).join("");

/** Whether a literal is words, or stands where only a message can stand: behind the code, or under a name of text. */
function isMessage({ node, parent, listKey, key }) {
  if (node.type !== "StringLiteral" && node.type !== "TemplateLiteral") return false;
  if (textOf(node).includes(" ")) return true;
  if (listKey === "arguments" && key > 0) {
    const name = calleeName(parent);
    return parent.type === "NewExpression" ? name.endsWith("Error") : MESSAGE_CALLS.has(name);
  }
  if (parent.type === "VariableDeclarator") return MESSAGE_NAMES.has(parent.id.name);
  return parent.type === "ObjectProperty" && key === "value" && MESSAGE_NAMES.has(parent.key.name);
}

export const strykerPlugins = [
  {
    kind: "Ignore",
    name: "messages",
    value: { shouldIgnore: (path) => (isMessage(path) ? "text for people" : undefined) },
  },
];
