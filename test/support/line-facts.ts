import { RTO_FLOOR_NATIVE_MS, type TransportFacts } from "../../src/transport/transport.ts";

/** The facts of a serial line that a test plays. */
export function lineFacts(endpoint: string, baud: number): TransportFacts {
  return {
    endpoint,
    framing: "stream",
    baud,
    bitsPerByte: 10,
    rtoFloorMs: RTO_FLOOR_NATIVE_MS,
    setBaud: undefined,
    makeSplitter: undefined,
  };
}
