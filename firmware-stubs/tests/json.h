/* Reads the files of vectors/ (a subset of RFC 8259: no escapes but \", \\ and \u, no surrogates). For tests only. */
#ifndef MAYDAY_TESTS_JSON_H
#define MAYDAY_TESTS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_OBJECT } json_kind;

typedef struct json {
  json_kind kind;
  const char *name;   /* in an object; else NULL */
  const char *text;   /* of a text, ends with 0 */
  double number;
  struct json *first; /* member or element */
  struct json *next;
  size_t count;       /* members or elements */
} json;

/* What the frozen vectors call a string of bytes. */
#define VECTOR_BYTES "octets"

/* The file `name` of the folder `vectors`; ends the process with a message when it cannot be read. */
const json *json_load(const char *vectors, const char *name);

/* A member; ends the process when there is none. */
const json *json_get(const json *object, const char *name);

/* A member, or NULL when there is none or it is null. */
const json *json_find(const json *object, const char *name);

uint64_t json_u64(const json *object, const char *name);
bool json_bool(const json *object, const char *name);
const char *json_text(const json *object, const char *name);

/* Bytes of hexadecimal digits, spaces skipped. Returns their number, `room` at most; ends the process when they do not fit. */
size_t json_hex(const json *text, uint8_t *out, size_t room);

#define JSON_EACH(item, list) for (const json *item = (list)->first; item != NULL; item = item->next)

#endif
