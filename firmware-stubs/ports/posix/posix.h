/* What the commands of mayday-posix share. */
#ifndef MAYDAY_POSIX_H
#define MAYDAY_POSIX_H

#include "mayday/board.h"
#include "mayday/port.h"

#include <signal.h>

/* Exit codes, as those of `mayday`. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_TIMEOUT = 3, EXIT_REFUSED = 4, EXIT_NOT_BOOTABLE = 5, EXIT_TRANSPORT = 6, EXIT_INTERRUPTED = 130 };

#define KEYS_MAX 8

typedef struct options {
  const char *port, *flash, *out, *image;
  uint32_t baud, slot_size;
  uint32_t timeout_s; /* 0: none */
  bool is_ab, is_once;
  char hardware[66]; /* vendor, a zero, class, a zero */
  const char *hardware_class;
  mayday_key keys[KEYS_MAX];
  uint8_t key_count;
} options;

/* What a command needs of the options. */
enum { NEEDS_PORT = 1, NEEDS_FLASH = 2, NEEDS_OUT = 4, NEEDS_IMAGE = 8 };

/* Reads options, or ends with a message: 0, or an exit code. */
int options_read(options *out, int argc, char **argv, unsigned needs);

/* A public key in PEM (PROTOCOL.md 8.7). False, with a message on stderr. */
bool pem_read(const char *path, uint8_t key[32]);

/* A board on a file. */
typedef struct flash_file {
  int fd;
  uint32_t synced_end; /* of recovery and record: what comes before it is made durable in order */
  bool is_dirty;
  uint8_t node_id[8];
} flash_file;

/* Sectors of 4 KiB, a recovery region of 16 KiB that holds the node id, write units of 16 bytes: what `mayday board init` makes. */
void flash_layout(const options *options, mayday_sectors *sectors, mayday_layout *out);

/* Opens the flash file, or makes it when it is absent. 0, or an exit code with a message on stderr. */
int flash_open(flash_file *file, const char *path, const mayday_layout *layout, bool is_created);
void flash_close(flash_file *file);
bool flash_read(void *context, uint32_t offset, uint8_t *bytes, size_t length);
bool flash_erase(void *context, uint32_t offset, uint32_t length);
bool flash_program(void *context, uint32_t offset, const uint8_t *bytes, size_t length);

/* Opens a serial port: raw, 8N1, locked. -1 with a message on stderr. */
int serial_open(const char *path, uint32_t baud);

/* Waits for bytes, for room to write if `wants_room`, or for `ms`. Returns how many bytes were read: 0 none, -1 the port is gone. */
long serial_wait(int fd, uint8_t *bytes, size_t room, bool wants_room, uint32_t ms);
size_t serial_write(int fd, const uint8_t *bytes, size_t length);

uint32_t clock_ms(void *context);
bool random_fill(void *context, uint8_t *bytes, size_t length);

/* The name of a refusal (5.7) and what it means; why a board does not boot (5.2). */
const char *refusal_name(uint8_t code);
const char *failure_name(uint8_t code);

/* Set by SIGINT and SIGTERM. */
extern volatile sig_atomic_t is_interrupted;
void catch_signals(void);

int command_target(int argc, char **argv);
int command_read(int argc, char **argv);
int command_rescuer(int argc, char **argv);

#endif
