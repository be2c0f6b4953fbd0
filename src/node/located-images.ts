import { equalBytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { errorWords } from "../base/system-error.ts";
import { type ImageSource, runOf } from "../image/image-source.ts";
import { shortDigest } from "../image/manifest.ts";
import type { DescentPlan } from "../session/target/descent-plan.ts";
import type { FetchedImage } from "../session/target/fetched-image.ts";
import type { TargetEvent } from "../session/target/target-events.ts";
import type { TargetRole } from "../session/target/target-role.ts";
import { judgeLocator, type Locators } from "./locator.ts";
import type { SideLink } from "./node-link.ts";

type Link = SideLink<TargetRole>;
type LocatorEvent = Extract<TargetEvent, { readonly tag: "locator" }>;

/**
 * Images that are fetched from where a rescuer says that they lie, while its session runs (PROTOCOL.md 6.11). One for each link, for
 * as long as its session; whatever goes wrong, the session continues without it.
 */
export class LocatedImages {
  readonly #locators: Locators;
  readonly #clock: Pick<Clock, "now">;
  readonly #tell: (link: Link, detail: string) => void;
  readonly #fetches: Map<Link, AbortController> = new Map();

  /** `tell` reports what becomes of a locator. */
  constructor(locators: Locators, clock: Pick<Clock, "now">, tell: (link: Link, detail: string) => void) {
    this.#locators = locators;
    this.#clock = clock;
    this.#tell = tell;
  }

  /** A rescuer named a place. Resolves when the image was handed over, or will not be. */
  async handle({ locator, plan, session }: LocatorEvent, link: Link): Promise<void> {
    const judged = judgeLocator(locator, this.#locators.origins);
    if (judged.tag === "unusable") {
      this.#tell(link, `the rescuer says where the image lies, which is not used: ${judged.detail}`);
      return;
    }
    const { href } = judged.url;
    const stop = new AbortController();
    this.#fetches.set(link, stop);
    this.#tell(link, `fetches the image from ${href} as well`);
    try {
      const image = await this.#locators.fetch(judged.url, plan.size, stop.signal);
      if (stop.signal.aborted) return;
      if (!isSame(image, plan)) {
        this.#tell(link, `what lies at ${href} is another image, and is not used`);
        return;
      }
      this.#tell(link, `the image was fetched from ${href}: what flash lacks is taken from there`);
      link.role?.handleFetched(this.#clock.now(), session, readable(image));
      link.driver.pump();
    } catch (error) {
      if (!stop.signal.aborted) this.#tell(link, `the image could not be fetched: ${errorWords(error)}`);
    }
  }

  /** The session on this link is over: what it fetched, or fetches, is not needed. */
  end(link: Link): void {
    this.#fetches.get(link)?.abort();
    this.#fetches.delete(link);
  }
}

/** Whether this is the image of a session, by what is cheap to see; each run and block is checked when it is used. */
function isSame({ digest, manifest }: ImageSource, plan: DescentPlan): boolean {
  const { size, blockSize } = manifest;
  return equalBytes(shortDigest(digest), plan.digest) && size === plan.size && blockSize === plan.blockSize;
}

/** What cannot be read comes over the wire. */
function readable(image: ImageSource): FetchedImage {
  const read = <Result>(from: () => Result): Result | undefined => {
    try {
      return from();
    } catch {
      return undefined;
    }
  };
  return {
    run: (node) => read(() => runOf(image, node)),
    block: (index) => read(() => image.readBlockSync(index)),
  };
}
