/* Which 32 bytes may be a public key (PROTOCOL.md 8.4, end). */
#ifndef MAYDAY_IMAGE_KEY_POINT_H
#define MAYDAY_IMAGE_KEY_POINT_H

#include <stdbool.h>
#include <stdint.h>

/* Whether a key's y is below 2^255 - 19, and the key is not of small order, for which anyone can sign. */
bool mayday_key_is_sound(const uint8_t key[32]);

#endif
