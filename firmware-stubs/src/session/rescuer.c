/* The rescuer: what it says, and when (PROTOCOL.md 2.4, 5, 6.2). */
#include "mayday/rescuer.h"

#include "base/bytes.h"
#include "session/rescuer_parts.h"

/* So that no time is near 0, which stands for long ago. */
#define START_MS 600000u

mayday_time mayday_rescuer_tick(mayday_rescuer *rescuer) {
  uint32_t clock = rescuer->port->now_ms(rescuer->port->context);
  rescuer->now += (uint32_t)(clock - rescuer->clock);
  rescuer->clock = clock;
  return rescuer->now;
}

bool mayday_rescuer_init(mayday_rescuer *rescuer, const mayday_port *port, const mayday_line *line, const mayday_source *source,
                         const mayday_self *self) {
  const mayday_manifest *manifest = source->manifest;
  memset(rescuer, 0, sizeof *rescuer);
  rescuer->port = port;
  rescuer->line = line;
  rescuer->source = source;
  rescuer->self = self;
  rescuer->now = START_MS;
  rescuer->clock = port->now_ms(port->context);
  rescuer->offer = MAYDAY_NO_OFFER;
  mayday_rtt_init(&rescuer->rtt, line->baud, line->rto_floor_ms);
  mayday_sizer_init(&rescuer->sizer);
  mayday_pacer_init(&rescuer->pacer, rescuer->rtt.bytes_per_s);
  mayday_mute_init(&rescuer->mute, rescuer->now);
  mayday_runs_init(&rescuer->runs, rescuer->run, sizeof rescuer->run, line->baud);
  mayday_rescuer_init_forms(rescuer);
  if (manifest->size == 0 || manifest->block_log2 < 10 || manifest->block_log2 > 16) return false;
  if (UINT32_C(1) << manifest->block_log2 > MAYDAY_RESCUER_BLOCK_MAX) return false;
  rescuer->leaves = ((manifest->size - 1u) >> manifest->block_log2) + 1u;
  if (rescuer->leaves != manifest->leaves || rescuer->leaves > UINT32_C(1) << MAYDAY_LEVELS_MAX) return false;
  if (source->envelope_length < MAYDAY_ENVELOPE_MIN || source->envelope_length > MAYDAY_ENVELOPE_MAX) return false;
  mayday_shape shape = mayday_rescuer_shape(rescuer);
  rescuer->root_level = mayday_root_level(&shape);
  if (rescuer->root_level != 0 && mayday_run_level(rescuer->root_level) >= MAYDAY_RESCUER_FOLDED) return false;
  return port->random != NULL && port->random(port->context, rescuer->boot_nonce, sizeof rescuer->boot_nonce);
}

void mayday_rescuer_say(mayday_rescuer *rescuer, uint8_t due) {
  if (!rescuer->mute.is_mute) rescuer->due = (uint8_t)(rescuer->due | due);
}

void mayday_rescuer_note_end(mayday_rescuer *rescuer, mayday_rescuer_end end, uint8_t reason) {
  rescuer->end = end;
  rescuer->end_reason = reason;
  rescuer->ends++;
}

static void fill_beacon(const mayday_rescuer *rescuer, mayday_frame *frame) {
  const mayday_status *status = rescuer->self->status;
  frame->kind = MAYDAY_BEACON;
  frame->as.beacon.node_id = rescuer->self->node_id;
  frame->as.beacon.boot_nonce = rescuer->boot_nonce;
  frame->as.beacon.flags = MAYDAY_BEACON_FLAG_BOOTABLE;
  if (status == NULL) {
    frame->as.beacon.flags |= MAYDAY_BEACON_FLAG_PROVIDER;
    return;
  }
  if (status->is_trial) frame->as.beacon.flags |= MAYDAY_BEACON_FLAG_TRIAL;
  if (status->is_installed) frame->as.beacon.flags |= MAYDAY_BEACON_FLAG_INSTALLED;
  if (status->is_receiving) frame->as.beacon.flags |= MAYDAY_BEACON_FLAG_RECEIVING;
  frame->as.beacon.hardware_id = status->hardware_id;
  frame->as.beacon.revision = rescuer->self->revision;
  frame->as.beacon.version.major = status->order.version[0];
  frame->as.beacon.version.minor = status->order.version[1];
  frame->as.beacon.version.patch = status->order.version[2];
  frame->as.beacon.sequence = status->order.sequence;
  frame->as.beacon.floor = status->floor;
  frame->as.beacon.installed = status->installed;
  frame->as.beacon.receiving = status->receiving;
}

