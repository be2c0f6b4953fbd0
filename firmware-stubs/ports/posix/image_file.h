/* An image file (PROTOCOL.md 9). */
#ifndef MAYDAY_POSIX_IMAGE_FILE_H
#define MAYDAY_POSIX_IMAGE_FILE_H

#include "image/envelope.h"
#include "mayday/rescuer.h"
#include "posix.h"

typedef struct image_file {
  int fd;
  mayday_source source;
  mayday_manifest manifest;
  uint8_t hardware_id[8];
  uint8_t envelope[MAYDAY_ENVELOPE_MAX];
  uint8_t *leaves;
} image_file;

/* Opens and checks it. 0, or an exit code with a message on stderr; to be closed in either case. */
int image_open(image_file *file, const char *path);
void image_close(image_file *file);
bool image_read(void *context, uint32_t offset, uint8_t *bytes, size_t length);

#endif
