/* Judges signatures that come on stdin, one a line: key, signature, message, in hexadecimal, "-" for an empty one. Prints a line
 * for each: "right", "wrong", or "length" where key or signature have another length than an envelope gives them. Ends with 2
 * at a line that is none of this, and with 1 when there was no line at all. */
#include "mayday/ed25519.h"

#include <stdio.h>
#include <string.h>

#define BYTES_MAX 4096

static int digit(char c) {
  const char *digits = "0123456789abcdef", *at = c == 0 ? NULL : strchr(digits, c);
  return at == NULL ? -1 : (int)(at - digits);
}

/* The bytes of a word; -1 for what is not hexadecimal. */
static long hex(const char *word, uint8_t *out) {
  long length = 0;
  if (strcmp(word, "-") == 0) return 0;
  for (; word[0] != 0; word += 2, length++) {
    const int high = digit(word[0]), low = digit(word[1]);
    if (high < 0 || low < 0 || length == BYTES_MAX) return -1;
    out[length] = (uint8_t)(high << 4 | low);
  }
  return length;
}

int main(void) {
  static char line[6 * BYTES_MAX + 4];
  static uint8_t bytes[3][BYTES_MAX];
  unsigned long lines = 0;
  while (fgets(line, sizeof line, stdin) != NULL) {
    long lengths[3];
    const char *word = strtok(line, " \n");
    for (int i = 0; i < 3; i++, word = strtok(NULL, " \n")) {
      lengths[i] = word == NULL ? -1 : hex(word, bytes[i]);
      if (lengths[i] >= 0) continue;
      fprintf(stderr, "judge: line %lu is not KEY SIGNATURE MESSAGE in hexadecimal\n", lines + 1);
      return 2;
    }
    lines++;
    if (lengths[0] != 32 || lengths[1] != 64) {
      puts("length");
      continue;
    }
    const uint32_t verdict = mayday_ed25519_verify(NULL, bytes[0], bytes[1], bytes[2], (size_t)lengths[2]);
    puts(verdict == MAYDAY_SIGNATURE_RIGHT ? "right" : "wrong");
  }
  return lines == 0;
}
