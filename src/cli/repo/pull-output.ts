import { FailedError, type MaydayError, RefusedError, UnreachableError } from "../../base/errors.ts";
import type { Millis } from "../../base/units.ts";
import { formatHardware } from "../../image/hardware.ts";
import { formatVersion } from "../../image/version.ts";
import type { IndexEntry } from "../../network/index-format.ts";
import type { PullEvent } from "../../network/pull-event.ts";
import type { PullOutcome } from "../../network/pull-round.ts";
import { shortId } from "../event-text.ts";
import type { Output } from "../output.ts";
import { byteText, durationText, percent, rateText } from "../text.ts";

/** Shortest time between two lines of progress. */
const PROGRESS_MS: Millis = 3000;

/** Why an image is left out that did not fail itself. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  counter: "its security counter is below that of an image in the folder",
};

/** Shows what happens in pulls: of one command, or of a node. */
export class PullOutput {
  readonly #output: Output;
  #toldSeconds = 0;
  #toldDigest = "";
  /** Images that failed, in this pull. */
  #failed = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  handle(event: PullEvent): void {
    switch (event.event) {
      case "index":
        this.#output.event(event);
        this.#output.note(indexText(event));
        break;
      case "pulling":
        this.#progress(event);
        break;
      case "pulled":
        this.#pulled(event);
        break;
      case "left-out":
        this.#output.event({ event: event.event, ...entryFields(event.entry), reason: event.reason });
        this.#output.note(
          `${nameOf(event.entry)}: left out: ${LEFT_OUT[event.reason] ?? `failed before (${event.reason})`}`,
        );
        if (!(event.reason in LEFT_OUT)) this.#failed++;
        break;
      case "pull-failed":
        this.#pullFailed(event);
        break;
      default:
        this.#output.warn(event.detail);
    }
  }

  /** The error for how a pull ended; undefined when the folder has all that it should have. */
  errorOf({ fault, pulled }: PullOutcome): MaydayError | undefined {
    const failed = this.#failed;
    this.#failed = 0;
    if (fault === undefined || failed === 0) return fault;
    const count = `${failed} image${failed === 1 ? " was" : "s were"} not pulled`;
    const message = `${count} (${fault.code}), ${pulled} ${pulled === 1 ? "was" : "were"}`;
    const kind =
      fault instanceof RefusedError
        ? RefusedError
        : fault instanceof UnreachableError
          ? UnreachableError
          : FailedError;
    return new kind(fault.code, message, fault.details, fault);
  }

  #progress({ event, entry, done, seconds }: Extract<PullEvent, { event: "pulling" }>): void {
    this.#output.event({ event, ...entryFields(entry), done, seconds });
    if (entry.digest !== this.#toldDigest) this.#toldSeconds = 0;
    this.#toldDigest = entry.digest;
    if ((seconds - this.#toldSeconds) * 1000 < PROGRESS_MS) return;
    this.#toldSeconds = seconds;
    this.#output.note(
      `${nameOf(entry)}: ${byteText(done)} of ${byteText(entry.size)} (${percent(done / entry.size)})`,
    );
  }

  #pulled({ event, entry, ...told }: Extract<PullEvent, { event: "pulled" }>): void {
    const { bytes, resumedAt, seconds } = told;
    const rate = seconds > 0 ? `, ${rateText(bytes / seconds)}` : "";
    const from = resumedAt === 0 ? "" : `, continued at ${byteText(resumedAt)}`;
    const text = `pulled ${nameOf(entry)}, ${byteText(entry.size)} in ${durationText(seconds)}${rate}${from}`;
    this.#output.result(text, { event, ...entryFields(entry), ...told });
  }

  #pullFailed({ event, entry, reason, detail, isFinal }: Extract<PullEvent, { event: "pull-failed" }>): void {
    const about = entry === undefined ? {} : entryFields(entry);
    this.#output.event({ event, ...about, reason, message: detail, isFinal });
    // What is wrong with the index ends the pull, and is its error.
    if (entry === undefined) return;
    this.#failed++;
    const next = isFinal ? "; it is not tried again until the index changes" : "";
    this.#output.warn(`${nameOf(entry)}: ${detail}${next}`);
  }
}

function indexText({ counter, images, isNew, keyId }: Extract<PullEvent, { event: "index" }>): string {
  const signed = keyId === undefined ? "not signed" : `signed by ${keyId}`;
  const news = isNew ? "" : ", unchanged";
  return `index of counter ${counter}: ${images} image${images === 1 ? "" : "s"}, ${signed}${news}`;
}

function nameOf(entry: IndexEntry): string {
  return `${shortId(entry.digest)} ${formatHardware(entry)} ${formatVersion(entry.version)}`;
}

function entryFields(entry: IndexEntry): Record<string, unknown> {
  const { digest, size } = entry;
  return { digest, hardware: formatHardware(entry), version: formatVersion(entry.version), size };
}
