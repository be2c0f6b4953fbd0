#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import "../crypto/use-node-crypto.ts";
import { teachErrors } from "./help.ts";
import { packageVersion } from "./package-version.ts";

const DESCRIPTION = `Boards that heal one another over a UART: a board that does not boot calls for help, and a
neighbour sends it what its flash lacks. Start with: mayday demo`;

/** A command, its line in the list of commands, and how to get it: only the one that is asked for is loaded. */
interface Entry {
  readonly name: string;
  readonly summary: string;
  register(program: Command): Promise<void>;
}

const COMMANDS: readonly Entry[] = [
  {
    name: "demo",
    summary: "the whole story on this machine, over a virtual serial cable",
    register: async (program) => (await import("./demo/demo.ts")).addDemoCommand(program),
  },
  {
    name: "keygen",
    summary: "make a pair of keys to sign images with",
    register: async (program) => (await import("./keygen.ts")).addKeygenCommand(program),
  },
  {
    name: "image",
    summary: "make, show and check image files (.mdy)",
    register: async (program) => (await import("./image/image-commands.ts")).addImageCommands(program),
  },
  {
    name: "repo",
    summary: "keep images in a folder that rescuers take them from",
    register: async (program) => (await import("./repo/repo-commands.ts")).addRepoCommands(program),
  },
  {
    name: "board",
    summary: "a board on disk: its flash, its boot record, the keys it trusts",
    register: async (program) => (await import("./board/board-commands.ts")).addBoardCommands(program),
  },
  {
    name: "distress",
    summary: "be the board that does not boot: call for help until healed",
    register: async (program) => (await import("./distress.ts")).addDistressCommand(program),
  },
  {
    name: "rescue",
    summary: "be the neighbour that heals boards",
    register: async (program) => (await import("./rescue.ts")).addRescueCommand(program),
  },
  {
    name: "status",
    summary: "who is there at the other end, and how is the line",
    register: async (program) => (await import("./status.ts")).addStatusCommand(program),
  },
  {
    name: "ports",
    summary: "list serial ports and I2C buses",
    register: async (program) => (await import("./ports.ts")).addPortsCommand(program),
  },
  {
    name: "cable",
    summary: "a virtual serial cable at a true rate, with faults if wanted",
    register: async (program) => (await import("./cable.ts")).addCableCommand(program),
  },
];

async function createProgram(words: readonly string[]): Promise<Command> {
  const program = new Command("mayday").description(DESCRIPTION).version(packageVersion(), "-V, --version");
  // Else --version of `image build` would be taken for the program's own.
  teachErrors(program.enablePositionalOptions());
  for (const { name, summary, register } of COMMANDS) {
    if (words.includes(name)) await register(program);
    else program.command(name).summary(summary);
  }
  return program;
}

/** The first word names the command; after "help" it is the second one. */
function namingWords(argv: readonly string[]): readonly string[] {
  return argv.slice(2, argv[2] === "help" ? 4 : 3);
}

function isJsonWanted(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return argv.slice(2, end < 0 ? undefined : end).includes("--json");
}

// A reader of help that goes away (mayday --help | head -1) is no error.
process.stdout.on("error", () => {});

try {
  const program = await createProgram(namingWords(process.argv));
  await program.parseAsync();
} catch (error) {
  // Help or version was shown; else the command line is wrong, for commands themselves never throw.
  if (!(error instanceof CommanderError)) {
    const { execute } = await import("./run.ts");
    await execute(isJsonWanted(process.argv), () => Promise.reject(error));
  }
}
