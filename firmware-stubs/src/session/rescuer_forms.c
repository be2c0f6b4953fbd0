/* The forms in which a rescuer sends (PROTOCOL.md 2.5). */
#include "session/rescuer_parts.h"

#if MAYDAY_WITH_FEC

void mayday_rescuer_init_forms(mayday_rescuer *rescuer) {
  mayday_forms_init(&rescuer->forms, rescuer->line->send_frame == NULL);
  mayday_hunter_init(&rescuer->hunter, rescuer->held, sizeof rescuer->held);
  mayday_form_sizer_init(&rescuer->form_sizer);
}

size_t mayday_rescuer_put_forms(mayday_rescuer *rescuer, mayday_frame_kind kind, size_t length) {
  return mayday_forms_put(&rescuer->forms, kind, rescuer->message, length);
}

/* Short frames in COBS are lost too often, there or back. */
static bool is_bad(const mayday_rescuer *rescuer) {
  const mayday_damage *damage = &rescuer->form_sizer.damage;
  if (!mayday_forms_both(&rescuer->forms)) return false;
  return mayday_forms_hears_badly(&rescuer->forms) || (damage->has_evidence && damage->wrong > UINT32_MAX / MAYDAY_BAD_ONE_IN);
}

uint8_t mayday_rescuer_form(mayday_rescuer *rescuer, mayday_frame_kind kind) {
  return mayday_forms_choose(&rescuer->forms, kind, is_bad(rescuer)) == MAYDAY_FORM_COBS ? 0u : MAYDAY_CONTROL_MENDABLE;
}

bool mayday_rescuer_begin_coded(mayday_rescuer *rescuer, const uint8_t *frame, size_t length, uint8_t mendable) {
  if (!rescuer->forms.is_hunting || length > MAYDAY_CODED_FRAME_MAX) return false;
  if (mendable == 0) {
    if (!mayday_forms_both(&rescuer->forms) || !mayday_holds_marker(frame, length)) return false;
    mendable = 1;
  }
  mayday_outgoing_begin_coded(&rescuer->out, frame, length, mendable);
  return true;
}

void mayday_rescuer_begin_forms(mayday_rescuer *rescuer, uint16_t payload_max) {
  const mayday_forms *forms = &rescuer->forms;
  if (!mayday_forms_both(forms)) return;
  if (mayday_forms_hears_badly(forms) && mayday_forms_has_mended(forms))
    mayday_damage_hint(&rescuer->form_sizer.damage, mayday_forms_wrong_rate(forms));
  const uint32_t wire_max = rescuer->rtt.bytes_per_s * (MAYDAY_FRAME_TIME_MAX_MS / 1000u);
  mayday_sender_use_forms(&rescuer->sender, &rescuer->form_sizer, payload_max, wire_max);
}

#endif
