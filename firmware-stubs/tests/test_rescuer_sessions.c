/* The rescuer against the sessions of vectors/session-v1.json, frame by frame. */
#include "check.h"
#include "rescuer_scene.h"

static scene the_scene;

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
  scene_set(scene, session);
  CHECK(scene_start(scene), "%s: the rescuer starts", scene->name);
  JSON_EACH(step, steps) {
    const json *heard = json_find(step, "heard");
    bool is_timer = json_find(step, "by") != NULL;
    if (is_timer) CHECK(!scene_poll(scene), "%s: before step %u it has nothing to send", scene->name, number);
    if (heard != NULL) {
      scene_hear(scene, frame, frame_of(steps, (uint64_t)heard->number, frame));
    } else if (strcmp(json_text(step, "from"), "rescuer") == 0) {
      fix_payload(scene, session);
      bool has_sent = is_timer ? scene_wait(scene, 20000) : scene_poll(scene);
      size_t length = json_hex(json_get(step, "frameHex"), frame, sizeof frame);
      bool is_right = has_sent && length == scene->sent_length && memcmp(frame, scene->sent, length) == 0;
      CHECK(is_right, "%s: step %u, %s, is sent", scene->name, number, json_text(step, "kind"));
      if (!is_right) return sent;
      sent++;
    }
    number++;
  }
  CHECK(!scene_poll(scene), "%s: at the end it has nothing to send", scene->name);
  CHECK(scene->most_a_poll == 1 && scene->bad_reads == 0, "%s: a poll hands over one frame, and reads the image only", scene->name);
  return sent;
}

int main(int argc, char **argv) {
  if (argc != 2) return 1;
  const json *vectors = json_load(argv[1], "session-v1.json");
  unsigned sent = 0;
  JSON_EACH(session, json_get(vectors, "sessions")) sent += replay(&the_scene, session);
  CHECK(sent > 100, "more than a hundred frames of sessions were looked at, not %u", sent);
  return check_end("rescuer sessions");
}
