/** Signals that end or tell a command; by default they end a process without a word. */
const NAMES: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** What came before the command could take it. The program and what starts it are two bundles: they share it by this name. */
interface Held {
  readonly came: NodeJS.Signals[];
  readonly note: (name: NodeJS.Signals) => void;
}
const KEY = Symbol.for("mayday.early-signals");
const shared = globalThis as { [KEY]?: Held };

/** Keeps signals from ending the process while the program is loaded, which takes 0.1 to 0.5 s. */
export function holdSignals(): void {
  const came: NodeJS.Signals[] = [];
  const note = (name: NodeJS.Signals): void => void came.push(name);
  for (const name of NAMES) process.on(name, note);
  shared[KEY] = { came, note };
}

/** The signals that were held, in their order; from now on none is. Call it when those who take them listen. */
export function takeHeldSignals(): readonly NodeJS.Signals[] {
  const held = shared[KEY];
  if (held === undefined) return [];
  for (const name of NAMES) process.off(name, held.note);
  delete shared[KEY];
  return held.came;
}
