import { UsageError } from "../base/errors.ts";

/** The settings behind the question mark of an endpoint. */
export type EndpointQuery = ReadonlyMap<string, string>;

/** `HOST:PORT`, `[IPv6]:PORT` or `PORT` alone. */
export function splitHostPort(text: string, rest: string): { host: string | undefined; port: number } {
  const match = /^(?:\[([^\]]*)\]:|([^:]*):)?([^:]*)$/.exec(rest);
  if (match === null) {
    throw wrong(
      "endpoint-host",
      text,
      "it is not clear where the host ends and the port begins",
      "write an IPv6 address as [::1]:5000",
    );
  }
  const [, bracketed, plain, digits = ""] = match;
  const host = bracketed ?? plain;
  if (host !== undefined && !/^[^\s/?#@[\]]+$/.test(host)) {
    throw wrong(
      "endpoint-host",
      text,
      `"${host}" is not a host`,
      "write a name or an address, IPv6 in brackets",
    );
  }
  const port = wholeNumber(digits);
  if (port === undefined || port < 1 || port > 65_535) {
    throw wrong("endpoint-port", text, `the port is "${digits}"`, "a port is a number from 1 to 65535");
  }
  return { host, port };
}

/** `KEY=VALUE&…`; only these keys, each once. */
export function parseQuery(text: string, query: string, keys: readonly string[]): EndpointQuery {
  const found = new Map<string, string>();
  if (query === "") return found;
  const known = keys.length === 0 ? "this kind of link takes no settings" : `accepted: ${keys.join(", ")}`;
  for (const part of query.split("&")) {
    const equals = part.indexOf("=");
    const key = equals < 0 ? part : part.slice(0, equals);
    if (!keys.includes(key)) throw wrong("endpoint-query", text, `"${key}" is not a setting here`, known);
    if (found.has(key)) throw wrong("endpoint-query", text, `"${key}" is given twice`, "give it once");
    found.set(key, equals < 0 ? "" : part.slice(equals + 1));
  }
  return found;
}

/** A number within limits; undefined where the setting is not given. */
export function numberOf(
  text: string,
  query: EndpointQuery,
  key: string,
  code: string,
  min: number,
  max: number,
): number | undefined {
  const value = query.get(key);
  if (value === undefined) return undefined;
  const number = wholeNumber(value);
  if (number !== undefined && number >= min && number <= max) return number;
  const range = key === "address" ? "0x08 to 0x77" : `${min} to ${max}`;
  throw wrong(code, text, `${key} is "${value}"`, `${key} is a number from ${range}`);
}

/** One of a few values; a wrong one is an error `endpoint-KEY` that names them all. */
export function choiceOf<Choice extends string | number>(
  text: string,
  query: EndpointQuery,
  key: string,
  choices: readonly Choice[],
): Choice | undefined {
  const value = query.get(key);
  if (value === undefined) return undefined;
  const choice = choices.find((one) => String(one) === value);
  if (choice !== undefined) return choice;
  throw wrong(`endpoint-${key}`, text, `${key} is "${value}"`, `${key} is one of ${choices.join(", ")}`);
}

/** Decimal or 0x hexadecimal, nothing around it. */
function wholeNumber(text: string): number | undefined {
  return /^(?:0x[0-9a-fA-F]{1,8}|[0-9]{1,10})$/.test(text) ? Number(text) : undefined;
}

/** The error of an endpoint: what is seen in it, and what to write instead. */
export function wrong(code: string, endpoint: string, seen: string, fix: string): UsageError {
  const shown = endpoint.length > 80 ? `${endpoint.slice(0, 80)}...` : endpoint;
  return new UsageError(code, `endpoint "${shown}": ${seen}; ${fix}`, { endpoint: shown });
}
