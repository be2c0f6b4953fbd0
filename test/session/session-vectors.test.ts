import { describe, expect, it } from "vitest";
import { replayRescuer, replayTarget } from "../support/session-replay.ts";
import { type FrameStep, type SessionVector, sessionVectors } from "../support/session-vector.ts";

const sessions = sessionVectors();
/** A target of the reference keeps the hashes of upper runs, and does not ask for them again. */
const forTarget = sessions.filter(({ target }) => !target.asksAgain);

/** Frames that a side sends in a session. */
function framesOf({ steps }: SessionVector, from: FrameStep["from"]): FrameStep[] {
  return steps.filter((step): step is FrameStep => "from" in step && step.from === from);
}

describe("a session of session-v1.json", () => {
  it("is there more than once, for each side", () => {
    expect(forTarget.length).toBeGreaterThanOrEqual(3);
    expect(sessions.length).toBeGreaterThan(forTarget.length);
  });

  it.each(forTarget)("is replayed by the target, frame by frame: $name", (session) => {
    const wanted = framesOf(session, "target").length;
    expect(wanted).toBeGreaterThanOrEqual(3);
    expect(replayTarget(session).frames).toBe(wanted);
  });

  it.each(sessions)("is replayed by the rescuer, frame by frame: $name", (session) => {
    const wanted = framesOf(session, "rescuer").length;
    expect(wanted).toBeGreaterThanOrEqual(3);
    expect(replayRescuer(session).frames).toBe(wanted);
  });

  it("is replayed by a rescuer that chooses the sizes of its frames, if its target takes 32 bytes", () => {
    const small = sessions.filter(({ target }) => target.payloadMax === 32);
    expect(small.length).toBeGreaterThan(0);
    for (const session of small) {
      const wanted = framesOf(session, "rescuer").length;
      expect(replayRescuer(session, { choosesSizes: true }).frames).toBe(wanted);
    }
  });
});

describe.each(forTarget)("a frame that is not that of the steps: $name", (session) => {
  /** The session with one byte of the payload of a step's frame changed, where it is compared. */
  const changed = (at: number): SessionVector => {
    const steps = session.steps.map((step, i) => {
      if (i !== at || !("frameHex" in step)) return step;
      const last = step.frameHex.at(-1) === "0" ? "1" : "0";
      return { ...step, frameHex: `${step.frameHex.slice(0, -1)}${last}` };
    });
    return { ...session, steps };
  };
  /** The first step of each kind that a side sends. */
  const firstOf = (from: FrameStep["from"]): number[] => {
    const kinds = new Map(
      framesOf(session, from)
        .toReversed()
        .map((step) => [step.kind, step]),
    );
    return [...kinds.values()].map((step) => session.steps.indexOf(step));
  };

  it("is found by the replay of the target, for each kind of frame", () => {
    for (const at of firstOf("target")) expect(() => replayTarget(changed(at))).toThrow(`step ${at}`);
  });

  it("is found by the replay of the rescuer, for each kind of frame", () => {
    for (const at of firstOf("rescuer")) expect(() => replayRescuer(changed(at))).toThrow(`step ${at}`);
  });

  it("is found where a step is missing, on both sides", () => {
    const without = (at: number): SessionVector => {
      const steps = session.steps.map((step, i): SessionVector["steps"][number] =>
        i === at && "from" in step
          ? { ...step, from: step.from === "target" ? "rescuer" : "target", lost: true }
          : step,
      );
      return { ...session, steps };
    };
    const kindOf = (at: number): string => (session.steps[at] as FrameStep).kind;
    // Other acks may go out beside those of the steps, and an offer that was never sent is found by scripts/vectors.
    for (const at of firstOf("target").filter((i) => kindOf(i) !== "ack"))
      expect(() => replayTarget(without(at))).toThrow();
    for (const at of firstOf("rescuer").filter((i) => kindOf(i) !== "offer"))
      expect(() => replayRescuer(without(at))).toThrow();
  });
});
