// A controller on a bus of the I2C test rig: runs calls of the real i2c-bus addon, read from standard input as JSON,
// and prints what came of each. The library in LD_PRELOAD must be there before Node starts, hence a program of its own.
import { readFileSync } from "node:fs";
import i2c from "i2c-bus";

const { bus: number, calls, isTogether } = JSON.parse(readFileSync(0, "utf8"));
const bus = i2c.openSync(number);
const promised = bus.promisifiedBus();

/** Many writes with a read after each: milliseconds a pair. */
async function time(isSync, address, bytes, pairs) {
  const buffer = Buffer.alloc(bytes, 0x5a);
  const start = performance.now();
  for (let i = 0; i < pairs; i++) {
    if (isSync) {
      bus.i2cWriteSync(address, bytes, buffer);
      bus.i2cReadSync(address, bytes, buffer);
    } else {
      await promised.i2cWrite(address, bytes, buffer);
      await promised.i2cRead(address, bytes, buffer);
    }
  }
  return (performance.now() - start) / pairs;
}

async function result({ method, args }) {
  const given = args.map((arg) => (typeof arg === "string" ? Buffer.from(arg, "hex") : arg));
  try {
    const value = await (method === "time" ? time(...given) : promised[method](...given));
    if (value?.buffer === undefined) return { value };
    const count = value.bytesRead ?? value.bytesWritten;
    return { count, hex: value.buffer.toString("hex") };
  } catch (error) {
    return { error: error.code ?? error.message };
  }
}

const results = [];
// The first call opens the bus for an address; all others then use that.
if (isTogether) results.push(await result(calls.shift()), ...(await Promise.all(calls.map(result))));
else for (const call of calls) results.push(await result(call));
bus.closeSync();
process.stdout.write(JSON.stringify(results));
