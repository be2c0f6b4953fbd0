import { describe, expect, test } from "vitest";

/** A screen as a terminal shows it, and as it was written. */
interface Screen {
  readonly columns: number;
  readonly rows: readonly string[];
  readonly lines: readonly string[];
}
interface Picture extends Screen {
  readonly title: string;
  readonly faults: readonly string[];
}
type Bench = object;
type Terminals = object;
type Story = (bench: Bench, terminals: Terminals, columns: number) => Promise<readonly Picture[]>;

async function module<T>(name: string): Promise<T> {
  return (await import(new URL(`../../scripts/screens/${name}.mjs`, import.meta.url).href)) as T;
}

const { withBench } = await module<{
  withBench<T>(work: (bench: Bench, terminals: Terminals) => Promise<T>): Promise<T>;
}>("bench");
const { repair } = await module<{ repair: Story }>("stories");
const { ERRORS, prepareErrors, showError } = await module<{
  ERRORS: readonly { readonly title: string; readonly ends?: string }[];
  prepareErrors(bench: Bench): void;
  showError(error: object, bench: Bench, terminals: Terminals, columns: number): Promise<readonly Picture[]>;
}>("errors");
const { faultsOf } = await module<{
  faultsOf(screen: Screen, expected: object): readonly string[];
}>("checks");

function screenOf(lines: readonly string[], columns = 40): Screen {
  return { columns, lines, rows: lines };
}

describe("in a terminal of tmux", () => {
  // npm run evidence:screens takes all of them, at three widths.
  test("a repair and all errors without a line show neither rubbish nor pieces of bars at 40 columns", async () => {
    const pictures = await withBench(async (bench, terminals) => {
      prepareErrors(bench);
      const all = [...(await repair(bench, terminals, 40))];
      const quick = ERRORS.filter(({ ends }) => ends === undefined);
      for (const error of quick) all.push(...(await showError(error, bench, terminals, 40)));
      return all;
    });
    expect(pictures.length).toBeGreaterThan(10);
    for (const { title, rows, faults } of pictures)
      expect(faults, `${title}:\n${rows.join("\n")}`).toEqual([]);
  }, 60_000);
});

describe("the checks of a screen", () => {
  const BAR = "b1 [=---] 33% 2/6 blocks, 11.0 kB/s";

  test("take bars below the text, and full ones at the end", () => {
    expect(faultsOf(screenOf(["b1: listening", BAR]), { isOver: false })).toEqual([]);
    const full = "b1 [====] 100% 6/6 blocks, 11.3 kB/s";
    expect(faultsOf(screenOf([full, "healed", "[0] $"]), {})).toEqual([]);
  });

  test.each([
    ["a bar that was left at the end", [BAR, "[0] $"], {}, "a bar that was left"],
    ["text below a bar", [BAR, "b1: healed"], { isOver: false }, "text below a bar"],
    ["the same bar twice", [BAR, BAR], { isOver: false }, "a second bar"],
    ["the rest of a bar", ["b1: listening--] 33% 2/6 blocks"], { isOver: false }, "a piece of a bar"],
    ["a bar that is wrapped", [`${BAR}, 0 % lost, acme/pump`], { isOver: false }, "wider than the terminal"],
    ["an escape sequence that was replaced", ["\u00b7[31mmayday:\u00b7[39m no"], {}, "rubbish"],
    ["an escape sequence without its first character", ["[31mmayday: no"], {}, "rubbish"],
    ["another board's id", ["b1: healed with 0123abcd"], { ids: { b1: ["4567cdef"] } }, "unknown 0123abcd"],
    ["what is missing", ["b1: listening"], { shows: ["healed"] }, "not there: healed"],
    ["another exit code", ["[1] $"], { code: 0 }, "exit"],
  ])("find %s", (_what, lines, expected, fault) => {
    expect(faultsOf(screenOf(lines), expected).join("\n")).toContain(fault);
  });
});
