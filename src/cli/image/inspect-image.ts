import type { Command } from "commander";
import { addCommand } from "../help.ts";
import { onRun } from "../run.ts";
import { columns } from "../text.ts";
import { imageFields, imageRows } from "./description.ts";

/** Registers `mayday image inspect`. */
export function addImageInspect(image: Command): void {
  const command = addCommand(image, "inspect <file>", {
    summary: "show what an image file says about itself",
    does: "Checks an image file's data against its manifest, and shows the manifest. Needs no key.",
    examples: ["mayday image inspect fw.mdy"],
  });
  onRun(command, async ({ output }, [file = ""]) => {
    const { openImageFile } = await import("../../image-files/image-file.ts");
    const opened = await openImageFile(file);
    await opened.close();
    output.result(columns(imageRows(opened)), { event: "image", file, ...imageFields(opened) });
    return undefined;
  });
}
