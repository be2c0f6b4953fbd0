/* A public key as `openssl pkey -pubout` writes it: SubjectPublicKeyInfo of Ed25519 (RFC 8410) in PEM. */
#include "posix.h"

#include <stdio.h>
#include <string.h>

static const uint8_t PREFIX[12] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
static const char BEGIN[] = "-----BEGIN PUBLIC KEY-----";
static const char END[] = "-----END PUBLIC KEY-----";

static int value_of(char c) {
  static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *at = c == 0 ? NULL : strchr(DIGITS, c);
  return at == NULL ? -1 : (int)(at - DIGITS);
}

/* Base64 up to `end`; returns the length, or 0. */
static size_t decode(const char *from, const char *end, uint8_t *out, size_t room) {
  size_t length = 0;
  uint32_t bits = 0;
  unsigned count = 0;
  for (; from < end; from++) {
    if (*from == '\n' || *from == '\r' || *from == '=') continue;
    int value = value_of(*from);
    if (value < 0) return 0;
    bits = bits << 6 | (uint32_t)value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    if (length == room) return 0;
    out[length++] = (uint8_t)(bits >> count & 0xffu);
  }
  return length;
}

bool pem_read(const char *path, uint8_t key[32]) {
  char text[1024];
  uint8_t der[44];
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    fprintf(stderr, "mayday-posix: cannot read the key %s\n", path);
    return false;
  }
  size_t length = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[length] = 0;
  const char *begin = strstr(text, BEGIN), *end = begin == NULL ? NULL : strstr(begin, END);
  if (strstr(text, "PRIVATE KEY") != NULL) {
    fprintf(stderr, "mayday-posix: %s is a private key, which no board needs: give the public one (openssl pkey -pubout)\n", path);
    return false;
  }
  if (end == NULL || strstr(end + 1, "-----BEGIN") != NULL || decode(begin + sizeof BEGIN - 1, end, der, sizeof der) != sizeof der ||
      memcmp(der, PREFIX, sizeof PREFIX) != 0) {
    fprintf(stderr, "mayday-posix: %s is not one public key of Ed25519 in PEM, as `mayday keygen` writes it\n", path);
    return false;
  }
  memcpy(key, der + sizeof PREFIX, 32);
  return true;
}
