import { describe, expect, it } from "vitest";
import { ControlForms } from "../../../src/link/forms/control-forms.ts";
import type { Frame, Message } from "../../../src/wire/messages.ts";
import { FRAME_VECTORS } from "../../wire/wire-vectors.ts";

const messageOf = (tag: Frame["tag"]): Message =>
  (FRAME_VECTORS.find(({ frame }) => frame.tag === tag)?.frame as Message | undefined) ??
  expect.fail(`no ${tag}`);
const ack = messageOf("ack");
const accept = messageOf("accept");
const distress = messageOf("distress");
const query = { ...messageOf("query"), forms: 2 } as Message;

function formsOf(isHunting: boolean, sentRate = 0): ControlForms {
  return new ControlForms(isHunting, () => sentRate);
}

describe("ControlForms (PROTOCOL.md 2.5)", () => {
  it("says in what it announces which forms this end hears, and nothing without a second one", () => {
    expect(formsOf(true).announced(distress)).toEqual({ ...distress, forms: 2 });
    expect(formsOf(true).announced(accept)).toBe(accept);
    expect(formsOf(false).announced(distress)).toBe(distress);
  });

  it("codes what is waited for to a peer that says it hunts, until the peer says that it does not", () => {
    const forms = formsOf(true);
    expect(forms.choose(accept)).toBe("plain");
    forms.noteHeard(query, 25);
    expect([forms.choose(accept), forms.choose(ack)]).toEqual(["coded", "plain"]);
    forms.noteHeard(messageOf("query"), 24);
    expect(forms.choose(accept)).toBe("plain");
  });

  it("takes a coded frame for a peer that hunts", () => {
    const forms = formsOf(true);
    forms.noteHeard(distress, 0, { bytes: new Uint8Array(70), wireBytes: 96, mendedBytes: 0 });
    expect(forms.areBothHunting).toBe(true);
  });

  it("codes acks and probes while more than one byte in 5000 is wrong, in what it hears or sends", () => {
    const forms = formsOf(true);
    forms.noteHeard(query, 25);
    forms.hearing.noteFrame(60, 1);
    expect([forms.choose(ack), forms.probeMendable]).toEqual(["coded", 8]);
    forms.hearing.noteFrame(20_000, 0);
    expect([forms.choose(ack), forms.probeMendable]).toEqual(["plain", 0]);
    const sending = formsOf(true, 1e-3);
    sending.noteHeard(query, 25);
    expect(sending.choose(ack)).toBe("coded");
  });

  it("says every second call that nobody answers in both forms, and the first one after an answer in COBS", () => {
    const forms = formsOf(true);
    expect([1, 2, 3, 4].map(() => forms.choose(distress))).toEqual(["plain", "both", "plain", "both"]);
    forms.choose(distress);
    forms.noteHeard(query, 25);
    expect(forms.choose(distress)).toBe("plain");
  });

  it("codes nothing where this end does not hunt", () => {
    const forms = formsOf(false);
    forms.noteHeard(query, 25);
    forms.hearing.noteFrame(10, 5);
    expect([distress, distress, accept, ack].map((message) => forms.choose(message))).toEqual(
      Array.from({ length: 4 }, () => "plain"),
    );
  });
});
