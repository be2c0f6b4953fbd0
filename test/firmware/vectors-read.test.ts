import { describe, expect, it } from "vitest";
import { files, read, some } from "../tidy/repository.ts";

/** What no test in C reads, by file and member, with the reason. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  "codecs-v1.json decoded": "deflated blocks: the C side takes raw and uniform ones only (vectors/README.md)",
  "mailbox-v1.json wrongStatuses": "what a controller reads: the C side is a peripheral only",
  "mailbox-v1.json controllerExchanges": "what a controller does: the C side is a peripheral only",
  "session-v1.json free": "sentences, for people",
};

const TESTS = some(
  "tests in C",
  files(/^firmware-stubs\/tests\/test_\w+\.c$/).map((path) => read(path)),
);

const VECTORS = files(/^vectors\/[^/]+\.json$/).map((path) => {
  const file = path.slice("vectors/".length);
  const lists = Object.entries(JSON.parse(read(path)) as Record<string, unknown>)
    .filter(([, value]) => typeof value === "object" && value !== null)
    .map(([name]) => name);
  return {
    file,
    lists,
    readers: TESTS.filter((text) => text.includes(`json_load(`) && text.includes(`"${file}"`)),
  };
});

describe("the native tests of the C side", () => {
  it.each(VECTORS)("read vectors/$file", ({ readers }) => {
    expect(readers.length).toBeGreaterThan(0);
  });

  it("read every list of the vectors that is not left out with a reason", () => {
    const unread = VECTORS.flatMap(({ file, lists, readers }) =>
      lists
        .filter((name) => !readers.some((text) => text.includes(`"${name}"`)))
        .map((name) => `${file} ${name}`),
    );
    expect(unread.sort()).toEqual(Object.keys(LEFT_OUT).sort());
  });
});
