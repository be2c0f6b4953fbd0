import type { Endpoint } from "../transport/endpoint.ts";
import { isLoopbackHost } from "../transport/tcp/loopback.ts";
import type { Output } from "./output.ts";

/** What decides how open a link is. */
interface Protection {
  readonly hasLinkKey: boolean;
  /** The board at this end accepts firmware that nobody signed. */
  readonly takesUnsigned: boolean;
}

const KEY_ADVICE =
  "make a link key with mayday keygen --link-key FILE, and give both ends --link-key FILE, or put the link into a tunnel";

/** What is wrong with a TCP link to other machines; undefined for a link that others do not reach, or that is protected. */
export function openLinkText(link: Endpoint, { hasLinkKey, takesUnsigned }: Protection): string | undefined {
  if (!("host" in link) || isLoopbackHost(link.host)) return undefined;
  if (takesUnsigned) {
    const who = hasLinkKey ? "anyone with the link key" : "anyone on that network";
    return `this board takes unsigned firmware over a network: ${who} can put any program on it; make the board with --trust instead of --allow-unsigned`;
  }
  return hasLinkKey
    ? undefined
    : `this link goes over a network without a link key: anyone there can take part in it, and end sessions; ${KEY_ADVICE}`;
}

/** Warns of links that strangers may use: a line on stderr for each, and with `--json` an event `link`, `unprotected`. */
export function warnOfOpenLinks(links: readonly Endpoint[], protection: Protection, output: Output): void {
  for (const link of links) {
    const detail = openLinkText(link, protection);
    if (detail === undefined) continue;
    output.warn(`${link.text}: ${detail}`);
    output.event({ event: "link", link: link.text, state: "unprotected", detail });
  }
}
