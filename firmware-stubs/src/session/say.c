#include "session/say.h"

#include "base/bytes.h"
#include "linkkey/guard.h"
#include "session/blocks.h"
#include "session/clock.h"
#include "session/hearing.h"

/* The longest message of a target, without CRC, proof and seal: a distress. */
#if MAYDAY_WITH_FEC
#define MESSAGE_MAX (62u + MAYDAY_FORMS_LENGTH)
#else
#define MESSAGE_MAX 62u
#endif

/* A message that is put together, field by field as section 5 has them. */
typedef struct message {
  uint8_t length, kind;
  uint8_t bytes[MESSAGE_MAX + MAYDAY_PROTECTION_MAX + MAYDAY_CRC_LENGTH];
} message;

static void put(message *to, const uint8_t *bytes, uint8_t length) {
  memcpy(to->bytes + to->length, bytes, length);
  to->length = (uint8_t)(to->length + length);
}

/* An id, a nonce, or a short digest. */
static void put_id(message *to, const uint8_t *id) {
  put(to, id, MAYDAY_ID_LENGTH);
}

/* The lower `length` bytes of a number. */
static void put_number(message *to, uint32_t value, uint8_t length) {
  for (; length > 0; length--, value >>= 8) to->bytes[to->length++] = (uint8_t)(value & 0xffu);
}

static void begin(message *to, mayday_frame_kind kind) {
  unsigned number = kind;
  to->length = 0;
  to->kind = (uint8_t)kind;
  if (number >> 4 == MAYDAY_FRAME_CLASS_ANNOUNCE) put_number(to, number << 8 | MAYDAY_PROTOCOL_VERSION << 4, 2);
  else put_number(to, (number & 15u) << 4 | number >> 4, 1);
}

/* `offer`: that which a message answers, where it is not that of the session; NULL in all others. */
static void send(mayday_target *target, message *message, const mayday_frame *offer) {
#if MAYDAY_WITH_FEC
  message->length = (uint8_t)mayday_forms_put(&target->forms, (mayday_frame_kind)message->kind, message->bytes, message->length);
#endif
  size_t length = mayday_guard_protect(target, (mayday_frame_kind)message->kind, offer, message->bytes, message->length);
  uint32_t tag = (message->bytes[0] & 15u) == MAYDAY_FRAME_CLASS_ANNOUNCE ? 0 : target->tag;
  const mayday_line *line = target->line;
  if (MAYDAY_WITH_LINK_KEY && length == 0) return;
  length = mayday_frame_close(message->bytes, length, tag);
  if (line->send_frame != NULL) (void)line->send_frame(line->context, message->bytes, length);
  else mayday_send_frame(target, (mayday_frame_kind)message->kind, message->bytes, length);
}

void mayday_say_query(mayday_target *target) {
  message query;
  begin(&query, MAYDAY_QUERY);
  put_id(&query, target->board->identity->node_id);
  put_id(&query, target->boot_nonce);
  send(target, &query, NULL);
}

void mayday_say_status(mayday_target *target, bool is_call) {
  const mayday_board *board = target->board;
  const mayday_decision *decision = &board->decision;
  const mayday_record_state *state = &board->record.state;
  const mayday_order *order = &board->order;
  static const uint8_t none[MAYDAY_SHORT_DIGEST_LENGTH] = {0};
  message beacon;
  uint8_t flags = 0;
  if (decision->failure == 0) flags |= MAYDAY_BEACON_FLAG_BOOTABLE;
  if (state->is_receiving) flags |= MAYDAY_BEACON_FLAG_RECEIVING;
  if (board->is_installed) flags |= MAYDAY_BEACON_FLAG_INSTALLED;
  if (decision->failure == 0 && decision->is_trial && !is_call) flags |= MAYDAY_BEACON_FLAG_TRIAL;
  if (mayday_guard_is_keyed(target)) flags |= MAYDAY_BEACON_FLAG_LINK_KEY;
  begin(&beacon, is_call ? MAYDAY_DISTRESS : MAYDAY_BEACON);
  put_id(&beacon, board->identity->node_id);
  put_id(&beacon, target->boot_nonce);
  put_id(&beacon, board->hardware_id);
  put_number(&beacon, board->identity->revision, 2);
  put_number(&beacon, flags, 1);
  put_number(&beacon, decision->failure, 1);
  for (unsigned i = 0; i < 3u; i++) put_number(&beacon, order->version[i], 2);
  put_number(&beacon, (uint32_t)(order->sequence & 0xffffffffu), 4);
  put_number(&beacon, (uint32_t)(order->sequence >> 32), 2);
  put_number(&beacon, mayday_board_floor(board), 4);
  /* Zeros without their flags. */
  put_id(&beacon, board->installed);
  put_id(&beacon, state->is_receiving ? state->receiving_digest : none);
  send(target, &beacon, NULL);
}

