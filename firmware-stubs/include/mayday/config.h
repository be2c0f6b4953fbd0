/* What a build contains, and how large its fixed buffers are. Each can be given on the compiler's command line, or in a
 * header that MAYDAY_CONFIG_HEADER names. */
#ifndef MAYDAY_CONFIG_H
#define MAYDAY_CONFIG_H

#ifdef MAYDAY_CONFIG_HEADER
#include MAYDAY_CONFIG_HEADER
#endif

/* Layout `ab`: two slots, one of which keeps what boots (PROTOCOL.md 13.1). */
#ifndef MAYDAY_WITH_AB
#define MAYDAY_WITH_AB 1
#endif

/* Images that failed to confirm three times are taken later (13.4). Without it a board takes them like others, and its boot
 * record does not count how often they failed. */
#ifndef MAYDAY_WITH_QUARANTINE
#define MAYDAY_WITH_QUARANTINE 1
#endif

/* Manifests in the sectors of the boot record, for flash with few large sectors (13.3, `record`). */
#ifndef MAYDAY_WITH_RECORD_MANIFESTS
#define MAYDAY_WITH_RECORD_MANIFESTS 1
#endif

/* A secret of both ends of a link (14). Each start writes an entry of the boot record then. */
#ifndef MAYDAY_WITH_LINK_KEY
#define MAYDAY_WITH_LINK_KEY 0
#endif

/* The second form of frames, with Reed-Solomon parity, which mends wrong bytes on bad lines (2.5). It costs
 * a target about 4.2 KB of code, and RAM: MAYDAY_CODED_ROOM of its payload and 40 bytes more. A link has it where `mayday_memory.held` is
 * given. */
#ifndef MAYDAY_WITH_FEC
#define MAYDAY_WITH_FEC 0
#endif

/* SHA-256 in software. Without it `mayday_port.hash` has to be given. */
#ifndef MAYDAY_WITH_SHA256
#define MAYDAY_WITH_SHA256 1
#endif

/* Largest write unit of the flash, in bytes (13.1): an entry of the boot record fills up whole units. */
#ifndef MAYDAY_WRITE_UNIT_MAX
#define MAYDAY_WRITE_UNIT_MAX 256
#endif

/* Bits of a sector's number, 16 or 32: 32 is for flash of 65,535 sectors or more, and takes 100 bytes of RAM more. */
#ifndef MAYDAY_SECTOR_BITS
#define MAYDAY_SECTOR_BITS 16
#endif

/* Levels of a hash tree that a target walks down, 1 to 20: a slot has up to 2^levels KiB, the smallest blocks. Each four levels take
 * 40 bytes of RAM. */
#ifndef MAYDAY_TREE_LEVELS_MAX
#define MAYDAY_TREE_LEVELS_MAX 20
#endif

/* Most blocks that a target keeps unfinished; how many they are in fact depends on the memory that it is given.
 * Each takes 8 bytes more. */
#ifndef MAYDAY_OPEN_BLOCKS_MAX
#define MAYDAY_OPEN_BLOCKS_MAX 16
#endif

/* Offers that a target with a link key remembers as spent; when there are more, it calls under another boot nonce (14.3). */
#ifndef MAYDAY_SPENT_OFFERS_MAX
#define MAYDAY_SPENT_OFFERS_MAX 4
#endif

/* Bytes that wait for the UART. The longest message of a target takes 96 (PROTOCOL.md 5), 114 with a link key; with
 * MAYDAY_WITH_FEC a call and its copy take 168. */
#ifndef MAYDAY_TX_BYTES
#define MAYDAY_TX_BYTES 192
#endif

#if MAYDAY_WRITE_UNIT_MAX < 1 || MAYDAY_WRITE_UNIT_MAX > 256 || (MAYDAY_WRITE_UNIT_MAX & (MAYDAY_WRITE_UNIT_MAX - 1)) != 0
#error "MAYDAY_WRITE_UNIT_MAX has to be a power of two from 1 to 256"
#endif
#if MAYDAY_SECTOR_BITS != 16 && MAYDAY_SECTOR_BITS != 32
#error "MAYDAY_SECTOR_BITS has to be 16 or 32"
#endif
#if MAYDAY_TREE_LEVELS_MAX < 1 || MAYDAY_TREE_LEVELS_MAX > 20
#error "MAYDAY_TREE_LEVELS_MAX has to be 1 to 20"
#endif
#if MAYDAY_OPEN_BLOCKS_MAX < 1 || MAYDAY_OPEN_BLOCKS_MAX > 64
#error "MAYDAY_OPEN_BLOCKS_MAX has to be 1 to 64"
#endif
#if MAYDAY_SPENT_OFFERS_MAX < 1 || MAYDAY_SPENT_OFFERS_MAX > 255
#error "MAYDAY_SPENT_OFFERS_MAX has to be 1 to 255"
#endif
#if MAYDAY_TX_BYTES < 128
#error "MAYDAY_TX_BYTES has to be 128 at least"
#endif
#if MAYDAY_WITH_FEC && MAYDAY_TX_BYTES < 192
#error "MAYDAY_TX_BYTES has to be 192 at least with MAYDAY_WITH_FEC"
#endif

#if MAYDAY_WITH_AB
#define MAYDAY_SLOTS_MAX 2
#else
#define MAYDAY_SLOTS_MAX 1
#endif

#endif
