#include "fec/reed_solomon.h"

#include "fec/galois.h"

#include <string.h>

void mayday_parity_init(mayday_parity *parity, uint8_t count) {
  uint8_t root = 1;
  parity->count = count;
  memset(parity->generator, 0, sizeof parity->generator);
  /* Times (x - root): the coefficient of the highest power is 1, and stands in front of the first one here. */
  for (unsigned degree = 1; degree <= count; degree++) {
    mayday_products by;
    mayday_products_of(&by, root);
    for (unsigned i = degree; i > 1u; i--)
      parity->generator[i - 1u] = (uint8_t)(parity->generator[i - 1u] ^ mayday_product(&by, parity->generator[i - 2u]));
    parity->generator[0] = (uint8_t)(parity->generator[0] ^ root);
    root = mayday_twice(root);
  }
  mayday_parity_clear(parity);
}

void mayday_parity_clear(mayday_parity *parity) {
  memset(parity->bytes, 0, sizeof parity->bytes);
}

void mayday_parity_feed(mayday_parity *parity, uint8_t byte) {
  mayday_products by;
  unsigned last = parity->count - 1u;
  mayday_products_of(&by, (uint8_t)(byte ^ parity->bytes[0]));
  for (unsigned i = 0; i < last; i++)
    parity->bytes[i] = (uint8_t)(parity->bytes[i + 1u] ^ MAYDAY_PRODUCT(by, parity->generator[i]));
  parity->bytes[last] = mayday_product(&by, parity->generator[last]);
}

/* The value of a polynomial, its lowest coefficient first. */
static uint8_t value_at(const uint8_t *poly, unsigned count, const mayday_products *x) {
  uint8_t value = 0;
  while (count > 0) value = (uint8_t)(mayday_product(x, value) ^ poly[--count]);
  return value;
}

/* The codeword's values at the generator's roots. Returns 0 when all are 0: nothing is wrong. */
static uint8_t find_syndromes(const uint8_t *codeword, unsigned length, unsigned count, uint8_t *syndromes) {
  uint8_t any = 0, root = 1;
  for (unsigned j = 0; j < count; j++) {
    mayday_products by;
    uint8_t value = 0;
    mayday_products_of(&by, root);
    for (unsigned i = 0; i < length; i++) value = (uint8_t)(MAYDAY_PRODUCT(by, value) ^ codeword[i]);
    syndromes[j] = value;
    any = (uint8_t)(any | value);
    root = mayday_twice(root);
  }
  return any;
}

#define LOCATOR_LENGTH (MAYDAY_MENDABLE_MAX + 1u)

/* Berlekamp and Massey: the shortest polynomial that makes the syndromes, lowest coefficient first. Returns its degree; 0 when it
 * would be more than half their number, or less than its length says: too many bytes are wrong. */
static unsigned find_locator(const uint8_t *syndromes, unsigned count, uint8_t locator[LOCATOR_LENGTH]) {
  uint8_t before[LOCATOR_LENGTH] = {1}, kept[LOCATOR_LENGTH];
  const unsigned most = count / 2u;
  unsigned length = 0, gap = 1;
  uint8_t inverse = 1; /* of what was wrong when the length changed last */
  memset(locator, 0, LOCATOR_LENGTH);
  locator[0] = 1;
  for (unsigned n = 0; n < count; n++, gap++) {
    mayday_products by;
    uint8_t wrong = syndromes[n];
    for (unsigned i = 1; i <= length; i++) wrong = (uint8_t)(wrong ^ mayday_multiply(locator[i], syndromes[n - i]));
    if (wrong == 0) continue;
    /* It grows only where it is at most half of the number of syndromes before this one. */
    const unsigned longer = 2u * length > n ? length : n + 1u - length;
    if (longer > most) return 0;
    memcpy(kept, locator, LOCATOR_LENGTH);
    mayday_products_of(&by, mayday_multiply(wrong, inverse));
    for (unsigned i = gap; i <= most; i++) locator[i] = (uint8_t)(locator[i] ^ mayday_product(&by, before[i - gap]));
    if (longer == length) continue;
    memcpy(before, kept, LOCATOR_LENGTH);
    length = longer;
    inverse = mayday_inverse(wrong);
    gap = 0;
  }
  return locator[length] == 0 ? 0 : length;
}

/* Forney's evaluator, as far as the locator's degree, and the derivative of the locator: in characteristic 2 the odd powers lose
 * their x, and the even ones vanish. */
static void find_values(const uint8_t *syndromes, const uint8_t *locator, unsigned degree, uint8_t *evaluator, uint8_t *derivative) {
  for (unsigned n = 0; n < degree; n++) {
    uint8_t sum = 0;
    for (unsigned i = 0; i <= n; i++) sum = (uint8_t)(sum ^ mayday_multiply(locator[i], syndromes[n - i]));
    evaluator[n] = sum;
    derivative[n] = (n & 1u) == 0 ? locator[n + 1u] : 0;
  }
}

uint8_t mayday_mend(uint8_t *codeword, uint8_t length, uint8_t parity, uint8_t *changes) {
  uint8_t syndromes[MAYDAY_PARITY_MAX], locator[LOCATOR_LENGTH], evaluator[MAYDAY_MENDABLE_MAX], derivative[MAYDAY_MENDABLE_MAX];
  memset(changes, 0, parity);
  if (find_syndromes(codeword, length, parity, syndromes) == 0) return 0;
  const unsigned degree = find_locator(syndromes, parity, locator);
  if (degree == 0) return MAYDAY_UNMENDED;
  find_values(syndromes, locator, degree, evaluator, derivative);
  unsigned found = 0;
  uint8_t power = 1, inverse = 1;
  /* Chien search over the places that there are, counted from the end: a root is the inverse of the power of a wrong one. */
  for (unsigned place = 0; place < length && found < degree; place++) {
    mayday_products x;
    mayday_products_of(&x, inverse);
    if (value_at(locator, degree + 1u, &x) == 0) {
      /* As many roots as the degree are simple: the derivative is not 0 there. With fewer nothing is changed. */
      const uint8_t slope = value_at(derivative, degree, &x);
      changes[2u * found] = (uint8_t)(length - 1u - place);
      if (slope != 0)
        changes[2u * found + 1u] =
            mayday_multiply(power, mayday_multiply(value_at(evaluator, degree, &x), mayday_inverse(slope)));
      found++;
    }
    power = mayday_twice(power);
    inverse = mayday_half(inverse);
  }
  if (found < degree) return MAYDAY_UNMENDED;
  for (unsigned i = 0; i < degree; i++)
    codeword[changes[2u * i]] = (uint8_t)(codeword[changes[2u * i]] ^ changes[2u * i + 1u]);
  return (uint8_t)degree;
}

void mayday_unmend(uint8_t *codeword, uint8_t length, uint8_t parity) {
  uint8_t changes[MAYDAY_PARITY_MAX];
  uint8_t *const at = codeword + (length - parity);
  mayday_parity again;
  memcpy(changes, at, parity);
  mayday_parity_init(&again, parity);
  for (const uint8_t *byte = codeword; byte < at; byte++) mayday_parity_feed(&again, *byte);
  memcpy(at, again.bytes, parity);
  for (unsigned i = 0; i + 1u < parity; i += 2u) codeword[changes[i]] = (uint8_t)(codeword[changes[i]] ^ changes[i + 1u]);
}
