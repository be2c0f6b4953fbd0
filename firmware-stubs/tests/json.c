#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *at;

static void fail(const char *what, const char *which) {
  fprintf(stderr, "vectors: %s: %s\n", what, which);
  exit(2);
}

static void *take(size_t size) {
  void *memory = calloc(1, size);
  if (memory == NULL) fail("no memory", "json");
  return memory;
}

static void skip(void) {
  while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t' || *at == ',' || *at == ':') at++;
}

/* The four digits of \u as UTF-8, in place of their own bytes. Returns how many they give. */
static size_t put_point(const char *digits, char *out) {
  unsigned point = 0;
  if (sscanf(digits, "%4x", &point) != 1 || (point >= 0xd800 && point < 0xe000)) fail("no code point", digits);
  if (point < 0x80) {
    out[0] = (char)point;
    return 1;
  }
  if (point < 0x800) {
    out[0] = (char)(0xc0 | point >> 6);
    out[1] = (char)(0x80 | (point & 0x3f));
    return 2;
  }
  out[0] = (char)(0xe0 | point >> 12);
  out[1] = (char)(0x80 | (point >> 6 & 0x3f));
  out[2] = (char)(0x80 | (point & 0x3f));
  return 3;
}

static const char *read_text(void) {
  const char *end = ++at;
  while (*end != '"' && *end != 0) end += *end == '\\' ? 2 : 1;
  char *text = take((size_t)(end - at) + 1);
  size_t length = 0;
  for (; at < end; at++) {
    if (*at == '\\' && at[1] == 'u') {
      length += put_point(at + 2, text + length);
      at += 5;
      continue;
    }
    if (*at == '\\') at++;
    text[length++] = *at;
  }
  at = end + 1;
  return text;
}

static json *read_value(void);

static void read_members(json *value, char close) {
  json **last = &value->first;
  at++;
  for (skip(); *at != close; skip()) {
    if (*at == 0) fail("ends early", "json");
    const char *name = close == '}' ? read_text() : NULL;
    skip();
    *last = read_value();
    (*last)->name = name;
    last = &(*last)->next;
    value->count++;
  }
  at++;
}

static bool read_word(const char *word) {
  size_t length = strlen(word);
  if (strncmp(at, word, length) != 0) return false;
  at += length;
  return true;
}

static json *read_value(void) {
  json *value = take(sizeof *value);
  if (*at == '{' || *at == '[') {
    value->kind = *at == '{' ? JSON_OBJECT : JSON_LIST;
    read_members(value, *at == '{' ? '}' : ']');
  } else if (*at == '"') {
    value->kind = JSON_TEXT;
    value->text = read_text();
  } else if (read_word("true")) {
    value->kind = JSON_TRUE;
  } else if (read_word("false")) {
    value->kind = JSON_FALSE;
  } else if (read_word("null")) {
    value->kind = JSON_NULL;
  } else {
    char *end;
    value->kind = JSON_NUMBER;
    value->number = strtod(at, &end);
    if (end == at) fail("no value", at);
    at = end;
  }
  return value;
}

const json *json_load(const char *vectors, const char *name) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", vectors, name);
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    fail("cannot be read", path);
    return NULL;
  }
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  char *text = take((size_t)size + 1);
  if (fread(text, 1, (size_t)size, file) != (size_t)size) fail("cannot be read", path);
  fclose(file);
  at = text;
  skip();
  return read_value();
}

const json *json_find(const json *object, const char *name) {
  JSON_EACH(member, object) {
    if (member->name != NULL && strcmp(member->name, name) == 0) return member->kind == JSON_NULL ? NULL : member;
  }
  return NULL;
}

const json *json_get(const json *object, const char *name) {
  JSON_EACH(member, object) {
    if (member->name != NULL && strcmp(member->name, name) == 0) return member;
  }
  fail("no member", name);
  return NULL;
}

uint64_t json_u64(const json *object, const char *name) {
  return (uint64_t)json_get(object, name)->number;
}

bool json_bool(const json *object, const char *name) {
  return json_get(object, name)->kind == JSON_TRUE;
}

const char *json_text(const json *object, const char *name) {
  return json_get(object, name)->text;
}

static int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

size_t json_hex(const json *text, uint8_t *out, size_t room) {
  if (text->kind != JSON_TEXT) fail("no text", "hexadecimal digits");
  size_t length = 0;
  for (const char *c = text->text; *c != 0; c++) {
    if (*c == ' ') continue;
    int high = digit(c[0]), low = c[1] == 0 ? -1 : digit(c[1]);
    if (high < 0 || low < 0) fail("no hexadecimal digits", text->text);
    if (length == room) fail("too long", text->text);
    out[length++] = (uint8_t)(high << 4 | low);
    c++;
  }
  return length;
}
