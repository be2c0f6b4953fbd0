/**
 * Numbers that version 1 keeps for what comes next (PROTOCOL.md 12.2). None of it is built, and nothing of it is sent: a
 * receiver drops or skips them like other numbers that it does not know. What is built moves to constants.ts.
 */

/** Announcements. */
export const ReservedAnnounceType = { wait: 0x0b, name: 0x0e } as const;

/** Control frames of a target and of a rescuer: none now. */
export const ReservedTargetControl: Readonly<Record<string, number>> = {};
export const ReservedRescuerControl: Readonly<Record<string, number>> = {};

/** Extensions, and the bytes of their values. */
export const ReservedExtension = {
  signature: { type: 0x02, length: 0 },
  keys: { type: 0x03, length: 0 },
} as const;

/** Kinds of object. */
export const ReservedObjectKind = { signature: 0x4, keys: 0x5 } as const;

/** Reasons of a defer. */
export const ReservedDeferCode = { busy: 6, battery: 7 } as const;

/** Longest name in the announcement *name*, in bytes: vendor, "/" and class. */
export const RESERVED_NAME_MAX = 65;
