/* The rescuer against the sessions of vectors/session-v1.json, frame by frame; and the requests of vectors/locator-v1.json, which it does
 * not answer. */
#include "check.h"
#include "rescuer_scene.h"

#include <stdlib.h>

#define ENTRY_LENGTH 4u
#define ENTRIES_AT 4u

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

/* Up to the accept, and until it has nothing to send. */
static void begin(scene *scene, const json *session) {
  uint8_t frame[FRAME_ROOM];
  scene_set(scene, session);
  CHECK(scene_start(scene), "%s: the rescuer starts", scene->name);
  JSON_EACH(step, json_get(session, "steps")) {
    const json *kind = json_find(step, "kind");
    if (kind == NULL || (strcmp(kind->text, "distress") != 0 && strcmp(kind->text, "accept") != 0)) continue;
    scene_hear(scene, frame, json_hex(json_get(step, "frameHex"), frame, sizeof frame));
    (void)scene_poll(scene);
  }
  CHECK(scene->rescuer.state == MAYDAY_RESCUER_SERVING, "%s: a session began", scene->name);
  while (scene_poll(scene)) {
  }
}

/* It says no locator, so a request for one is not answered, and what is asked for beside it is (6.11, 12.1). Runs of the vectors are
 * those of a larger image: the root's is asked for in their place. */
static void request_locators(scene *scene, const json *session, const json *vectors) {
  unsigned requests = 0;
  JSON_EACH(vector, json_get(vectors, "frames")) {
    const char *name = json_text(vector, "name");
    uint8_t frame[FRAME_ROOM];
    mayday_frame said;
    unsigned runs = 0, others = 0, runs_asked = 0;
    if (strcmp(json_text(json_get(vector, "frame"), "tag"), "request") != 0) continue;
    begin(scene, session);
    size_t length = json_hex(json_get(vector, "frameHex"), frame, sizeof frame);
    for (uint8_t i = 0; i < frame[ENTRIES_AT - 1u]; i++) {
      uint8_t *level = frame + ENTRIES_AT + ENTRY_LENGTH * i;
      if (*level == MAYDAY_LOCATOR_LEVEL) continue;
      *level = scene->rescuer.root_level;
      runs_asked++;
    }
    scene_hear(scene, frame, mayday_frame_close(frame, length - MAYDAY_CRC_LENGTH, scene->rescuer.tag));
    while (scene_poll(scene)) {
      bool is_frame = mayday_frame_parse(scene->sent, scene->sent_length, scene->rescuer.tag, &said) == MAYDAY_FAULT_NONE;
      bool is_run = is_frame && said.kind == MAYDAY_OBJECT &&
                    (said.as.object.object_kind == MAYDAY_OBJECT_KIND_RUN || said.as.object.object_kind == MAYDAY_OBJECT_KIND_UNIFORM);
      if (is_run) runs++;
      else if (!is_frame || said.kind != MAYDAY_PROBE) others++;
    }
    CHECK((runs > 0) == (runs_asked > 0), "%s: a run is sent where one is asked for", name);
    CHECK(others == 0, "%s: nothing else is sent", name);
    CHECK(scene->rescuer.state == MAYDAY_RESCUER_SERVING, "%s: the session continues", name);
    requests++;
  }
  CHECK(requests == 2, "the requests of the vectors were heard");
}

/* A session whose accept asks for nothing, so that no run is on its way. */
static const json *without_asks(const json *sessions) {
  JSON_EACH(session, sessions) {
    if (strcmp(json_text(json_get(session, "target"), "asks"), "nothing") == 0) return session;
  }
  printf("no session begins without a run\n");
  exit(1);
}

int main(int argc, char **argv) {
  if (argc != 2) return 1;
  const json *vectors = json_load(argv[1], "session-v1.json");
  unsigned sent = 0;
  JSON_EACH(session, json_get(vectors, "sessions")) sent += replay(&the_scene, session);
  request_locators(&the_scene, without_asks(json_get(vectors, "sessions")), json_load(argv[1], "locator-v1.json"));
  CHECK(sent > 100, "more than a hundred frames of sessions were looked at, not %u", sent);
  return check_end("rescuer sessions");
}
