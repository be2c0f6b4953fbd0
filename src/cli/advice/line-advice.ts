import type { ChangeKind } from "../../link/strangers/line-changes.ts";

/** What a link goes over, as far as advice differs. */
type Way = "serial" | "tcp" | "rfc2217";

function wayOf(endpoint: string): Way {
  if (endpoint.startsWith("rfc2217:")) return "rfc2217";
  return /^tcp(-listen)?:/.test(endpoint) ? "tcp" : "serial";
}

/** What to try, by what the link goes over. */
type ByWay = Readonly<Record<Way, string>>;

const RAW_TTY = "stty -F PORT raw -echo, socat …,raw,echo=0";
const SER2NET_PORT = "ser2net: connector: serialdev,PORT,115200n81,local";

const CHANGES: Readonly<Record<ChangeKind, ByWay>> = {
  telnet: {
    serial:
      "set the telnet server behind this port to raw bytes (ser2net: accepter: tcp,PORT); a tty that marks errors doubles FF, too (stty -parmrk)",
    tcp: "set the server to raw bytes (ser2net: accepter: tcp,PORT instead of telnet), or connect with rfc2217:HOST:PORT, which speaks telnet",
    rfc2217: "another telnet server is behind this one: set that to raw bytes (ser2net: accepter: tcp,PORT)",
  },
  "flow-control": {
    serial: `switch it off in the tty, adapter or server between (stty -F PORT raw -ixon -ixoff, socat …,raw,echo=0; ${SER2NET_PORT}, without xonxoff)`,
    tcp: `switch it off at the serial port behind the server (${SER2NET_PORT}, without xonxoff; or stty -F PORT raw -ixon -ixoff)`,
    rfc2217:
      "switch it off in the tty between the server and the board (stty -F PORT raw -ixon -ixoff, socat …,raw,echo=0)",
  },
  "line-ends": {
    serial: `set the tty or server between to pass bytes as they are (${RAW_TTY}, which include -icrnl -inlcr -igncr -onlcr)`,
    tcp: `set the server, and the tty behind it, to pass bytes as they are (ser2net: accepter: tcp,PORT; ${RAW_TTY})`,
    rfc2217: `set the tty between the server and the board to pass bytes as they are (${RAW_TTY})`,
  },
  terminal: {
    serial: `set the tty between to pass bytes as they are (${RAW_TTY})`,
    tcp: `set the tty behind the server to pass bytes as they are (${RAW_TTY}; ${SER2NET_PORT})`,
    rfc2217: `set the tty between the server and the board to pass bytes as they are (${RAW_TTY})`,
  },
  "zeros-dropped": {
    serial: `set the program, tty or server between to pass bytes as they are (${RAW_TTY}; ser2net: accepter: tcp,PORT)`,
    tcp: "set the server to raw bytes (ser2net: accepter: tcp,PORT), and each program between to binary",
    rfc2217: `set the tty or program between the server and the board to pass bytes as they are (${RAW_TTY})`,
  },
  "seven-bits": {
    serial: "set both sides, and each tty between, to 8N1 (stty -F PORT raw cs8 -parenb -istrip)",
    tcp: `set the serial port behind the server to 8N1 (${SER2NET_PORT}; or stty -F PORT raw cs8 -parenb -istrip)`,
    rfc2217: "set the board's side, and each tty between, to 8N1 (stty -F PORT raw cs8 -parenb -istrip)",
  },
};

const NOISE: ByWay = {
  serial: "the other side may run at another rate: try ?baud=N, then check levels and ground",
  tcp: `set the serial port behind the server to the board's baud rate and to raw bytes (${SER2NET_PORT}), then check levels and ground`,
  rfc2217: "the other side may run at another rate: try ?baud=N, then check levels and ground",
};

const NOISE_WITH_FRAMES: ByWay = {
  serial: "check levels, ground and flow control, or try a lower baud rate (?baud=N)",
  tcp: `check levels, ground and flow control at the serial port behind the server, or set it and the board to a lower baud rate (${SER2NET_PORT})`,
  rfc2217: "check levels, ground and flow control, or try a lower baud rate (?baud=N)",
};

/** What to try next where the line changes the bytes of a node. */
export function changeCure(kind: ChangeKind, endpoint: string): string {
  return CHANGES[kind][wayOf(endpoint)];
}

/** What to try next where bytes come, and no frames, or few. */
export function noiseCure(hasFrames: boolean, endpoint: string): string {
  return (hasFrames ? NOISE_WITH_FRAMES : NOISE)[wayOf(endpoint)];
}

const ECHO_BESIDE: ByWay = {
  serial:
    "an RS-485 adapter or a bus of one wire does that and works, at half the rate; else look where TX and RX touch, and for a tty that echoes (stty -F PORT raw -echo)",
  tcp: `set the tty behind the server to pass bytes as they are (${RAW_TTY}); an RS-485 adapter there does that, too, and works`,
  rfc2217: `set the tty between the server and the board to pass bytes as they are (${RAW_TTY}); an RS-485 adapter there does that, too, and works`,
};

/** What to try next where a node is heard, and own frames come back as well. */
export function echoCure(endpoint: string): string {
  return ECHO_BESIDE[wayOf(endpoint)];
}
