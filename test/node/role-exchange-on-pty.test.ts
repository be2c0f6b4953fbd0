import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import type { SplitterFactory } from "../../src/node/link-driver.ts";
import { parseEndpoint } from "../../src/transport/endpoint.ts";
import { openTransport } from "../../src/transport/open-transport.ts";
import { StreamSplitter } from "../../src/transport/stream-splitter.ts";
import { RUN_MAX } from "../../src/wire/line-code.ts";
import { boardFor, imageOf } from "../attacks/duel.ts";
import { ExchangeableNode } from "../support/exchangeable-node.ts";
import { until } from "../support/recorder.ts";
import { openSocatPair } from "../support/socat-pair.ts";

/** What keeps the process alive. */
function resources(): string[] {
  return process.getActiveResourcesInfo();
}

/** The resources that were not there before; the test runner has some of its own, which come and go. */
function added(before: readonly string[]): string[] {
  const left = [...before];
  return resources().filter((name) => {
    const at = left.indexOf(name);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

it("two nodes on real pseudo-terminals heal each other in turn without closing the ports, and leave no handle or timer", async () => {
  const pair = await openSocatPair();
  const before = resources();
  const data = randomBytes(new SeededRandom(4), 8192);
  const image = imageOf(data);
  const splitter: SplitterFactory = (onRun) =>
    new StreamSplitter(onRun, { maxRun: RUN_MAX, clock: systemClock });
  const nodes = [pair.a, pair.b].map((path, i) => {
    const transport = openTransport(parseEndpoint(`serial:${path}?baud=921600`));
    return new ExchangeableNode(transport, systemClock, splitter, i + 1);
  });
  const [a, b] = nodes as [ExchangeableNode, ExchangeableNode];
  await Promise.all([a.open(), b.open()]);
  // Two ports are open now, and the check below sees them.
  expect(added(before).length).toBeGreaterThan(1);
  const known: string[] = [];
  for (const [target, rescuer] of [
    [a, b],
    [b, a],
  ] as const) {
    const board = boardFor([{ name: "image", data, digest: image.digest }]);
    rescuer.becomeRescuer(image);
    target.becomeTarget(board);
    await until(() => target.seen.has("finished") && rescuer.seen.has("healed"), "a healed board");
    expect(board.boot()).toMatchObject({ tag: "boot" });
    const of = ({ link }: ExchangeableNode): string =>
      `${link.rtt.smoothed.toFixed(2)} ms and ${link.errorRate.toExponential(1)}`;
    known.push(`${of(a)}, ${of(b)}`);
  }
  process.stdout.write(
    `round trip and error estimate of both ends after the first transfer: ${known.join("; after the second: ")}\n`,
  );
  expect(a.link.counters.framesReceived).toBeGreaterThan(20);
  await Promise.all([a.close(), b.close()]);
  await sleep(100);
  expect(added(before)).toEqual([]);
  await pair.close();
});
