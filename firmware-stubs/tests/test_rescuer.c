/* The rescuer against the sessions of vectors/session-v1.json, and against boards that do other things (PROTOCOL.md 4 to 6, 8.6). */
#include "base/bytes.h"
#include "base/sha256.h"
#include "check.h"
#include "image/envelope.h"
#include "json.h"
#include "mayday/rescuer.h"
#include "wire/cobs.h"
#include "wire/frame.h"

#include <stdlib.h>

#define IMAGE_MAX 65536u
#define FRAME_ROOM 600u
#define POLLS_MAX 400u

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
  unsigned drops;
  bool is_broken; /* the image cannot be read */
  const char *name;
} scene;

static scene the_scene;

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
  CHECK(scene->sent_length == 0, "%s: a poll hands over one frame at most", scene->name);
  CHECK(length <= FRAME_ROOM, "%s: a frame has at most %u bytes", scene->name, FRAME_ROOM);
  memcpy(scene->sent, frame, length);
  scene->sent_length = length;
  return true;
}

static bool read_image(void *context, uint32_t offset, uint8_t *bytes, size_t length) {
  scene *scene = context;
  CHECK(offset <= scene->manifest.size && length <= scene->manifest.size - offset, "%s: only bytes of the image are read", scene->name);
  memcpy(bytes, scene->image + offset, length);
  return !scene->is_broken;
}

static void drop_unsent(void *context) {
  ((scene *)context)->drops++;
}

/* The first frame that polls bring. False: they bring none. */
static bool poll_frame(scene *scene) {
  scene->sent_length = 0;
  for (unsigned i = 0; i < POLLS_MAX && scene->sent_length == 0; i++) (void)mayday_rescuer_poll(&scene->rescuer);
  return scene->sent_length != 0;
}

/* The same, while time passes, 20 s at most. */
static bool wait_frame(scene *scene) {
  for (unsigned i = 0; i < 20000; i++) {
    scene->sent_length = 0;
    (void)mayday_rescuer_poll(&scene->rescuer);
    if (scene->sent_length != 0) return true;
    scene->now++;
  }
  return false;
}

static void hear(scene *scene, const uint8_t *frame, size_t length) {
  uint8_t copy[FRAME_ROOM];
  memcpy(copy, frame, length);
  mayday_rescuer_frame(&scene->rescuer, copy, length);
}

/* The bytes of a block by the rule of a session. */
static void fill_block(const json *rule, uint8_t *out, uint32_t length) {
  const json *fill = json_find(rule, "fill");
  uint32_t start = fill == NULL ? (uint32_t)json_u64(rule, "start") : 0;
  for (uint32_t i = 0; i < length; i++) out[i] = (uint8_t)(fill != NULL ? fill->number : start + 5u * i + i / 256u);
}

static void read_manifest(scene *scene, const char *vendor, const char *hardware_class) {
  const uint8_t *payload = scene->envelope + 45;
  uint8_t code = mayday_manifest_read(payload, 256, vendor, hardware_class, &scene->manifest);
  CHECK(code == 0, "%s: the manifest is read", scene->name);
  mayday_hash_all(&mayday_sha256, payload, 256, scene->manifest.digest);
  mayday_hardware_id(&mayday_sha256, vendor, hardware_class, scene->hardware_id);
}

static void set_scene(scene *scene, const json *session) {
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
  (void)json_hex(json_get(rescuer, "nodeId"), scene->node_id, 8);
  (void)json_hex(json_get(rescuer, "nonce"), scene->nonce, 8);
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
  CHECK(mayday_rescuer_init(&scene->rescuer, &scene->port, &scene->line, &scene->source, &scene->self), "%s: the rescuer starts",
        scene->name);
}

/* Frames of a session by their number. */
static size_t frame_of(const json *steps, uint64_t number, uint8_t *out) {
  JSON_EACH(step, steps) {
    if (number-- == 0) return json_hex(json_get(step, "frameHex"), out, FRAME_ROOM);
  }
  return 0;
}

static void fix_payload(scene *scene, const json *session) {
  /* One size, as the session states: the sizer never sees a frame. */
  uint64_t payload = json_u64(json_get(session, "rescuer"), "payload");
  mayday_sizer *sizer = &scene->rescuer.sizer;
  sizer->until_trial = 255;
  sizer->payload = (uint16_t)(payload < sizer->payload_max ? payload : sizer->payload_max);
}

static unsigned replay(scene *scene, const json *session) {
  const json *steps = json_get(session, "steps");
  uint8_t frame[FRAME_ROOM];
  unsigned number = 0, sent = 0;
  set_scene(scene, session);
  JSON_EACH(step, steps) {
    const json *heard = json_find(step, "heard");
    bool is_timer = json_find(step, "by") != NULL;
    if (is_timer) CHECK(!poll_frame(scene), "%s: before step %u it has nothing to send", scene->name, number);
    if (heard != NULL) {
      hear(scene, frame, frame_of(steps, (uint64_t)heard->number, frame));
    } else if (strcmp(json_text(step, "from"), "rescuer") == 0) {
      fix_payload(scene, session);
      bool has_sent = is_timer ? wait_frame(scene) : poll_frame(scene);
      size_t length = json_hex(json_get(step, "frameHex"), frame, sizeof frame);
      bool is_right = has_sent && length == scene->sent_length && memcmp(frame, scene->sent, length) == 0;
      CHECK(is_right, "%s: step %u, %s, is sent", scene->name, number, json_text(step, "kind"));
      if (!is_right) return sent;
      sent++;
    }
    number++;
  }
  CHECK(!poll_frame(scene), "%s: at the end it has nothing to send", scene->name);
  return sent;
}

int main(int argc, char **argv) {
  if (argc != 2) return 1;
  const json *vectors = json_load(argv[1], "session-v1.json");
  unsigned sent = 0;
  JSON_EACH(session, json_get(vectors, "sessions")) sent += replay(&the_scene, session);
  CHECK(sent > 100, "more than a hundred frames of sessions were looked at, not %u", sent);
  return check_end("rescuer");
}
