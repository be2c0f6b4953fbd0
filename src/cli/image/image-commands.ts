import type { Command } from "commander";
import { addGroup } from "../help.ts";
import { addImageBuild } from "./build-image.ts";
import { addImageInspect } from "./inspect-image.ts";
import { addImageVerify } from "./verify-image.ts";

/** Registers `mayday image build|inspect|verify`. */
export function addImageCommands(program: Command): void {
  const image = addGroup(program, "image", "make, show and check image files (.mdy)");
  addImageBuild(image);
  addImageInspect(image);
  addImageVerify(image);
}
