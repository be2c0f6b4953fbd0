// The lines of the comparison: what the cable does, how large the image is, and what mayday must and wants to reach.
const KIB = 1024;
const MIB = KIB * KIB;

const line = (name, more) => ({
  name,
  baud: 921_600,
  size: 256 * KIB,
  cable: [],
  latencyMs: 1,
  isBusy: false,
  ...more,
});

const withErrors = (ber, more) =>
  line(`bit errors ${ber}`, { ber: Number(ber), cable: ["--ber", ber], ...more });

/** Peers that need not long to fail on bad lines, and those that a slow line leaves time for. */
const MOST = ["mayday", "zmodem", "kermit"];
const TWO = ["mayday", "zmodem"];

/**
 * `peers`: those that run the line, unless all do. `floor` and `aim` are mayday's share of the line (docs/testing.md,
 * "Goodput"). Lines with `ber`, and the clean one, are the points of the picture. `isBusy`: two processes that never rest run
 * beside the transfer.
 */
export const LINES = [
  line("clean", { ber: 0, floor: 0.93, aim: 0.98 }),
  line("clean, 1 MiB", { size: MIB, aim: 0.983, peers: MOST }),
  line("115200 baud, 64 KiB", { baud: 115_200, size: 64 * KIB, floor: 0.93, aim: 0.97 }),
  line("115200 baud, 1 MiB", { baud: 115_200, size: MIB, aim: 0.983, peers: TWO }),
  line("3 Mbaud, 1 MiB", { baud: 3_000_000, size: MIB, aim: 0.983, peers: MOST }),
  line("16 ms delay", { latencyMs: 16, floor: 0.9, aim: 0.952 }),
  line("16 ms delay, bit errors 1e-5", {
    latencyMs: 16,
    cable: ["--ber", "1e-5"],
    floor: 0.91,
    aim: 0.91,
    peers: MOST,
  }),
  withErrors("1e-6", { peers: MOST, aim: 0.96 }),
  withErrors("1e-5", { floor: 0.92, aim: 0.93 }),
  withErrors("3e-5", { peers: MOST, floor: 0.91, aim: 0.92 }),
  withErrors("1e-4", { floor: 0.9, aim: 0.92 }),
  withErrors("3e-4", { peers: MOST, floor: 0.88, aim: 0.91 }),
  withErrors("1e-3", { peers: MOST, floor: 0.85, aim: 0.89 }),
  withErrors("3e-3", { peers: TWO, floor: 0.78, aim: 0.84 }),
  line("bytes lost 1e-4", { cable: ["--drop", "1e-4"], peers: MOST, floor: 0.91, aim: 0.93 }),
  line("bursts of 50 bytes, one in 100,000", {
    cable: ["--burst", "100000,50"],
    peers: MOST,
    floor: 0.95,
    aim: 0.96,
  }),
  // Counted from the first byte either way. Receivers call at once, 0.7 s before the sender starts, but for C-Kermit's: so
  // the cut is 0.7 to 2.7 s into the transfer (C-Kermit's: 1.4 to 3.4), and a sender that streams is heard after it.
  line("a cut of 2 s", { cable: ["--cut", "1.4,2"], peers: MOST, floor: 0.57, aim: 0.575 }),
  line("clean, two busy processes", { isBusy: true, floor: 0.965, peers: MOST }),
  line("bit errors 1e-4, two busy processes", {
    cable: ["--ber", "1e-4"],
    isBusy: true,
    floor: 0.85,
    peers: MOST,
  }),
];
