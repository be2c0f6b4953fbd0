#include "base/sha256.h"

#include <string.h>

#if MAYDAY_WITH_SHA256

#define BLOCK 64u

/* In mayday_hash_state: the count of bytes in `align`, then the eight words of the hash, then the unfinished block. The words
 * are copied in and out, as what lies in the union's bytes may not be read as another type. */
#define WORDS_AT 8u
#define BLOCK_AT 40u

static const uint32_t first_words[8] = {
    0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au, 0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u,
};

static const uint32_t round_words[64] = {
    0x428a2f98u, 0x71374491u, 0xb5c0fbcfu, 0xe9b5dba5u, 0x3956c25bu, 0x59f111f1u, 0x923f82a4u, 0xab1c5ed5u,
    0xd807aa98u, 0x12835b01u, 0x243185beu, 0x550c7dc3u, 0x72be5d74u, 0x80deb1feu, 0x9bdc06a7u, 0xc19bf174u,
    0xe49b69c1u, 0xefbe4786u, 0x0fc19dc6u, 0x240ca1ccu, 0x2de92c6fu, 0x4a7484aau, 0x5cb0a9dcu, 0x76f988dau,
    0x983e5152u, 0xa831c66du, 0xb00327c8u, 0xbf597fc7u, 0xc6e00bf3u, 0xd5a79147u, 0x06ca6351u, 0x14292967u,
    0x27b70a85u, 0x2e1b2138u, 0x4d2c6dfcu, 0x53380d13u, 0x650a7354u, 0x766a0abbu, 0x81c2c92eu, 0x92722c85u,
    0xa2bfe8a1u, 0xa81a664bu, 0xc24b8b70u, 0xc76c51a3u, 0xd192e819u, 0xd6990624u, 0xf40e3585u, 0x106aa070u,
    0x19a4c116u, 0x1e376c08u, 0x2748774cu, 0x34b0bcb5u, 0x391c0cb3u, 0x4ed8aa4au, 0x5b9cca4fu, 0x682e6ff3u,
    0x748f82eeu, 0x78a5636fu, 0x84c87814u, 0x8cc70208u, 0x90befffau, 0xa4506cebu, 0xbef9a3f7u, 0xc67178f2u,
};

static uint32_t turn(uint32_t word, unsigned by) {
  return word >> by | word << (32u - by);
}

/* The schedule of FIPS 180-4 is kept in 16 words: word t overwrites word t - 16, which nothing needs any more. */
static void compress(uint8_t *words, const uint8_t *block) {
  uint32_t w[16], v[8];
  for (unsigned i = 0; i < 16; i++) {
    const uint8_t *at = block + 4 * i;
    w[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
  }
  memcpy(v, words, sizeof v);
  for (unsigned t = 0; t < 64; t++) {
    if (t >= 16) {
      uint32_t a = w[(t + 1) & 15u], b = w[(t + 14) & 15u];
      w[t & 15u] += (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + w[(t + 9) & 15u] + (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
    }
    uint32_t a = v[0], e = v[4];
    uint32_t one = v[7] + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & v[5]) ^ (~e & v[6])) + round_words[t] + w[t & 15u];
    uint32_t two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
    /* One by one from both ends: a loop of copies becomes a call of memmove. */
    v[7] = v[6];
    v[6] = v[5];
    v[5] = e;
    v[4] = v[3] + one;
    v[3] = v[2];
    v[2] = v[1];
    v[1] = a;
    v[0] = one + two;
  }
  for (unsigned i = 0; i < 8; i++) {
    uint32_t sum;
    memcpy(&sum, words + 4 * i, sizeof sum);
    sum += v[i];
    memcpy(words + 4 * i, &sum, sizeof sum);
  }
}

static void begin(mayday_hash_state *state) {
  state->align = 0;
  memcpy(state->bytes + WORDS_AT, first_words, sizeof first_words);
}

static void add(mayday_hash_state *state, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    size_t held = (size_t)(state->align % BLOCK);
    size_t piece = BLOCK - held < length ? BLOCK - held : length;
    memcpy(state->bytes + BLOCK_AT + held, bytes, piece);
    if (held + piece == BLOCK) compress(state->bytes + WORDS_AT, state->bytes + BLOCK_AT);
    state->align += piece;
    bytes += piece;
    length -= piece;
  }
}

static void end(mayday_hash_state *state, uint8_t digest[32]) {
  uint8_t *block = state->bytes + BLOCK_AT;
  uint64_t bits = state->align * 8u;
  size_t held = (size_t)(state->align % BLOCK);
  block[held++] = 0x80;
  memset(block + held, 0, BLOCK - held);
  if (held > BLOCK - 8) {
    compress(state->bytes + WORDS_AT, block);
    memset(block, 0, BLOCK);
  }
  for (unsigned i = 0; i < 8; i++) block[BLOCK - 1 - i] = (uint8_t)(bits >> (8 * i) & 0xffu);
  compress(state->bytes + WORDS_AT, block);
  for (unsigned i = 0; i < 8; i++) {
    uint32_t word;
    memcpy(&word, state->bytes + WORDS_AT + 4 * i, sizeof word);
    for (unsigned j = 0; j < 4; j++) digest[4 * i + j] = (uint8_t)(word >> (24 - 8 * j) & 0xffu);
  }
}

const mayday_hash mayday_sha256 = {begin, add, end};

#endif

const mayday_hash *mayday_hash_of(const mayday_port *port) {
#if MAYDAY_WITH_SHA256
  if (port->hash == NULL) return &mayday_sha256;
#endif
  return port->hash;
}

void mayday_hash_all(const mayday_hash *hash, const uint8_t *bytes, size_t length, uint8_t digest[32]) {
  mayday_hash_state state;
  hash->begin(&state);
  hash->add(&state, bytes, length);
  hash->end(&state, digest);
}
