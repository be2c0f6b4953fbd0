import type { Command } from "commander";
import { addGroup } from "../help.ts";
import { addFleetStatus } from "./fleet-status.ts";
import { addFleetOffer, addFleetStop } from "./owner-words.ts";

/** Registers `mayday fleet status|offer|stop`. */
export function addFleetCommands(program: Command): void {
  const fleet = addGroup(
    program,
    "fleet",
    "many sites: what a collector knows of them, and their owner's words",
  );
  addFleetStatus(fleet);
  addFleetOffer(fleet);
  addFleetStop(fleet);
}
