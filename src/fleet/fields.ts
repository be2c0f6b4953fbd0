import * as v from "valibot";

/** Longest text of a field, in characters. */
export const TEXT_MAX = 80;
/** The end of the year 9999, in milliseconds since 1970: a Date can show it. */
export const WALL_MAX = 253_402_300_799_999;

export type Field<T> = v.GenericSchema<T, T>;
type OptionalField<T> = v.ExactOptionalSchema<Field<T>, undefined>;

/** So many hexadecimal digits in lower case. */
export function hex(digits: number): Field<string> {
  return v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${digits}}$`)));
}

/** A whole number from 0 to `max`. */
export function whole(max: number = Number.MAX_SAFE_INTEGER): Field<number> {
  return v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(max));
}

/** Printable text of at most {@link TEXT_MAX} characters, without what turns or breaks a line: pages, terminals and logs show it. */
export const line: Field<string> = v.pipe(
  v.string(),
  v.nonEmpty(),
  v.maxLength(TEXT_MAX),
  v.regex(/^[^\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069\ufeff]*$/u),
);

/** A digest of 64 digits, or 16 where only a beacon named it. */
export const digest: Field<string> = v.union([hex(16), hex(64)]);

/** A field that need not be there. */
export function optional<T>(field: Field<T>): OptionalField<T> {
  return v.exactOptional(field);
}
