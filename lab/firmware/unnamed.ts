import { RescuerControlType, TargetControlType } from "../../src/wire/constants.ts";

/** First bytes of the messages that the C side has no name for: *rate-ok*, *rate* and *have* (PROTOCOL.md 5.17, 5.18, 5.21). */
export const UNNAMED: readonly number[] = [
  (TargetControlType.rateOk << 4) | 1,
  (RescuerControlType.rate << 4) | 2,
  (RescuerControlType.have << 4) | 2,
];
