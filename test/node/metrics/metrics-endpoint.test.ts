import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { newCounters } from "../../../src/link/counters.ts";
import type { NodeReport } from "../../../src/node/full-side.ts";
import { EventMetrics } from "../../../src/node/metrics/event-metrics.ts";
import { MetricSet } from "../../../src/node/metrics/metric-set.ts";
import {
  loadPrometheus,
  type MetricsEndpoint,
  openMetricsEndpoint,
} from "../../../src/node/metrics/metrics-endpoint.ts";
import { StatusMetrics } from "../../../src/node/metrics/status-metrics.ts";
import type { NodeEvent } from "../../../src/node/node-event.ts";

const LINK = 'serial:/dev/tty"odd\\name';
const PEER = "fedcba9876543210";

const STATUS: NodeReport = {
  nodeId: "0123456789abcdef",
  uptimeSeconds: 61.5,
  board: {
    isBootable: true,
    isTrial: false,
    failure: null,
    version: "1.2.3",
    digest: "aabbccddeeff0011",
    layout: "ab",
  },
  links: [
    {
      link: LINK,
      role: "idle",
      isUp: true,
      trouble: null,
      rttMs: 4,
      baud: 115200,
      counters: { ...newCounters(), bytesSent: 100, crcErrors: 2 },
    },
  ],
  neighbours: [
    neighbour({ isBootable: true }),
    neighbour({ isBootable: true, isTrial: true }),
    neighbour({ isBootable: false }),
    neighbour({ isBootable: null, isProvider: true }),
  ],
  waiting: [{}, {}],
  healed: [],
};

function neighbour(given: Partial<NodeReport["neighbours"][number]>): NodeReport["neighbours"][number] {
  return {
    link: LINK,
    peer: PEER,
    isProvider: false,
    isBootable: null,
    isTrial: false,
    version: null,
    digest: null,
    heardSecondsAgo: 1,
    firstHeardSecondsAgo: 1,
    ...given,
  };
}

const open: MetricsEndpoint[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

interface Served {
  readonly url: string;
  readonly events: EventMetrics;
  status: NodeReport;
}

async function serve(): Promise<Served> {
  const set = new MetricSet(await loadPrometheus(), "9.9.9");
  const events = new EventMetrics(set);
  const status = new StatusMetrics(set);
  const served: { url: string; events: EventMetrics; status: NodeReport } = {
    url: "",
    events,
    status: STATUS,
  };
  const endpoint = await openMetricsEndpoint({ host: "127.0.0.1", port: 0 }, set.registry, () =>
    status.update(served.status),
  );
  open.push(endpoint);
  served.url = endpoint.url;
  return served;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

function ask(
  url: string,
  { host, method = "GET" }: { readonly host?: string; readonly method?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, ...(host === undefined ? {} : { headers: { host } }) }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (piece: string) => {
        text += piece;
      });
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, type: answer.headers["content-type"] ?? "", text }),
      );
    });
    asked.on("error", reject);
    asked.end();
  });
}

/** The value of one line, by its name and labels. */
function figureIn(text: string, line: string): number | undefined {
  const found = text.split("\n").find((one) => one.startsWith(`${line} `));
  return found === undefined ? undefined : Number(found.slice(line.length + 1));
}

const SAID = '{link="serial:/dev/tty\\"odd\\\\name"}';

