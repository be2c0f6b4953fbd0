import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { SwitchedLine } from "../../support/switched-line.ts";
import { COUNTDOWN, PROMPT, UBoot } from "../../support/u-boot.ts";
import type { NodesOnLines } from "../nodes-on-lines.ts";
import type { ConsoleKind } from "./start-plan.ts";

const LIMIT_MS = 30_000;
const LOOK_MS = 20;

/** What a console did that it would not have done alone, and whether it was there. */
export interface ConsoleFacts {
  /** Commands, log-ins, prompts after the first one. */
  readonly executed: readonly string[];
  /** What was broken off: U-Boot's countdown, a line. */
  readonly aborted: readonly string[];
  /** Why it cannot be judged; empty when it was there from its prompt to the end. */
  readonly unseen: readonly string[];
}

/** A program that takes what comes on a line for keys. */
export interface LiveConsole {
  /** It is switched on and plugged in: what comes reaches it. */
  powerOn(): Promise<void>;
  /** Waits until it waits for input; false if it never does. */
  atPrompt(): Promise<boolean>;
  /** What it did until now. Then types a line itself, which it must answer: else nothing was looked at. */
  judge(): Promise<ConsoleFacts>;
  close(): Promise<void>;
}

/** A console of this kind, which is off; `id` names its files. */
export function makeConsole(
  kind: ConsoleKind,
  nodes: NodesOnLines,
  line: SwitchedLine,
  id: number,
): Promise<LiveConsole> {
  if (kind === "u-boot") return uBoot(line);
  return Promise.resolve(kind === "bash" ? bash(nodes, line, id) : getty(nodes, line));
}

async function within(isSo: () => boolean, limitMs = LIMIT_MS): Promise<boolean> {
  for (const start = performance.now(); !isSo(); await sleep(LOOK_MS))
    if (performance.now() - start > limitMs) return false;
  return true;
}

/** Waits until a byte has come, and leaves it there. */
async function firstByteOf(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => void socket.once("readable", resolve));
}

const countOf = (text: string, part: string): number => text.split(part).length - 1;

/** A shell that writes down each prompt and each command. */
function bash(nodes: NodesOnLines, line: SwitchedLine, id: number): LiveConsole {
  const [rc, log] = [nodes.bench.path(`bashrc-${id}`), nodes.bench.path(`bash-log-${id}`)];
  const lines = [
    `HISTFILE=${nodes.bench.path(`history-${id}`)}`,
    "PS1='board:~$ '",
    // Something that the key for the last command brings back.
    "history -s 'echo again'",
    `trap 'echo "left" >>${log}' EXIT`,
    `PROMPT_COMMAND='echo prompt >>${log}'`,
    // Without the commands of PROMPT_COMMAND.
    `trap '[[ $BASH_COMMAND == "echo prompt"* ]] || printf "ran %q\\n" "$BASH_COMMAND" >>${log}' DEBUG`,
  ];
  writeFileSync(rc, `${lines.join("\n")}\n`);
  const told = (): string[] =>
    existsSync(log)
      ? readFileSync(log, "utf8")
          .split("\n")
          .filter((text) => text !== "")
      : [];
  return ofProgram(nodes, line, `bash --rcfile ${rc} -i`, {
    prompt: "board:~$ ",
    facts: () => {
      const [, ...more] = told();
      if (more.includes("left")) return { executed: [], aborted: ["the shell"] };
      const executed = more.filter((text) => text !== "prompt");
      if (/command not found|syntax error/.test(line.said)) executed.push("an error of the shell");
      // A prompt without a command: an empty line, or one that was broken off.
      const aborted = more.length > 0 && executed.length === 0 ? [`${more.length} more prompts`] : [];
      return { executed, aborted };
    },
    isAnswered: () => told().some((text) => text.startsWith("ran :")),
    // The keys before it take away what may stand in the line.
    control: "\x01\x0b:\r",
  });
}

/** A getty with login. */
function getty(nodes: NodesOnLines, line: SwitchedLine): LiveConsole {
  const lines = (): number => countOf(line.said, "login: ");
  return ofProgram(nodes, line, "/usr/sbin/agetty -L --noclear - 115200 vt100", {
    prompt: "login: ",
    facts: () => {
      const attempts = /Password|incorrect/.test(line.said) ? ["a log-in"] : [];
      const again = lines() > 1 && attempts.length === 0 ? ["the question for a name"] : [];
      return { executed: attempts, aborted: again };
    },
    isAnswered: () => /Password/.test(line.said),
    control: "\x15nobody\r",
  });
}

interface ProgramTexts {
  readonly prompt: string;
  readonly facts: () => Pick<ConsoleFacts, "executed" | "aborted">;
  /** The keys that show that it reads the line, and whether it did what they say. */
  readonly control: string;
  readonly isAnswered: () => boolean;
}

/** A program on a pseudo terminal of its own. */
function ofProgram(
  nodes: NodesOnLines,
  line: SwitchedLine,
  command: string,
  texts: ProgramTexts,
): LiveConsole {
  let close: () => Promise<void> = async () => {};
  return {
    powerOn: async () => {
      ({ close } = await nodes.plugProgram(line, command));
    },
    atPrompt: () => within(() => line.said.includes(texts.prompt)),
    judge: async () => {
      const facts = texts.facts();
      const unseen = line.said.includes(texts.prompt) ? [] : ["no prompt"];
      if (facts.executed.length > 0 || facts.aborted.length > 0) return { ...facts, unseen };
      line.tell(texts.control);
      if (!(await within(texts.isAnswered))) unseen.push("it does not read the line");
      return { ...facts, unseen };
    },
    close: () => close(),
  };
}

/** U-Boot, which counts down from 2 and is at its prompt then. */
async function uBoot(line: SwitchedLine): Promise<LiveConsole> {
  const board = await UBoot.make();
  return {
    // It turns its UART on just before it writes its banner. What comes sooner is lost on a board, but QEMU keeps it.
    powerOn: async () => {
      const socket = await board.powerOn();
      await firstByteOf(socket);
      line.plug(socket);
    },
    atPrompt: () => board.wrote(PROMPT, LIMIT_MS),
    judge: async () => {
      const { log } = board;
      const aborted = log.includes(COUNTDOWN.over) ? [] : ["the countdown"];
      if (log.includes("<INTERRUPT>")) aborted.push("a line");
      const prompts = countOf(log, PROMPT);
      const executed = prompts > 1 && !log.includes("<INTERRUPT>") ? [`${prompts - 1} commands`] : [];
      const unseen = log.includes(COUNTDOWN.begins) ? [] : ["no countdown"];
      if (executed.length > 0 || aborted.length > 0) return { executed, aborted, unseen };
      // Ctrl-C takes away what may stand in the line.
      line.tell("\x03version\r");
      if (!(await within(() => board.log.slice(log.length).includes("U-Boot 20"))))
        unseen.push("it does not read the line");
      return { executed, aborted, unseen };
    },
    close: () => board.close(),
  };
}
