import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bootOf } from "../workbench.ts";
import { openScene, portAt, type Scene, type SceneNode, until } from "./scene.ts";

const NAMES = ["A", "B", "C", "D"] as const;
type Name = (typeof NAMES)[number];

let scene: Scene;
const templates = new Map<Name, string>();
const links = new Map<Name, string[]>(NAMES.map((name) => [name, []]));

/** A and C boot; B and D hold nothing. Cables: A to B, B to D, D to C. */
beforeAll(async () => {
  scene = await openScene();
  for (const name of NAMES) {
    const isHealthy = name === "A" || name === "C";
    const image = isHealthy ? scene.bench.path("v10.mdy") : undefined;
    templates.set(name, await scene.bench.board(`template-${name}`, image, { layout: "ab" }));
  }
  const wires = [
    ["A", "B"],
    ["B", "D"],
    ["D", "C"],
  ] as const;
  for (const [near, far] of wires) {
    const { a, b } = await scene.cable(`${near}${far}`);
    links.get(near)?.push(portAt(a));
    links.get(far)?.push(portAt(b));
  }
}, 60_000);
afterAll(() => scene.close());

function ordersOf(names: readonly Name[]): Name[][] {
  if (names.length === 0) return [[]];
  return names.flatMap((first) =>
    ordersOf(names.filter((name) => name !== first)).map((rest) => [first, ...rest]),
  );
}

/** The board and the rescuer of each heal, as both sides told it. */
function storyOf(nodes: ReadonlyMap<Name, SceneNode>): string[] {
  const told = [...nodes].flatMap(([name, node]) => {
    const healed = node.events().filter(({ event }) => event === "healed");
    return healed.map(({ link }) => `${name} ${String(link).replace(/.*\/([A-D]{2})\.[ab].*/, "$1")}`);
  });
  return told.sort();
}

describe("Fig. 3: two healthy boards, two that do not boot, in a row A-B-D-C", () => {
  it.each(ordersOf(NAMES).map((order) => [order.join("")] as const))(
    "C1 C2 C3 C10 C11 C19 §59 F3.7 F3.8 F3.9 F3.10: started in the order %s all boot in the end, without a hand and without a repository",
    async (order) => {
      const nodes = new Map<Name, SceneNode>();
      const boards = new Map<Name, string>();
      for (const name of order as Iterable<Name>) {
        const board = scene.copy(templates.get(name) ?? "", `${order}-${name}`);
        boards.set(name, board);
        nodes.set(name, scene.node(board, links.get(name) ?? []));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const isUp = (name: Name): boolean =>
        nodes
          .get(name)
          ?.events()
          .some(({ event, version }) => event === "booted" && version === "1.0.0") === true;
      await until(
        () => NAMES.every(isUp),
        30_000,
        () => {
          return NAMES.map(
            (name) => `${name} ${isUp(name)}\n${JSON.stringify(nodes.get(name)?.events())}`,
          ).join("\n");
        },
      );
      // Each heal is told by both sides: the board, once, and each that brought a part of it.
      const isTold = (): boolean => storyOf(nodes).length >= 4;
      await until(isTold, 10_000, () => storyOf(nodes).join(", "));
      const codes = await Promise.all([...nodes.values()].map((node) => node.stop()));
      expect(codes).toEqual([0, 0, 0, 0]);
      for (const board of boards.values()) expect(bootOf(board)).toBe("1.0.0");
      const story = storyOf(nodes);
      // B and D are healed, over two of the three wires or over all.
      expect(new Set(story.map((line) => line.split(" ")[1])).size).toBeGreaterThanOrEqual(2);
      expect(["B", "D"].filter((name) => story.some((line) => line.startsWith(name)))).toEqual(["B", "D"]);
      expect(story.length, story.join(", ")).toBeLessThanOrEqual(6);
    },
    60_000,
  );
});
