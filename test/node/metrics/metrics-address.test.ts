import { describe, expect, test } from "vitest";
import { parseMetricsAddress } from "../../../src/node/metrics/metrics-address.ts";

describe("The address of figures", () => {
  test.each([
    ["9464", "127.0.0.1", 9464],
    ["0", "127.0.0.1", 0],
    ["127.0.0.1:65535", "127.0.0.1", 65535],
    ["127.8.8.8:1", "127.8.8.8", 1],
    ["localhost:9464", "127.0.0.1", 9464],
    ["[::1]:9464", "::1", 9464],
  ])("%j is %s, port %d", (text, host, port) => {
    expect(parseMetricsAddress(text)).toEqual({ host, port });
  });

  test.each([
    "0.0.0.0:9464",
    "192.168.1.2:9464",
    "[::]:9464",
    "[fe80::1]:9464",
    "[::ffff:127.0.0.1]:9464",
    "127.0.0.1.example:9464",
    "pi.local:9464",
    "127.1:9464",
    ":9464",
  ])("%j is refused, as others would reach it or may", (text) => {
    expect(() => parseMetricsAddress(text)).toThrow(/on this machine only/);
  });

  test.each([
    "",
    "x",
    "65536",
    "-1",
    "9464/metrics",
    "http://127.0.0.1:9464",
    "127.0.0.1",
    "::1:9464",
    "1e3",
  ])("%j is refused, as it has no port", (text) => {
    expect(() => parseMetricsAddress(text)).toThrow(/is no address for figures/);
  });
});
