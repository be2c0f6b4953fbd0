import { describe, expect, it } from "vitest";
import { shownUrl } from "../../src/base/shown-url.ts";

describe("a URL in a message", () => {
  it.each([
    ["https://u:s3cret@h/x", "https://...@h/x"],
    ["mqtt://u:s3cret@h:1883", "mqtt://...@h:1883"],
    ["https://u:s3@cret@h/", "https://...@h/"],
    ["u:s3cret@h", "u:...@h"],
    ["//u:s3cret@h/", "//...@h/"],
    ["https://h/?token=s3cret#x", "https://h/?..."],
    ["https://u:s3cret@h/?token=s3cret", "https://...@h/?..."],
    ["https://u:s3/cr?et@h/", "https://...@h/"],
    ["mqtts://broker.example:8883", "mqtts://broker.example:8883"],
    ["", ""],
  ])("%s shows neither a password nor a query", (text, shown) => {
    expect(shownUrl(text)).toBe(shown);
  });
});
