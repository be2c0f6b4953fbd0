import type { Command } from "commander";
import { addGroup } from "../help.ts";
import { addFleetStatus } from "./fleet-status.ts";

/** Registers `mayday fleet status`. */
export function addFleetCommands(program: Command): void {
  const fleet = addGroup(program, "fleet", "many sites: what a collector knows of them");
  addFleetStatus(fleet);
}
