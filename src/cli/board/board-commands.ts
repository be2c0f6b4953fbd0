import type { Command } from "commander";
import { addGroup } from "../help.ts";
import { addBoardBoot } from "./boot-board.ts";
import { addBoardConfirm } from "./confirm-board.ts";
import { addBoardDamage } from "./damage-board.ts";
import { addBoardInit } from "./init-board.ts";
import { addBoardInstall } from "./install-board.ts";
import { addBoardRead } from "./read-board.ts";
import { addBoardStatus } from "./show-board.ts";
import { addBoardTorture } from "./torture-boards.ts";
import { addBoardTrust } from "./trust-board.ts";

/** Registers `mayday board init|install|boot|status|confirm|trust|read|damage|torture`. */
export function addBoardCommands(program: Command): void {
  const board = addGroup(program, "board", "a board on disk: its flash, boot record and trusted keys");
  addBoardInit(board);
  addBoardInstall(board);
  addBoardBoot(board);
  addBoardStatus(board);
  addBoardConfirm(board);
  addBoardTrust(board);
  addBoardRead(board);
  addBoardDamage(board);
  addBoardTorture(board);
}
