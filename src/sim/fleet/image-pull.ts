import { type Random, randomFraction, SeededRandom } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import { BackOff } from "../../network/back-off.ts";
import { partRandom } from "../many/world.ts";
import { PerSecond } from "./per-second.ts";

/** How sites look for images. */
export interface PullWays {
  readonly sites: number;
  readonly seed: number;
  /** Between two looks at the index. */
  readonly pollMs: Millis;
  /**
   * `clock`: everybody looks at the same moment, as timers that follow the clock do. `jitter`: each site begins at a moment of its
   * own, and its pauses differ by a tenth.
   */
  readonly poll: "clock" | "jitter";
  /** Requests that the server answers in a second; it answers others with 503. Infinity: a CDN. */
  readonly requestsPerSecond: number;
}

/** What came of an image that was published to all sites. Times from the publication on. */
export interface ImagePull {
  readonly bytes: number;
  readonly bytesPeak: number;
  readonly requests: number;
  readonly requestsPeak: number;
  readonly refused: number;
  /** The most requests in a second while there was nothing new. */
  readonly idlePeak: number;
  /** Sites that have the image, and when half of them, and the last one, had it. */
  readonly pulled: number;
  readonly halfMs: Millis;
  readonly lastMs: Millis;
}

/** The image that is published. */
export const PULLED_IMAGE_SIZE = 1_048_576;
/** A signed index of one image; its head is fetched, and judged, before the rest. */
const INDEX_BYTES = 700;
const HEAD_BYTES = 544;
/** Headers of an answer, and of one without a body. */
const HEADER_BYTES = 400;
/** Lines of sites, in bytes a second: 1 to 10 Mbit/s, evenly. */
const LINE_MIN = 125_000;
const LINE_MAX = 1_250_000;
/** One request and its answer, without the body. */
const ROUND_TRIP_MS: Millis = 100;
/** Share of the period by which a pause is longer or shorter, with jitter. */
const PAUSE_JITTER = 0.1;
const PUBLISHED_AFTER = 1.5;
/** Periods within which everybody has to have it. */
const PERIODS_MAX = 6;

/** What a server or CDN gives out. */
class SimServer {
  readonly requests: PerSecond = new PerSecond();
  readonly bytes: PerSecond = new PerSecond();
  refused = 0;
  #second = -1;
  #answered = 0;
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** Whether the request is answered; a body of `bytes` takes until `end`. */
  request(now: Millis, bytes: number, end: Millis): boolean {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) this.#answered = 0;
    this.#second = second;
    this.requests.add(now);
    if (this.#answered >= this.#most) {
      this.refused++;
      this.bytes.add(now, HEADER_BYTES);
      return false;
    }
    this.#answered++;
    this.bytes.spread(now, Math.max(now + 1, end), bytes + HEADER_BYTES);
    return true;
  }
}

/** A site that looks for images, with the waits of the production puller. */
class PullSite {
  readonly #ways: PullWays;
  readonly #clock: VirtualClock;
  readonly #server: SimServer;
  readonly #random: Random;
  readonly #backOff: BackOff;
  readonly #bytesPerMs: number;
  readonly #publishedAt: Millis;
  /** Answers that this look still needs, by their bytes. */
  #left: readonly number[] = [];
  #isPulling = false;
  /** When it had the image. */
  pulledAt: Millis | undefined;

  constructor(ways: PullWays, clock: VirtualClock, server: SimServer, publishedAt: Millis, random: Random) {
    this.#ways = ways;
    this.#clock = clock;
    this.#server = server;
    this.#publishedAt = publishedAt;
    this.#random = random;
    this.#backOff = new BackOff(random);
    this.#bytesPerMs = (LINE_MIN + randomFraction(random) * (LINE_MAX - LINE_MIN)) / 1000;
    const first = ways.poll === "clock" ? 0 : randomFraction(random) * ways.pollMs;
    clock.after(first, () => this.#look());
  }

  #look(): void {
    this.#isPulling = this.pulledAt === undefined && this.#clock.now() >= this.#publishedAt;
    this.#left = this.#isPulling ? [INDEX_BYTES, HEAD_BYTES, PULLED_IMAGE_SIZE - HEAD_BYTES] : [0];
    this.#fetch();
  }

  #fetch(): void {
    const now = this.#clock.now();
    const [bytes, ...rest] = this.#left;
    if (bytes === undefined) {
      this.#finish();
      return;
    }
    const end = now + ROUND_TRIP_MS + bytes / this.#bytesPerMs;
    const isAnswered = this.#server.request(now, bytes, end);
    if (isAnswered) this.#left = rest;
    this.#clock.after(isAnswered ? end - now : this.#backOff.take(), () => this.#fetch());
  }

  #finish(): void {
    const now = this.#clock.now();
    this.#backOff.reset();
    if (this.#isPulling) this.pulledAt = now;
    this.#clock.after(this.#pause(now), () => this.#look());
  }

  #pause(now: Millis): Millis {
    const { poll, pollMs } = this.#ways;
    if (poll === "clock") return pollMs - (now % pollMs);
    return pollMs * (1 + PAUSE_JITTER * (2 * randomFraction(this.#random) - 1));
  }
}

/** Publishes an image to sites that look for it, and waits until all have it, or too long. */
export function runImagePull(ways: PullWays): ImagePull {
  const { sites, seed, pollMs, requestsPerSecond } = ways;
  const clock = new VirtualClock();
  const random = partRandom(seed, 21);
  const server = new SimServer(requestsPerSecond);
  const publishedAt = PUBLISHED_AFTER * pollMs;
  const all = Array.from(
    { length: sites },
    (_, i) => new PullSite(ways, clock, server, publishedAt, new SeededRandom(random.u32() ^ i)),
  );
  clock.advanceTo(publishedAt);
  const [requestsBefore, bytesBefore] = [server.requests.total, server.bytes.total];
  clock.advanceTo(publishedAt + PERIODS_MAX * pollMs);
  const times = all
    .flatMap(({ pulledAt }) => (pulledAt === undefined ? [] : [pulledAt - publishedAt]))
    .sort((a, b) => a - b);
  return {
    bytes: server.bytes.total - bytesBefore,
    bytesPeak: server.bytes.peak(publishedAt),
    requests: server.requests.total - requestsBefore,
    requestsPeak: server.requests.peak(publishedAt),
    refused: server.refused,
    idlePeak: server.requests.peak(0, publishedAt),
    pulled: times.length,
    halfMs: times[Math.floor(times.length / 2)] ?? Number.POSITIVE_INFINITY,
    lastMs: times.at(-1) ?? Number.POSITIVE_INFINITY,
  };
}
