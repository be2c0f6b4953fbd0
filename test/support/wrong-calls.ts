import { Command } from "commander";
import { addAllCommands } from "./all-commands.ts";

/** A call of the command line that cannot do what it says, and the exit code that it must have. */
export interface WrongCall {
  readonly words: readonly string[];
  readonly code: number;
}

/** What is no value of anything. */
const NONSENSE = "☃?!";
const usage = (...words: readonly string[]): WrongCall => ({ words, code: 2 });
const failed = (...words: readonly string[]): WrongCall => ({ words, code: 1 });

/** The commands of a program, by their words, without groups. */
function leaves(command: Command, path: readonly string[] = []): (readonly [readonly string[], Command])[] {
  if (command.commands.length === 0) return [[path, command]];
  return command.commands.flatMap((sub) => leaves(sub, [...path, sub.name()]));
}

/** Mistakes that every command and every flag can meet, from the commands' own data: a new flag is among them. */
function generated(): readonly WrongCall[] {
  return leaves(addAllCommands(new Command("mayday"))).flatMap(([path, command]) => {
    const wanted = command.registeredArguments;
    const values = wanted.map(() => "x");
    const calls: WrongCall[] = [
      usage(...path, "--no-such-flag"),
      usage(...path, ...values, "one", "too-many"),
    ];
    const needs =
      command.options.some(({ mandatory }) => mandatory) || wanted.some(({ required }) => required);
    if (needs) calls.push(usage(...path));
    for (const { long, required, parseArg, argChoices } of command.options) {
      if (long == null || !required) continue;
      calls.push(usage(...path, long));
      if (parseArg !== undefined || argChoices !== undefined) calls.push(usage(...path, long, NONSENSE));
    }
    return calls;
  });
}

/** The call of an image that can be built, but for what `changes` says of its flags. */
function build(changes: Readonly<Record<string, string>>): WrongCall {
  const { out = "o.mdy", ...others } = changes;
  const flags = { in: "fw.bin", hardware: "a/b", version: "1.0.0", ...others, out };
  return usage("image", "build", ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]));
}

/** The same of a board that can be made. */
function board(changes: Readonly<Record<string, string>>, ...more: readonly string[]): WrongCall {
  const flags = { hardware: "a/b", "flash-size": "64K", ...changes };
  return usage(
    "board",
    "init",
    "b",
    ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
    ...more,
  );
}