static void fill_offer(const mayday_rescuer *rescuer, mayday_frame *frame) {
  const mayday_manifest *manifest = rescuer->source->manifest;
  const mayday_offered *offered = &rescuer->offers[rescuer->offer];
  frame->kind = MAYDAY_OFFER;
  frame->as.offer.rescuer_id = rescuer->self->node_id;
  frame->as.offer.rescuer_nonce = offered->rescuer_nonce;
  frame->as.offer.target_nonce = offered->target_nonce;
  frame->as.offer.digest = manifest->digest;
  frame->as.offer.version.major = manifest->order.version[0];
  frame->as.offer.version.minor = manifest->order.version[1];
  frame->as.offer.version.patch = manifest->order.version[2];
  frame->as.offer.size = manifest->size;
  frame->as.offer.counter = manifest->counter;
  frame->as.offer.block_log2 = manifest->block_log2;
}

/* The message that waits first, and the tag it goes under. */
static void fill_message(const mayday_rescuer *rescuer, uint8_t due, mayday_frame *frame, uint32_t *tag) {
  static const uint8_t zeros[8];
  memset(frame, 0, sizeof *frame);
  frame->as.beacon.hardware_id = frame->as.beacon.installed = frame->as.beacon.receiving = zeros;
  *tag = 0;
  switch (due) {
    case MAYDAY_DUE_DONE_ACK:
      *tag = rescuer->tag;
      frame->kind = MAYDAY_DONE_ACK;
      frame->as.done.digest = rescuer->source->manifest->digest;
      return;
    case MAYDAY_DUE_BYE:
      frame->kind = MAYDAY_BYE;
      frame->as.bye.target_nonce = rescuer->session.target_nonce;
      frame->as.bye.rescuer_nonce = rescuer->session.rescuer_nonce;
      frame->as.bye.reason = rescuer->bye_reason;
      return;
    case MAYDAY_DUE_NONE:
      frame->kind = MAYDAY_NONE;
      frame->as.none.rescuer_id = rescuer->self->node_id;
      frame->as.none.target_nonce = rescuer->none_nonce;
      frame->as.none.reason = rescuer->none_reason;
      return;
    case MAYDAY_DUE_BEACON:
      fill_beacon(rescuer, frame);
      return;
    case MAYDAY_DUE_OFFER:
      fill_offer(rescuer, frame);
      return;
    default:
      *tag = rescuer->tag;
      frame->kind = MAYDAY_LATER;
      frame->as.pause.ms = MAYDAY_LATER_MS;
      return;
  }
}

/* With a link key proofs are added to announcements, and seals to frames of a session, here (14.3, 14.4). */
static void say_first(mayday_rescuer *rescuer) {
  mayday_frame frame;
  uint32_t tag;
  uint8_t due = (uint8_t)(rescuer->due & (0u - rescuer->due));
  rescuer->due = (uint8_t)(rescuer->due & ~due);
  fill_message(rescuer, due, &frame, &tag);
  size_t length = mayday_frame_write(&frame, rescuer->message, sizeof rescuer->message - MAYDAY_CRC_LENGTH);
  length = mayday_rescuer_put_forms(rescuer, frame.kind, length);
  rescuer->is_out_packet = false;
  mayday_rescuer_hand_over(rescuer, rescuer->message, length, tag, mayday_rescuer_form(rescuer, frame.kind));
}