describe("Figures for Prometheus", () => {
  test("say what the status says, with the endpoint as an escaped label", async () => {
    const { text, type, status } = await ask((await serve()).url);
    expect({ status, type }).toEqual({ status: 200, type: "text/plain; version=0.0.4; charset=utf-8" });
    expect(figureIn(text, 'mayday_build_info{version="9.9.9"}')).toBe(1);
    expect(figureIn(text, "mayday_uptime_seconds")).toBe(61.5);
    expect(figureIn(text, 'mayday_board_bootable{layout="ab"}')).toBe(1);
    expect(figureIn(text, 'mayday_board_image_info{version="1.2.3",digest="aabbccddeeff0011"}')).toBe(1);
    for (const state of ["healthy", "trial", "distress", "provider"])
      expect(figureIn(text, `mayday_neighbours{state="${state}"}`), state).toBe(1);
    expect(figureIn(text, "mayday_waiting_boards")).toBe(2);
    expect(figureIn(text, `mayday_link_up${SAID}`)).toBe(1);
    expect(figureIn(text, `mayday_link_rtt_seconds${SAID}`)).toBe(0.004);
    expect(figureIn(text, `mayday_link_baud${SAID}`)).toBe(115200);
    expect(figureIn(text, `mayday_link_sent_bytes_total${SAID}`)).toBe(100);
    expect(figureIn(text, `mayday_link_crc_errors_total${SAID}`)).toBe(2);
    expect(figureIn(text, "process_resident_memory_bytes")).toBeGreaterThan(1e6);
  });

  test("grow with the counters of a link, and are the same when they are read twice", async () => {
    const served = await serve();
    await ask(served.url);
    const [link] = STATUS.links;
    if (link === undefined) throw new Error("a link");
    served.status = { ...STATUS, links: [{ ...link, counters: { ...link.counters, bytesSent: 150 } }] };
    await ask(served.url);
    const { text } = await ask(served.url);
    expect(figureIn(text, `mayday_link_sent_bytes_total${SAID}`)).toBe(150);
  });

  test("of a node without a board say nothing of one, also when there was one before", async () => {
    const served = await serve();
    await ask(served.url);
    served.status = { ...STATUS, board: null };
    const { text } = await ask(served.url);
    expect(text).not.toMatch(/^mayday_board_(bootable|image_info)\{/m);
  });

  test("count events by link and reason, and the proven ones apart", async () => {
    const { url, events } = await serve();
    const heal = {
      event: "healed",
      link: LINK,
      peer: PEER,
      digest: "",
      version: "1.0.0",
      proven: false,
      blocks: 1,
      bytesTx: 1,
      seconds: 1,
    } as const satisfies NodeEvent;
    for (const event of [
      heal,
      heal,
      { ...heal, proven: true },
      { event: "lost", link: LINK, peer: PEER, why: "text of a peer" },
      { event: "refused", link: LINK, peer: PEER, reason: "counter", proven: false },
      { event: "suspect", link: LINK, digest: "", proven: true, seconds: 1 },
      { event: "conflict", link: LINK, peer: PEER, version: "1.0.0", digest: "" },
      { event: "installed", version: "1.0.0", digest: "", from: "file" },
      { event: "console", link: LINK, text: "x" },
    ] as const satisfies readonly NodeEvent[])
      events.handle(event);
    const { text } = await ask(url);
    const link = SAID.slice(1, -1);
    expect(figureIn(text, `mayday_heals_total{${link},proven="false"}`)).toBe(2);
    expect(figureIn(text, `mayday_heals_total{${link},proven="true"}`)).toBe(1);
    expect(figureIn(text, `mayday_sessions_lost_total{${link}}`)).toBe(1);
    expect(figureIn(text, `mayday_refusals_total{${link},reason="counter"}`)).toBe(1);
    expect(figureIn(text, 'mayday_suspects_total{proven="true"}')).toBe(1);
    expect(figureIn(text, `mayday_conflicts_total{${link}}`)).toBe(1);
    expect(figureIn(text, "mayday_installs_total")).toBe(1);
    expect(text).not.toContain("text of a peer");
    expect(text).not.toContain(PEER);
  });

  test("are at /metrics only, for GET and HEAD only", async () => {
    const { url } = await serve();
    expect(await ask(url.replace("/metrics", "/"))).toMatchObject({ status: 404 });
    expect(await ask(url.replace("/metrics", "/metrics/x"))).toMatchObject({ status: 404 });
    expect(await ask(`${url}?name=x`)).toMatchObject({ status: 200 });
    expect(await ask(url, { method: "POST" })).toMatchObject({ status: 405 });
    expect(await ask(url, { method: "HEAD" })).toMatchObject({ status: 200, text: "" });
  });

  test.each(["evil.example", "evil.example:9464", "127.0.0.1.evil.example", "192.168.0.1"])(
    "are not given to a page that reaches this machine by the name %j",
    async (host) => {
      expect(await ask((await serve()).url, { host })).toMatchObject({ status: 403 });
    },
  );

  test("are given by each name of this machine", async () => {
    const { url } = await serve();
    for (const host of ["127.0.0.1", "localhost:9464", "[::1]:1"])
      expect(await ask(url, { host }), host).toMatchObject({ status: 200 });
  });

  test("a status that cannot be read is said, and the next reading is right", async () => {
    const served = await serve();
    served.status = undefined as unknown as NodeReport;
    expect(await ask(served.url)).toMatchObject({ status: 500 });
    served.status = STATUS;
    expect(await ask(served.url)).toMatchObject({ status: 200 });
  });

  test("connections that say nothing leave room for others, and end with the endpoint", async () => {
    const { url } = await serve();
    const silent = await Promise.all(
      Array.from({ length: 7 }, () => silentClient(Number(new URL(url).port))),
    );
    expect(await ask(url)).toMatchObject({ status: 200 });
    const closed = silent.map((socket) => new Promise((resolve) => socket.once("close", resolve)));
    await open.pop()?.close();
    await Promise.all(closed);
  });

  test("a port that another program has is named", async () => {
    const { url } = await serve();
    const port = Number(new URL(url).port);
    const set = new MetricSet(await loadPrometheus(), "9.9.9");
    await expect(openMetricsEndpoint({ host: "127.0.0.1", port }, set.registry, () => {})).rejects.toThrow(
      new RegExp(`figures cannot be served at 127\\.0\\.0\\.1:${port}: `),
    );
  });
});

function silentClient(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket));
    socket.on("error", reject);
  });
}
