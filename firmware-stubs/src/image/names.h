/* Names of vendors and classes (PROTOCOL.md 8.3). */
#ifndef MAYDAY_IMAGE_NAMES_H
#define MAYDAY_IMAGE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAYDAY_NAME_MAX 32u

typedef enum mayday_name_verdict {
  MAYDAY_NAME_RIGHT,
  MAYDAY_NAME_FORBIDDEN, /* UTF-8 that no name may be */
  MAYDAY_NAME_NO_UTF8
} mayday_name_verdict;

mayday_name_verdict mayday_name_judge(const uint8_t *name, size_t length);

/* Whether a name is this string, byte for byte. */
bool mayday_name_is(const uint8_t *name, size_t length, const char *string);

#endif
