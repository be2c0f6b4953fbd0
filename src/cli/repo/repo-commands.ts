import type { Command } from "commander";
import { addGroup } from "../help.ts";
import { addRepoAdd } from "./add-to-repo.ts";
import { addRepoList } from "./list-repo.ts";
import { addRepoPublish } from "./publish-repo.ts";
import { addRepoPull } from "./pull-repo.ts";
import { addRepoRemove } from "./remove-from-repo.ts";
import { addRepoVerify } from "./verify-repo.ts";

/** Registers `mayday repo add|list|remove|verify|publish|pull`. */
export function addRepoCommands(program: Command): void {
  const repo = addGroup(program, "repo", "keep images in a folder for rescuers");
  addRepoAdd(repo);
  addRepoList(repo);
  addRepoRemove(repo);
  addRepoVerify(repo);
  addRepoPublish(repo);
  addRepoPull(repo);
}
