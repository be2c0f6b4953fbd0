/* A rescuer with the image of a session of vectors/session-v1.json, on a link that carries frames whole. */
#ifndef MAYDAY_TESTS_RESCUER_SCENE_H
#define MAYDAY_TESTS_RESCUER_SCENE_H

#include "json.h"
#include "mayday/rescuer.h"
#include "wire/frame.h"

#define IMAGE_MAX 65536u
#define FRAME_ROOM 600u

typedef struct scene {
  mayday_port port;
  mayday_line line;
  mayday_source source;
  mayday_self self;
  mayday_manifest manifest;
  mayday_rescuer rescuer;
  uint32_t now;
  uint8_t node_id[8], hardware_id[8], nonce[8];
  uint8_t envelope[MAYDAY_ENVELOPE_MAX];
  uint8_t image[IMAGE_MAX];
  uint8_t sent[FRAME_ROOM]; /* the frame that it sent last */
  size_t sent_length;
  unsigned frames;      /* that it sent */
  unsigned most_a_poll; /* frames */
  unsigned bad_reads;   /* of bytes that are not the image's */
  unsigned drops;       /* of what the UART has not sent yet */
  bool is_broken;       /* the image cannot be read */
  const char *name;
} scene;

/* The image and the ids of a session; ends the process when they cannot be read. Then it can be changed, and started. */
void scene_set(scene *scene, const json *session);
bool scene_start(scene *scene);

/* Polls until a frame comes, 400 times at most; or lets time pass until one comes, so many milliseconds at most. */
bool scene_poll(scene *scene);
bool scene_wait(scene *scene, uint32_t ms);

void scene_hear(scene *scene, const uint8_t *frame, size_t length);
/* Writes a frame and lets the rescuer hear it. `tag`: of its session, or 0. */
void scene_hear_frame(scene *scene, const mayday_frame *frame, uint32_t tag);

#endif
