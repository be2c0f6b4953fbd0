/* Flash in a file. What was programmed is durable before the boot record says so, and the record when a call returns. */
#include "base/bytes.h"
#include "base/crc.h"
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 4096u
#define RECOVERY 16384u
#define ERASED 0xffu

/* The node id, at the start of the recovery region: "MDBOARD", a zero, 8 bytes, CRC-32 of these 16. */
static const uint8_t MAGIC[8] = {'M', 'D', 'B', 'O', 'A', 'R', 'D', 0};

void flash_layout(const options *options, mayday_sectors *sectors, mayday_layout *out) {
  uint32_t slot_sectors = (options->slot_size + SECTOR - 1u) / SECTOR;
  uint32_t slots = options->is_ab ? 2u : 1u;
  sectors->size = SECTOR;
  sectors->count = RECOVERY / SECTOR + 2u + slots + 1u + slots * slot_sectors;
  memset(out, 0, sizeof *out);
  out->sectors = sectors;
  out->sector_runs = 1;
  out->is_ab = options->is_ab;
  out->erased = ERASED;
  out->write_unit = 16;
  out->recovery_size = RECOVERY;
  out->slot_size = options->slot_size;
}

static bool write_all(int fd, const uint8_t *bytes, size_t length, uint32_t offset) {
  while (length > 0) {
    ssize_t count = pwrite(fd, bytes, length, (off_t)offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes += count;
    offset += (uint32_t)count;
    length -= (size_t)count;
  }
  return true;
}

static bool fill(int fd, uint32_t offset, uint32_t length) {
  uint8_t erased[SECTOR];
  memset(erased, ERASED, sizeof erased);
  for (uint32_t at = 0; at < length; at += SECTOR)
    if (!write_all(fd, erased, mayday_least32(length - at, SECTOR), offset + at)) return false;
  return true;
}

static int make(flash_file *file, const char *path, uint32_t size) {
  uint8_t head[20];
  memcpy(head, MAGIC, sizeof MAGIC);
  if (!random_fill(NULL, head + 8, 8)) {
    fprintf(stderr, "mayday-posix: no random numbers for the id of a new board\n");
    return EXIT_FAILED;
  }
  mayday_put32(head + 16, mayday_crc32(0, head, 16));
  if (fill(file->fd, 0, size) && write_all(file->fd, head, sizeof head, 0) && fsync(file->fd) == 0) return EXIT_DONE;
  fprintf(stderr, "mayday-posix: cannot write %s: %s\n", path, strerror(errno));
  return EXIT_FAILED;
}

int flash_open(flash_file *file, const char *path, const mayday_layout *layout, bool is_created) {
  uint32_t size = layout->sectors->count * SECTOR;
  struct stat found;
  uint8_t head[20];
  int code = EXIT_DONE;
  file->fd = open(path, O_RDWR | O_CLOEXEC | (is_created ? O_CREAT : 0), 0644);
  if (file->fd < 0 || fstat(file->fd, &found) != 0) {
    fprintf(stderr, "mayday-posix: cannot open %s: %s\n", path, strerror(errno));
    return is_created ? EXIT_FAILED : EXIT_NOT_BOOTABLE;
  }
  if (flock(file->fd, LOCK_EX | LOCK_NB) != 0) {
    fprintf(stderr, "mayday-posix: another program uses %s: end that first\n", path);
    return EXIT_FAILED;
  }
  if (found.st_size == 0 && is_created) code = make(file, path, size);
  else if (found.st_size != (off_t)size) {
    fprintf(stderr, "mayday-posix: %s has %lld bytes, and a board with this --slot and --layout has %u: give those it was made with, or another file\n",
            path, (long long)found.st_size, (unsigned)size);
    code = EXIT_USAGE;
  }
  if (code != EXIT_DONE) return code;
  if (!flash_read(file, 0, head, sizeof head) || memcmp(head, MAGIC, sizeof MAGIC) != 0 || mayday_u32(head + 16) != mayday_crc32(0, head, 16)) {
    fprintf(stderr, "mayday-posix: %s is no flash of a board\n", path);
    return EXIT_USAGE;
  }
  memcpy(file->node_id, head + 8, sizeof file->node_id);
  file->synced_end = RECOVERY + 2u * SECTOR;
  file->is_dirty = false;
  return EXIT_DONE;
}

void flash_close(flash_file *file) {
  if (file->fd < 0) return;
  fsync(file->fd);
  close(file->fd);
  file->fd = -1;
}

bool flash_read(void *context, uint32_t offset, uint8_t *bytes, size_t length) {
  const flash_file *file = context;
  while (length > 0) {
    ssize_t count = pread(file->fd, bytes, length, (off_t)offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes += count;
    offset += (uint32_t)count;
    length -= (size_t)count;
  }
  return true;
}

/* Before the record is changed, what it tells of is durable; then the record is. */
static bool settle(flash_file *file, uint32_t offset, bool is_done) {
  bool is_record = offset < file->synced_end;
  if (!is_record) {
    file->is_dirty = true;
    return true;
  }
  if (!is_done && !file->is_dirty) return true;
  file->is_dirty = false;
  return fdatasync(file->fd) == 0;
}

bool flash_erase(void *context, uint32_t offset, uint32_t length) {
  flash_file *file = context;
  return settle(file, offset, false) && fill(file->fd, offset, length) && settle(file, offset, true);
}

bool flash_program(void *context, uint32_t offset, const uint8_t *bytes, size_t length) {
  flash_file *file = context;
  return settle(file, offset, false) && write_all(file->fd, bytes, length, offset) && settle(file, offset, true);
}
