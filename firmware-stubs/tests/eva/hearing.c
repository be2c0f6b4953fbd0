/* What a target does with the second form, and the sums by which it chooses it: any byte, silence, frame and message, in any order, from the
 * start on. The hunter, the outbox and the machine of the target are stood in for: hunter.c, outbox.c and session.c of this folder follow
 * them. */
#include "any.h"

#include "session/hearing.h"

#define HELD MAYDAY_CODED_ROOM(64u)

static uint8_t held[HELD], frame_bytes[128], peer[8], own[8];
static mayday_board board;
static mayday_target target;

void mayday_target_take_byte(mayday_target *of, uint8_t byte, uint32_t clock) {
  (void)of;
  (void)byte;
  (void)clock;
}

/* As it looks at the bytes: the frame lies in what is held. */
bool mayday_target_take_frame(mayday_target *of, const uint8_t *bytes, size_t length, size_t on_line) {
  (void)of;
  (void)on_line;
  //@ assert \valid_read(bytes + (0 .. length - 1));
  (void)bytes;
  (void)length;
  return any_bool();
}

void mayday_hunter_init(mayday_hunter *hunter, uint8_t *memory, uint16_t room) {
  memset(hunter, 0, sizeof *hunter);
  hunter->held = memory;
  hunter->room = room;
}

static void any_hunter(mayday_hunter *hunter) {
  hunter->length = (uint16_t)Frama_C_interval(0, HELD);
  hunter->found = (uint16_t)Frama_C_interval(0, HELD);
  hunter->frame = (uint16_t)Frama_C_interval(0, HELD - MAYDAY_SYNC_LENGTH);
  hunter->mended = (uint16_t)Frama_C_interval(0, 160);
}

void mayday_hunter_take(mayday_hunter *hunter, uint8_t byte, uint32_t now) {
  (void)byte;
  any_hunter(hunter);
  hunter->last = now;
}

void mayday_hunter_close(mayday_hunter *hunter) {
  any_hunter(hunter);
}

void mayday_hunter_refuse(mayday_hunter *hunter) {
  any_hunter(hunter);
}

mayday_find mayday_hunter_look(mayday_hunter *hunter) {
  any_hunter(hunter);
  return (mayday_find)Frama_C_interval(MAYDAY_FIND_NOTHING, MAYDAY_FIND_FRAME);
}

bool mayday_may_be_marker(const uint8_t *bytes, size_t length) {
  //@ assert \valid_read(bytes + (0 .. length - 1));
  (void)bytes;
  (void)length;
  return any_bool();
}

bool mayday_outbox_send(mayday_outbox *outbox, const mayday_port *port, const uint8_t *frame, size_t length) {
  (void)outbox;
  (void)port;
  //@ assert \valid_read(frame + (0 .. length - 1));
  (void)frame;
  (void)length;
  return any_bool();
}

bool mayday_outbox_send_coded(mayday_outbox *outbox, const mayday_port *port, const uint8_t *frame, size_t length, bool is_copy) {
  (void)is_copy;
  return mayday_outbox_send(outbox, port, frame, length);
}

static const mayday_frame_kind kinds[] = {MAYDAY_QUERY, MAYDAY_BEACON, MAYDAY_DISTRESS, MAYDAY_OFFER, MAYDAY_ACCEPT, MAYDAY_ACK, MAYDAY_DONE};

static mayday_frame_kind any_kind(void) {
  return kinds[Frama_C_interval(0, sizeof kinds / sizeof kinds[0] - 1)];
}

static void note_form(void) {
  mayday_frame frame;
  frame.kind = any_kind();
  frame.forms = any8();
  frame.as.query.node_id = any_bool() ? peer : own;
  mayday_note_form(&target, &frame, (size_t)Frama_C_interval(0, MAYDAY_FRAME_MAX));
}

static void say(void) {
  static uint8_t message[128];
  make_any(message, sizeof message);
  mayday_frame_kind kind = any_kind();
  size_t length = mayday_forms_put(&target.forms, kind, message, (size_t)Frama_C_interval(1, sizeof message - MAYDAY_FORMS_LENGTH));
  mayday_send_frame(&target, kind, message, length);
  mayday_send_frame(&target, kind, frame_bytes, (size_t)Frama_C_interval(0, sizeof frame_bytes));
}

static void anything(void) {
  uint32_t last;
  target.clock = any32();
  target.runs.last = any32();
  target.runs.length = (uint16_t)Frama_C_interval(0, UINT16_MAX);
  target.runs.silence = (uint16_t)any32();
  switch (any8()) {
    case 0: (void)mayday_hear(&target, any8()); break;
    case 1: (void)mayday_is_hearing(&target); break;
    case 2: (void)mayday_heard_last(&target, &last); break;
    case 3: note_form(); break;
    case 4: (void)mayday_note_packet(&target); break;
    case 5: (void)mayday_note_foreign(&target, any_bool(), (size_t)Frama_C_interval(0, MAYDAY_FRAME_MAX)); break;
    case 6: (void)mayday_copy_bytes(&target); break;
    case 7: (void)mayday_forms_has_mended(&target.forms); break;
    case 8: (void)mayday_forms_wrong_rate(&target.forms); break;
    default: say(); break;
  }
}

static void everything(uint8_t *memory_of_hunter) {
  mayday_memory memory = {.held = memory_of_hunter, .held_size = sizeof held};
  (void)mayday_is_held_room(&memory, any32());
  mayday_hearing_init(&target, &memory);
  while (any_bool()) anything();
}

int main(void) {
  static mayday_identity identity;
  static mayday_port port;
  static mayday_line line;
  make_any(held, sizeof held);
  make_any(frame_bytes, sizeof frame_bytes);
  make_any(peer, sizeof peer);
  make_any(own, sizeof own);
  make_any(identity.node_id, sizeof identity.node_id);
  board.identity = &identity;
  target.board = &board;
  target.line = &line;
  target.port = &port;
  everything(NULL);
  everything(held);
  return 0;
}
