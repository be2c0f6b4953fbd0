import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openScene, type Scene, type SceneNode, until } from "../cli/node/scene.ts";
import { bootedBytes, freePort } from "../cli/workbench.ts";

/** Real firmware from Debian packages. Its absence fails the test, and says how to get it. */
const UEFI = { path: "/usr/share/OVMF/OVMF_CODE_4M.fd", package: "ovmf", slotSize: 4_194_304 };
const LOADER = { path: "/usr/lib/u-boot/qemu_arm64/u-boot.bin", package: "u-boot-qemu", slotSize: 4_194_304 };

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

async function imageFor(name: string, { path, package: deb }: typeof UEFI, minor: number): Promise<string> {
  if (!existsSync(path)) throw new Error(`${path} is missing: apt-get install ${deb}`);
  return await scene.bench.image(name, "owner", { version: { major: 1, minor, patch: 0 } }, path);
}

async function startsWith(node: SceneNode, version: string): Promise<void> {
  const hasStarted = (): boolean =>
    node.events().some((event) => event.event === "booted" && event["version"] === version);
  await until(hasStarted, 60_000, () => JSON.stringify(node.events().slice(-5)));
}

/** Nodes of two boards, joined by TCP. */
async function startBoth(boards: readonly string[], settings: string): Promise<SceneNode[]> {
  const port = await freePort();
  const ends = [`tcp-listen:127.0.0.1:${port}`, `tcp:127.0.0.1:${port}`];
  return boards.map((board, i) => scene.node(board, ends.slice(i, i + 1), settings));
}

describe("large firmware of other kinds", () => {
  it("§36: UEFI firmware is put in the place of nothing, and a boot loader of other size over it in the only slot, byte for byte", async () => {
    const [uefi, loader] = [await imageFor("uefi", UEFI, 0), await imageFor("loader", LOADER, 1)];
    const geometry = { layout: "single", slotSize: UEFI.slotSize } as const;
    const blank = await scene.bench.board("large-b", undefined, geometry);
    const first = await startBoth(
      [await scene.bench.board("large-a", uefi, geometry), blank],
      "allow-single = true",
    );
    await Promise.all(first.map((node) => startsWith(node, "1.0.0")));
    await Promise.all(first.map((node) => node.stop()));
    expect(Buffer.compare(bootedBytes(blank), await readFile(UEFI.path))).toBe(0);

    const second = await startBoth(
      [await scene.bench.board("large-c", loader, geometry), blank],
      "allow-single = true",
    );
    await Promise.all(second.map((node) => startsWith(node, "1.1.0")));
    await Promise.all(second.map((node) => node.stop()));
    expect(Buffer.compare(bootedBytes(blank), await readFile(LOADER.path))).toBe(0);
  }, 180_000);
});
