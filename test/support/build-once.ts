import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Builds dist/ before any test runs: the tests of the command line run what users run. */
export default async function setup(): Promise<void> {
  try {
    await run("npm", ["run", "--silent", "build"], { cwd: new URL("../..", import.meta.url) });
  } catch (error) {
    const told = error instanceof Error && "stdout" in error ? String(error.stdout) : String(error);
    throw new Error(`the build failed, and with it every test of the command line:\n${told}`);
  }
}
