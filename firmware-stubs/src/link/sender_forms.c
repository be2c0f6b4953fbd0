#include "base/bytes.h"
#include "link/sender.h"

#if MAYDAY_WITH_FEC
void mayday_sender_use_forms(mayday_sender *sender, mayday_form_sizer *forms, uint16_t payload_max, uint32_t wire_max) {
  sender->forms = forms;
  mayday_form_sizer_limit(forms, payload_max, wire_max);
}

void mayday_sender_mended(mayday_sender *sender, uint16_t mended) {
  uint32_t wrong = (uint16_t)(mended - sender->mended);
  sender->mended = mended;
  if (sender->forms == NULL || sender->arrived == 0) return;
  mayday_form_sizer_mended(sender->forms, sender->arrived, (uint16_t)mayday_least32(wrong, sender->arrived));
  sender->arrived = 0;
}
#endif
