import { Command, CommanderError } from "commander";
import "../crypto/use-node-crypto.ts";
import { explainErrors } from "./help.ts";
import { packageVersion } from "./package-version.ts";

const DESCRIPTION =
  "Boards that heal one another over a UART, I2C or TCP: a board that does not boot calls for help, and a neighbour " +
  "sends it the parts of the firmware that its flash lacks. Start with: mayday demo";

const LINKS = [
  "/dev/ttyUSB0                          a serial port, from 115200 baud up to the best rate",
  "'serial:/dev/ttyUSB0?baud=921600'     at this rate; also &baud-max=N",
  "'i2c:/dev/i2c-1?address=0x42'         a board at an address of an I2C bus",
  "tcp:HOST:PORT, tcp-listen:[HOST:]PORT a serial server, or another machine",
  "rfc2217:HOST:PORT                     a serial port behind a telnet server",
] as const;

const EXITS = [
  "0 done, 1 failed, 2 usage error, 3 no neighbour or timeout, 4 refused,",
  "5 not bootable, 6 port missing or busy, 130 interrupted",
] as const;

const ENVIRONMENT = "NO_COLOR=1 for text without colours, MAYDAY_DEBUG=1 for stack traces.";

const MORE = `
Links (--link), in quotes, as a shell takes ? for itself:
  ${LINKS.join("\n  ")}

Exit codes:
  ${EXITS.join("\n  ")}

Environment: ${ENVIRONMENT}
Help of a command: mayday COMMAND --help`;

/** A command, its line in the list of commands, and how to load it: only the requested one is loaded. */
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
    summary: "make a key pair to sign images",
    register: async (program) => (await import("./keygen.ts")).addKeygenCommand(program),
  },
  {
    name: "image",
    summary: "make, show and check image files (.mdy)",
    register: async (program) => (await import("./image/image-commands.ts")).addImageCommands(program),
  },
  {
    name: "repo",
    summary: "keep images in a folder for rescuers",
    register: async (program) => (await import("./repo/repo-commands.ts")).addRepoCommands(program),
  },
  {
    name: "board",
    summary: "a board on disk: its flash, boot record and trusted keys",
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
    name: "node",
    summary: "be a board among boards: all roles on all links, until stopped",
    register: async (program) => (await import("./node/node.ts")).addNodeCommand(program),
  },
  {
    name: "dispatch",
    summary: "ask neighbours for their versions and hand out newer images",
    register: async (program) => (await import("./dispatcher.ts")).addDispatchCommand(program),
  },
  {
    name: "status",
    summary: "show who is at the other end, and the state of the line",
    register: async (program) => (await import("./status.ts")).addStatusCommand(program),
  },
  {
    name: "ports",
    summary: "list serial ports and I2C buses",
    register: async (program) => (await import("./ports.ts")).addPortsCommand(program),
  },
  {
    name: "cable",
    summary: "a virtual serial cable at a true line rate, with optional faults",
    register: async (program) => (await import("./cable.ts")).addCableCommand(program),
  },
  {
    name: "collect",
    summary: "collect the reports of many sites from a broker",
    register: async (program) => (await import("./fleet/collect.ts")).addCollectCommand(program),
  },
  {
    name: "fleet",
    summary: "many sites: what a collector knows of them",
    register: async (program) => (await import("./fleet/fleet-commands.ts")).addFleetCommands(program),
  },
  {
    name: "sim",
    summary: "many boards that heal one another, in virtual time",
    register: async (program) => (await import("./sim.ts")).addSimCommand(program),
  },
  {
    name: "completion",
    summary: "what a shell needs to complete commands and flags",
    register: async (program) =>
      (await import("./completion.ts")).addCompletionCommand(program, () =>
        createProgram(COMMANDS.map(({ name }) => name)),
      ),
  },
  {
    name: "manual",
    summary: "the manual page, for man",
    register: async (program) =>
      (await import("./manual.ts")).addManualCommand(
        program,
        () => createProgram(COMMANDS.map(({ name }) => name)),
        { links: LINKS, "exit status": EXITS, environment: [ENVIRONMENT] },
      ),
  },
];

async function createProgram(words: readonly string[]): Promise<Command> {
  const program = new Command("mayday").description(DESCRIPTION).version(packageVersion(), "-V, --version");
  // Without this, --version of `image build` would be read as the program's own.
  explainErrors(program.enablePositionalOptions().addHelpText("after", MORE));
  for (const { name, summary, register } of COMMANDS) {
    if (words.includes(name)) await register(program);
    else program.command(name).summary(summary);
  }
  return program;
}

/** The word that names the command: the first one, or the second one after "help". */
function namingWords(argv: readonly string[]): readonly string[] {
  return argv.slice(2, argv[2] === "help" ? 4 : 3);
}

function isJsonWanted(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return argv.slice(2, end < 0 ? undefined : end).includes("--json");
}

/** A script that asks for the version has to notice when it did not get it. */
async function checkVersionShown(): Promise<void> {
  const { flushed, lossOf } = await import("./result-stream.ts");
  await flushed(process.stdout);
  const loss = lossOf(process.stdout);
  if (loss === undefined) return;
  const { lostVerdict } = await import("./command-verdict.ts");
  const { execute } = await import("./run.ts");
  await execute(false, async () => lostVerdict(loss));
}

// A reader of help that closes the pipe (mayday --help | head -1) is not an error.
process.stdout.on("error", () => {});

try {
  const program = await createProgram(namingWords(process.argv));
  await program.parseAsync();
} catch (error) {
  // A CommanderError means that help or the version was shown. Commands never throw, so anything else is a wrong command line.
  if (!(error instanceof CommanderError)) {
    const { execute } = await import("./run.ts");
    await execute(isJsonWanted(process.argv), () => Promise.reject(error));
  } else if (error.code === "commander.version") await checkVersionShown();
}
