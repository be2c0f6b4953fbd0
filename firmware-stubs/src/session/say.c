#include "session/say.h"

#include "base/bytes.h"
#include "linkkey/guard.h"
#include "session/blocks.h"
#include "session/clock.h"

/* The longest message of a target, with its proof or seal (5, 14.3, 14.4). */
#define MESSAGE_MAX (MAYDAY_WIRE_LIMIT_ANNOUNCEMENT + 18u)

/* `offer`: that which a message answers, where it is not that of the session; NULL in all others. */
static void send_about(mayday_target *target, const mayday_frame *frame, const mayday_frame *offer) {
  uint8_t bytes[MESSAGE_MAX];
  size_t length = mayday_frame_write(frame, bytes, sizeof bytes - MAYDAY_PROTECTION_MAX - MAYDAY_CRC_LENGTH);
  if (length == 0) return;
  length = mayday_guard_protect(target, frame, offer, bytes, length);
  if (length == 0) return;
  uint32_t tag = (bytes[0] & 15u) == MAYDAY_FRAME_CLASS_ANNOUNCE ? 0 : target->tag;
  (void)mayday_outbox_send(&target->outbox, bytes, mayday_frame_close(bytes, length, tag));
}

static void send(mayday_target *target, const mayday_frame *frame) {
  send_about(target, frame, NULL);
}

static mayday_frame frame_of(mayday_frame_kind kind) {
  mayday_frame frame;
  memset(&frame, 0, sizeof frame);
  frame.kind = kind;
  return frame;
}

void mayday_say_query(mayday_target *target) {
  mayday_frame frame = frame_of(MAYDAY_QUERY);
  frame.as.query.node_id = target->board->identity->node_id;
  frame.as.query.boot_nonce = target->boot_nonce;
  send(target, &frame);
}

void mayday_say_status(mayday_target *target, bool is_call) {
  const mayday_status *status = &target->board->status;
  mayday_frame frame = frame_of(is_call ? MAYDAY_DISTRESS : MAYDAY_BEACON);
  uint8_t flags = 0;
  if (status->failure == 0) flags |= MAYDAY_BEACON_FLAG_BOOTABLE;
  if (status->is_receiving) flags |= MAYDAY_BEACON_FLAG_RECEIVING;
  if (status->is_installed) flags |= MAYDAY_BEACON_FLAG_INSTALLED;
  if (status->failure == 0 && status->is_trial && !is_call) flags |= MAYDAY_BEACON_FLAG_TRIAL;
  if (mayday_guard_is_keyed(target)) flags |= MAYDAY_BEACON_FLAG_LINK_KEY;
  frame.as.beacon.node_id = target->board->identity->node_id;
  frame.as.beacon.boot_nonce = target->boot_nonce;
  frame.as.beacon.hardware_id = status->hardware_id;
  frame.as.beacon.revision = target->board->identity->revision;
  frame.as.beacon.flags = flags;
  frame.as.beacon.failure = status->failure;
  frame.as.beacon.version.major = status->order.version[0];
  frame.as.beacon.version.minor = status->order.version[1];
  frame.as.beacon.version.patch = status->order.version[2];
  frame.as.beacon.sequence = status->order.sequence;
  frame.as.beacon.floor = status->floor;
  frame.as.beacon.installed = status->installed;
  frame.as.beacon.receiving = status->receiving;
  send(target, &frame);
}

void mayday_say_accept(mayday_target *target) {
  mayday_frame frame = frame_of(MAYDAY_ACCEPT);
  frame.as.accept.target_nonce = mayday_guard_nonce(target);
  frame.as.accept.rescuer_nonce = target->session.rescuer_nonce;
  frame.as.accept.digest = target->session.digest;
  frame.as.accept.payload_max = target->payload_max;
  frame.as.accept.open_blocks = target->session.open_blocks;
  frame.as.accept.asks = (uint8_t)(MAYDAY_CODECS_ALL | (target->asks_run ? MAYDAY_ACCEPT_FLAG_RUN : 0u));
  send(target, &frame);
}

