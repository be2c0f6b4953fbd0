#include "link/mute.h"

#include "mayday/constants.h"

#include <string.h>

#define ACK_BYTES 25u

void mayday_mute_init(mayday_mute *mute, mayday_time now) {
  memset(mute, 0, sizeof *mute);
  mute->is_mute = true;
  mute->byte_at = now;
  mute->foreign_at = MAYDAY_NEVER;
  mute->text_at = MAYDAY_NEVER;
}

void mayday_mute_byte(mayday_mute *mute, mayday_time now) {
  mute->byte_at = now;
}

void mayday_mute_frame(mayday_mute *mute, mayday_time now) {
  mute->is_mute = false;
  mute->heard_at = now;
  mute->byte_at = now;
  mute->foreign_at = MAYDAY_NEVER;
  mute->text_at = MAYDAY_NEVER;
  mute->sent_before = mute->sent;
  mute->sent = 0;
}

void mayday_mute_foreign(mayday_mute *mute, mayday_time now, bool is_text) {
  if (mute->foreign_at == MAYDAY_NEVER) mute->foreign_at = now;
  if (is_text && mute->text_at == MAYDAY_NEVER) mute->text_at = now;
}

void mayday_mute_sent(mayday_mute *mute, uint16_t bytes) {
  if (bytes > mute->sent) mute->sent = bytes;
}

static bool is_over(mayday_time since, uint32_t ms, mayday_time now) {
  return since != MAYDAY_NEVER && now >= since + ms;
}

bool mayday_mute_check(mayday_mute *mute, const mayday_rtt *line, mayday_time now) {
  uint32_t acks = mayday_line_ms(line, MAYDAY_FOREIGN_ACKS * ACK_BYTES);
  uint32_t silent = acks + mayday_line_ms(line, mute->sent > mute->sent_before ? mute->sent : mute->sent_before);
  mayday_time text_at = mute->text_at;
  if (mute->is_mute) return false;
  if (text_at != MAYDAY_NEVER && text_at < mute->heard_at) text_at = mute->heard_at;
  if (silent < MAYDAY_SILENT_MS) silent = MAYDAY_SILENT_MS;
  if (acks < MAYDAY_FOREIGN_MS) acks = MAYDAY_FOREIGN_MS;
  mute->is_mute = is_over(mute->byte_at, silent, now) || is_over(mute->foreign_at, acks, now) ||
                  is_over(text_at, MAYDAY_TEXT_MS, now);
  return mute->is_mute;
}
