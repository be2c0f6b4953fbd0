import { describe, expect, it } from "vitest";
import { AddressGuard, parseNetworkRange } from "../../src/network/address-guard.ts";

const open = new AddressGuard();

describe("an address guard", () => {
  it.each([
    "8.8.8.8",
    "1.1.1.1",
    "203.0.114.1",
    "100.128.0.1",
    "2606:4700::1111",
    "2a00:1450::1",
    "::ffff:8.8.8.8",
  ])("allows %s, which is public", (address) => {
    expect(open.isAllowed(address)).toBe(true);
  });

  it.each([
    "127.0.0.1",
    "127.255.255.255",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "0:0:0:0:0:ffff:c0a8:101",
    "::127.0.0.1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd12:3456::1",
    "ff02::1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:db8::1",
    "",
    "localhost",
    "127.1",
  ])("forbids %s", (address) => {
    expect(open.isAllowed(address)).toBe(false);
  });

  it("allows what is listed, and nothing beside it", () => {
    const site = new AddressGuard(["192.168.7.0/24", "fd00:7::/64", "127.0.0.1"].map(parseNetworkRange));
    for (const address of ["192.168.7.9", "::ffff:192.168.7.9", "fd00:7::9", "127.0.0.1", "8.8.8.8"])
      expect(site.isAllowed(address), address).toBe(true);
    for (const address of ["192.168.8.1", "fd00:8::9", "127.0.0.2", "::1"])
      expect(site.isAllowed(address), address).toBe(false);
  });

  it.each([
    "",
    "here",
    "192.168.7.0/33",
    "192.168.7/24",
    "1.2.3.4/",
    "::1/129",
    "10.0.0.0/-1",
    "10.0.0.0/8/8",
  ])('refuses the range "%s"', (text) => {
    expect(() => parseNetworkRange(text)).toThrow(expect.objectContaining({ code: "bad-address-range" }));
  });
});
