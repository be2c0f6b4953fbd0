import type { Command } from "commander";
import { addBoardDamage, addBoardRead } from "./board-data.ts";
import { addBoardInit } from "./board-init.ts";
import { addBoardBoot, addBoardConfirm, addBoardStatus } from "./board-look.ts";
import { addBoardTorture } from "./board-torture.ts";
import { addGroup } from "./help.ts";

/** Registers `mayday board init|boot|status|confirm|read|damage|torture`. */
export function addBoardCommands(program: Command): void {
  const board = addGroup(program, "board", "a board on disk: its flash, its boot record, the keys it trusts");
  addBoardInit(board);
  addBoardBoot(board);
  addBoardStatus(board);
  addBoardConfirm(board);
  addBoardRead(board);
  addBoardDamage(board);
  addBoardTorture(board);
}
