import type { Engagement, LinkRole } from "./link-role.ts";

/** What a node knows of one of its links. */
export interface MeshLink {
  isUp: boolean;
  role: LinkRole;
  engagement: Engagement;
}

/** The links of a node, named by their index: which are up, and what each is used for. */
export class MeshLinks {
  readonly #links: readonly MeshLink[];

  constructor(links: number) {
    this.#links = Array.from({ length: links }, () => ({
      isUp: false,
      role: "idle" as const,
      engagement: "none" as const,
    }));
  }

  get(link: number): MeshLink | undefined {
    return this.#links[link];
  }

  indices(): IterableIterator<number> {
    return this.#links.keys();
  }

  entries(): IterableIterator<[number, MeshLink]> {
    return this.#links.entries();
  }

  engagementOn(link: number): Engagement {
    return this.#links[link]?.engagement ?? "none";
  }

  /** What the other links are engaged in. */
  engagementsBeside(link: number): Engagement[] {
    return this.#links.filter((_, index) => index !== link).map(({ engagement }) => engagement);
  }

  /** Some link is engaged. */
  get isAnyEngaged(): boolean {
    return this.#links.some(({ engagement }) => engagement !== "none");
  }

  /** Links on which the node is idle, so that it may say something. */
  idle(): number[] {
    const isIdle = ({ isUp, role, engagement }: MeshLink): boolean =>
      isUp && role === "idle" && engagement === "none";
    return [...this.#links.entries()].filter(([, link]) => isIdle(link)).map(([index]) => index);
  }
}
