import type { Command } from "commander";
import { addGroup } from "../help.ts";
import { addRepoAdd } from "./add.ts";
import { addRepoList } from "./list.ts";
import { addRepoRemove } from "./remove.ts";
import { addRepoVerify } from "./verify.ts";

/** Registers `mayday repo add|list|remove|verify`. */
export function addRepoCommands(program: Command): void {
  const repo = addGroup(program, "repo", "keep images in a folder for rescuers");
  addRepoAdd(repo);
  addRepoList(repo);
  addRepoRemove(repo);
  addRepoVerify(repo);
}
