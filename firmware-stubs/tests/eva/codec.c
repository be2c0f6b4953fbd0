/* The Reed-Solomon code and the sync word of the second form: any three bytes behind a marker; any codeword that can mend one byte or
 * 16, the shortest and the longest, mended and made again what it was; the shortest and the longest frame, made byte by byte. The
 * memory ends where the bytes do. */
#include "any.h"

#include "fec/coded.h"
#include "fec/golay.h"

static uint8_t codeword[MAYDAY_CODEWORD_MAX], changes[MAYDAY_PARITY_MAX], frame[MAYDAY_CODED_FRAME_MAX];

static void mend(unsigned parity, unsigned length) {
  uint8_t *from = codeword + sizeof codeword - length, *told = changes + sizeof changes - parity;
  make_any(codeword, sizeof codeword);
  if (mayday_mend(from, (uint8_t)length, (uint8_t)parity, told) == MAYDAY_UNMENDED) return;
  memcpy(from + length - parity, told, parity);
  mayday_unmend(from, (uint8_t)length, (uint8_t)parity);
}

static void make(size_t length) {
  mayday_coder coder;
  uint8_t byte;
  mayday_coder_begin(&coder, frame + sizeof frame - length, length, MAYDAY_CONTROL_MENDABLE);
  //@ widen_hints coder.from, 16;
  while (mayday_coder_next(&coder, &byte)) (void)byte;
}

int main(void) {
  uint8_t name[3];
  mayday_coded coded;
  make_any(frame, sizeof frame);
  make_any(name, sizeof name);
  if (mayday_coded_read(name, &coded)) {
    //@ assert 1 <= coded.mendable <= MAYDAY_MENDABLE_MAX;
    //@ assert MAYDAY_CONTENT_MIN <= coded.content <= MAYDAY_CONTENT_MAX;
    (void)mayday_coded_length(&coded);
  }
  for (size_t length = 0; length <= 4; length++) mayday_may_be_marker(frame + sizeof frame - length, length);
  //@ loop unroll MAYDAY_MENDABLE_MAX;
  for (unsigned mendable = 1; mendable <= MAYDAY_MENDABLE_MAX; mendable++) {
    mend(2u * mendable, 2u * mendable + 1u);
    mend(2u * mendable, MAYDAY_CODEWORD_MAX);
  }
  make(1);
  make(MAYDAY_CODED_FRAME_MAX);
  return 0;
}
