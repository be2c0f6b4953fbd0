// Preloaded into a command: the package BROKEN_ADDON cannot be loaded, with the message BROKEN_HOW.
import Module, { register } from "node:module";

const { BROKEN_ADDON: name, BROKEN_HOW: how = "" } = process.env;
const load = Module._load;
Module._load = (wanted, ...rest) => {
  if (wanted === name) throw new Error(how);
  return load(wanted, ...rest);
};
const broken = `data:text/javascript,throw new Error(${encodeURIComponent(JSON.stringify(how))})`;
const hook = `export const resolve = (wanted, context, next) =>
  wanted === ${JSON.stringify(name)} ? { url: ${JSON.stringify(broken)}, shortCircuit: true } : next(wanted, context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
