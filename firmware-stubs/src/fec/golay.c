#include "fec/golay.h"

#define DATA_BITS 12u
#define MENDABLE 3u

/* What each bit of data, the lowest first, adds to the lower half of a word: a matrix B of 12 x 12 bits, 24 bytes. As the code is
 * its own dual, the transpose of B is its inverse. */
static const uint16_t rows[DATA_BITS] = {0x8eb, 0x93e, 0xa97, 0xdc6, 0x367, 0x6cd, 0xd99, 0x3da, 0x7b4, 0xf68, 0x63b, 0xc75};

uint8_t mayday_bit_count(uint32_t value) {
  uint8_t count = 0;
  for (; value != 0; value &= value - 1u) count++;
  return count;
}

/* Data times B. */
static uint16_t check_of(unsigned data) {
  uint16_t check = 0;
  for (unsigned i = 0; i < DATA_BITS; i++)
    if ((data >> i & 1u) != 0) check = (uint16_t)(check ^ rows[i]);
  return check;
}

uint32_t mayday_golay_encode(uint16_t data) {
  return (uint32_t)data << DATA_BITS | check_of(data);
}

/* A row of B, or a column. */
static uint16_t line_of(unsigned i, int is_column) {
  uint16_t column = 0;
  if (!is_column) return rows[i];
  for (unsigned row = 0; row < DATA_BITS; row++) column = (uint16_t)(column | ((unsigned)rows[row] >> i & 1u) << row);
  return column;
}

/* Whether at most three bits are wrong, of which at most one stands in the other half: its line of the matrix is in the syndrome,
 * too. Tells which bits of both halves are wrong. */
static int find(uint16_t syndrome, int is_column, uint16_t *same, uint16_t *other) {
  *same = syndrome;
  *other = 0;
  if (mayday_bit_count(syndrome) <= MENDABLE) return 1;
  for (unsigned i = 0; i < DATA_BITS; i++) {
    *same = (uint16_t)(syndrome ^ line_of(i, is_column));
    *other = (uint16_t)(1u << i);
    if (mayday_bit_count(*same) < MENDABLE) return 1;
  }
  return 0;
}

uint16_t mayday_golay_decode(uint32_t received) {
  uint16_t data = (uint16_t)(received >> DATA_BITS & 0xfffu);
  /* Wrong check bits, plus B times wrong data. */
  uint16_t syndrome = (uint16_t)((received & 0xfffu) ^ check_of(data));
  uint16_t wrong, other, turned = 0;
  if (find(syndrome, 0, &other, &wrong)) return (uint16_t)(data ^ wrong);
  /* Wrong data, plus the transpose of B times wrong check bits. */
  for (unsigned i = 0; i < DATA_BITS; i++) turned = (uint16_t)(turned | ((unsigned)mayday_bit_count((uint32_t)(syndrome & rows[i])) & 1u) << i);
  if (find(turned, 1, &wrong, &other)) return (uint16_t)(data ^ wrong);
  return MAYDAY_NO_WORD;
}
