import type { Command } from "commander";
import { addBoardCommands } from "../../src/cli/board/board-commands.ts";
import { addCableCommand } from "../../src/cli/cable.ts";
import { addCompletionCommand } from "../../src/cli/completion.ts";
import { addDemoCommand } from "../../src/cli/demo/demo.ts";
import { addDispatchCommand } from "../../src/cli/dispatcher.ts";
import { addDistressCommand } from "../../src/cli/distress.ts";
import { addCollectCommand } from "../../src/cli/fleet/collect.ts";
import { addFleetCommands } from "../../src/cli/fleet/fleet-commands.ts";
import { addImageCommands } from "../../src/cli/image/image-commands.ts";
import { addKeygenCommand } from "../../src/cli/keygen.ts";
import { addManualCommand } from "../../src/cli/manual.ts";
import { addNodeCommand } from "../../src/cli/node/node.ts";
import { addPortsCommand } from "../../src/cli/ports.ts";
import { addRepoCommands } from "../../src/cli/repo/repo-commands.ts";
import { addRescueCommand } from "../../src/cli/rescue.ts";
import { addSimCommand } from "../../src/cli/sim.ts";
import { addStatusCommand } from "../../src/cli/status.ts";

const REGISTER = [
  addDemoCommand,
  addKeygenCommand,
  addImageCommands,
  addRepoCommands,
  addBoardCommands,
  addDistressCommand,
  addRescueCommand,
  addNodeCommand,
  addDispatchCommand,
  addStatusCommand,
  addPortsCommand,
  addCableCommand,
  addCollectCommand,
  addFleetCommands,
  addSimCommand,
  (program: Command): void => addCompletionCommand(program, () => Promise.resolve(program)),
  (program: Command): void => addManualCommand(program, () => Promise.resolve(program), {}),
];

/** Registers every command; the program itself loads only the one that is asked for. */
export function addAllCommands(program: Command): Command {
  for (const add of REGISTER) add(program);
  return program;
}
