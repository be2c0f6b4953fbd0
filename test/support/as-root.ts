import { chownSync } from "node:fs";
import { expect, test } from "vitest";
import { IS_ROOT } from "../two-users/other-user.ts";

/** A test that mounts file systems, makes namespaces or acts as another user. Without root it says that nothing was tested. */
export function asRoot(title: string, body: () => Promise<void> | void, timeoutMs?: number): void {
  if (IS_ROOT) test(title, { ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }) }, body);
  else {
    test(`${title} (needs root, and was not tested)`, () => {
      expect(() => chownSync(process.cwd(), 0, 0)).toThrow("EPERM");
    });
  }
}
