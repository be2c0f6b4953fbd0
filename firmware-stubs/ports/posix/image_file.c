/* An image file (PROTOCOL.md 9): opened, checked as a whole once, and read by blocks. */
#include "image_file.h"

#include "base/bytes.h"
#include "base/crc.h"
#include "base/sha256.h"
#include "image/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD 24u
#define MAGIC_LENGTH 8u
#define SIGNED_FIRST 0xd2u
#define SIGNED_PAYLOAD 45u
#define UNSIGNED_PAYLOAD 37u
#define PAYLOAD_LENGTH 256u
#define NAME_MAX_BYTES 32u

static int wrong(const char *path, const char *what) {
  fprintf(stderr, "mayday-posix: %s: %s\n", path, what);
  return EXIT_FAILED;
}

static bool read_at(int fd, uint64_t at, uint8_t *bytes, size_t length) {
  while (length > 0) {
    ssize_t count = pread(fd, bytes, length, (off_t)at);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes += count;
    at += (uint64_t)count;
    length -= (size_t)count;
  }
  return true;
}

bool image_read(void *context, uint32_t offset, uint8_t *bytes, size_t length) {
  const image_file *file = context;
  return read_at(file->fd, (uint64_t)HEAD + file->source.envelope_length + offset, bytes, length);
}

/* A text of CBOR with a head of one or two bytes. Returns what comes behind it, or NULL. */
static const uint8_t *read_name(const uint8_t *at, char *out) {
  size_t length = at[0] - 0x60u;
  at++;
  if (length == 0x18u) length = *at++;
  if (length > NAME_MAX_BYTES) return NULL;
  memcpy(out, at, length);
  out[length] = 0;
  return at + length;
}

/* For whom the image is: names are the second and third value of a payload, which begins B1 01 01 02. */
static bool read_names(const uint8_t *payload, char *vendor, char *hardware_class) {
  const uint8_t *at = read_name(payload + 4, vendor);
  return at != NULL && *at == 3 && read_name(at + 1, hardware_class) != NULL;
}

static int read_manifest(image_file *file, const char *path) {
  char vendor[NAME_MAX_BYTES + 1], hardware_class[NAME_MAX_BYTES + 1];
  file->source.is_signed = file->envelope[0] == SIGNED_FIRST;
  const uint8_t *payload = file->envelope + (file->source.is_signed ? SIGNED_PAYLOAD : UNSIGNED_PAYLOAD);
  if (file->source.envelope_length < (size_t)(payload - file->envelope) + PAYLOAD_LENGTH) return wrong(path, "the manifest is cut off");
  if (!read_names(payload, vendor, hardware_class) ||
      mayday_manifest_read(payload, PAYLOAD_LENGTH, vendor, hardware_class, &file->manifest) != 0) {
    return wrong(path, "the manifest is damaged, or of a later format");
  }
  mayday_hash_all(&mayday_sha256, payload, PAYLOAD_LENGTH, file->manifest.digest);
  mayday_hardware_id(&mayday_sha256, vendor, hardware_class, file->hardware_id);
  return EXIT_DONE;
}

/* Hashes all blocks, and compares the root. */
static int hash_all(image_file *file, const char *path) {
  static uint8_t block[65536];
  const mayday_shape shape = {file->manifest.size, file->manifest.leaves, file->manifest.block_log2};
  mayday_folding folding;
  uint8_t root[MAYDAY_HASH_LENGTH];
  file->leaves = malloc((size_t)file->manifest.leaves * MAYDAY_HASH_LENGTH);
  if (file->leaves == NULL) return wrong(path, "there is not enough memory for its hashes");
  mayday_folding_init(&folding);
  for (uint32_t i = 0; i < shape.leaves; i++) {
    uint8_t *leaf = file->leaves + (size_t)i * MAYDAY_HASH_LENGTH;
    uint32_t length = mayday_block_length(&shape, i);
    if (!image_read(file, i << shape.block_log2, block, length)) return wrong(path, "it cannot be read");
    mayday_leaf_hash(&mayday_sha256, block, length, leaf);
    mayday_folding_add(&mayday_sha256, &folding, leaf);
  }
  mayday_folding_end(&mayday_sha256, &folding, root);
  return mayday_equal(root, file->manifest.root, sizeof root) ? EXIT_DONE : wrong(path, "its bytes are not those that its manifest names");
}

int image_open(image_file *file, const char *path) {
  static const uint8_t magic[MAGIC_LENGTH] = {'M', 'A', 'Y', 'D', 'A', 'Y', 0x0d, 0x0a};
  uint8_t head[HEAD];
  struct stat about;
  memset(file, 0, sizeof *file);
  file->fd = open(path, O_RDONLY | O_CLOEXEC);
  if (file->fd < 0 || fstat(file->fd, &about) != 0) return wrong(path, strerror(errno));
  if (!read_at(file->fd, 0, head, sizeof head) || memcmp(head, magic, sizeof magic) != 0) return wrong(path, "is not an image file of mayday");
  if (mayday_u16(head + 8) != 1) return wrong(path, "is of a later format");
  uint16_t envelope = mayday_u16(head + 10);
  if (mayday_crc32(0, head, 20) != mayday_u32(head + 20) || envelope < MAYDAY_ENVELOPE_MIN || envelope > MAYDAY_ENVELOPE_MAX) {
    return wrong(path, "its header is damaged");
  }
  if (about.st_size != (off_t)HEAD + envelope + (off_t)mayday_u32(head + 12)) return wrong(path, "it is cut off, or something stands behind it");
  if (!read_at(file->fd, HEAD, file->envelope, envelope) || mayday_crc32(0, file->envelope, envelope) != mayday_u32(head + 16)) {
    return wrong(path, "its manifest is damaged");
  }
  file->source.envelope_length = envelope;
  int code = read_manifest(file, path);
  if (code == EXIT_DONE && file->manifest.size != mayday_u32(head + 12)) code = wrong(path, "its manifest is of another size");
  if (code == EXIT_DONE) code = hash_all(file, path);
  file->source.context = file;
  file->source.read = image_read;
  file->source.envelope = file->envelope;
  file->source.manifest = &file->manifest;
  file->source.hardware_id = file->hardware_id;
  file->source.leaves = file->leaves;
  return code;
}

void image_close(image_file *file) {
  free(file->leaves);
  if (file->fd >= 0) close(file->fd);
}
