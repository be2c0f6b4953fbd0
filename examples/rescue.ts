// Heals one board that calls at an endpoint, with images of a repository: node rescue.js tcp:127.0.0.1:5000 images
import { openDirectoryRepository, parseEndpoint, runRescue } from "mayday";

const [endpoint = "/dev/ttyUSB0", folder = "images"] = process.argv.slice(2);
const stop = new AbortController();
process.once("SIGINT", () => stop.abort());

const verdict = await runRescue({
  links: [parseEndpoint(endpoint)],
  repository: await openDirectoryRepository(folder),
  allowUnsigned: false,
  once: true,
  signal: stop.signal,
  onEvent: (event) => {
    if (event.event === "healed") process.stdout.write(`${event.peer} has version ${event.version} now\n`);
  },
});
process.exitCode = verdict.code;
