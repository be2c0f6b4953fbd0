/* Images that tests make themselves, and what a session does to install one. Unsigned, or signed by nobody: for tests only. */
#ifndef MAYDAY_TESTS_SMALL_IMAGE_H
#define MAYDAY_TESTS_SMALL_IMAGE_H

#include "base/bytes.h"
#include "base/sha256.h"
#include "board/writer.h"

#include <stdlib.h>

#define VENDOR "acme"
#define HARDWARE_CLASS "pump"

typedef struct small_image {
  uint32_t size;
  uint8_t block_log2;
  uint16_t major; /* the version is major.0.0, the sequence number major * 2^32 */
  uint32_t counter;
  bool is_confirmed_by_app;
  uint8_t *data;
  uint8_t (*leaves)[32];
  mayday_shape shape;
  uint8_t digest[32];
  uint8_t envelope[MAYDAY_ENVELOPE_MAX];
  uint16_t length;
} small_image;

static uint8_t *cbor(uint8_t *at, uint8_t kind, uint64_t value) {
  uint8_t size = value < 24 ? 0 : value < 0x100 ? 1 : value < 0x10000 ? 2 : value <= UINT32_MAX ? 4 : 8;
  unsigned head = size == 0 ? (unsigned)value : size == 1 ? 24u : size == 2 ? 25u : size == 4 ? 26u : 27u;
  *at++ = (uint8_t)(((unsigned)kind << 5) | head);
  for (int i = size - 1; i >= 0; i--) *at++ = (uint8_t)(value >> (8 * i));
  return at;
}

static uint8_t *cbor_bytes(uint8_t *at, uint8_t kind, const void *bytes, size_t length) {
  at = cbor(at, kind, length);
  if (length > 0) memcpy(at, bytes, length);
  return at + length;
}

static uint8_t *cbor_field(uint8_t *at, uint8_t key, uint64_t value) {
  return cbor(cbor(at, 0, key), 0, value);
}

/* Makes an image of pseudo-random bytes with a stretch of `erased` bytes in it. */
static small_image image_make(uint32_t size, uint8_t block_log2, uint16_t major, uint32_t counter, bool is_confirmed_by_app) {
  small_image image;
  memset(&image, 0, sizeof image);
  image.size = size;
  image.block_log2 = block_log2;
  image.major = major;
  image.counter = counter;
  image.is_confirmed_by_app = is_confirmed_by_app;
  image.data = malloc(size);
  uint32_t seed = major * 77777u + size;
  for (uint32_t i = 0; i < size; i++) {
    seed = seed * 1664525u + 1013904223u;
    image.data[i] = (uint8_t)(seed >> 24);
  }
  memset(image.data + size / 4, 0xff, size / 8);
  image.shape.size = size;
  image.shape.block_log2 = block_log2;
  image.shape.leaves = ((size - 1u) >> block_log2) + 1u;
  image.leaves = malloc(32u * image.shape.leaves);
  mayday_folding folding;
  uint8_t root[32], whole[32];
  mayday_folding_init(&folding);
  for (uint32_t i = 0; i < image.shape.leaves; i++) {
    mayday_leaf_hash(&mayday_sha256, image.data + (i << block_log2), mayday_block_length(&image.shape, i), image.leaves[i]);
    mayday_folding_add(&mayday_sha256, &folding, image.leaves[i]);
  }
  mayday_folding_end(&mayday_sha256, &folding, root);
  mayday_hash_all(&mayday_sha256, image.data, size, whole);
  uint8_t *payload = image.envelope + 37;
  uint8_t *at = cbor_field(cbor(payload, 5, 17), 1, 1);
  at = cbor_bytes(cbor(at, 0, 2), 3, VENDOR, strlen(VENDOR));
  at = cbor_bytes(cbor(at, 0, 3), 3, HARDWARE_CLASS, strlen(HARDWARE_CLASS));
  at = cbor(cbor(cbor(cbor(at, 0, 4), 4, 2), 0, 0), 0, 9);
  at = cbor(cbor(cbor(cbor(cbor(at, 0, 5), 4, 3), 0, major), 0, 0), 0, 0);
  at = cbor_field(at, 6, (uint64_t)major << 32);
  at = cbor_field(at, 7, counter);
  at = cbor_field(at, 8, size);
  at = cbor_field(at, 9, UINT32_C(1) << block_log2);
  at = cbor_field(at, 10, image.shape.leaves);
  at = cbor_bytes(cbor(at, 0, 11), 2, root, 32);
  at = cbor_bytes(cbor(at, 0, 12), 2, whole, 32);
  at = cbor_field(cbor_field(at, 13, 1), 14, is_confirmed_by_app ? 2 : 1);
  at = cbor(cbor(cbor(cbor(at, 0, 15), 4, 2), 0, 1), 0, 0);
  at = cbor_field(at, 16, UINT32_MAX);
  at = cbor(at, 0, 17);
  size_t left = (size_t)(payload + 256 - at);
  at = cbor(at, 2, left - 2);
  memset(at, 0, (size_t)(payload + 256 - at));
  memcpy(image.envelope, "\x82\x78\x1f" "application/vnd.mayday-unsigned" "\x59\x01\x00", 37);
  image.length = 293;
  mayday_hash_all(&mayday_sha256, payload, 256, image.digest);
  return image;
}

