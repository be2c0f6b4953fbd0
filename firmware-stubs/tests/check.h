/* Checks that count themselves: a test that looked at nothing fails. */
#ifndef MAYDAY_TESTS_CHECK_H
#define MAYDAY_TESTS_CHECK_H

#include <stdio.h>
#include <string.h>

static unsigned long check_count, check_failures;

#define CHECK(condition, ...)                                        \
  do {                                                               \
    check_count++;                                                   \
    if (!(condition)) {                                              \
      check_failures++;                                              \
      printf("%s:%d: %s: ", __FILE__, __LINE__, #condition);         \
      printf(__VA_ARGS__);                                           \
      printf("\n");                                                  \
    }                                                                \
  } while (0)

/* Ends `main`: prints the counts, and returns what the process ends with. */
static int check_end(const char *name) {
  printf("%s: %lu checks, %lu failed\n", name, check_count, check_failures);
  return check_failures == 0 && check_count > 0 ? 0 : 1;
}

#endif
