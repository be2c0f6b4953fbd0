import type { Command } from "commander";
import { addGroup } from "../help.ts";
import { addBoardBoot } from "./boot.ts";
import { addBoardConfirm } from "./confirm.ts";
import { addBoardDamage } from "./damage.ts";
import { addBoardInit } from "./init.ts";
import { addBoardRead } from "./read.ts";
import { addBoardStatus } from "./status.ts";
import { addBoardTorture } from "./torture.ts";

/** Registers `mayday board init|boot|status|confirm|read|damage|torture`. */
export function addBoardCommands(program: Command): void {
  const board = addGroup(program, "board", "a board on disk: its flash, boot record and trusted keys");
  addBoardInit(board);
  addBoardBoot(board);
  addBoardStatus(board);
  addBoardConfirm(board);
  addBoardRead(board);
  addBoardDamage(board);
  addBoardTorture(board);
}
