import { execFileSync } from "node:child_process";
import { expect } from "vitest";
import { asRoot } from "../support/as-root.ts";
import { fileImage, PullScene, shortEvents } from "./pull-scene.ts";

asRoot(
  "a pull into a file system without room for an image fetches only its head, leaves nothing of it, and takes smaller ones",
  async () => {
    const scene = await PullScene.open();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", scene.dir]);
    try {
      const large = fileImage(2, { size: 1_500_000 });
      scene.publish(1, [fileImage(1), large]);
      const run = await scene.pull();
      expect(run).toMatchObject({ code: "no-room", exitCode: 1, pulled: 1 });
      expect(shortEvents(run.events)).toEqual(["index 1", "failed 1.2 no-room", "pulled 1.1"]);
      expect(scene.server.requests.filter((line) => line.includes(large.entry.digest))).toHaveLength(1);
      expect(await scene.others()).toEqual([".mayday-pull-index.json", ".mayday-pull.json"]);
      execFileSync("mount", ["-o", "remount,size=8m", scene.dir]);
      expect(await scene.pull()).toMatchObject({ pulled: 1, fault: undefined });
    } finally {
      execFileSync("umount", [scene.dir]);
      await scene.close();
    }
  },
);