void mayday_say_about(mayday_target *target, mayday_frame_kind kind, const mayday_frame *offer, uint32_t value) {
  const mayday_session *session = &target->session;
  message about;
  const uint8_t *target_nonce = mayday_guard_nonce(target), *rescuer_nonce = session->rescuer_nonce, *digest = session->digest;
  if (offer != NULL) {
    target_nonce = offer->as.offer.target_nonce;
    rescuer_nonce = offer->as.offer.rescuer_nonce;
    digest = offer->as.offer.digest;
  }
  begin(&about, kind);
  put_id(&about, target_nonce);
  put_id(&about, rescuer_nonce);
  if (kind != MAYDAY_BYE) put_id(&about, digest);
  if (kind == MAYDAY_ACCEPT) {
    put_number(&about, target->payload_max, 2);
    put_number(&about, session->open_blocks, 1);
    value = MAYDAY_CODECS_ALL | (target->asks_run ? MAYDAY_ACCEPT_FLAG_RUN : 0u);
  }
  if (kind == MAYDAY_DEFER) put_number(&about, MAYDAY_DEFER_CODE_WEAR, 1);
  put_number(&about, value, kind == MAYDAY_DEFER ? 4 : 1);
  /* One for the link key has no proof, like a query: it would be one for who spoiled the offer (14.6). */
  if (kind == MAYDAY_REFUSE && value == MAYDAY_REFUSAL_CODE_LINK_KEY) about.kind = MAYDAY_QUERY;
  send(target, &about, offer);
}

void mayday_say_stand_down(mayday_target *target, const mayday_frame *offer, uint32_t retry_ms) {
  message stand_down;
  begin(&stand_down, MAYDAY_STAND_DOWN);
  put_id(&stand_down, target->board->identity->node_id);
  put_id(&stand_down, offer->as.offer.rescuer_nonce);
  put_id(&stand_down, target->session.rescuer_id);
  put_number(&stand_down, mayday_least32(retry_ms, MAYDAY_RETRY_AFTER_MS), 2);
  send(target, &stand_down, offer);
}

void mayday_say_ack(mayday_target *target) {
  message ack;
  begin(&ack, MAYDAY_ACK);
  mayday_acks_build(&target->acks, mayday_target_us(target), ack.bytes + ack.length);
  ack.length = (uint8_t)(ack.length + MAYDAY_ACK_BYTES);
#if MAYDAY_WITH_FEC
  if (target->session.is_coded) {
    put_number(&ack, MAYDAY_EXTENSION_TYPE_MENDED | 2u << 8, 2);
    put_number(&ack, target->session.mended, 2);
  }
#endif
  send(target, &ack, NULL);
}

void mayday_say_request(mayday_target *target, uint8_t level, uint32_t index) {
  message request;
  begin(&request, MAYDAY_REQUEST);
  put_number(&request, ++target->session.requests, 2);
  put_number(&request, 1, 1);
  put_number(&request, level, 1);
  put_number(&request, index, 3);
  send(target, &request, NULL);
}

void mayday_say_grant(mayday_target *target) {
  mayday_blocks *blocks = &target->blocks;
  message grant;
  begin(&grant, MAYDAY_GRANT);
  put_number(&grant, ++blocks->sequence, 2);
  uint8_t *entries = grant.bytes + grant.length + 1u;
  uint8_t count = mayday_blocks_grant(blocks, entries);
  put_number(&grant, count, 1);
  grant.length = (uint8_t)(grant.length + 5u * count);
  blocks->is_changed = false;
  send(target, &grant, NULL);
}

void mayday_say_busy(mayday_target *target) {
  message busy;
  begin(&busy, MAYDAY_BUSY);
  put_number(&busy, MAYDAY_BUSY_MS, 2);
  send(target, &busy, NULL);
}

void mayday_say_done(mayday_target *target) {
  message done;
  begin(&done, MAYDAY_DONE);
  put_id(&done, target->session.digest);
  send(target, &done, NULL);
}
