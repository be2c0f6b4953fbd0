import { networkInterfaces } from "node:os";
import { expect, it, test } from "vitest";
import { parseEndpoint } from "../../../src/transport/endpoint.ts";
import { openTransport } from "../../../src/transport/open-transport.ts";
import { isLoopbackHost } from "../../../src/transport/tcp/loopback.ts";
import { TcpTransport } from "../../../src/transport/tcp/tcp.ts";
import { TcpListenTransport } from "../../../src/transport/tcp/tcp-listen.ts";
import { Recorder, until } from "../../support/recorder.ts";

it.each([
  ...["127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"],
  ...["::ffff:7f00:1", "localhost", "LOCALHOST", "localhost.", "pi.localhost", "ip6-localhost", "::1%lo"],
])("%s is this machine alone", (host) => {
  expect(isLoopbackHost(host)).toBe(true);
});

it.each([
  ...["0.0.0.0", "::", "128.0.0.1", "126.255.255.255", "1.127.0.0", "192.168.1.2", "::2", "fe80::1%eth0"],
  ...["::ffff:10.0.0.1", "raspberrypi", "localhost.example", "mylocalhost", "127.example", "127", ""],
])('"%s" may be another machine', (host) => {
  expect(isLoopbackHost(host)).toBe(false);
});

/** Opens what `text` says, on whatever port is free, and tells whether a connection to `host` is accepted. */
async function isReached(text: string, host: string): Promise<boolean> {
  const endpoint = parseEndpoint(text);
  if (endpoint.tag !== "tcp-listen") throw new Error(text);
  const server = new TcpListenTransport({ ...endpoint, port: 0 });
  const [atServer, atClient] = [new Recorder(), new Recorder()];
  await server.open(atServer);
  const port = server.localPort ?? 0;
  const client = new TcpTransport({ tag: "tcp", text: `tcp:${host}:${port}`, host, port });
  await client.open(atClient);
  await until(() => atClient.events.length > 0, "outcome");
  await Promise.all([client.close(), server.close()]);
  expect(atServer.errors).toEqual([]);
  return atClient.events[0] === "up";
}

/** An address of this machine that others may reach. */
const outward = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === "IPv4" && !one.internal)?.address;

test("tcp-listen listens on the loopback address alone unless a host is named", async () => {
  // A machine without a network still has all of 127.0.0.0/8.
  const elsewhere = outward ?? "127.0.0.2";
  expect(await isReached("tcp-listen:5000", "127.0.0.1")).toBe(true);
  expect(await isReached("tcp-listen:5000", elsewhere)).toBe(false);
  expect(await isReached("tcp-listen:0.0.0.0:5000", elsewhere)).toBe(true);
  expect(await isReached("tcp-listen:[::1]:5000", "::1")).toBe(true);
  expect(await isReached("tcp-listen:[::1]:5000", "127.0.0.1")).toBe(false);
  expect(await isReached("tcp-listen:localhost:5000", "localhost")).toBe(true);
});

test.each([
  ["tcp-listen:5000", "127.0.0.1:", true],
  ["tcp-listen:0.0.0.0:5000", "0.0.0.0:", false],
  ["tcp-listen:[::]:5000", "[::]:", false],
])("a listener says where it listens, and how to let others in: %s", async (text, address, isHinted) => {
  const endpoint = parseEndpoint(text);
  if (endpoint.tag !== "tcp-listen") throw new Error(text);
  const server = new TcpListenTransport({ ...endpoint, port: 0 });
  const said: string[] = [];
  await server.open({
    onUp: () => {},
    onDown: () => {},
    onBytes: () => {},
    onWritable: () => {},
    onWaiting: ({ message, isFinal }) => said.push(`${isFinal} ${message}`),
  });
  const { localPort } = server;
  await server.close();
  expect(said).toHaveLength(1);
  expect(said[0]).toContain(`false ${text} listens on ${address}${localPort}, and nobody has connected yet`);
  expect(said[0]?.includes(`for others write tcp-listen:0.0.0.0:${localPort}`)).toBe(isHinted);
});

test("a client of another machine is told that the other end must listen on an address that it reaches", async () => {
  const said: string[] = [];
  const ask = async (text: string): Promise<void> => {
    const client = openTransport(parseEndpoint(text));
    await client.open({
      onUp: () => {},
      onDown: () => {},
      onBytes: () => {},
      onWritable: () => {},
      onWaiting: ({ message }) => said.push(message),
    });
    await until(() => said.length > 0, "reason");
    await client.close();
  };
  await ask("tcp:no-such-host.invalid:5000");
  expect(said.pop()).toContain("tcp-listen:0.0.0.0:5000");
  await ask("tcp:127.0.0.1:1");
  expect(said.pop()).not.toContain("0.0.0.0");
});
