import type { Millis } from "../../base/units.ts";

/**
 * Colours for early to late, light to dark: equal steps of lightness in OKLab, from 0.87 to 0.30, while the hue turns
 * from green over teal to violet, so that they are told apart without seeing colours too.
 */
export const TIME_COLOURS: readonly string[] = [
  "#cce165",
  "#a8db6b",
  "#82d475",
  "#57cb7f",
  "#27c08b",
  "#20b094",
  "#1ea197",
  "#1c9397",
  "#168594",
  "#167790",
  "#12698d",
  "#0c5a8c",
  "#084a91",
  "#1e3690",
  "#2c2383",
  "#320e72",
];
/** From here on, text on a colour is white. */
const DARK_FROM = 6;

/** Which of {@link TIME_COLOURS} stands for a time between 0 and `last`. */
export function timeStep(at: Millis, last: Millis): number {
  if (last <= 0) return TIME_COLOURS.length - 1;
  return Math.min(TIME_COLOURS.length - 1, Math.max(0, Math.floor((TIME_COLOURS.length * at) / last)));
}

/** The colour of a time between 0 and `last`. */
export function timeColour(at: Millis, last: Millis): string {
  return TIME_COLOURS[timeStep(at, last)] ?? "";
}

/** The colour of text on {@link timeColour}. */
export function textOnTimeColour(at: Millis, last: Millis): string {
  return timeStep(at, last) >= DARK_FROM ? "#ffffff" : "#1f2328";
}
