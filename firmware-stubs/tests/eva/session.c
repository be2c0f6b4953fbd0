/* A target's machine from its start on: any frame, byte, poll, link-up and stop, in any order, at any time, without end. What it
 * calls in the board is stood in for by what gives and does anything. So are the parts of session_parts.h, what hears the
 * second form (hearing.c), what reads frames, and what guards a link with a key (guard.c). */
#include "session_hearing.h"
#include "session_parts.h"

#include "linkkey/guard.h"

static uint32_t any_now(void *context) {
  (void)context;
  return any32();
}

static bool any_send(void *context, const uint8_t *frame, size_t length) {
  (void)context;
  //@ assert \valid_read(frame + (0 .. length - 1));
  (void)frame;
  (void)length;
  return any_bool();
}

static bool any_random(void *context, uint8_t *bytes, size_t length) {
  (void)context;
  make_any(bytes, length);
  return any_bool();
}

bool mayday_guard_is_usable(const mayday_line *line) {
  (void)line;
  return any_bool();
}

void mayday_guard_start(mayday_target *of) {
  any_board();
  make_any(of->boot_nonce, sizeof of->boot_nonce);
}

const uint8_t *mayday_guard_nonce(const mayday_target *of) {
  return of->boot_nonce;
}

size_t mayday_guard_protect(mayday_target *of, mayday_frame_kind kind, const mayday_frame *offer, uint8_t *bytes,
                            size_t length) {
  (void)of;
  (void)kind;
  (void)offer;
  //@ assert \valid(bytes + (0 .. length + MAYDAY_PROTECTION_MAX - 1));
  make_any(bytes + length, MAYDAY_PROTECTION_MAX);
  return any_bool() ? 0 : length + (size_t)Frama_C_interval(0, MAYDAY_PROTECTION_MAX);
}

mayday_fault mayday_guard_parse(mayday_target *of, const uint8_t *bytes, size_t length, mayday_frame *out) {
  (void)of;
  (void)bytes;
  (void)length;
  return any_frame(out);
}

mayday_offer_verdict mayday_guard_judge(mayday_target *of, const mayday_frame *offer, bool is_own) {
  (void)of;
  (void)offer;
  (void)is_own;
  return (mayday_offer_verdict)Frama_C_interval(MAYDAY_OFFER_GOOD, MAYDAY_OFFER_UNASKED);
}

bool mayday_guard_claim(mayday_target *of, const mayday_frame *offer) {
  (void)offer;
  make_any(of->boot_nonce, sizeof of->boot_nonce);
  return any_bool();
}

void mayday_guard_begin(mayday_target *of, const mayday_frame *offer) {
  (void)of;
  (void)offer;
}

bool mayday_guard_believes(mayday_target *of, const mayday_frame *bye) {
  (void)of;
  (void)bye;
  return any_bool();
}

static void hear(mayday_frame_kind kind) {
  kind_heard = kind;
  bytes_heard[0] = (uint8_t)(kind < 16u ? MAYDAY_FRAME_CLASS_ANNOUNCE : kind >> 4);
  mayday_target_frame(&target, bytes_heard, (size_t)Frama_C_interval(MAYDAY_FRAME_MIN, sizeof bytes_heard));
}

static void anything(void) {
  switch (any8()) {
    case MAYDAY_QUERY: hear(MAYDAY_QUERY); break;
    case MAYDAY_BEACON: hear(MAYDAY_BEACON); break;
    case MAYDAY_OFFER: hear(MAYDAY_OFFER); break;
    case MAYDAY_BYE: hear(MAYDAY_BYE); break;
    case MAYDAY_NONE: hear(MAYDAY_NONE); break;
    case MAYDAY_LATER: hear(MAYDAY_LATER); break;
    case MAYDAY_DONE_ACK: hear(MAYDAY_DONE_ACK); break;
    case MAYDAY_OBJECT: hear(MAYDAY_OBJECT); break;
    case MAYDAY_PROBE: hear(MAYDAY_PROBE); break;
    case MAYDAY_DATA: hear(MAYDAY_DATA); break;
    /* A kind that only a target sends, of which no field is read. */
    case MAYDAY_DISTRESS: hear(MAYDAY_DISTRESS); break;
    /* Of a byte stream; a run that it ends is the same kinds, and this one. */
    case 0xf0: kind_heard = MAYDAY_DISTRESS; mayday_target_byte(&target, any8()); break;
    case 0xf1: mayday_target_link_up(&target); break;
    case 0xf2: mayday_target_stop(&target); break;
    case 0xf3: mayday_target_idle_ms(&target); break;
    case 0xf4: mayday_target_is_quiet(&target); break;
    default: kind_heard = MAYDAY_DISTRESS; mayday_target_poll(&target); break;
  }
}

int main(void) {
  static const uint8_t link_key[16];
  static const mayday_identity identity = {.vendor = "acme", .hardware_class = "pump-7"};
  static const mayday_port port = {.now_ms = any_now, .hash = &any_hash, .random = any_random};
  static const mayday_memory memory = {.frame = frame_memory, .frame_size = sizeof frame_memory, .blocks = blocks, .blocks_size = sizeof blocks};
  static mayday_line line;
  line.baud = any32();
  line.rto_floor_ms = any8();
  line.is_deaf_while_writing = any_bool();
  line.send_frame = any_bool() ? any_send : NULL;
  line.link_key = any_bool() ? link_key : NULL;
  board.port = &port;
  board.identity = &identity;
  board.hash = &any_hash;
  any_board();
  make_any(bytes_heard, sizeof bytes_heard);
  make_any(blocks, sizeof blocks);
  if (!mayday_target_init(&target, &board, &line, &memory, any_bool())) return 0;
  //@ dynamic_split target.session.state;
  //@ widen_hints target.runs.length, 543, 544;
  //@ widen_hints target.session.said, 7;
  while (any_bool()) {
    //@ assert target.session.state == 0 || (target.envelope.bytes == &blocks[0] && target.run.bytes == &target.run_bytes[0]);
    anything();
  }
  return 0;
}
