import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBoard } from "../../src/board/board.ts";
import { openDirectoryRepository } from "../../src/image-files/directory-repository.ts";
import { runCli, startCli, verdictOf } from "../support/cli.ts";
import { openSocatPair, type SocatPair } from "../support/socat-pair.ts";
import { bootedBytes, openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
let pairs: readonly SocatPair[];

beforeAll(async () => {
  bench = await openWorkbench();
  pairs = await Promise.all([openSocatPair(), openSocatPair()]);
});
afterAll(async () => {
  await Promise.all(pairs.map((pair) => pair.close()));
  await bench.close();
});

/** 40,000 bytes take 1.7 s at this rate: enough for the second board to call in the meantime. */
const endpoint = (path: string): string => `serial:${path}?baud=230400`;

test("two boards on two ports of one rescuer are each named by their own port, id and image", async () => {
  const classes = ["one", "two"] as const;
  const repo = await openDirectoryRepository(bench.path("images"), { create: true });
  const boards = await Promise.all(
    classes.map(async (hardwareClass, i) => {
      const version = { major: i + 1, minor: 0, patch: 0 };
      const { entry } = await repo.add(await bench.image(hardwareClass, "owner", { hardwareClass, version }));
      const dir = await bench.board(`board-${hardwareClass}`, undefined, {
        hardware: { vendor: "acme", hardwareClass },
      });
      const board = openBoard(dir, { write: false });
      const { nodeId } = board.config;
      board.close();
      const { a, b } = pairs[i] ?? { a: "", b: "" };
      const digest = Buffer.from(entry.digest).toString("hex");
      return { dir, nodeId, digest, version: `${i + 1}.0.0`, near: endpoint(a), far: endpoint(b) };
    }),
  );
  const note = bench.path("hooks.txt");
  const hook = `sh -c 'echo "$MAYDAY_LINK $MAYDAY_PEER $MAYDAY_DIGEST $MAYDAY_VERSION" >> "$0"' '${note}'`;
  const links = boards.flatMap(({ far }) => ["--link", far]);
  const source = ["--repo", bench.path("images"), "--on-healed", hook];
  const rescue = startCli(["rescue", ...links, ...source, "--timeout", "14", "--json"]);
  await rescue.saw(/"ready"/);
  const heal = async (i: number): Promise<void> => {
    const { near = "", dir = "" } = boards[i] ?? {};
    const ended = await runCli(["distress", "--link", near, "--board", dir, "--timeout", "12", "--json"]);
    expect(verdictOf(ended)).toMatchObject({ ok: true, reason: "healed" });
    expect(bootedBytes(dir)).toEqual(bench.firmware);
  };
  const first = heal(0);
  await rescue.saw(/"offer"/);
  await Promise.all([first, heal(1)]);
  await rescue.saw(/"healed"[\s\S]*"healed"/);
  rescue.child.kill("SIGTERM");
  const { events } = await rescue.ended;
  const kinds = events.map(({ event, link }) => `${event} ${String(link)}`);
  expect(kinds.indexOf(`distress ${boards[1]?.far}`)).toBeGreaterThan(0);
  expect(kinds.indexOf(`distress ${boards[1]?.far}`)).toBeLessThan(kinds.indexOf(`healed ${boards[0]?.far}`));
  const hooks = (await readFile(note, "utf8")).trim().split("\n");
  for (const { far, nodeId, digest, version } of boards) {
    const own = events.filter((event) => event["link"] === far && event["peer"] !== undefined);
    expect(new Set(own.map(({ event }) => event))).toEqual(
      new Set(["distress", "offer", "progress", "healed"]),
    );
    expect(new Set(own.map(({ peer }) => peer))).toEqual(new Set([nodeId]));
    const healed = own.find(({ event }) => event === "healed");
    expect(healed).toMatchObject({ digest, version, blocks: 10 });
    expect(healed?.["bytesTx"]).toBeGreaterThan(bench.firmware.length);
    expect(healed?.["seconds"]).toBeGreaterThan(1);
    expect(hooks).toContain(`${far} ${nodeId} ${digest} ${version}`);
  }
  expect(hooks).toHaveLength(2);
});
