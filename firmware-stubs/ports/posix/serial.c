/* A serial port of Linux at any rate: termios2 takes numbers where POSIX has names only. */
#include "posix.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool make_raw(int fd, uint32_t baud) {
  struct termios2 raw;
  if (ioctl(fd, TCGETS2, &raw) != 0) return false;
  raw.c_iflag = 0;
  raw.c_oflag = 0;
  raw.c_lflag = 0;
  raw.c_cflag = CS8 | CREAD | CLOCAL | BOTHER;
  raw.c_ispeed = baud;
  raw.c_ospeed = baud;
  memset(raw.c_cc, 0, sizeof raw.c_cc);
  raw.c_cc[VMIN] = 1;
  return ioctl(fd, TCSETS2, &raw) == 0;
}

int serial_open(const char *path, uint32_t baud) {
  int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) {
    fprintf(stderr, "mayday-posix: cannot open %s: %s\n", path, strerror(errno));
    return -1;
  }
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    fprintf(stderr, "mayday-posix: %s is in use by another program: end that first\n", path);
  } else if (!make_raw(fd, baud)) {
    fprintf(stderr, "mayday-posix: %s cannot be set to %u baud: %s. Is it a serial port?\n", path, (unsigned)baud, strerror(errno));
  } else {
    return fd;
  }
  close(fd);
  return -1;
}

long serial_wait(int fd, uint8_t *bytes, size_t room, bool wants_room, uint32_t ms) {
  struct pollfd wait = {fd, (short)(POLLIN | (wants_room ? POLLOUT : 0)), 0};
  int ready = poll(&wait, 1, ms > 60000u ? 60000 : (int)ms);
  if (ready <= 0 || (wait.revents & (POLLIN | POLLERR | POLLHUP | POLLNVAL)) == 0) return 0;
  long count = (long)read(fd, bytes, room);
  if (count > 0) return count;
  return count < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

size_t serial_write(int fd, const uint8_t *bytes, size_t length) {
  ssize_t count = write(fd, bytes, length);
  return count > 0 ? (size_t)count : 0;
}
