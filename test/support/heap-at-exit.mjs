// Preloaded into a command: at its end much is allocated, some of which lives on; then says how large the young generation has become.
import { getHeapSpaceStatistics } from "node:v8";

const OBJECTS = 2_000_000;
const KEPT = 50_000;

process.on("exit", () => {
  const kept = [];
  for (let i = 0; i < OBJECTS; i++) kept[i % KEPT] = { i };
  const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space");
  process.stderr.write(`young generation: ${space.space_size} bytes, ${kept.length} kept\n`);
});
