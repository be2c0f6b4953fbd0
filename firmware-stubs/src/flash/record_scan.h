/* Reads one sector of the boot record (PROTOCOL.md 13.2.1). */
#ifndef MAYDAY_FLASH_RECORD_SCAN_H
#define MAYDAY_FLASH_RECORD_SCAN_H

#include "mayday/board.h"

typedef struct mayday_scan {
  bool counts;   /* header and whole snapshot are there */
  bool has_any;  /* some right entry */
  bool has_seal;
  bool is_blank; /* all of it, manifests included */
  bool is_torn;  /* some entry is neither blank nor right, or a digest entry stands alone */
  uint32_t header, last, seal; /* sequence numbers: of the header, the latest of all, the latest of seals */
  uint32_t end;  /* offset behind the last entry that is not blank */
} mayday_scan;

/* Each byte is read once, so that bits that read otherwise each time give one answer. `state` may be NULL; it is that of the
 * sector if this counts. */
void mayday_scan_sector(const mayday_board *board, uint8_t sector, mayday_scan *scan, mayday_record_state *state);

/* Whether sequence number `a` is later than `b` (RFC 1982). */
bool mayday_is_later(uint32_t a, uint32_t b);

/* Which sector holds: 0, 1, or -1 for neither. */
int8_t mayday_scan_elect(const mayday_scan *first, const mayday_scan *second);

#endif
