import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openScene, type Scene, statusOf, until } from "../cli/node/scene.ts";
import { bootOf, freePort } from "../cli/workbench.ts";
import { runCli, startCli } from "../support/cli.ts";
import { openNginx } from "../support/nginx.ts";

let scene: Scene;
const at = (name: string): string => scene.bench.path(name);
beforeAll(async () => {
  scene = await openScene();
  for (const name of ["v10", "v11"])
    expect((await runCli(["repo", "add", at(`${name}.mdy`), "--repo", at("owners")])).code).toBe(0);
});
afterAll(() => scene.close());

async function publish(): Promise<void> {
  const flags = ["--repo", at("owners"), "--out", at("www"), "--key", at("owner.key")];
  expect((await runCli(["repo", "publish", ...flags])).code).toBe(0);
}

describe("a repository of images on a web server", () => {
  it("C18 F1.10 F3.5: fills the folder of a responder, which heals a board with the image that fits it", async () => {
    await publish();
    const web = await freePort();
    const nginx = await openNginx({ dir: at("nginx"), root: at("www"), port: web });
    const line = await freePort();
    const blank = await scene.bench.board("blank", undefined, { layout: "ab" });
    const config = at("responder.toml");
    const network = `[network]\nindex = "http://127.0.0.1:${web}/"\ntrust = ["owner.pub"]\nallow-addresses = ["127.0.0.1"]\n`;
    const link = `[[link]]\nendpoint = "tcp-listen:127.0.0.1:${line}"\n`;
    await writeFile(config, `repository = "pulled"\nsocket = "responder.sock"\n${network}${link}`);
    const responder = startCli(["node", "--config", config, "--json"], { limitMs: 60_000 });
    try {
      const node = scene.node(blank, [`tcp:127.0.0.1:${line}`]);
      await until(
        () => node.events().some((event) => event.event === "booted" && event["version"] === "1.1.0"),
        30_000,
        () => JSON.stringify(node.events()),
      );
      expect(bootOf(blank)).toBe("1.1.0");
      expect(await statusOf(at("responder"))).toMatchObject({
        network: { url: `http://127.0.0.1:${web}/`, counter: 1, fault: null },
      });
      expect((await readdir(at("pulled"))).filter((name) => name.endsWith(".mdy"))).toHaveLength(2);
      expect(await node.stop()).toBe(0);

      // Without the server the folder heals on.
      await nginx.close();
      for (const slot of ["0", "1"]) await runCli(["board", "damage", blank, "--slot", slot]);
      const again = scene.node(blank, [`tcp:127.0.0.1:${line}`]);
      await until(
        () => again.events().some(({ event }) => event === "booted"),
        30_000,
        () => JSON.stringify(again.events()),
      );
      expect(bootOf(blank)).toBe("1.1.0");
      expect(await again.stop()).toBe(0);
    } finally {
      responder.child.kill("SIGTERM");
      expect((await responder.ended).code).toBe(0);
      await nginx.close();
    }
  });

  it("C18 F1.10: is judged by the keys of the node's own board, which takes the newer image by itself; a server that is gone delays nothing", async () => {
    await publish();
    const web = await freePort();
    const board = await scene.bench.board("own", at("v10.mdy"), { layout: "ab" });
    const settings = `repository = ${JSON.stringify(at("own-images"))}\n[network]\nindex = "http://127.0.0.1:${web}/"\nallow-addresses = ["127.0.0.1"]\npoll = "10s"\n`;
    const line = await freePort();
    const alone = scene.node(board, [`tcp-listen:127.0.0.1:${line}`], settings);
    await until(
      () =>
        alone
          .events()
          .some((event) => event.event === "pull-failed" && event["reason"] === "net-unreachable"),
      20_000,
      () => JSON.stringify(alone.events()),
    );
    expect(alone.events()).toContainEqual(expect.objectContaining({ event: "booted", version: "1.0.0" }));
    expect(await alone.stop()).toBe(0);

    const nginx = await openNginx({ dir: at("nginx-2"), root: at("www"), port: web });
    try {
      const node = scene.node(board, [`tcp-listen:127.0.0.1:${line}`], settings);
      await until(
        () => node.events().some((event) => event.event === "booted" && event["version"] === "1.1.0"),
        30_000,
        () => JSON.stringify(node.events()),
      );
      expect(node.events().filter(({ event }) => event === "pulled")).toHaveLength(2);
      expect(node.events()).toContainEqual(expect.objectContaining({ event: "installed", version: "1.1.0" }));
      expect(await node.stop()).toBe(0);
      expect(bootOf(board)).toBe("1.1.0");
      expect((await readdir(join(at("own-images")))).filter((name) => name.endsWith(".part"))).toEqual([]);
    } finally {
      await nginx.close();
    }
  });
});
