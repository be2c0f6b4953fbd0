#include "posix.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOT_MAX UINT32_C(0x40000000)

/* A number with a suffix K or M; 0 when it is none, or above `most`. */
static uint32_t number_of(const char *text, bool is_size, uint32_t most) {
  char *end;
  if (!isdigit((unsigned char)*text)) return 0;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (is_size && (*end == 'K' || *end == 'k')) {
    value *= 1024u;
    end++;
  } else if (is_size && (*end == 'M' || *end == 'm')) {
    value *= 1024u * 1024u;
    end++;
  }
  return errno != 0 || *end != 0 || value > most ? 0 : (uint32_t)value;
}

/* "[vendor/]class": without a vendor it is "generic". */
static bool read_hardware(options *out, const char *text) {
  const char *slash = strchr(text, '/');
  const char *name = slash == NULL ? text : slash + 1;
  size_t vendor = slash == NULL ? sizeof "generic" - 1 : (size_t)(slash - text);
  if (vendor == 0 || vendor > 32 || strlen(name) == 0 || strlen(name) > 32 || strchr(name, '/') != NULL) return false;
  memcpy(out->hardware, slash == NULL ? "generic" : text, vendor);
  out->hardware[vendor] = 0;
  out->hardware_class = strcpy(out->hardware + vendor + 1, name);
  return true;
}

static bool add_key(options *out, const char *path) {
  if (out->key_count == KEYS_MAX) {
    fprintf(stderr, "mayday-posix: more than %d keys\n", KEYS_MAX);
    return false;
  }
  mayday_key *key = &out->keys[out->key_count++];
  key->roles = 1;
  key->counter_max = UINT32_MAX;
  key->step_max = MAYDAY_STEP_DEFAULT;
  return pem_read(path, key->bytes);
}

static int wrong(const char *name, const char *value, const char *what) {
  fprintf(stderr, "mayday-posix: %s %s: %s\n", name, value, what);
  return EXIT_USAGE;
}

static int read_one(options *out, const char *name, const char *value) {
  if (strcmp(name, "--port") == 0) out->port = value;
  else if (strcmp(name, "--flash") == 0) out->flash = value;
  else if (strcmp(name, "--out") == 0) out->out = value;
  else if (strcmp(name, "--image") == 0) out->image = value;
  else if (strcmp(name, "--baud") == 0) {
    out->baud = number_of(value, false, 40000000u);
    if (out->baud == 0) return wrong(name, value, "a rate in bit/s, 921600 for instance");
  } else if (strcmp(name, "--slot") == 0) {
    out->slot_size = number_of(value, true, SLOT_MAX);
    if (out->slot_size == 0) return wrong(name, value, "a size in bytes up to 1 GiB, or with K or M: 64K");
  } else if (strcmp(name, "--timeout") == 0) {
    out->timeout_s = number_of(value, false, 4000000u);
    if (out->timeout_s == 0) return wrong(name, value, "whole seconds, 1 at least");
  } else if (strcmp(name, "--layout") == 0) {
    out->is_ab = strcmp(value, "ab") == 0;
    if (!out->is_ab && strcmp(value, "single") != 0) return wrong(name, value, "single or ab");
  } else if (strcmp(name, "--hardware") == 0) {
    if (!read_hardware(out, value)) return wrong(name, value, "[vendor/]class, each 1 to 32 bytes");
  } else if (strcmp(name, "--trust") == 0) {
    if (!add_key(out, value)) return EXIT_USAGE;
  } else {
    return wrong(name, value, "there is no such option: see --help");
  }
  return EXIT_DONE;
}

static int missing(const char *name) {
  fprintf(stderr, "mayday-posix: %s is missing: see --help\n", name);
  return EXIT_USAGE;
}

int options_read(options *out, int argc, char **argv, unsigned needs) {
  memset(out, 0, sizeof *out);
  out->baud = 115200;
  for (int i = 0; i < argc; i++) {
    if (strcmp(argv[i], "--once") == 0) {
      out->is_once = true;
      continue;
    }
    if (i + 1 == argc) {
      fprintf(stderr, "mayday-posix: %s: no such option, or its value is missing: see --help\n", argv[i]);
      return EXIT_USAGE;
    }
    int code = read_one(out, argv[i], argv[i + 1]);
    if (code != EXIT_DONE) return code;
    i++;
  }
  if ((needs & NEEDS_PORT) != 0 && out->port == NULL) return missing("--port");
  if ((needs & NEEDS_IMAGE) != 0 && out->image == NULL) return missing("--image");
  if ((needs & NEEDS_OUT) != 0 && out->out == NULL) return missing("--out");
  if ((needs & NEEDS_FLASH) == 0) return EXIT_DONE;
  if (out->flash == NULL) return missing("--flash");
  if (out->slot_size == 0) return missing("--slot");
  if (out->hardware_class == NULL) return missing("--hardware");
  return out->key_count == 0 ? missing("--trust") : EXIT_DONE;
}
