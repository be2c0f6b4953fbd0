import { type ChildProcess, fork } from "node:child_process";

/** Processes that do the jobs of a program, which calls {@link serveJobs} when it is started with `--worker`. */
export class Workers<Job, Result> {
  readonly #program: string;
  readonly #children: ChildProcess[] = [];

  /** `program`: path of the module to fork. */
  constructor(program: string) {
    this.#program = program;
  }

  /** Deals jobs out to this many processes, the next one to the first that is free; `take` gets each result as it comes. */
  async deal(jobs: Iterable<Job>, count: number, take: (result: Result, job: Job) => void): Promise<void> {
    const waiting = jobs[Symbol.iterator]();
    const work = async (): Promise<void> => {
      const child = fork(this.#program, ["--worker"]);
      this.#children.push(child);
      for (let next = waiting.next(); next.done !== true; next = waiting.next()) {
        child.send(next.value as object);
        take(await answerOf<Result>(child), next.value);
      }
      child.disconnect();
    };
    await Promise.all(Array.from({ length: count }, work));
  }

  /** Ends them at once, whatever they do. */
  kill(): void {
    for (const child of this.#children) child.kill("SIGKILL");
  }
}

function answerOf<Result>(child: ChildProcess): Promise<Result> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`a worker ended with ${code}`));
    child.once("exit", onExit);
    child.once("message", (message) => {
      child.off("exit", onExit);
      resolve(message as Result);
    });
  });
}

/** A worker: does the jobs that come until the parent disconnects. */
export function serveJobs<Job, Result>(work: (job: Job) => Promise<Result>): Promise<number> {
  return new Promise((resolve) => {
    process.on("message", (job) => void work(job as Job).then((result) => process.send?.(result)));
    process.on("disconnect", () => resolve(0));
  });
}
