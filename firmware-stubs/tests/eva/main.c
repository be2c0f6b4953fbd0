/* Calls an entry point of tests/fuzz with every input there is: each length from LENGTH_MIN to LENGTH_MAX, any bytes, nothing
 * before the first and behind the last one. */
#include "../fuzz/input.h"

#include "__fc_builtin.h"

static uint8_t bytes[LENGTH_MAX];

int main(void) {
  Frama_C_make_unknown((char *)bytes, LENGTH_MAX);
  //@ loop unroll LENGTH_MAX + 1;
  for (size_t length = LENGTH_MIN; length <= LENGTH_MAX; length++)
    LLVMFuzzerTestOneInput(bytes + LENGTH_MAX - length, length);
  return 0;
}
