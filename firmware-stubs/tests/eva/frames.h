/* What the readers of frames and manifests may give. Taken for granted, and not asserted yet where they are followed. */
#ifndef MAYDAY_TESTS_EVA_FRAMES_H
#define MAYDAY_TESTS_EVA_FRAMES_H

#include "any.h"

#include "mayday/manifest.h"
#include "wire/frame.h"

static uint8_t bytes_heard[MAYDAY_FRAME_MAX];
static mayday_frame_kind kind_heard;

/* Blocks of 1,024 bytes only: larger ones lie in the same memory in the same way. */
static void any_manifest(mayday_manifest *out) {
  make_any(out, sizeof *out);
  out->is_confirmed_by_app = any_bool();
  out->is_hardware_right = any_bool();
  out->role = Frama_C_unsigned_char_interval(1, 2);
  out->block_log2 = 10;
  out->size = Frama_C_unsigned_int_interval(1, UINT32_MAX);
  out->leaves = Frama_C_unsigned_int_interval(1, 1u << 20);
}

/* So many bytes of the frame. */
static const uint8_t *part(size_t length) {
  return bytes_heard + Frama_C_interval(0, (int)(sizeof bytes_heard - length));
}

static void any_data(mayday_frame *out) {
  out->as.data.packet = (uint16_t)Frama_C_interval(0, 4095);
  out->as.data.attempt = any8();
  out->as.data.codec = any8();
  out->as.data.position = (uint16_t)Frama_C_interval(0, UINT16_MAX);
  out->as.data.length = (uint16_t)Frama_C_interval(0, MAYDAY_PAYLOAD_MAX);
  out->as.data.payload = part(MAYDAY_PAYLOAD_MAX);
}

static void any_object(mayday_frame *out) {
  out->as.object.packet = (uint16_t)Frama_C_interval(0, 4095);
  out->as.object.object_kind = any8();
  out->as.object.level = any8();
  out->as.object.index = any32();
  out->as.object.offset = (uint16_t)Frama_C_interval(0, UINT16_MAX);
  out->as.object.total = (uint16_t)Frama_C_interval(0, UINT16_MAX);
  out->as.object.length = (uint16_t)Frama_C_interval(0, MAYDAY_PAYLOAD_MAX);
  out->as.object.payload = part(MAYDAY_PAYLOAD_MAX);
}

static void any_offer(mayday_frame *out) {
  out->as.offer.rescuer_id = part(8);
  out->as.offer.rescuer_nonce = part(8);
  out->as.offer.target_nonce = part(8);
  out->as.offer.digest = part(8);
  make_any(&out->as.offer.version, sizeof out->as.offer.version);
  out->as.offer.size = any32();
  out->as.offer.counter = any32();
  out->as.offer.block_log2 = Frama_C_unsigned_char_interval(10, 16);
}

/* A frame of `kind_heard`. */
static mayday_fault any_frame(mayday_frame *out) {
  out->kind = kind_heard;
  out->proof = NULL;
  out->proof_length = 0;
  out->proven_length = 0;
  out->forms = any8();
  out->has_mended = any_bool();
  out->mended = (uint16_t)Frama_C_interval(0, UINT16_MAX);
  switch (kind_heard) {
    case MAYDAY_DATA: any_data(out); break;
    case MAYDAY_OBJECT: any_object(out); break;
    case MAYDAY_OFFER: any_offer(out); break;
    case MAYDAY_PROBE: out->as.probe.packet = (uint16_t)Frama_C_interval(0, 4095); break;
    case MAYDAY_LATER: out->as.pause.ms = (uint16_t)Frama_C_interval(0, UINT16_MAX); break;
    case MAYDAY_DONE_ACK: out->as.done.digest = part(8); break;
    case MAYDAY_BYE:
    case MAYDAY_NONE:
      out->as.bye.target_nonce = part(8);
      out->as.bye.rescuer_nonce = part(8);
      out->as.bye.reason = any8();
      break;
    default:
      out->as.beacon.node_id = part(8);
      out->as.beacon.boot_nonce = part(8);
      out->as.beacon.flags = any8();
      break;
  }
  return (mayday_fault)Frama_C_interval(MAYDAY_FAULT_NONE, MAYDAY_FAULT_MALFORMED);
}

#endif
