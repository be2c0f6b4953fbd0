// A board, an image and a virtual cable for the measurements of cost, and one healing by two measured commands.
import { createHash } from "node:crypto";
import { cpSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { MAIN, mayday, startCable } from "../../hw-loopback/lib.mjs";
import { makeBoardFiles } from "../board-files.mjs";
import { measuredIn } from "../measured.mjs";

const LIMIT_S = "900";

/** Files of one size of image in `folder`; `heal` makes one transfer from a blank board. */
export class HealBench {
  #path;
  #start;
  #image;

  /** `size`: of the image, random bytes. */
  constructor(folder, size) {
    this.#path = (name) => join(folder, name);
    this.#start = measuredIn(folder);
    this.#image = createHash("shake256", { outputLength: size }).update("cost").digest();
    const path = this.#path;
    for (const name of ["k.key", "k.pub", "fw.mdy", "blank"])
      rmSync(path(name), { recursive: true, force: true });
    makeBoardFiles(mayday, path, this.#image, "blank");
  }

  /** The two ends of the cable. */
  end(name) {
    return this.#path(name);
  }

  cable(baud) {
    return startCable("--a", this.end("a"), "--b", this.end("b"), "--baud", String(baud), "--latency", "1");
  }

  /** Starts the target on a blank board. */
  startTarget(baud) {
    const path = this.#path;
    rmSync(path("board"), { recursive: true, force: true });
    cpSync(path("blank"), path("board"), { recursive: true });
    return this.#start(MAIN, "target", "distress", ...this.#link("a", baud), "--board", path("board"));
  }

  startRescuer(baud) {
    const image = ["--image", this.#path("fw.mdy"), "--once"];
    return this.#start(MAIN, "rescuer", "rescue", ...this.#link("b", baud), ...image);
  }

  #link(end, baud) {
    return ["--link", `serial:${this.end(end)}?baud=${baud}`, "--timeout", LIMIT_S];
  }

  /**
   * Heals a blank board; both commands are started together. `meanwhile` gets both and may disturb them. Times in seconds. Throws
   * unless both end well and every byte is right.
   */
  async heal(baud, meanwhile = async () => {}) {
    const cable = await this.cable(baud);
    try {
      const startedAt = performance.now();
      const [target, rescuer] = [this.startTarget(baud), this.startRescuer(baud)];
      await meanwhile({ target, rescuer });
      const ends = await Promise.all([target.ended, rescuer.ended]);
      const whole = (Math.max(...ends.map(({ endedAt }) => endedAt)) - startedAt) / 1000;
      const { lines } = await cable.close();
      for (const { code, verdict } of ends)
        if (code !== 0) throw new Error(`not healed: ${verdict?.message ?? `exit code ${code}`}`);
      mayday("board", "read", this.#path("board"), "--out", this.#path("back.bin"));
      if (!readFileSync(this.#path("back.bin")).equals(this.#image)) throw new Error("wrong bytes");
      const { aToB, bToA } = lines.find(({ event }) => event === "counters");
      const line = (Math.max(aToB.lastByteMs, bToA.lastByteMs) - bToA.firstByteMs) / 1000;
      return { target: ends[0], rescuer: ends[1], whole, line };
    } finally {
      await cable.close();
    }
  }
}
