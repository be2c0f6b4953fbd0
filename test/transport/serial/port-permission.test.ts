import { describe, expect, it } from "vitest";
import { type PortRights, permissionText } from "../../../src/transport/serial/port-permission.ts";

const UART: PortRights = {
  ...{ path: "/dev/ttyS0", device: "/dev/ttyS0", mode: 0o20660 },
  ...{ gid: 20, owner: "root", group: "dialout", members: ["ann", "bob"] },
};
const TTY = { gid: 5, group: "tty", members: [] };

describe("a port that may not be opened", () => {
  it.each<[string, Partial<PortRights>, string, readonly number[], RegExp, RegExp]>([
    [
      "of a getty",
      { ...TTY, mode: 0o20620 },
      "ann",
      [20],
      /root:tty 0620.*serial-getty@ttyS0/,
      /usermod|dialout/,
    ],
    [
      "of a login of somebody else",
      { ...TTY, mode: 0o20600, owner: "eve" },
      "ann",
      [20],
      /eve:tty 0600.*getty/,
      /usermod/,
    ],
    [
      "of its group",
      {},
      "eve",
      [100],
      /root:dialout 0660.*eve is not in dialout.*usermod -aG dialout eve/,
      /getty/,
    ],
    [
      "of another group",
      { group: "uucp", gid: 14 },
      "eve",
      [20],
      /root:uucp 0660.*usermod -aG uucp eve/,
      /dialout/,
    ],
    [
      "of tty, which may use it",
      { ...TTY, mode: 0o20660 },
      "eve",
      [20],
      /root:tty 0660.*usermod -aG tty eve/,
      /getty/,
    ],
    [
      "of a group that was joined after the login",
      {},
      "bob",
      [100],
      /bob is in dialout, but not yet.*newgrp/,
      /usermod/,
    ],
    [
      "of a group that may not use it",
      { mode: 0o20600 },
      "ann",
      [20],
      /root:dialout 0600.*udev rule/,
      /usermod/,
    ],
    ["of a group of this process", {}, "ann", [20], /this process is in dialout.*container/, /usermod/],
    [
      "of root alone",
      { group: "root", gid: 0, members: [] },
      "ann",
      [20],
      /root:root 0660.*udev rule/,
      /usermod/,
    ],
    [
      "of a group without a name",
      { group: "998", gid: 998, members: [] },
      "ann",
      [20],
      /root:998 0660/,
      /getty/,
    ],
  ])("%s is told so", (_what, rights, user, groups, said, unsaid) => {
    const text = permissionText({ ...UART, ...rights }, { user, groups });
    expect(text).toMatch(said);
    expect(text).not.toMatch(unsaid);
  });
});