/* Hands over what the UART takes of the frame that goes out. */
static void run_out(mayday_rescuer *rescuer) {
  size_t taken = mayday_outgoing_run(&rescuer->out, rescuer->port, rescuer->line);
  if (taken == 0) return;
  mayday_time due = mayday_pacer_hand_over(&rescuer->pacer, rescuer->now, (uint32_t)taken);
  rescuer->out_bytes = (uint16_t)(rescuer->out_bytes + taken);
  rescuer->bytes_sent += mayday_least32((uint32_t)taken, UINT32_MAX - rescuer->bytes_sent);
  mayday_mute_sent(&rescuer->mute, rescuer->out_bytes);
  if (rescuer->is_out_packet) mayday_sender_due(&rescuer->sender, due);
}

void mayday_rescuer_hand_over(mayday_rescuer *rescuer, uint8_t *frame, size_t length, uint32_t tag, uint8_t mendable) {
  bool has_delimiter = mayday_pacer_is_busy(&rescuer->pacer, rescuer->now);
  length = mayday_frame_close(frame, length, tag);
  rescuer->out_bytes = 0;
  rescuer->has_worked = true;
  if (!mayday_rescuer_begin_coded(rescuer, frame, length, mendable)) mayday_outgoing_begin(&rescuer->out, frame, length, has_delimiter);
  run_out(rescuer);
}

static void fall_silent(mayday_rescuer *rescuer) {
  rescuer->due = 0;
  rescuer->out.frame = NULL;
  mayday_pacer_drop(&rescuer->pacer);
  if (rescuer->self->drop_unsent != NULL) rescuer->self->drop_unsent(rescuer->port->context);
}

/* A query is answered at once, at most five times a second. */
static void tend_question(mayday_rescuer *rescuer) {
  if (!rescuer->is_asked || rescuer->now < rescuer->answered_at + MAYDAY_ANSWER_INTERVAL_MS) return;
  rescuer->is_asked = false;
  rescuer->answered_at = rescuer->now;
  if (rescuer->state == MAYDAY_RESCUER_SERVING) rescuer->sender.is_asked = true;
  else mayday_rescuer_say(rescuer, MAYDAY_DUE_BEACON);
}

mayday_rescuer_state mayday_rescuer_poll(mayday_rescuer *rescuer) {
  (void)mayday_rescuer_tick(rescuer);
  rescuer->has_worked = false;
  mayday_rescuer_look(rescuer);
  if (mayday_mute_check(&rescuer->mute, &rescuer->rtt, rescuer->now)) fall_silent(rescuer);
  if (rescuer->state != MAYDAY_RESCUER_STOPPED) {
    tend_question(rescuer);
    if (rescuer->state == MAYDAY_RESCUER_SERVING) mayday_rescuer_tend_session(rescuer);
    else mayday_rescuer_tend_offers(rescuer);
  }
  if (rescuer->out.frame != NULL) run_out(rescuer);
  if (rescuer->out.frame != NULL || rescuer->mute.is_mute) return rescuer->state;
  if (!mayday_pacer_is_ready(&rescuer->pacer, rescuer->now)) return rescuer->state;
  if (rescuer->due != 0) say_first(rescuer);
  else if (rescuer->state == MAYDAY_RESCUER_SERVING) mayday_rescuer_make_packet(rescuer);
  return rescuer->state;
}

bool mayday_rescuer_is_busy(const mayday_rescuer *rescuer) {
  return rescuer->has_worked && rescuer->out.frame == NULL;
}

void mayday_rescuer_stop(mayday_rescuer *rescuer, uint8_t reason) {
  mayday_rescuer_state before = rescuer->state;
  rescuer->due = 0;
  rescuer->offer = MAYDAY_NO_OFFER;
  rescuer->making.is_on = false;
  rescuer->state = MAYDAY_RESCUER_STOPPED;
  rescuer->bye_reason = reason;
  if (before == MAYDAY_RESCUER_SERVING) mayday_rescuer_say(rescuer, MAYDAY_DUE_BYE);
  if (before == MAYDAY_RESCUER_HEALED) mayday_rescuer_say(rescuer, MAYDAY_DUE_DONE_ACK);
}