/* The same image in an envelope with the key id of a key, and a signature of nothing. */
static void image_sign(small_image *image, const uint8_t key[32]) {
  uint8_t payload[256], id[32];
  memcpy(payload, image->envelope + 37, 256);
  mayday_hash_all(&mayday_sha256, key, 32, id);
  memcpy(image->envelope, "\xd2\x84\x58\x1b\xa2\x01\x27\x03\x76" "application/vnd.mayday" "\xa1\x04\x48", 34);
  memcpy(image->envelope + 34, id, 8);
  memcpy(image->envelope + 42, "\x59\x01\x00", 3);
  memcpy(image->envelope + 45, payload, 256);
  memcpy(image->envelope + 301, "\x58\x40", 2);
  memset(image->envelope + 303, 0x11, 64);
  image->length = 367;
}

static void image_free(small_image *image) {
  free(image->data);
  free(image->leaves);
}

typedef struct sent {
  uint32_t written, copied;
  bool has_failed, is_whole;
} sent;

/* Writes what the slot lacks, at most `most` blocks; as a session does that has the whole tree. */
static inline sent image_send(mayday_writer *writer, small_image *image, uint32_t most) {
  static uint8_t block[65536 + 256];
  sent done = {0, 0, false, false};
  for (uint32_t first = 0, end = 0; first < image->shape.leaves; first = end) {
    uint32_t start;
    mayday_writer_unit(writer, first, &start, &end);
    bool is_touched = mayday_writer_is_touched(writer, first);
    bool wanted[64] = {false};
    bool is_any = false;
    for (uint32_t i = first; i < end; i++) {
      wanted[i - first] = !mayday_writer_has(writer, 0, i, image->leaves[i]);
      is_any = is_any || wanted[i - first];
    }
    for (uint32_t i = first; is_any && i < end; i++) {
      if (is_touched && !wanted[i - first]) continue;
      if (done.written == most) return done;
      if (!mayday_writer_begin(writer, image->envelope, image->length)) {
        done.has_failed = true;
        return done;
      }
      if (mayday_writer_copy(writer, i, image->leaves[i], block)) done.copied++;
      else memcpy(block, image->data + (i << image->block_log2), mayday_block_length(&image->shape, i));
      if (mayday_writer_write(writer, i, image->leaves[i], block) != MAYDAY_WRITTEN) {
        done.has_failed = true;
        return done;
      }
      done.written++;
    }
    if (is_any || is_touched) mayday_writer_unit_done(writer, first);
  }
  done.is_whole = true;
  return done;
}

#endif
