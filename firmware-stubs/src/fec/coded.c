#include "fec/coded.h"

#include "fec/golay.h"

static const uint8_t marker[4] = {
    MAYDAY_SYNC_MARKER >> 24, MAYDAY_SYNC_MARKER >> 16 & 0xffu, MAYDAY_SYNC_MARKER >> 8 & 0xffu, MAYDAY_SYNC_MARKER & 0xffu};

/* Wrong bits with which a first byte may be that of a marker; a delimiter has more. */
#define FIRST_TOLERANCE 2u

mayday_coded mayday_coded_for(size_t length, uint8_t mendable) {
  mayday_coded coded;
  size_t least = length + 1u;
  coded.mendable = mendable;
  if (least < MAYDAY_CONTENT_MIN) least = MAYDAY_CONTENT_MIN;
  coded.content = (uint16_t)((least + MAYDAY_CONTENT_STEP - 1u - MAYDAY_CONTENT_MIN) / MAYDAY_CONTENT_STEP * MAYDAY_CONTENT_STEP + MAYDAY_CONTENT_MIN);
  return coded;
}

bool mayday_coded_read(const uint8_t name[3], mayday_coded *out) {
  const uint16_t data = mayday_golay_decode((uint32_t)name[0] << 16 | (uint32_t)name[1] << 8 | name[2]);
  if (data == MAYDAY_NO_WORD) return false;
  out->mendable = (uint8_t)((data >> 8) + 1u);
  out->content = (uint16_t)(MAYDAY_CONTENT_MIN + MAYDAY_CONTENT_STEP * (data & 0xffu));
  return true;
}

uint8_t mayday_coded_count(const mayday_coded *coded) {
  const uint16_t most = (uint16_t)(MAYDAY_CODEWORD_MAX - 2u * coded->mendable);
  return (uint8_t)((coded->content + most - 1u) / most);
}

uint8_t mayday_coded_part(const mayday_coded *coded, uint8_t index) {
  const uint8_t count = mayday_coded_count(coded);
  return (uint8_t)(coded->content / count + (index < coded->content % count ? 1u : 0u));
}

uint16_t mayday_coded_length(const mayday_coded *coded) {
  return (uint16_t)(MAYDAY_SYNC_LENGTH + coded->content + 2u * coded->mendable * mayday_coded_count(coded));
}

bool mayday_may_be_marker(const uint8_t *bytes, size_t length) {
  unsigned wrong = 0;
  for (size_t i = 0; i < sizeof marker && i < length; i++) {
    wrong += mayday_bit_count(bytes[i] ^ (uint32_t)marker[i]);
    if (wrong > (i == 0 ? FIRST_TOLERANCE : MAYDAY_SYNC_TOLERANCE)) return false;
  }
  return true;
}

void mayday_coder_begin(mayday_coder *coder, const uint8_t *frame, size_t length, uint8_t mendable) {
  coder->frame = frame;
  coder->length = (uint16_t)length;
  coder->at = 0;
  coder->head = 0;
  coder->codeword = 0;
  coder->from = 0;
  coder->coded = mayday_coded_for(length, mendable);
  coder->left = mayday_coded_part(&coder->coded, 0);
  const unsigned steps = (unsigned)(coder->coded.content - MAYDAY_CONTENT_MIN) / MAYDAY_CONTENT_STEP;
  const uint32_t name = mayday_golay_encode((uint16_t)((mendable - 1u) << 8 | steps));
  for (unsigned i = 0; i < sizeof marker; i++) coder->sync[i] = marker[i];
  coder->sync[4] = (uint8_t)(name >> 16);
  coder->sync[5] = (uint8_t)(name >> 8 & 0xffu);
  coder->sync[6] = (uint8_t)(name & 0xffu);
  mayday_parity_init(&coder->parity, (uint8_t)(2u * mendable));
}

bool mayday_coder_next(mayday_coder *coder, uint8_t *byte) {
  if (coder->head < MAYDAY_SYNC_LENGTH) {
    *byte = coder->sync[coder->head++];
    return true;
  }
  if (coder->left == 0 && coder->from == coder->parity.count) {
    coder->left = ++coder->codeword < mayday_coded_count(&coder->coded) ? mayday_coded_part(&coder->coded, coder->codeword) : 0;
    if (coder->left == 0) {
      /* Nothing is left: it stays so. */
      coder->codeword--;
      return false;
    }
    coder->from = 0;
    mayday_parity_clear(&coder->parity);
  }
  if (coder->left == 0) {
    *byte = coder->parity.bytes[coder->from++];
    return true;
  }
  *byte = coder->at < coder->length ? coder->frame[coder->at] : (uint8_t)(coder->coded.content - coder->length);
  coder->at++;
  coder->left--;
  mayday_parity_feed(&coder->parity, *byte);
  return true;
}
