#include "rescuer_scene.h"

#include "base/bytes.h"
#include "base/sha256.h"
#include "image/envelope.h"

#include <stdio.h>
#include <stdlib.h>

#define POLLS_MAX 400u
#define PAYLOAD_AT 45u
#define PAYLOAD_LENGTH 256u

static uint32_t now_ms(void *context) {
  return ((scene *)context)->now;
}

static bool give_nonce(void *context, uint8_t *bytes, size_t length) {
  scene *scene = context;
  memcpy(bytes, scene->nonce, length);
  return true;
}

static bool keep_frame(void *context, const uint8_t *frame, size_t length) {
  scene *scene = context;
  if (length > FRAME_ROOM) exit(1);
  memcpy(scene->sent, frame, length);
  scene->sent_length = length;
  scene->frames++;
  return true;
}

static bool read_image(void *context, uint32_t offset, uint8_t *bytes, size_t length) {
  scene *scene = context;
  if (offset > scene->manifest.size || length > scene->manifest.size - offset) {
    scene->bad_reads++;
    return false;
  }
  memcpy(bytes, scene->image + offset, length);
  return !scene->is_broken;
}

static void drop_unsent(void *context) {
  ((scene *)context)->drops++;
}

static void poll_once(scene *scene) {
  unsigned before = scene->frames;
  (void)mayday_rescuer_poll(&scene->rescuer);
  if (scene->frames - before > scene->most_a_poll) scene->most_a_poll = scene->frames - before;
}

bool scene_poll(scene *scene) {
  scene->sent_length = 0;
  for (unsigned i = 0; i < POLLS_MAX && scene->sent_length == 0; i++) poll_once(scene);
  return scene->sent_length != 0;
}

bool scene_wait(scene *scene, uint32_t ms) {
  scene->sent_length = 0;
  for (; ms > 0; ms--) {
    poll_once(scene);
    if (scene->sent_length != 0) return true;
    scene->now++;
  }
  return false;
}

void scene_hear(scene *scene, const uint8_t *frame, size_t length) {
  uint8_t copy[FRAME_ROOM];
  if (length > sizeof copy) exit(1);
  memcpy(copy, frame, length);
  mayday_rescuer_frame(&scene->rescuer, copy, length);
}

void scene_hear_frame(scene *scene, const mayday_frame *frame, uint32_t tag) {
  uint8_t bytes[128];
  size_t length = mayday_frame_write(frame, bytes, sizeof bytes - MAYDAY_CRC_LENGTH);
  if (length == 0) exit(1);
  scene_hear(scene, bytes, mayday_frame_close(bytes, length, tag));
}

/* The bytes of a block by the rule of a session. */
static void fill_block(const json *rule, uint8_t *out, uint32_t length) {
  const json *fill = json_find(rule, "fill");
  uint32_t start = fill == NULL ? (uint32_t)json_u64(rule, "start") : 0;
  if (fill != NULL) memset(out, (int)fill->number, length);
  else for (uint32_t i = 0; i < length; i++) out[i] = (uint8_t)((start + 5u * i + i / 256u) & 0xffu);
}

static void read_manifest(scene *scene, const char *vendor, const char *hardware_class) {
  const uint8_t *payload = scene->envelope + PAYLOAD_AT;
  if (mayday_manifest_read(payload, PAYLOAD_LENGTH, vendor, hardware_class, &scene->manifest) != 0) {
    printf("%s: its manifest cannot be read\n", scene->name);
    exit(1);
  }
  mayday_hash_all(&mayday_sha256, payload, PAYLOAD_LENGTH, scene->manifest.digest);
  mayday_hardware_id(&mayday_sha256, vendor, hardware_class, scene->hardware_id);
}

void scene_set(scene *scene, const json *session) {
  const json *image = json_get(session, "image"), *target = json_get(session, "target"), *rescuer = json_get(session, "rescuer");
  memset(scene, 0, sizeof *scene);
  scene->name = json_text(session, "name");
  scene->source.envelope_length = (uint16_t)json_hex(json_get(image, "envelope"), scene->envelope, sizeof scene->envelope);
  read_manifest(scene, json_text(target, "vendor"), json_text(target, "hardwareClass"));
  uint32_t at = 0, block = (uint32_t)json_u64(image, "blockSize");
  JSON_EACH(rule, json_get(image, "blocks")) {
    fill_block(rule, scene->image + at, mayday_least32(block, scene->manifest.size - at));
    at += block;
  }
  (void)json_hex(json_get(rescuer, "nodeId"), scene->node_id, sizeof scene->node_id);
  (void)json_hex(json_get(rescuer, "nonce"), scene->nonce, sizeof scene->nonce);
  scene->port.context = scene;
  scene->port.now_ms = now_ms;
  scene->port.random = give_nonce;
  scene->line.rto_floor_ms = 25;
  scene->line.send_frame = keep_frame;
  scene->line.context = scene;
  scene->source.context = scene;
  scene->source.read = read_image;
  scene->source.envelope = scene->envelope;
  scene->source.is_signed = true;
  scene->source.manifest = &scene->manifest;
  scene->source.hardware_id = scene->hardware_id;
  scene->self.node_id = scene->node_id;
  scene->self.drop_unsent = drop_unsent;
}

bool scene_start(scene *scene) {
  return mayday_rescuer_init(&scene->rescuer, &scene->port, &scene->line, &scene->source, &scene->self);
}