/** Calls that are well formed and wrong all the same. Files: "fw.bin" is firmware, "text" is text, "dir" an empty folder. */
const WRITTEN: readonly WrongCall[] = [
  ...["heal", "flash", "bord", "version", "-v", "--json rescue", "image sign", "board --json init"].map(
    (line) => usage(...line.split(" ")),
  ),
  ...["", " ", "-", "x"].map((word) => usage(word)),
  // Links.
  ...[
    ...[
      "serial:",
      "serial:/dev/ttyUSB0?baud=fast",
      "serial:/dev/ttyUSB0?speed=9600",
      "serial:/dev/ttyUSB0?baud=1&baud=2",
    ],
    ...[
      "tcp:",
      "tcp:host",
      "tcp:host:0",
      "tcp:host:99999",
      "tcp:host:x",
      "tcp-listen:",
      "tcp:[::1:5000",
      "tcp:host:5000?baud=9600",
    ],
    ...[
      "i2c:",
      "i2c:/dev/i2c-1",
      "i2c:/dev/i2c-1?address=0x99",
      "i2c:/dev/i2c-1?address=x",
      "i2c-peripheral:",
    ],
    ...["rfc2217:", "rfc2217:host", "rfc2217:host:1?baud=x", "udp:host:5000", "http://host/", ""],
  ].map((link) => usage("status", "--link", link)),
  usage("rescue", "--link", "tcp:h:1", "--link", "tcp:h:1", "--repo", "dir"),
  usage("rescue", "--link", "tcp:h:1"),
  usage("rescue", "--link", "tcp:h:1", "--repo", "dir", "--image", "fw.bin"),
  usage("rescue", "--link", "tcp:h:1", "--repo", "none"),
  usage("rescue", "--link", "tcp:h:1", "--image", "none"),
  usage("rescue", "--link", "tcp:h:1", "--image", "fw.bin"),
  ...["x", "0", "-1", "2000001", "1e99", "20s", ""].map((wait) =>
    usage("rescue", "--link", "tcp:h:1", "--repo", "dir", "--wait-healthy", wait),
  ),
  usage("rescue", "--link", "tcp:h:1", "--repo", "dir", "--on-healed", "'"),
  usage("rescue", "--link", "tcp:h:1", "--repo", "dir", "--link-key", "none"),
  usage("rescue", "--link", "tcp:h:1", "--repo", "dir", "--link-key", "text"),
  {
    words: [
      "rescue",
      "--link",
      "/dev/nope",
      "--image",
      "fw.bin",
      "--hardware",
      "a/b",
      "--version",
      "1.0.0",
      "--allow-unsigned",
    ],
    code: 6,
  },
  { words: ["status", "--link", "/dev/nope"], code: 6 },
  { words: ["status", "--link", "dir"], code: 6 },
  usage("status"),
  usage("status", "--link", "tcp:h:1", "--timeout", "0"),
  usage("status", "--link", "tcp:h:1", "--timeout", "-1"),
  usage("status", "--link", "tcp:h:1", "--timeout", "1e99"),
  // Files and keys.
  usage("keygen", "--out", ""),
  usage("keygen", "--out", "none/k"),
  ...["none", "dir", "empty"].map((name) => build({ in: name })),
  ...["1", "1.2", "1.2.3.4", "1.2.x", "70000.0.0", "-1.0.0"].map((version) => build({ version })),
  ...["", "/", "a/", "/b", "a/b/c", "a/b c/d", "x".repeat(40)].map((hardware) => build({ hardware })),
  ...["3000", "0", "-4096", "1M", "131072"].map((size) => build({ "block-size": size })),
  build({ key: "none" }),
  build({ key: "text" }),
  build({ out: "none/o.mdy" }),
  usage("image", "inspect", "none"),
  failed("image", "inspect", "fw.bin"),
  failed("image", "inspect", "text"),
  usage("image", "inspect", "dir"),
  usage("image", "verify", "none", "--trust", "text"),
  usage("repo", "list", "--repo", "none"),
  usage("repo", "verify", "--repo", "text"),
  usage("repo", "add", "none", "--repo", "dir"),
  failed("repo", "add", "fw.bin", "--repo", "dir"),
  usage("repo", "remove", "2b", "--repo", "dir"),
  // Boards.
  failed("board", "boot", "none"),
  failed("board", "boot", "dir"),
  failed("board", "status", "none"),
  failed("board", "confirm", "none"),
  failed("board", "read", "none", "--out", "o.bin"),
  failed("board", "damage", "none"),
  failed("board", "trust", "none"),
  failed("board", "install", "none", "fw.bin"),
  failed("distress", "--link", "tcp:h:1", "--board", "none"),
  failed("distress", "--link", "tcp:h:1", "--board", "text"),
  board({}),
  ...["none", "text", "text:max-counter=x"].map((trust) => board({ trust })),
  usage("board", "init", "text", "--hardware", "a/b", "--flash-size", "64K", "--allow-unsigned"),
  board({}, "--allow-unsigned", "--sector", "3000"),
  usage("node", "--config", "none"),
  usage("node", "--config", "text"),
  usage("cable", "--a", "x", "--b", "x"),
  usage("sim", "--topology", "star", "--nodes", "0", "--seed", "1"),
  usage("completion", "tcsh"),
];

/** All of them, each once. */
export function wrongCalls(): readonly WrongCall[] {
  return [...generated(), ...WRITTEN];
}
