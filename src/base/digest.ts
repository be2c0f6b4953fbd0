/** Bytes of a SHA-256 hash, and so of an image's full digest. */
export const HASH_LENGTH = 32;
/** Bytes of an image's digest in messages and in the boot record: the first ones of the full digest. */
export const SHORT_DIGEST_LENGTH = 8;
