// Takes and releases the lock of board folders as it is told on stdin, a line each: "lock DIR MICROSECONDS" waits so long first,
// busily, and answers "held", or the error's code, pid and text; "release" answers "released".
import { createInterface } from "node:readline";
import { lockBoard } from "../../dist/board/board-lock.js";

let lock;

function take(dir, micros) {
  const until = process.hrtime.bigint() + BigInt(micros) * 1000n;
  while (process.hrtime.bigint() < until);
  try {
    lock = lockBoard(dir);
    return "held";
  } catch (error) {
    return `${error.code} ${error.details?.pid} ${error.message}`;
  }
}

process.stdout.write(`ready ${process.pid}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const [verb, dir, micros = "0"] = line.split(" ");
  if (verb === "lock") process.stdout.write(`${take(dir, micros)}\n`);
  else {
    lock?.release();
    process.stdout.write("released\n");
  }
}
