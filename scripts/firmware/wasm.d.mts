/** The path of a module of the C side; `defines` are macros of its configuration. */
export function buildModule(name: string, defines?: readonly string[]): string;
