#include "image/names.h"

/* Reads one code point of UTF-8 (RFC 3629): no surrogates, nothing longer than needed. Returns its bytes; 0 for what is none. */
static size_t read_point(const uint8_t *name, size_t at, size_t length, uint32_t *point) {
  /* The lowest code point that needs so many bytes more. */
  static const uint32_t least[4] = {0, 0x80, 0x800, 0x10000};
  const uint8_t first = name[at];
  size_t more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
  /* 80 to BF continue a code point, C0 and C1 would be too long, F8 to FF do not exist. */
  if ((first >= 0x80 && first < 0xc2) || first >= 0xf8 || at + more >= length) return 0;
  *point = more == 0 ? first : first & (0x3fu >> more);
  for (size_t i = 1; i <= more; i++) {
    if ((name[at + i] & 0xc0u) != 0x80u) return 0;
    *point = *point << 6 | (name[at + i] & 0x3fu);
  }
  if (*point < least[more] || *point > 0x10ffffu || (*point >= 0xd800u && *point < 0xe000u)) return 0;
  return more + 1;
}

/* Control characters, what could make a terminal show another name, and what would make "vendor/class" ambiguous. */
static bool is_forbidden(uint32_t point) {
  return point < 0x20 || (point >= 0x7f && point < 0xa0) || (point >= 0x2028 && point <= 0x202e) ||
         (point >= 0x2066 && point <= 0x2069) || point == 0xfeff || point == '/';
}

mayday_name_verdict mayday_name_judge(const uint8_t *name, size_t length) {
  bool is_right = length >= 1 && length <= MAYDAY_NAME_MAX && name[0] != ' ' && name[length - 1] != ' ';
  size_t at = 0;
  while (at < length) {
    uint32_t point;
    const size_t taken = read_point(name, at, length, &point);
    if (taken == 0) return MAYDAY_NAME_NO_UTF8;
    if (is_forbidden(point)) is_right = false;
    at += taken;
  }
  return is_right ? MAYDAY_NAME_RIGHT : MAYDAY_NAME_FORBIDDEN;
}

bool mayday_name_is(const uint8_t *name, size_t length, const char *string) {
  for (size_t i = 0; i < length; i++) {
    if (string[i] == 0 || (uint8_t)string[i] != name[i]) return false;
  }
  return string[length] == 0;
}