void mayday_say_refuse(mayday_target *target, const uint8_t rescuer_nonce[8], const uint8_t digest[8], uint8_t reason) {
  mayday_frame frame = frame_of(MAYDAY_REFUSE);
  frame.as.refuse.target_nonce = mayday_guard_nonce(target);
  frame.as.refuse.rescuer_nonce = rescuer_nonce;
  frame.as.refuse.digest = digest;
  frame.as.refuse.reason = reason;
  send(target, &frame);
}

void mayday_say_defer(mayday_target *target, const mayday_frame *offer, uint8_t reason, uint32_t seconds) {
  mayday_frame frame = frame_of(MAYDAY_DEFER);
  frame.as.defer.target_nonce = offer->as.offer.target_nonce;
  frame.as.defer.rescuer_nonce = offer->as.offer.rescuer_nonce;
  frame.as.defer.digest = offer->as.offer.digest;
  frame.as.defer.reason = reason;
  frame.as.defer.seconds = seconds;
  send_about(target, &frame, offer);
}

void mayday_say_stand_down(mayday_target *target, const mayday_frame *offer, uint32_t retry_ms) {
  mayday_frame frame = frame_of(MAYDAY_STAND_DOWN);
  frame.as.stand_down.target_id = target->board->identity->node_id;
  frame.as.stand_down.rescuer_nonce = offer->as.offer.rescuer_nonce;
  frame.as.stand_down.rescuer_id = target->session.rescuer_id;
  frame.as.stand_down.retry_ms = (uint16_t)mayday_least32(retry_ms, MAYDAY_RETRY_AFTER_MS);
  send_about(target, &frame, offer);
}

void mayday_say_bye(mayday_target *target, uint8_t reason) {
  mayday_frame frame = frame_of(MAYDAY_BYE);
  frame.as.bye.target_nonce = mayday_guard_nonce(target);
  frame.as.bye.rescuer_nonce = target->session.rescuer_nonce;
  frame.as.bye.reason = reason;
  send(target, &frame);
}

void mayday_say_ack(mayday_target *target) {
  uint8_t bitmap[MAYDAY_ACK_BITMAP_LENGTH];
  mayday_frame frame = frame_of(MAYDAY_ACK);
  frame.as.ack.bitmap = bitmap;
  mayday_acks_build(&target->acks, mayday_target_us(target), &frame.as.ack.highest, &frame.as.ack.delay, bitmap);
  send(target, &frame);
}

void mayday_say_request(mayday_target *target, uint8_t level, uint32_t index) {
  uint8_t entry[4];
  mayday_frame frame = frame_of(MAYDAY_REQUEST);
  entry[0] = level;
  mayday_put24(entry + 1, index);
  frame.as.list.sequence = ++target->session.requests;
  frame.as.list.count = 1;
  frame.as.list.entries = entry;
  send(target, &frame);
}

void mayday_say_grant(mayday_target *target) {
  uint8_t entries[MAYDAY_GRANT_BYTES_MAX];
  mayday_frame frame = frame_of(MAYDAY_GRANT);
  frame.as.list.sequence = ++target->blocks.sequence;
  frame.as.list.count = mayday_blocks_grant(&target->blocks, entries);
  target->blocks.is_changed = false;
  frame.as.list.entries = entries;
  send(target, &frame);
}

void mayday_say_busy(mayday_target *target) {
  mayday_frame frame = frame_of(MAYDAY_BUSY);
  frame.as.pause.ms = MAYDAY_BUSY_MS;
  send(target, &frame);
}

void mayday_say_done(mayday_target *target) {
  mayday_frame frame = frame_of(MAYDAY_DONE);
  frame.as.done.digest = target->session.digest;
  send(target, &frame);
}
