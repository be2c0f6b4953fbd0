import { connect } from "node:net";
import { expect, it } from "vitest";
import { parseEndpoint } from "../../src/transport/endpoint.ts";
import { openPatiently } from "../../src/transport/open-transport.ts";
import { freePort } from "../cli/workbench.ts";

it("a patient tcp-listen link listens all the time, also when its only client has left", async () => {
  const port = await freePort();
  const transport = openPatiently(parseEndpoint(`tcp-listen:127.0.0.1:${port}`));
  const downs: (() => void)[] = [];
  await transport.open({
    onUp: () => {},
    onDown: () => {
      for (const down of downs.splice(0)) down();
    },
    onBytes: () => {},
    onWritable: () => {},
  });
  try {
    for (let round = 0; round < 5; round++) {
      const client = connect(port, "127.0.0.1");
      await new Promise<void>((resolve, reject) => {
        client.once("connect", resolve);
        client.once("error", reject);
      });
      const down = new Promise<void>((resolve) => {
        downs.push(resolve);
      });
      await new Promise((resolve) => setTimeout(resolve, 50));
      client.destroy();
      await down;
    }
    expect(downs).toEqual([]);
  } finally {
    await transport.close();
  }
});
